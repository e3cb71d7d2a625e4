#include <criterion/criterion.h>
#include <time.h>

#include "hayauma/shape/release.h"

enum { MIN_MS = 60000 };

/* Monday 2026-11-23, minutes after midnight UTC. */
static hy_wall_ms at(int minute)
{
    return 1795392000000 + (hy_wall_ms)minute * MIN_MS;
}

Test(release, is_over_a_quarter_of_an_hour_behind_the_opening_for_those_that_waited)
{
    static const struct {
        const char *name, *hours;
        int since, now, most, want; /* minutes; want 0: none is under way */
    } cases[] = {
        {"at the opening", "09:00-18:00", 480, 540, 15, 555},
        {"begun anew within it", "09:00-18:00", 480, 550, 15, 555},
        {"when it is over", "09:00-18:00", 480, 555, 15, 0},
        {"long open", "09:00-18:00", 480, 720, 15, 0},
        {"started since", "09:00-18:00", 545, 550, 15, 0},
        {"started at the opening", "09:00-18:00", 540, 540, 15, 0},
        {"of yesterday", "09:00-18:00", -600, 541, 15, 555},
        {"a quarter of short hours", "09:00-09:20", 480, 542, 15, 545},
        {"after a pause", "09:00-12:00,13:00-18:00", 480, 785, 15, 795},
        {"after a pause shorter than the release", "09:00-12:00,12:30-18:00", 480, 755, 60, 810},
        {"not before the pause", "09:00-12:00,12:30-18:00", 480, 719, 60, 0},
        {"none is wanted", "09:00-18:00", 480, 540, 0, 0},
        {"always", "always", 480, 540, 15, 0},
    };
    struct hy_zone *z = NULL;
    cr_assert_eq(hy_zone_find(HY_STR("UTC"), &z), HY_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_hours h;
        cr_assert_eq(hy_hours_parse(hy_str_of(cases[i].hours), &h, NULL), HY_OK);
        hy_wall_ms got = hy_release_until(&h, z, at(cases[i].since), at(cases[i].now),
                                          (hy_wall_ms)cases[i].most * MIN_MS);
        hy_wall_ms want = cases[i].want ? at(cases[i].want) : 0;
        cr_expect_eq(got, want, "%s: got minute %d, want %d", cases[i].name,
                     got ? (int)((got - at(0)) / MIN_MS) : 0, cases[i].want);
    }
    hy_zone_free(z);
}

Test(release, lets_all_go_in_its_time_and_never_faster_than_the_speed)
{
    static const struct {
        uint64_t pending;
        hy_us left;
        struct hy_rate speed, want;
    } cases[] = {
        {900000, 900 * HY_US_PER_SEC, {0, 0}, {900000, 900 * HY_US_PER_SEC}},
        {900000, 900 * HY_US_PER_SEC, {20000, 3600 * HY_US_PER_SEC}, {20000, 3600 * HY_US_PER_SEC}},
        {900000, 900 * HY_US_PER_SEC, {2000, HY_US_PER_SEC}, {900000, 900 * HY_US_PER_SEC}},
        {50, 900 * HY_US_PER_SEC, {0, 0}, {HY_RELEASE_LEAST, HY_US_PER_SEC}},
        {50, 900 * HY_US_PER_SEC, {1, HY_US_PER_SEC}, {1, HY_US_PER_SEC}},
        {0, 900 * HY_US_PER_SEC, {0, 0}, {HY_RELEASE_LEAST, HY_US_PER_SEC}},
        {1ULL << 40, 1, {0, 0}, {UINT32_MAX, 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_rate got = hy_release_rate(cases[i].pending, cases[i].left, cases[i].speed);
        cr_expect(got.count == cases[i].want.count && got.period_us == cases[i].want.period_us,
                  "case %zu: got %u in %lld us", i, got.count, (long long)got.period_us);
    }
}
