#include <criterion/criterion.h>

#include "hayauma/base/rand.h"
#include "hayauma/shape/day.h"

#define HOUR ((hy_wall_ms)3600 * 1000)
#define NOON ((hy_wall_ms)1795600800000) /* a full hour */

Test(day, holds_its_limit_in_any_24_hours)
{
    enum { LIMIT = 500 };
    static hy_wall_ms at[20000];
    struct hy_rng rng;
    struct hy_day_count d = {0};
    size_t n = 0;
    hy_rng_seed(&rng, 3);
    hy_wall_ms now = NOON;
    while (now < NOON + 10 * 24 * HOUR && n < sizeof at / sizeof *at) {
        hy_wall_ms wait = hy_day_take(&d, LIMIT, now);
        if (wait == 0) {
            at[n++] = now;
            now += (hy_wall_ms)hy_rng_below(&rng, 60000);
        } else {
            cr_assert(wait > now && wait <= now + 25 * HOUR && wait % HOUR == 0);
            now = wait;
        }
    }
    cr_expect(n > 9 * LIMIT, "it is used: %zu", n);
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        while (at[i] - at[from] >= 24 * HOUR)
            from++;
        cr_assert(i - from < LIMIT, "%zu in 24 hours", i - from + 1);
    }
}

Test(day, says_when_the_next_may_go)
{
    struct hy_day_count d = {0};
    for (int i = 0; i < 3; i++)
        cr_expect_eq(hy_day_take(&d, 5, NOON + 10), 0);
    for (int i = 0; i < 2; i++)
        cr_expect_eq(hy_day_take(&d, 5, NOON + 2 * HOUR), 0);
    cr_expect_eq(hy_day_take(&d, 5, NOON + 3 * HOUR), NOON + 25 * HOUR);
    cr_expect_eq(hy_day_ask(&d, 3, NOON + 3 * HOUR), NOON + 25 * HOUR, "the limit was lowered");
    cr_expect_eq(hy_day_ask(&d, 1, NOON + 3 * HOUR), NOON + 27 * HOUR);
    cr_expect_eq(hy_day_ask(&d, 6, NOON + 3 * HOUR), 0, "and raised");
    cr_expect_eq(hy_day_ask(&d, 0, NOON + 3 * HOUR), 0, "no limit");
    hy_day_give_back(&d);
    cr_expect_eq(hy_day_total(&d, NOON + 3 * HOUR), 5u, "nothing was counted in this hour");
    cr_expect_eq(hy_day_total(&d, NOON + 25 * HOUR), 2u);
    cr_expect_eq(hy_day_take(&d, 5, NOON + 25 * HOUR), 0);
    hy_day_give_back(&d);
    cr_expect_eq(hy_day_total(&d, NOON + 25 * HOUR), 2u);
    cr_expect_eq(hy_day_total(&d, NOON + 500 * HOUR), 0u);
}

Test(day, a_clock_that_goes_back_frees_nothing)
{
    struct hy_day_count d = {0};
    cr_expect_eq(hy_day_take(&d, 2, NOON), 0);
    cr_expect_eq(hy_day_take(&d, 2, NOON - 5 * HOUR), 0);
    cr_expect_eq(hy_day_take(&d, 2, NOON - 30 * HOUR), NOON + 25 * HOUR);
    cr_expect_eq(hy_day_total(&d, NOON), 2u);
}

Test(day, a_clock_that_jumped_far_ahead_and_back_does_not_shut_the_day_for_years)
{
    static const hy_wall_ms ahead[] = {NOON + 49 * HOUR, NOON + 8760 * HOUR, INT64_C(1) << 52};
    for (size_t i = 0; i < sizeof ahead / sizeof *ahead; i++) {
        struct hy_day_count d = {0};
        cr_expect_eq(hy_day_take(&d, 2, ahead[i]), 0);
        cr_expect_eq(hy_day_take(&d, 2, ahead[i]), 0);
        cr_expect_eq(hy_day_take(&d, 2, NOON), NOON + 25 * HOUR, "case %zu: both count as of now",
                     i);
        cr_expect_eq(hy_day_total(&d, NOON), 2u);
        cr_expect_eq(hy_day_take(&d, 2, NOON + 25 * HOUR), 0, "case %zu", i);
    }
}

Test(day, many_at_once_fit_or_wait_for_the_hour_that_frees_enough)
{
    struct hy_day_count d = {0};
    hy_wall_ms now = (hy_wall_ms)1000000 * HOUR + 5;
    hy_day_add(&d, 60, now);
    hy_day_add(&d, 30, now + HOUR);
    now += 2 * HOUR;
    cr_expect_eq(hy_day_ask_many(&d, 10, 100, now), 0);
    cr_expect_eq(hy_day_ask_many(&d, 11, 100, now), ((hy_wall_ms)1000000 + 25) * HOUR,
                 "when the first hour is a day old");
    cr_expect_eq(hy_day_ask_many(&d, 71, 100, now), ((hy_wall_ms)1000000 + 26) * HOUR);
    cr_expect_eq(hy_day_ask_many(&d, 1000000, 0, now), 0, "no limit");
    cr_expect_eq(hy_hour_ask_many(&d, 5, 5, now), 0);
    hy_day_add(&d, 3, now);
    cr_expect_eq(hy_hour_total(&d, now), 3u);
    cr_expect_eq(hy_hour_ask_many(&d, 2, 5, now), 0);
    cr_expect_eq(hy_hour_ask_many(&d, 3, 5, now), ((hy_wall_ms)1000000 + 3) * HOUR);
    cr_expect_eq(hy_hour_ask_many(&d, 3, 5, now + HOUR), 0);
    hy_day_add(&d, UINT32_MAX, now + HOUR);
    hy_day_add(&d, UINT32_MAX, now + HOUR);
    cr_expect_eq(hy_hour_total(&d, now + HOUR), UINT32_MAX);
}
