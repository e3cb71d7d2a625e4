/* Counters and histograms that one thread moves and any thread may read at any time: no lock, no
 * locked instruction. A reader adds up those of all threads; what it sees may be a moment old, and
 * two counters may be of different moments. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "hayauma/base/clock.h"

typedef _Atomic uint64_t hy_count;

/* The one thread that owns it. */
static inline void hy_count_add(hy_count *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}
static inline void hy_count_set(hy_count *c, uint64_t n)
{
    atomic_store_explicit(c, n, memory_order_relaxed);
}
/* Any thread. */
static inline uint64_t hy_count_read(const hy_count *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

enum { HY_HISTOGRAM_BOUNDS = 18 };
/* Upper bounds of the buckets, in microseconds, rising: 1 ms to a day. What is larger is counted in
 * one more bucket. */
extern const hy_us hy_histogram_bounds[HY_HISTOGRAM_BOUNDS];

struct hy_histogram {
    hy_count buckets[HY_HISTOGRAM_BOUNDS + 1]; /* each by itself, not what is below it */
    hy_count sum_us;
};

/* The owner. Negative times count as 0. */
void hy_histogram_add(struct hy_histogram *h, hy_us took_us);

/* A sum of histograms, for one reader. */
struct hy_histogram_sum {
    uint64_t buckets[HY_HISTOGRAM_BOUNDS + 1];
    uint64_t count, sum_us;
};
/* The same for times that one thread, or one lock, keeps. */
void hy_histogram_sum_add(struct hy_histogram_sum *h, hy_us took_us);
void hy_histogram_read(const struct hy_histogram *h, struct hy_histogram_sum *add_to);
