/* Time zones that leads name, kept by name. One thread's. */
#pragma once
#include "hayauma/base/zone.h"

enum { ZONES_MAX = 512 }; /* a power of two; the world has some 400 in use */

struct zone_entry {
    char name[HY_ZONE_NAME_MAX + 1]; /* "" = free */
    struct hy_zone *zone;            /* NULL: there is none of that name */
};

/* All zero at first. */
struct zone_cache {
    struct zone_entry *entries; /* ZONES_MAX, allocated with the first */
    uint32_t n;
};

/* NULL when the system knows no such zone. What is found lives until the next call. */
const struct hy_zone *zones_find(struct zone_cache *c, struct hy_str name);
void zones_free(struct zone_cache *c);
