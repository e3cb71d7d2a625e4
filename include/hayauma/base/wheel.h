/* A hierarchical timer wheel (Varghese and Lauck, 1987): thousands of timers, O(1) to arm, re-arm
 * and cancel. Pure: `now` comes in. One thread.
 *
 * A tick is 2^14 us (16.4 ms). A timer never fires early, and at most one tick late plus whatever
 * the caller is late. */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/base/list.h"

enum {
    HY_WHEEL_TICK_BITS = 14, /* microseconds in a tick, as a power of two */
    HY_WHEEL_SLOT_BITS = 6,
    HY_WHEEL_SLOTS = 1 << HY_WHEEL_SLOT_BITS,
    HY_WHEEL_LEVELS = 9, /* 64^9 ticks of 2^14 us: every hy_us fits */
};

/* Owned by the caller, part of a larger struct; must not move while armed. */
struct hy_timer {
    struct hy_list link; /* in a slot, or among the overdue or expired ones, while armed */
    hy_us due;
    uint8_t level, slot; /* level HY_WHEEL_LEVELS: not in a slot */
    bool armed;
    void (*fn)(void *arg); /* called by hy_loop; a bare wheel only hands the timer out */
    void *arg;
};

struct hy_wheel {
    uint64_t tick;                    /* all that was due until this tick is handed out */
    uint64_t filled[HY_WHEEL_LEVELS]; /* one bit a slot that is not empty */
    struct hy_list slots[HY_WHEEL_LEVELS][HY_WHEEL_SLOTS];
    struct hy_list overdue; /* armed for the past: due at the next advance */
    struct hy_list expired; /* due: hy_wheel_pop takes them from here */
    size_t n_armed;
};

void hy_wheel_init(struct hy_wheel *w, hy_us now);
/* Not armed; fn may be NULL on a bare wheel. */
void hy_timer_init(struct hy_timer *t, void (*fn)(void *arg), void *arg);
static inline bool hy_timer_armed(const struct hy_timer *t)
{
    return t->armed;
}
/* Arms or re-arms; a `due` in the past fires at the next advance. HY_US_NEVER disarms. */
void hy_wheel_arm(struct hy_wheel *w, struct hy_timer *t, hy_us due);
/* Fine on a timer that is not armed. */
void hy_wheel_disarm(struct hy_wheel *w, struct hy_timer *t);
/* No timer is due before this; HY_US_NEVER when none is armed. It may be early (when timers of a
 * higher level must be spread out), never late. */
hy_us hy_wheel_next(const struct hy_wheel *w);
/* Moves time on (never back). What is due is then handed out by hy_wheel_pop. */
void hy_wheel_advance(struct hy_wheel *w, hy_us now);
/* The next due timer, disarmed, in order of ticks; NULL when there is none. A timer that its
 * handler arms in the past comes out at the next advance, not in this run. */
struct hy_timer *hy_wheel_pop(struct hy_wheel *w);
