#include <criterion/criterion.h>

#include "hayauma/base/clock.h"

Test(wall, times_are_read_as_people_and_programs_write_them)
{
    static const struct {
        const char *text;
        int err;
        hy_wall_ms want;
    } cases[] = {
        {"1970-01-01T00:00:00Z", HY_OK, 0},
        {"2026-12-01T09:00:00+09:00", HY_OK, 1796083200000},
        {"2026-12-01 09:00+0900", HY_OK, 1796083200000},
        {"2026-12-01t00:00:00z", HY_OK, 1796083200000},
        {"2026-12-01T00:00:00.5Z", HY_OK, 1796083200500},
        {"2026-12-01T00:00:00.123999Z", HY_OK, 1796083200123},
        {"2028-02-29T00:00:00Z", HY_OK, 1835395200000},
        {"2026-02-29T00:00:00Z", HY_EINVAL, 0},
        {"2026-12-01T09:00:00", HY_EPARSE, 0},
        {"2026-12-01", HY_EPARSE, 0},
        {"2026-12-01T09:00:00.Z", HY_EPARSE, 0},
        {"2026-12-01T24:00:00Z", HY_EPARSE, 0},
        {"2026-13-01T00:00:00Z", HY_EPARSE, 0},
        {"1969-12-31T00:00:00Z", HY_EPARSE, 0},
        {"2026-12-01T09:00:00+15:00", HY_EPARSE, 0},
        {"2026-12-01T09:00:00Zx", HY_EPARSE, 0},
        {"", HY_EPARSE, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hy_wall_ms got = -1;
        cr_expect_eq(hy_wall_parse(hy_str_of(cases[i].text), &got), cases[i].err, "%s",
                     cases[i].text);
        cr_expect_eq(got, cases[i].err ? -1 : cases[i].want, "%s: got %lld", cases[i].text,
                     (long long)got);
    }
}

Test(wall, what_is_written_is_read_back)
{
    char text[32];
    hy_wall_ms got = 0, t = 1796083200123;
    cr_assert_eq(hy_wall_parse(hy_str_of(hy_wall_format(t, text)), &got), HY_OK);
    cr_expect_eq(got, t);
}

Test(wall, the_clock_of_another_zone_shows_the_same_moment)
{
    static const struct {
        hy_wall_ms at;
        int32_t offset_s;
        const char *want;
    } cases[] = {
        {1796083200000, 9 * 3600, "2026-12-01T09:00:00+09:00"},
        {1796083200999, 0, "2026-12-01T00:00:00+00:00"},
        {1796083200000, -5 * 3600, "2026-11-30T19:00:00-05:00"},
        {1796083200000, 5 * 3600 + 1800, "2026-12-01T05:30:00+05:30"},
        {1796083200000, -3 * 3600 - 1800, "2026-11-30T20:30:00-03:30"},
        {-1, 0, "1969-12-31T23:59:59+00:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        cr_expect_str_eq(hy_wall_format_at(cases[i].at, cases[i].offset_s, text), cases[i].want,
                         "got %s, want %s", text, cases[i].want);
    }
}
