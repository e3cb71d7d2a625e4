#include <criterion/criterion.h>
#include <math.h>

#include "hayauma/base/rand.h"
#include "hayauma/score/score.h"

#define NOW  ((hy_wall_ms)1796000000000)
#define DAY  ((hy_wall_ms)86400000)
#define DAYS 86400u

/* Key page 3, click to the site 1, seminar 10: 14, exactly, and 14 a year later. */
Test(score, of_a_key_page_a_click_and_a_seminar_is_14)
{
    static const struct hy_score_rule rules[] = {{.points = 3}, {.points = 1}, {.points = 10}};
    struct hy_score_sum sum = {0};
    for (size_t i = 0; i < 3; i++)
        hy_score_sum_add(&sum, hy_score_grant(&rules[i], NULL, 0, NOW + (hy_wall_ms)i * DAY),
                         NOW + (hy_wall_ms)i * DAY);
    cr_expect_eq(hy_score_total_milli(&sum, 1, NOW + 3 * DAY), 14000);
    cr_expect_eq(hy_score_total_milli(&sum, 1, NOW + 365 * DAY), 14000);
}

Test(score, is_given_once_where_the_rule_says_so)
{
    struct hy_score_rule r = {.points = 5, .is_first_only = true};
    struct hy_score_entry first = {NOW, 5};
    cr_expect_eq(hy_score_grant(&r, NULL, 0, NOW), 5);
    cr_expect_eq(hy_score_grant(&r, &first, 1, NOW + DAY), 0);
    cr_expect_eq(hy_score_grant(&r, &first, 1, NOW - DAY), 0, "what came late");
}

Test(score, has_a_limit_within_a_time)
{
    struct hy_score_rule r = {.points = 3, .most = 7, .most_per_s = DAYS};
    struct hy_score_entry given[] = {{NOW - 2 * DAY, 3}, {NOW - DAY, 3}, {NOW - 3, 3}, {NOW, 3}};
    cr_expect_eq(hy_score_grant(&r, given, 2, NOW), 3, "a day ago is another day");
    cr_expect_eq(hy_score_grant(&r, given, 3, NOW), 3);
    cr_expect_eq(hy_score_grant(&r, given, 4, NOW + 1), 1, "what is left of it");
    given[1] = (struct hy_score_entry){NOW + 1, 1};
    cr_expect_eq(hy_score_grant(&r, given, 4, NOW + 2), 0);
    cr_expect_eq(hy_score_grant(&r, given, 4, NOW + 2 * DAY), 3, "the next day");
}

Test(score, has_a_limit_of_bad_points_too)
{
    struct hy_score_rule r = {.points = -4, .most = -10, .most_per_s = DAYS};
    struct hy_score_entry given[] = {{NOW, -4}, {NOW, -4}, {NOW, -2}};
    cr_expect_eq(hy_score_grant(&r, given, 1, NOW), -4);
    cr_expect_eq(hy_score_grant(&r, given, 2, NOW), -2);
    cr_expect_eq(hy_score_grant(&r, given, 3, NOW), 0);
}

Test(score, halves_with_its_half_life)
{
    struct hy_score_sum s = {.half_life_s = 30 * DAYS};
    hy_score_sum_add(&s, 80, NOW);
    cr_expect_eq(hy_score_total_milli(&s, 1, NOW), 80000);
    cr_expect_eq(hy_score_total_milli(&s, 1, NOW + 30 * DAY), 40000);
    cr_expect_eq(hy_score_total_milli(&s, 1, NOW + 90 * DAY), 10000);
    hy_score_sum_add(&s, 20, NOW + 30 * DAY);
    cr_expect_eq(hy_score_total_milli(&s, 1, NOW + 60 * DAY), 30000);
    hy_score_sum_add(&s, 40, NOW); /* noted late: half of it is gone */
    cr_expect_eq(hy_score_total_milli(&s, 1, NOW + 30 * DAY), 80000);
}

/* One sum of a half-life is what its entries are worth one by one, withdrawn ones gone without a
 * trace, in whatever order they came. */
Test(score, kept_as_one_sum_is_that_of_its_entries)
{
    enum { N = 2000 };
    struct hy_score_entry e[N];
    bool is_withdrawn[N] = {false};
    struct hy_score_sum s = {.half_life_s = 14 * DAYS};
    struct hy_rng rng;
    double expected = 0;
    hy_rng_seed(&rng, 7);
    for (size_t i = 0; i < N; i++) {
        e[i].at = NOW + (hy_wall_ms)hy_rng_below(&rng, 200 * DAYS) * 1000;
        e[i].points = (int32_t)hy_rng_below(&rng, 60) - 20;
        hy_score_sum_add(&s, e[i].points, e[i].at);
        size_t back = hy_rng_below(&rng, (uint32_t)i + 1);
        if (i % 3 == 0 && !is_withdrawn[back]) {
            is_withdrawn[back] = true;
            hy_score_sum_add(&s, -e[back].points, e[back].at);
        }
    }
    hy_wall_ms end = NOW + 210 * DAY;
    for (size_t i = 0; i < N; i++)
        if (!is_withdrawn[i])
            expected += hy_score_worth(e[i].points, s.half_life_s, e[i].at, end);
    cr_expect_eq(hy_score_total_milli(&s, 1, end), llround(expected * 1000));
}

Test(score, crosses_a_threshold_with_hysteresis)
{
    struct hy_score_threshold hot = {.from = 80, .until = 60};
    cr_expect(!hy_score_is_over(&hot, false, 79999));
    cr_expect(hy_score_is_over(&hot, false, 80000));
    cr_expect(hy_score_is_over(&hot, true, 60000));
    cr_expect(!hy_score_is_over(&hot, true, 59999));
}

/* At the moment that is told, and not before, a lead with good points only has left. */
Test(score, says_until_when_a_lead_stays)
{
    struct hy_score_threshold hot = {.from = 80, .until = 60};
    struct hy_score_sum s[] = {{100, NOW, 30 * DAYS}, {10, NOW, 0}, {30, NOW, 7 * DAYS}};
    hy_wall_ms until = hy_score_stays_until(&hot, true, s, 3, NOW);
    cr_assert(until > NOW && until < NOW + 60 * DAY);
    cr_expect(hy_score_is_over(&hot, true, hy_score_total_milli(s, 3, until - 1)));
    cr_expect(!hy_score_is_over(&hot, true, hy_score_total_milli(s, 3, until)));
    s[1].value = -20; /* for ever */
    hy_wall_ms sooner = hy_score_stays_until(&hot, true, s, 3, NOW);
    cr_expect(sooner < until);
    s[1].half_life_s = 7 * DAYS; /* fades: it is never asked too late */
    hy_wall_ms fading = hy_score_stays_until(&hot, true, s, 3, NOW);
    cr_expect(hy_score_is_over(&hot, true, hy_score_total_milli(s, 3, fading - 1)));
    s[0].half_life_s = 0;
    s[1].value = 0;
    cr_expect_eq(hy_score_stays_until(&hot, true, s, 3, NOW), INT64_MAX);
}

Test(score, reaches_levels)
{
    static const int32_t levels[] = {80, 40, 0};
    cr_expect_eq(hy_score_level(levels, 3, 80000), 0);
    cr_expect_eq(hy_score_level(levels, 3, 79999), 1);
    cr_expect_eq(hy_score_level(levels, 3, 0), 2);
    cr_expect_eq(hy_score_level(levels, 3, -1), 3);
}
