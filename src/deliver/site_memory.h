/* What windows learned, kept when their lanes are freed: bounded, the oldest of four makes room.
 * One worker's; its thread only. */
#pragma once
#include "hayauma/shape/window.h"

enum { SITE_MEMORY_SETS = 1024, SITE_MEMORY_WAYS = 4 };

struct site_memory {
    struct site_known {
        uint64_t lane; /* the hash of source and site; 0 = free */
        struct hy_window_learned learned;
    } * known; /* sets of SITE_MEMORY_WAYS; allocated with the first */
};

/* Forgets in silence when there is no memory: it is a help, not a duty. */
void site_memory_keep(struct site_memory *m, uint64_t lane, const struct hy_window_learned *l);
/* NULL: nothing is known. */
const struct hy_window_learned *site_memory_find(const struct site_memory *m, uint64_t lane);
void site_memory_free(struct site_memory *m);
