#include <criterion/criterion.h>

#include "hayauma/model/attr_type.h"

Test(attr_type, values_are_kept_in_one_form_of_their_type)
{
    static const struct {
        enum hy_attr_type type;
        const char *in, *want; /* NULL: refused */
    } cases[] = {
        {HY_ATTR_TEXT, " as it is ", " as it is "},
        {HY_ATTR_NUMBER, "7", "7"},
        {HY_ATTR_NUMBER, " +007.50 ", "7.50"},
        {HY_ATTR_NUMBER, "-0.5", "-0.5"},
        {HY_ATTR_NUMBER, "999999999999999.123456789012345", "999999999999999.123456789012345"},
        {HY_ATTR_NUMBER, "1000000000000000", NULL},
        {HY_ATTR_NUMBER, "", NULL},
        {HY_ATTR_NUMBER, "-", NULL},
        {HY_ATTR_NUMBER, "1.", NULL},
        {HY_ATTR_NUMBER, ".5", NULL},
        {HY_ATTR_NUMBER, "1e5", NULL},
        {HY_ATTR_NUMBER, "1,000", NULL},
        {HY_ATTR_NUMBER, "0x10", NULL},
        {HY_ATTR_NUMBER, "nan", NULL},
        {HY_ATTR_BOOL, "YES", "true"},
        {HY_ATTR_BOOL, "はい", "true"},
        {HY_ATTR_BOOL, "いいえ", "false"},
        {HY_ATTR_BOOL, "0", "false"},
        {HY_ATTR_BOOL, "2", NULL},
        {HY_ATTR_DATE, "2026-11-22", "2026-11-22"},
        {HY_ATTR_DATE, "2026/1/2", "2026-01-02"},
        {HY_ATTR_DATE, "2026年1月2日", "2026-01-02"},
        {HY_ATTR_DATE, "2024-02-29", "2024-02-29"},
        {HY_ATTR_DATE, "2026-02-29", NULL},
        {HY_ATTR_DATE, "2026-13-01", NULL},
        {HY_ATTR_DATE, "22.11.2026", NULL},
        {HY_ATTR_DATE, "2026-11-22x", NULL},
        {HY_ATTR_DATE, "2026-11/22", NULL},
        {HY_ATTR_DATE, "26-11-22", NULL},
        {HY_ATTR_MOMENT, "2026-11-22T10:30:00+09:00", "2026-11-22T01:30:00.000Z"},
        {HY_ATTR_MOMENT, "2026-11-22T10:30Z", "2026-11-22T10:30:00.000Z"},
        {HY_ATTR_MOMENT, "2026-11-22 10:30", NULL},
        {HY_ATTR_MOMENT, "2026-02-30T00:00Z", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char room[HY_ATTR_TYPED_MAX];
        struct hy_str got = {0};
        int err = hy_attr_type_read(cases[i].type, hy_str_of(cases[i].in), room, &got);
        if (!cases[i].want) {
            cr_expect_eq(err, HY_EPARSE, "%s", cases[i].in);
            continue;
        }
        cr_expect_eq(err, HY_OK, "%s", cases[i].in);
        cr_expect(hy_str_eq(got, hy_str_of(cases[i].want)), "got %.*s, want %s", HY_STR_ARG(got),
                  cases[i].want);
    }
}
