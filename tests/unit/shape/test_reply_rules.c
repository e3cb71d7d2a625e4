#include <criterion/criterion.h>
#include <string.h>

#include "hayauma/shape/reply_rules.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct hy_outcome reply(uint16_t code, struct hy_str text)
{
    return (struct hy_outcome){
        .kind = HY_OUTCOME_DEFERRED, .code = code, .from_server = true, .text = text};
}

Test(reply_rules, the_first_pattern_found_in_the_reply_decides)
{
    static const struct hy_reply_rule rules[] = {
        {"^421 4\\.7\\.0 \\[TSS04\\]", HY_REPLY_SUSPEND, 7200000000, 0, "s.yaml", 3},
        {"too many (connections|sessions)", HY_REPLY_SLOW, 60000000, 0, "s.yaml", 4},
        {"^4\\d\\d .*quota", HY_REPLY_NOTHING, 0, 0, "s.yaml", 5},
        {"quota", HY_REPLY_BOUNCE, 0, 0, "s.yaml", 6},
        {"(?-i)BLOCKED", HY_REPLY_DEFER, 0, 0, "s.yaml", 7},
        {"\xe6\x8b\x92\xe5\x90\xa6", HY_REPLY_BOUNCE, 0, 0, "s.yaml", 8},
    };
    static const struct {
        uint16_t code;
        const char *text;
        uint32_t line; /* 0: none */
    } cases[] = {
        {421, "4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", 3},
        {421, "4.7.1 [TSS04] Messages", 0},
        {450, "4.7.0 [TSS04] Messages", 0},
        {421, "Too Many Connections", 4},
        {421, "4.3.2 first line / second line: too many sessions", 4},
        {452, "4.2.2 over quota", 5},
        {552, "5.2.2 over quota", 6},
        {550, "BLOCKED", 7},
        {550, "blocked", 0},
        {550, "\xe6\x8b\x92\xe5\x90\xa6", 8},
        {550, "\xff\xfe not UTF-8, over QUOTA", 6},
        {550, "", 0},
    };
    struct hy_reply_rules *set;
    struct hy_diag diag = {""};
    cr_assert_eq(hy_reply_rules_new(&set), HY_OK);
    for (size_t i = 0; i < COUNT(rules); i++)
        cr_assert_eq(hy_reply_rules_add(set, &rules[i], &diag), HY_OK, "%s", diag.text);
    cr_expect_eq(hy_reply_rules_count(set), COUNT(rules));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hy_outcome o = reply(cases[i].code, hy_str_of(cases[i].text));
        const struct hy_reply_rule *r = hy_reply_rules_match(set, &o);
        cr_expect_eq(r ? r->line : 0, cases[i].line, "%s: got line %u", cases[i].text,
                     r ? r->line : 0);
    }
    struct hy_outcome own = reply(421, HY_STR("too many connections"));
    own.from_server = false;
    cr_expect_null(hy_reply_rules_match(set, &own), "words of our own are no reply");
    hy_reply_rules_free(set);
    cr_expect_null(hy_reply_rules_match(NULL, &own));
}

Test(reply_rules, what_is_no_pattern_is_refused_with_the_place_in_it)
{
    static char deep[201], nested[81];
    memset(deep, 'a', 200);
    memset(nested, '(', 40);
    memset(nested + 40, ')', 40);
    static char huge[HY_REPLY_PATTERN_MAX + 2];
    memset(huge, 'a', HY_REPLY_PATTERN_MAX + 1);
    const struct {
        const char *pattern, *want;
        int err;
    } cases[] = {
        {"421 (unclosed", "is no regular expression: missing closing parenthesis (at character 14)",
         HY_EPARSE},
        {"[a-",
         "is no regular expression: missing terminating ] for character class (at character 4)",
         HY_EPARSE},
        {"a\\Cb",
         "is no regular expression: using \\C is disabled by the application (at character 4)",
         HY_EPARSE},
        {nested, "is no regular expression: parentheses are too deeply nested (at character 34)",
         HY_EPARSE},
        {huge, NULL, HY_EPARSE},
        {".*", "matches every reply, even an empty one", HY_EINVAL},
        {"(busy)?", "matches every reply, even an empty one", HY_EINVAL},
        {deep, "", HY_OK},
    };
    struct hy_reply_rules *set;
    cr_assert_eq(hy_reply_rules_new(&set), HY_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hy_reply_rule r = {.pattern = cases[i].pattern, .action = HY_REPLY_BOUNCE};
        struct hy_diag diag = {""};
        cr_expect_eq(hy_reply_rules_add(set, &r, &diag), cases[i].err, "%zu: %s", i, diag.text);
        if (cases[i].want)
            cr_expect_str_eq(diag.text, cases[i].want);
    }
    hy_reply_rules_free(set);
}

Test(reply_rules, a_pattern_that_runs_wild_ends_and_the_next_is_asked)
{
    static const struct hy_reply_rule rules[] = {
        {"^450 (a+)+(a+)+(a+)+$", HY_REPLY_BOUNCE, 0, 0, "s.yaml", 1},
        {"end!", HY_REPLY_DEFER, 0, 0, "s.yaml", 2},
    };
    char text[HY_OUTCOME_TEXT_MAX];
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 4, "end!", 4);
    struct hy_reply_rules *set;
    struct hy_diag diag;
    cr_assert_eq(hy_reply_rules_new(&set), HY_OK);
    for (size_t i = 0; i < COUNT(rules); i++)
        cr_assert_eq(hy_reply_rules_add(set, &rules[i], &diag), HY_OK);
    struct hy_outcome o = reply(450, hy_str_make(text, sizeof text));
    const struct hy_reply_rule *r = hy_reply_rules_match(set, &o);
    cr_assert_not_null(r);
    cr_expect_eq(r->line, 2u);
    hy_reply_rules_free(set);
}

Test(reply_rules, a_set_has_a_limit)
{
    struct hy_reply_rule r = {.pattern = "a", .action = HY_REPLY_BOUNCE};
    struct hy_reply_rules *set;
    struct hy_diag diag;
    cr_assert_eq(hy_reply_rules_new(&set), HY_OK);
    for (size_t i = 0; i < HY_REPLY_RULES_MAX; i++)
        cr_assert_eq(hy_reply_rules_add(set, &r, &diag), HY_OK);
    cr_expect_eq(hy_reply_rules_add(set, &r, &diag), HY_ELIMIT);
    hy_reply_rules_free(set);
}
