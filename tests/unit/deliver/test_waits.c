#include <criterion/criterion.h>

#include "waits.h"

static struct hy_campaign_wait wait_of(hy_id campaign, enum hy_wait_for what)
{
    return (struct hy_campaign_wait){
        .campaign = campaign, .what = what, .until = (hy_wall_ms)campaign};
}

Test(waits, are_found_by_their_campaign_and_gone_when_it_waits_no_more)
{
    enum { N = 1000, STEP = 7 }; /* coprime: every campaign once, in a wild order */
    struct waits w;
    struct hy_campaign_wait got = {.what = HY_WAIT_NOTHING};
    waits_init(&w);
    cr_expect(!waits_find(&w, 1, &got));
    for (hy_id i = 0; i < N; i++) {
        struct hy_campaign_wait one = wait_of(i * STEP % N + 1, HY_WAIT_HOURS);
        waits_set(&w, &one);
    }
    for (hy_id i = 1; i <= N; i += 2) {
        struct hy_campaign_wait one = wait_of(i, HY_WAIT_NOTHING);
        waits_set(&w, &one);
        waits_set(&w, &one); /* once more changes nothing */
    }
    for (hy_id i = 1; i <= N; i++) {
        bool is_there = waits_find(&w, i, &got);
        cr_assert_eq(is_there, i % 2 == 0, "campaign %u", (unsigned)i);
        if (is_there)
            cr_assert(got.campaign == i && got.until == (hy_wall_ms)i, "campaign %u", (unsigned)i);
    }
    struct hy_campaign_wait other = wait_of(2, HY_WAIT_RESTART);
    waits_set(&w, &other);
    cr_expect(waits_find(&w, 2, &got) && got.what == HY_WAIT_RESTART);
    cr_expect(!waits_find(&w, N + 1, &got) && got.campaign == 2, "the output is untouched");
    waits_close(&w);
}
