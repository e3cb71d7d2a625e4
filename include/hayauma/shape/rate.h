/* A rate limit: at most `count` in any period, spread evenly with a small burst (GCRA, the virtual
 * scheduling form of ITU-T I.371: one timestamp of state). */
#pragma once
#include "hayauma/shape/limits.h"

struct hy_rate_gate {
    hy_us interval_us; /* between two at the steady rate; 0 = no limit */
    hy_us burst_us;    /* how far ahead of the steady rate a burst may run */
    hy_us next_us;     /* theoretical arrival time */
};

/* A burst of up to a tenth of the count, at least 1, may go at once. */
void hy_rate_gate_init(struct hy_rate_gate *g, struct hy_rate rate);
/* Changes the rate and keeps what was already used; a wait is never longer than one interval of the
 * new rate. */
void hy_rate_gate_change(struct hy_rate_gate *g, struct hy_rate rate);
/* 0 and takes one if one may go now; otherwise the time at which one may (nothing is taken). */
hy_us hy_rate_gate_take(struct hy_rate_gate *g, hy_us now);
/* The same without taking one. */
hy_us hy_rate_gate_ask(struct hy_rate_gate *g, hy_us now);
