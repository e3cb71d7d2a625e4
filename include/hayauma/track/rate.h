/* How often something was seen within a window of time: a table of fixed size for any number of
 * keys (a count-min sketch whose rows of a key lie in one cache line, with conservative update).
 * What it says is never too low; what shares cells with others may be said too high. The hash is
 * keyed, so nobody can choose what shares. Pure; one thread. */
#pragma once
#include "hayauma/base/err.h"
#include "hayauma/base/hash.h"

enum {
    HY_RATE_MAX = UINT16_MAX, /* counts end here */
    HY_RATE_LINES_MAX = 1 << 24,
};

struct hy_rate;

/* `lines`: a power of two, at most HY_RATE_LINES_MAX, of 64 bytes; eight keys a line seen within a
 * window hardly disturb each other. HY_EINVAL, HY_ENOMEM. */
HY_MUST_USE int hy_rate_new(uint32_t lines, const struct hy_hash_key *key, struct hy_rate **ret);
void hy_rate_free(struct hy_rate *r); /* NULL is fine */

/* Where a key is counted: valid as long as the table. */
struct hy_rate_place {
    struct hy_rate_line *line;
    uint64_t cells;
};
/* The place of `what` (n bytes), which is on its way into the processor's cache then. */
struct hy_rate_place hy_rate_find(struct hy_rate *r, const void *what, size_t n);

/* Counts it once more in window number `window` (time divided by its length; one table always goes
 * by the same length). Returns how often it was seen in it, this time included: 1 .. HY_RATE_MAX.
 */
uint32_t hy_rate_add(struct hy_rate_place p, uint32_t window);
