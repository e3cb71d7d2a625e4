#include <criterion/criterion.h>

#include "hayauma/shape/spread.h"

enum { LEADS = 100000 };

static struct hy_spread_member member(const char *name, uint32_t weight)
{
    return (struct hy_spread_member){hy_spread_seed(hy_str_of(name)), weight};
}

Test(spread, follows_the_weights)
{
    const struct hy_spread_member m[] = {member("tokyo-1", 6), member("tokyo-2", 3),
                                         member("192.0.2.9", 1)};
    uint32_t n[3] = {0};
    for (uint64_t lead = 1; lead <= LEADS; lead++)
        n[hy_spread_choose(m, 3, NULL, lead)]++;
    const double want[] = {0.6, 0.3, 0.1};
    for (int i = 0; i < 3; i++)
        cr_expect_float_eq((double)n[i] / LEADS, want[i], 0.01, "%d: %u of %d", i, n[i], LEADS);
}

Test(spread, gives_a_lead_the_same_source_whatever_the_order)
{
    const struct hy_spread_member m[] = {member("a", 1), member("b", 2), member("c", 1)};
    const struct hy_spread_member other[] = {m[2], m[0], m[1]};
    const size_t to[] = {1, 2, 0};
    for (uint64_t lead = 1; lead <= 1000; lead++) {
        size_t at = hy_spread_choose(m, 3, NULL, lead);
        cr_assert_eq(hy_spread_choose(m, 3, NULL, lead), at);
        cr_assert_eq(hy_spread_choose(other, 3, NULL, lead), to[at]);
    }
}

Test(spread, moves_only_the_leads_of_a_source_that_is_out)
{
    const struct hy_spread_member m[] = {member("a", 1), member("b", 1), member("c", 1)};
    const bool may[] = {true, false, true};
    uint32_t moved[3] = {0};
    for (uint64_t lead = 1; lead <= LEADS; lead++) {
        size_t before = hy_spread_choose(m, 3, NULL, lead);
        size_t now = hy_spread_choose(m, 3, may, lead);
        cr_assert_neq(now, 1u);
        if (before != 1)
            cr_assert_eq(now, before, "lead %zu", (size_t)lead);
        else
            moved[now]++;
    }
    cr_expect_float_eq((double)moved[0] / (moved[0] + moved[2]), 0.5, 0.02);
}

Test(spread, has_nobody_when_all_are_out)
{
    const struct hy_spread_member m[] = {member("a", 1), member("b", 1)};
    const bool may[] = {false, false};
    cr_expect_eq(hy_spread_choose(m, 2, may, 7), SIZE_MAX);
    cr_expect_eq(hy_spread_choose(m, 0, NULL, 7), SIZE_MAX);
}
