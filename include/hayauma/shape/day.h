/* A limit for a day: how many went out in any 24 hours, counted by the hour so that it can be
 * stored in a hundred bytes. Pure. */
#pragma once
#include <stdint.h>

#include "hayauma/base/clock.h"

enum { HY_DAY_HOURS = 25 }; /* 24 hours touch at most so many full hours of the clock */

struct hy_day_count {
    uint32_t hour;               /* the newest, since 1970 */
    uint32_t sent[HY_DAY_HOURS]; /* of hour h at h % HY_DAY_HOURS */
};

/* 0 and one is counted, when `limit` has room; otherwise the time at which there will be, at the
 * full hour in which enough of what was sent is a day old. A clock that goes back is waited for, up
 * to two days: what was counted further ahead than that counts as of now. */
hy_wall_ms hy_day_take(struct hy_day_count *d, uint32_t limit, hy_wall_ms now);
/* The same without counting. */
hy_wall_ms hy_day_ask(struct hy_day_count *d, uint32_t limit, hy_wall_ms now);
/* Whether `n` more fit below `limit` in any 24 hours (hy_day_*) or in this full hour of the clock
 * (hy_hour_*): 0, or the time at which they will. `n` <= `limit`, or they never do; limit 0 = any
 * number does. Nothing is counted. */
hy_wall_ms hy_day_ask_many(struct hy_day_count *d, uint32_t n, uint32_t limit, hy_wall_ms now);
hy_wall_ms hy_hour_ask_many(struct hy_day_count *d, uint32_t n, uint32_t limit, hy_wall_ms now);
/* Counts `n`, up to UINT32_MAX an hour. */
void hy_day_add(struct hy_day_count *d, uint32_t n, hy_wall_ms now);
/* What went out in this full hour of the clock. */
uint32_t hy_hour_total(struct hy_day_count *d, hy_wall_ms now);
/* Takes back one that was counted in this hour and did not go out. */
void hy_day_give_back(struct hy_day_count *d);
/* What went out in the last 24 hours, and in what the present hour has more. */
uint64_t hy_day_total(struct hy_day_count *d, hy_wall_ms now);
