/* The brake that stops a campaign when too many of its mails come back: a share of bad ends among
 * the last ones, counted by many threads at once. Pure. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Trips when more than `share` of the last `sample` ends are bad. */
struct hy_surge_limit {
    uint32_t share;  /* hundredths of a percent, 1..10,000; 0 = never */
    uint32_t sample; /* 10..100,000,000 */
};

/* What is counted. */
enum hy_surge_of { HY_SURGE_BOUNCES, HY_SURGE_COMPLAINTS };

/* Zero at first. */
struct hy_surge {
    _Atomic uint64_t counts; /* bad << 32 | seen, of the present sample */
    atomic_bool has_tripped;
};

struct hy_surge_view {
    uint32_t seen, bad;
};

/* Counts one end. True exactly once in the life of `s`: when it trips, with the counts that it
 * tripped on. It does as soon as the bad ones are too many for a whole sample, however few ends
 * that were; after a full sample half of its counts stay, so that a surge across two is seen too.
 * Any thread. */
bool hy_surge_count(struct hy_surge *s, const struct hy_surge_limit *limit, bool is_bad,
                    struct hy_surge_view *ret_view);
/* One of the ends that were counted as good turns out to be bad: a notice or a complaint came back.
 * As hy_surge_count. One more than were seen is not counted: there cannot be. */
bool hy_surge_late(struct hy_surge *s, const struct hy_surge_limit *limit,
                   struct hy_surge_view *ret_view);
