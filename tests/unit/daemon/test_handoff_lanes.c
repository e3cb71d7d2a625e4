/* Receivers of hand-offs: which are left alone, and which are forgotten. */
#include <criterion/criterion.h>

#include "handoff_lanes.h"

enum { USUAL = 4 };

Test(handoff_lanes, who_fails_is_left_alone_for_a_time_that_doubles)
{
    static const unsigned want[] = {0, 0, 5, 10, 20, 40, 80, 160, 300, 300};
    struct handoff_lanes lanes = {0};
    struct handoff_lane *l = handoff_lane_of(&lanes, 7);
    hy_us now = 1000000;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        cr_expect_eq(handoff_lane_failed(l, 0, now), want[i], "failure %zu", i + 1);
        cr_expect_eq(handoff_lane_room(l, USUAL, now), want[i] ? 0u : (unsigned)USUAL);
        now += (hy_us)want[i] * HY_US_PER_SEC;
    }
    cr_expect_eq(handoff_lane_room(l, USUAL, now), 1u, "one tries how it is");
    handoff_lane_works(l);
    cr_expect_eq(handoff_lane_room(l, USUAL, now), (unsigned)USUAL);
}

Test(handoff_lanes, who_says_when_to_come_again_is_believed_for_an_hour)
{
    struct handoff_lanes lanes = {0};
    struct handoff_lane *l = handoff_lane_of(&lanes, 7);
    cr_expect_eq(handoff_lane_failed(l, 60, 1), 0u, "it is no pause of ours");
    cr_expect_eq(handoff_lane_room(l, USUAL, 59 * HY_US_PER_SEC), 0u);
    cr_expect_eq(handoff_lane_room(l, USUAL, 61 * HY_US_PER_SEC), (unsigned)USUAL);
    handoff_lane_failed(l, 1000000, 100 * HY_US_PER_SEC);
    cr_expect_eq(handoff_lane_room(l, USUAL, 3699 * HY_US_PER_SEC), 0u);
    cr_expect_eq(handoff_lane_room(l, USUAL, 3701 * HY_US_PER_SEC), (unsigned)USUAL);
}

Test(handoff_lanes, who_has_nothing_more_to_get_makes_room_for_others)
{
    struct handoff_lanes lanes = {0};
    for (uint16_t no = 1; no <= HANDOFF_LANES_MAX; no++) {
        struct handoff_lane *l = handoff_lane_of(&lanes, no);
        cr_assert(l);
        for (int i = 0; i < 5; i++)
            handoff_lane_failed(l, 0, 1);
    }
    cr_expect_null(handoff_lane_of(&lanes, 99), "all of them fail and have something");
    handoff_lane_of(&lanes, 2)->n_out = 1;
    handoff_lanes_forget(&lanes);
    cr_assert(handoff_lane_of(&lanes, 3));
    handoff_lanes_forget(&lanes);
    cr_expect_eq(handoff_lane_of(&lanes, 2)->n_troubles, 5u, "something is out");
    cr_expect_eq(handoff_lane_of(&lanes, 3)->n_troubles, 5u, "it was asked for");
    cr_expect_eq(handoff_lane_of(&lanes, 99)->n_troubles, 0u);
    cr_expect_eq(handoff_lane_of(&lanes, 1)->n_troubles, 0u, "begun anew");
}
