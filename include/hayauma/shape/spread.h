/* Which of several sources a lead's mail leaves from: weighted rendezvous hashing. Each source
 * draws a number from its own name and the lead's, stretched by its weight, and the least one wins.
 * So the same lead always has the same source, which greylisting servers want of a second try; over
 * many leads the shares are those of the weights; and when a source is out, only its own leads
 * move. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hayauma/base/str.h"

enum { HY_SPREAD_MAX = 256, HY_SPREAD_WEIGHT_MAX = 1000 };

struct hy_spread_member {
    uint64_t seed;   /* hy_spread_seed of its name */
    uint32_t weight; /* 1..HY_SPREAD_WEIGHT_MAX */
};

uint64_t hy_spread_seed(struct hy_str name);
/* The member (0..n) for a lead, among those that `may` allows; `may` NULL: all. SIZE_MAX: none. */
size_t hy_spread_choose(const struct hy_spread_member *members, size_t n, const bool *may,
                        uint64_t lead);
