/* Who has failed too often lately: counts for keys, in a table of fixed size, forgotten after a
 * while. What shares a slot pushes out what was there: an attacker with many addresses gains tries,
 * never memory. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "hayauma/base/clock.h"

enum { HY_FAILURES_SLOTS = 16384 };

struct hy_failures_slot {
    uint64_t key;
    hy_us until;
    uint32_t n;
};
struct hy_failures { /* zeroed at first */
    struct hy_failures_slot slots[HY_FAILURES_SLOTS];
};

/* Failures of `key`, a hash, in the window that is open now; 0: none. */
uint32_t hy_failures_count(const struct hy_failures *f, uint64_t key, hy_us now);
/* How long that window stays open; 0: there is none. */
hy_us hy_failures_left(const struct hy_failures *f, uint64_t key, hy_us now);
/* One more; a window opens with the first and lasts `window_us`. Returns how many. */
uint32_t hy_failures_add(struct hy_failures *f, uint64_t key, hy_us now, hy_us window_us);
