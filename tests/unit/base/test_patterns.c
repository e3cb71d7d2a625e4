#include <criterion/criterion.h>

#include "hayauma/base/patterns.h"

static struct hy_patterns *set_of(bool is_bytes, size_t n_max)
{
    const struct hy_patterns_limits limits = {
        .n_max = n_max, .pattern_max = 40, .is_bytes = is_bytes};
    struct hy_patterns *set;
    cr_assert_eq(hy_patterns_new(&limits, &set), HY_OK);
    return set;
}

Test(patterns, the_first_that_is_found_decides_in_either_case)
{
    for (int is_bytes = 0; is_bytes < 2; is_bytes++) {
        struct hy_patterns *set = set_of(is_bytes, 8);
        cr_assert_eq(hy_patterns_add(set, "full", NULL), HY_OK);
        cr_assert_eq(hy_patterns_add(set, "mailbox (full|gone)", NULL), HY_OK);
        cr_assert_eq(hy_patterns_add(set, "宛先.*不明", NULL), HY_OK);
        cr_assert_eq(hy_patterns_count(set), 3);
        cr_expect_eq(hy_patterns_find(set, HY_STR("Mailbox FULL")), 0);
        cr_expect_eq(hy_patterns_find(set, HY_STR("mailbox gone")), 1);
        cr_expect_eq(hy_patterns_find(set, HY_STR("宛先が不明です")), 2);
        cr_expect_eq(hy_patterns_find(set, HY_STR("\xff\xfe fine")), SIZE_MAX);
        cr_expect_eq(hy_patterns_find(set, HY_STR("")), SIZE_MAX);
        hy_patterns_free(set);
    }
    cr_assert_eq(hy_patterns_find(NULL, HY_STR("x")), SIZE_MAX);
}

Test(patterns, refuse_what_is_none_or_selects_nothing)
{
    static const struct {
        const char *pattern;
        int err;
    } cases[] = {
        {"(", HY_EPARSE},
        {"a*", HY_EINVAL},
        {"0123456789012345678901234567890123456789!", HY_EPARSE}, /* too long */
        {"(((((((((((((((((((((((((((((((((x", HY_EPARSE},
        {"\\C", HY_EPARSE},
    };
    struct hy_patterns *set = set_of(true, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_diag diag = {0};
        cr_expect_eq(hy_patterns_add(set, cases[i].pattern, &diag), cases[i].err, "%s",
                     cases[i].pattern);
        cr_expect(diag.text[0], "%s: nothing noted", cases[i].pattern);
    }
    cr_assert_eq(hy_patterns_add(set, "x", NULL), HY_OK);
    cr_assert_eq(hy_patterns_add(set, "y", NULL), HY_ELIMIT);
    hy_patterns_free(set);
}

/* Without a limit of steps this one would not end. */
Test(patterns, one_that_needs_too_many_steps_is_not_found)
{
    char text[200];
    memset(text, 'a', sizeof text);
    for (int is_bytes = 0; is_bytes < 2; is_bytes++) {
        struct hy_patterns *set = set_of(is_bytes, 2);
        cr_assert_eq(hy_patterns_add(set, "(a+)+(a+)+(a+)+b$", NULL), HY_OK);
        cr_assert_eq(hy_patterns_find(set, hy_str_make(text, sizeof text)), SIZE_MAX);
        hy_patterns_free(set);
    }
}
