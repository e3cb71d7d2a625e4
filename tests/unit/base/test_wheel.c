#include <criterion/criterion.h>
#include <stdlib.h>

#include "hayauma/base/rand.h"
#include "hayauma/base/wheel.h"

enum { TICK = 1 << HY_WHEEL_TICK_BITS };

static int pop_all(struct hy_wheel *w)
{
    int n = 0;
    while (hy_wheel_pop(w))
        n++;
    return n;
}

Test(wheel, fires_each_timer_once_never_early_and_at_most_a_tick_late)
{
    enum { N = 20000 };
    static struct hy_timer timers[N];
    struct hy_wheel w;
    struct hy_rng rng;
    hy_us now = 123456789;
    hy_rng_seed(&rng, 3);
    hy_wheel_init(&w, now);
    for (int i = 0; i < N; i++) {
        hy_timer_init(&timers[i], NULL, NULL);
        /* from milliseconds to weeks */
        unsigned bits = 10 + (unsigned)hy_rng_below(&rng, 31);
        hy_wheel_arm(&w, &timers[i], now + 1 + (hy_us)hy_rng_below(&rng, 1ull << bits));
    }
    cr_assert_eq(w.n_armed, N);
    int fired = 0;
    for (hy_us next; (next = hy_wheel_next(&w)) != HY_US_NEVER;) {
        cr_assert_geq(next, now - TICK, "time never goes back");
        now = next > now ? next : now;
        hy_wheel_advance(&w, now);
        for (struct hy_timer *t; (t = hy_wheel_pop(&w)) != NULL; fired++) {
            cr_assert_leq(t->due, now, "early");
            cr_assert_gt(t->due, now - TICK, "late by %lld us", (long long)(now - t->due));
            cr_assert_not(hy_timer_armed(t));
        }
    }
    cr_assert_eq(fired, N);
    cr_assert_eq(w.n_armed, 0);
}

Test(wheel, agrees_with_a_sorted_list_through_random_work)
{
    enum { N = 300 };
    static struct hy_timer timers[N];
    struct hy_wheel w;
    struct hy_rng rng;
    hy_us now = 0;
    hy_rng_seed(&rng, 9);
    hy_wheel_init(&w, now);
    for (int i = 0; i < N; i++)
        hy_timer_init(&timers[i], NULL, NULL);
    for (int step = 0; step < 20000; step++) {
        struct hy_timer *t = &timers[hy_rng_below(&rng, N)];
        switch (hy_rng_below(&rng, 4)) {
        case 0:
            hy_wheel_disarm(&w, t);
            break;
        case 1:
        case 2:
            hy_wheel_arm(&w, t, now + (hy_us)hy_rng_below(&rng, 1ull << (10 + step % 25)) - 1000);
            break;
        default: {
            now += (hy_us)hy_rng_below(&rng, 1ull << (8 + step % 20));
            uint64_t tick = (uint64_t)now >> HY_WHEEL_TICK_BITS;
            hy_wheel_advance(&w, now);
            while ((t = hy_wheel_pop(&w)) != NULL)
                cr_assert_leq(t->due, now);
            for (int i = 0; i < N; i++) /* whoever is still armed is not due by whole ticks */
                if (hy_timer_armed(&timers[i]))
                    cr_assert_gt(timers[i].due, (hy_us)(tick << HY_WHEEL_TICK_BITS));
        }
        }
        hy_us next = hy_wheel_next(&w);
        for (int i = 0; i < N; i++)
            if (hy_timer_armed(&timers[i]) && timers[i].due > now)
                cr_assert_leq(next, timers[i].due + TICK, "the wheel would sleep too long");
    }
}

Test(wheel, fires_what_is_overdue_at_the_next_advance)
{
    struct hy_wheel w;
    struct hy_timer t;
    hy_wheel_init(&w, 1000000);
    hy_timer_init(&t, NULL, NULL);
    hy_wheel_arm(&w, &t, 5);
    cr_assert_leq(hy_wheel_next(&w), 1000000);
    cr_assert_null(hy_wheel_pop(&w), "not before the advance");
    hy_wheel_advance(&w, 1000000);
    cr_assert_eq(hy_wheel_pop(&w), &t);
    hy_wheel_arm(&w, &t, 5); /* as its handler would do */
    cr_assert_null(hy_wheel_pop(&w), "not in this run");
    hy_wheel_advance(&w, 1000000);
    cr_assert_eq(hy_wheel_pop(&w), &t);
}

Test(wheel, forgets_disarmed_timers_wherever_they_stand)
{
    struct hy_wheel w;
    struct hy_timer slot, overdue, expired, never;
    hy_wheel_init(&w, 0);
    hy_timer_init(&slot, NULL, NULL);
    hy_timer_init(&overdue, NULL, NULL);
    hy_timer_init(&expired, NULL, NULL);
    hy_timer_init(&never, NULL, NULL);
    hy_wheel_arm(&w, &expired, TICK);
    hy_wheel_advance(&w, TICK);
    hy_wheel_arm(&w, &slot, 100 * TICK);
    hy_wheel_arm(&w, &overdue, 0);
    hy_wheel_disarm(&w, &expired);
    hy_wheel_disarm(&w, &slot);
    hy_wheel_disarm(&w, &overdue);
    hy_wheel_disarm(&w, &never);
    cr_assert_eq(w.n_armed, 0);
    cr_assert_eq(hy_wheel_next(&w), HY_US_NEVER);
    hy_wheel_advance(&w, 1000 * TICK);
    cr_assert_eq(pop_all(&w), 0);
}

Test(wheel, moves_a_timer_that_is_armed_again)
{
    struct hy_wheel w;
    struct hy_timer t;
    hy_wheel_init(&w, 0);
    hy_timer_init(&t, NULL, NULL);
    hy_wheel_arm(&w, &t, 10 * TICK);
    hy_wheel_arm(&w, &t, 5000 * TICK);
    cr_assert_eq(w.n_armed, 1);
    hy_wheel_advance(&w, 20 * TICK);
    cr_assert_eq(pop_all(&w), 0);
    hy_wheel_arm(&w, &t, HY_US_NEVER);
    cr_assert_eq(w.n_armed, 0);
    hy_wheel_advance(&w, 6000 * TICK);
    cr_assert_eq(pop_all(&w), 0);
}

Test(wheel, takes_the_farthest_time_there_is)
{
    struct hy_wheel w;
    struct hy_timer t;
    hy_wheel_init(&w, 5);
    hy_timer_init(&t, NULL, NULL);
    hy_wheel_arm(&w, &t, HY_US_NEVER - 1);
    cr_assert_lt(hy_wheel_next(&w), HY_US_NEVER);
    hy_wheel_advance(&w, HY_US_NEVER / 2);
    cr_assert_eq(pop_all(&w), 0);
    hy_wheel_disarm(&w, &t);
    cr_assert_eq(w.n_armed, 0);
}
