/* What is known of the receivers of hand-offs: how many are on their way to each, and which of them
 * are left alone for a while since they fail. One thread. */
#pragma once
#include "hayauma/base/clock.h"

enum {
    HANDOFF_LANES_MAX = 32,       /* those of the rules, and of rules before */
    HANDOFF_LANE_CLOSED_AFTER = 3 /* failures of a receiver, in a row */
};

struct handoff_lane {
    uint16_t no; /* 0: free */
    bool is_seen;
    unsigned n_out, n_troubles;
    hy_us closed_until;
};

struct handoff_lanes {
    struct handoff_lane lanes[HANDOFF_LANES_MAX];
};

/* The lane of that number (not 0), begun if need be; it stays where it is while anything is out.
 * NULL: all are taken by others. */
struct handoff_lane *handoff_lane_of(struct handoff_lanes *l, uint16_t no);
/* Once all that have entries were asked for since the last time: the others are given up, unless
 * something is out. */
void handoff_lanes_forget(struct handoff_lanes *l);

/* A failure of the receiver itself. `retry_after_s`: what it asks for; 0: nothing. Returns for how
 * many seconds it is left alone from now on; 0: as before. */
unsigned handoff_lane_failed(struct handoff_lane *l, unsigned retry_after_s, hy_us now);
void handoff_lane_works(struct handoff_lane *l);
/* How many may be out at once: one to who fails, `usual` to others; 0 while it is left alone. */
unsigned handoff_lane_room(const struct handoff_lane *l, unsigned usual, hy_us now);

/* `first` doubled so many times, `longest` at most. */
unsigned handoff_doubled(unsigned first, unsigned times, unsigned longest);
