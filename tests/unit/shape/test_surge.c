#include <criterion/criterion.h>

#include "hayauma/shape/surge.h"

/* Feeds `n` ends of which every `every`th is bad; how many it took to trip, 0 = it did not. */
static uint32_t feed(struct hy_surge *s, const struct hy_surge_limit *l, uint32_t n, uint32_t every,
                     struct hy_surge_view *v)
{
    for (uint32_t i = 1; i <= n; i++) {
        if (hy_surge_count(s, l, every && i % every == 0, v))
            return i;
    }
    return 0;
}

Test(surge, trips_when_more_than_its_share_of_a_sample_is_bad)
{
    static const struct {
        const char *name;
        struct hy_surge_limit limit;
        uint32_t every, want; /* the end that trips */
    } cases[] = {
        {"off", {0, 500}, 1, 0},
        {"all are good", {500, 500}, 0, 0},
        {"all are bad: at the 26th, not at the 500th", {500, 500}, 1, 26},
        {"half are bad", {500, 500}, 2, 52},
        {"just the share", {500, 500}, 20, 0},
        {"a hundred percent cannot be passed", {10000, 500}, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_surge s = {0};
        struct hy_surge_view v = {0};
        uint32_t got = feed(&s, &cases[i].limit, 100000, cases[i].every, &v);
        cr_expect_eq(got, cases[i].want, "%s: got %u, want %u", cases[i].name, got, cases[i].want);
        if (got)
            cr_expect(v.seen == got && v.bad == got / cases[i].every, "%s: %u of %u", cases[i].name,
                      v.bad, v.seen);
    }
}

Test(surge, sees_one_that_lies_across_two_samples_and_trips_once)
{
    struct hy_surge s = {0};
    struct hy_surge_view v;
    const struct hy_surge_limit l = {1000, 100};
    cr_expect_eq(feed(&s, &l, 90, 0, &v), 0);
    cr_expect_eq(feed(&s, &l, 9, 1, &v), 0, "9 of 99 are within 10 percent");
    uint32_t more = feed(&s, &l, 100, 1, &v);
    cr_expect(more > 0 && more <= 7, "tripped after %u more", more);
    cr_expect_eq(feed(&s, &l, 1000, 1, &v), 0, "it has said so already");
}

Test(surge, what_comes_back_later_counts_against_what_was_good)
{
    struct hy_surge s = {0};
    struct hy_surge_view v = {0};
    const struct hy_surge_limit l = {30, 5000}; /* 0.3 percent: 15 complaints */
    cr_expect_eq(feed(&s, &l, 4000, 0, &v), 0);
    for (int i = 0; i < 15; i++)
        cr_expect(!hy_surge_late(&s, &l, &v), "complaint %d", i + 1);
    cr_expect(hy_surge_late(&s, &l, &v), "the sixteenth is one too many");
    cr_expect(v.bad == 16 && v.seen == 4000, "%u of %u", v.bad, v.seen);
    cr_expect(!hy_surge_late(&s, &l, &v), "it has said so already");
    const struct hy_surge_limit never = {0, 5000};
    struct hy_surge t = {0};
    for (int i = 0; i < 1000; i++)
        cr_expect(!hy_surge_late(&t, &never, &v));
}

Test(surge, complaints_that_trickle_in_over_a_large_campaign_are_within_their_share)
{
    struct hy_surge s = {0};
    struct hy_surge_view v;
    const struct hy_surge_limit l = {30, 5000};
    for (uint32_t i = 1; i <= 1000000; i++) { /* 0.1 percent */
        cr_assert(!hy_surge_count(&s, &l, false, &v));
        cr_assert(i % 1000 || !hy_surge_late(&s, &l, &v), "at %u", i);
    }
}

Test(surge, no_more_can_come_back_than_was_seen)
{
    const struct hy_surge_limit l = {2000, 10}; /* more than two of ten */
    struct hy_surge s = {0};
    struct hy_surge_view v;
    for (int i = 0; i < 10; i++)
        cr_expect(!hy_surge_late(&s, &l, &v), "nothing of this run was seen yet");
    cr_assert(!hy_surge_count(&s, &l, false, &v) && !hy_surge_count(&s, &l, false, &v));
    for (int i = 0; i < 10; i++)
        cr_expect(!hy_surge_late(&s, &l, &v), "two of two at most, which is not too many");
}
