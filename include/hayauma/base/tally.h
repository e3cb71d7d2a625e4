/* How many there are of each key right now: connections by address, say. A table of fixed size with
 * no holes. One thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "hayauma/base/err.h"

struct hy_tally_slot {
    uint64_t key;
    uint32_t n;
};
struct hy_tally { /* zeroed: holds nothing, and nothing may be added */
    struct hy_tally_slot *slots;
    size_t n; /* a power of two, at least twice what is counted */
};

/* Room for `most` at the same time, whatever their keys. HY_ENOMEM. */
HY_MUST_USE int hy_tally_init(struct hy_tally *t, uint32_t most);
void hy_tally_free(struct hy_tally *t);
uint32_t hy_tally_count(const struct hy_tally *t, uint64_t key);
/* One more of a key, a hash. Not more than `most` in all. */
void hy_tally_add(struct hy_tally *t, uint64_t key);
/* One less; nothing when there is none. */
void hy_tally_drop(struct hy_tally *t, uint64_t key);
