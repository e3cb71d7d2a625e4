/* What windows learned, kept when their lanes are freed, and over restarts: bounded, the oldest of
 * four makes room. One worker's; its thread only, but for loading. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/shape/window.h"

enum { SITE_MEMORY_SETS = 1024, SITE_MEMORY_WAYS = 4 };

/* A lane, over restarts and reloads. */
struct site_key {
    uint64_t site;   /* the site's hash */
    uint64_t source; /* of the source's name and the rule's: site_memory_source */
};
/* `rule`: NULL without one. What was learned under one rule says nothing of another's ceiling. */
uint64_t site_memory_source(const char *name, const char *rule);

struct site_memory {
    struct site_known {
        struct site_key lane; /* site 0 = free */
        struct hy_window_learned learned;
    } * known; /* sets of SITE_MEMORY_WAYS; allocated with the first */
};

/* Forgets in silence when there is no memory: it is a help, not a duty. What is kept of the same
 * lane already stays when it is newer. */
void site_memory_keep(struct site_memory *m, struct site_key lane,
                      const struct hy_window_learned *l);
/* NULL: nothing is known. */
const struct hy_window_learned *site_memory_find(const struct site_memory *m, struct site_key lane);
void site_memory_free(struct site_memory *m);

/* ---- as bytes: `now` and `wall` are the same moment by both clocks ---- */
/* Appends all that is known; how many lanes. */
size_t site_memory_write(const struct site_memory *m, hy_us now, hy_wall_ms wall,
                         struct hy_buf *out);
/* Calls `each` for every lane. HY_ECORRUPT: bytes that make no sense are passed over. */
HY_MUST_USE int site_memory_read(struct hy_str bytes, hy_us now, hy_wall_ms wall,
                                 void (*each)(void *ctx, struct site_key lane,
                                              const struct hy_window_learned *l),
                                 void *ctx);
