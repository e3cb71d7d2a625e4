#include <criterion/criterion.h>
#include <pthread.h>

#include "hayauma/base/rand.h"
#include "hayauma/shape/rate.h"

#define SEC HY_US_PER_SEC

enum { ALL_MAX = 60000 };

/* The most of `at` (sorted) that lie in any window as long as the period. */
static size_t most_in_a_window(const hy_us *at, size_t n, hy_us period)
{
    size_t most = 0, from = 0;
    for (size_t i = 0; i < n; i++) {
        while (at[i] - at[from] >= period)
            from++;
        if (i - from + 1 > most)
            most = i - from + 1;
    }
    return most;
}

static const struct hy_rate rates[] = {
    {1, SEC},         {2, SEC},
    {3, SEC / 7},     {49, SEC},
    {50, SEC},        {99, SEC},
    {100, SEC},       {1000, SEC},
    {7, 300 * SEC},   {60, 60 * SEC},
    {5000, 60 * SEC}, {999, 3600 * SEC},
    {3, 86400 * SEC}, {20000, 86400 * SEC},
};

/* Steady asking, asking at random, and pauses after which all that was saved up goes at once. */
static hy_us next_ask(struct hy_rng *rng, int way, struct hy_rate r)
{
    hy_us step = r.period_us / (hy_us)r.count;
    if (way == 0)
        return step / 7 + 1;
    if (way == 1)
        return (hy_us)hy_rng_below(rng, (uint64_t)step) + 1;
    return hy_rng_below(rng, r.count) == 0 ? r.period_us * 3 / 4 : step / 50 + 1;
}

Test(rate, never_lets_more_than_its_count_through_in_any_window_as_long_as_its_period)
{
    static hy_us at[ALL_MAX];
    struct hy_rng rng;
    hy_rng_seed(&rng, 7);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct hy_rate r = rates[i];
        for (int way = 0; way < 3; way++) {
            struct hy_rate_gate g;
            hy_rate_gate_init(&g, r);
            size_t n = 0;
            hy_us now = 5 * SEC, end = now + 3 * r.period_us;
            for (; now < end && n < ALL_MAX; now += next_ask(&rng, way, r))
                if (hy_rate_gate_take(&g, now) == 0)
                    at[n++] = now;
            size_t most = most_in_a_window(at, n, r.period_us);
            cr_expect(most <= r.count, "%u in %ld, way %d: %zu", r.count, r.period_us, way, most);
            if (way == 0) /* at least 96 in 100 of what it may */
                cr_expect(n >= r.count * 3 * 96 / 100, "%u in %ld: %zu", r.count, r.period_us, n);
        }
    }
}

Test(rate, says_when_the_next_may_go)
{
    struct hy_rate_gate g;
    hy_rate_gate_init(&g, (struct hy_rate){1, SEC});
    cr_assert_eq(hy_rate_gate_take(&g, 5 * SEC), 0);
    hy_us at = hy_rate_gate_take(&g, 5 * SEC);
    cr_assert_eq(at, 6 * SEC);
    cr_assert_eq(hy_rate_gate_take(&g, at), 0);
}

Test(rate, asking_takes_nothing_and_a_quicker_rate_is_felt_at_once)
{
    struct hy_rate_gate g;
    hy_rate_gate_init(&g, (struct hy_rate){1, 3600 * SEC});
    cr_assert_eq(hy_rate_gate_ask(&g, 5 * SEC), 0);
    cr_assert_eq(hy_rate_gate_take(&g, 5 * SEC), 0);
    cr_assert_eq(hy_rate_gate_ask(&g, 6 * SEC), 3605 * SEC);
    hy_rate_gate_change(&g, (struct hy_rate){2, SEC});
    hy_us at = hy_rate_gate_ask(&g, 6 * SEC);
    cr_assert_eq(at, 6 * SEC + SEC / 2, "got %ld", at);
    cr_assert_eq(hy_rate_gate_ask(&g, at), 0, "asking again does not put it off");
    cr_assert_eq(hy_rate_gate_take(&g, at), 0);
}

Test(rate, zero_means_no_limit)
{
    struct hy_rate_gate g;
    hy_rate_gate_init(&g, (struct hy_rate){0, SEC});
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(hy_rate_gate_take(&g, 1), 0);
}

struct taker {
    struct hy_rate_shared *gate;
    hy_us now;
    uint32_t taken;
};

static void *take_many(void *arg)
{
    struct taker *t = arg;
    for (; t->now < 12 * SEC; t->now += 50)
        t->taken += hy_rate_shared_take(t->gate, (struct hy_rate){1000, SEC}, t->now) == 0;
    return NULL;
}

Test(rate, is_one_rate_for_all_threads_that_share_it)
{
    struct hy_rate_shared gate = {0};
    struct taker t[4];
    pthread_t id[4];
    for (int i = 0; i < 4; i++) {
        t[i] = (struct taker){&gate, 10 * SEC, 0};
        cr_assert_eq(pthread_create(&id[i], NULL, take_many, &t[i]), 0);
    }
    uint32_t all = 0;
    for (int i = 0; i < 4; i++) {
        pthread_join(id[i], NULL);
        all += t[i].taken;
    }
    cr_expect(all <= 2000 && all > 900, "%u", all);
}

Test(rate, that_is_shared_gives_back_what_was_not_used)
{
    struct hy_rate_shared g = {0};
    struct hy_rate r = {1, SEC};
    cr_expect_eq(hy_rate_shared_take(&g, r, 5 * SEC), 0);
    cr_expect_eq(hy_rate_shared_take(&g, r, 5 * SEC), 6 * SEC);
    hy_rate_shared_put_back(&g, r);
    cr_expect_eq(hy_rate_shared_take(&g, r, 5 * SEC), 0);
    cr_expect_eq(hy_rate_shared_take(&g, (struct hy_rate){0, 0}, 5 * SEC), 0, "no limit");
}
