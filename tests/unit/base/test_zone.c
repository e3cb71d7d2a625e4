#include <criterion/criterion.h>

#include "hayauma/base/zone.h"

Test(zone, knows_offsets_and_changes_of_the_clock)
{
    static const struct {
        const char *name;
        hy_wall_ms at;
        int32_t want;
    } cases[] = {
        {"UTC", 1795305600000, 0},
        {"Asia/Tokyo", 1795305600000, 9 * 3600},
        {"Asia/Kolkata", 1795305600000, 5 * 3600 + 1800},
        {"America/New_York", 1772953199999, -5 * 3600}, /* 2026-03-08 06:59:59.999 UTC */
        {"America/New_York", 1772953200000, -4 * 3600},
        {"Etc/GMT+9", 0, -9 * 3600},
        {"Asia/Tokyo", -1, 9 * 3600},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_zone *z = NULL;
        cr_assert_eq(hy_zone_find(hy_str_of(cases[i].name), &z), HY_OK, "%s", cases[i].name);
        int32_t got = hy_zone_offset_s(z, cases[i].at);
        cr_expect_eq(got, cases[i].want, "%s: got %d, want %d", cases[i].name, got, cases[i].want);
        cr_expect_str_eq(hy_zone_name(z), cases[i].name);
        hy_zone_free(z);
    }
}

Test(zone, refuses_what_is_no_name_before_it_becomes_a_path)
{
    static const struct {
        const char *name;
        int want;
    } cases[] = {
        {"", HY_EINVAL},
        {"/etc/passwd", HY_EINVAL},
        {"../../../etc/passwd", HY_EINVAL},
        {"Asia/../Asia/Tokyo", HY_EINVAL},
        {"Asia//Tokyo", HY_EINVAL},
        {"Asia/", HY_EINVAL},
        {"+09:00", HY_EINVAL},
        {"Asia/Tok yo", HY_EINVAL},
        {"Asia/T\xc5\x8dky\xc5\x8d", HY_EINVAL},
        {"A234567890123456789012345678901234567890123456789012345678901234x", HY_EINVAL},
        {"Asia/Edo", HY_ENOTFOUND},
        {"Asia", HY_ENOTFOUND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_zone *z = NULL;
        int got = hy_zone_find(hy_str_of(cases[i].name), &z);
        cr_expect_eq(got, cases[i].want, "%s: %s", cases[i].name, hy_err_name(got));
        cr_expect_null(z);
    }
}

Test(zone, times_are_read_as_shops_write_them)
{
    static const struct {
        const char *text, *want; /* NULL: it is none */
    } cases[] = {
        {"2026-11-22T09:00:00+09:00", "2026-11-22T00:00:00.000Z"},
        {"2026-11-22 09:00:00 +0900", "2026-11-22T00:00:00.000Z"},
        {"2026-11-22T00:00:00.5Z", "2026-11-22T00:00:00.500Z"},
        {"2026-11-22 09:00:00", "2026-11-22T00:00:00.000Z"},
        {"2026/11/2 9:05", "2026-11-02T00:05:00.000Z"},
        {"2026.11.22", "2026-11-21T15:00:00.000Z"},
        {"20261122", "2026-11-21T15:00:00.000Z"},
        {" 2026-11-22 ", "2026-11-21T15:00:00.000Z"},
        {"2026-11", NULL},
        {"2026-13-01", NULL},
        {"2026-02-30", NULL},
        {"2026-11-22 25:00", NULL},
        {"2026-11-22 9", NULL},
        {"22/11/2026", NULL},
        {"2026-11-22 09:00 tomorrow", NULL},
        {"2026/11-22", NULL},
        {"", NULL},
    };
    struct hy_zone *z = NULL;
    cr_assert_eq(hy_zone_find(HY_STR("Asia/Tokyo"), &z), HY_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hy_wall_ms at = 0;
        char text[32];
        int err = hy_zone_read_time(z, hy_str_of(cases[i].text), &at);
        cr_expect_eq(err == HY_OK, cases[i].want != NULL, "%s", cases[i].text);
        if (err == HY_OK && cases[i].want)
            cr_expect_str_eq(hy_wall_format(at, text), cases[i].want, "%s", cases[i].text);
    }
    hy_zone_free(z);
}
