/* A rate limit: no window as long as the period ever holds more than `count`; they are spread
 * evenly but for a small burst (GCRA, the virtual scheduling form of ITU-T I.371: one timestamp of
 * state).
 */
#pragma once
#include <stdatomic.h>

#include "hayauma/shape/limits.h"

struct hy_rate_gate {
    hy_us interval_us; /* between two at the steady rate; 0 = no limit */
    hy_us burst_us;    /* how far ahead of the steady rate a burst may run */
    hy_us next_us;     /* theoretical arrival time */
};

/* A burst of up to a fiftieth of the count, at least 1, may go at once; the steady rate is slower
 * by the same share, so that burst and steady rate together stay below the count. */
void hy_rate_gate_init(struct hy_rate_gate *g, struct hy_rate rate);
/* Changes the rate and keeps what was already used; a wait is never longer than one interval of the
 * new rate. */
void hy_rate_gate_change(struct hy_rate_gate *g, struct hy_rate rate);
/* 0 and takes one if one may go now; otherwise the time at which one may (nothing is taken). */
hy_us hy_rate_gate_take(struct hy_rate_gate *g, hy_us now);
/* The same without taking one. */
hy_us hy_rate_gate_ask(struct hy_rate_gate *g, hy_us now);

/* The same for lanes on several threads: what was used is shared, each brings the rate it knows.
 * The clocks of two threads may differ by how long a turn of a loop takes; a difference beyond the
 * slack is taken for a rate that was changed. */
enum { HY_RATE_SHARED_SLACK_US = 2000000 };
struct hy_rate_shared {
    _Atomic hy_us next_us; /* theoretical arrival time; 0 at first */
};
/* As hy_rate_gate_take. Any thread, without a lock. */
hy_us hy_rate_shared_take(struct hy_rate_shared *s, struct hy_rate rate, hy_us now);
/* Gives back one that was taken and not used. Any thread. */
void hy_rate_shared_put_back(struct hy_rate_shared *s, struct hy_rate rate);
