/* A bump allocator: one for a message or a session, freed at once. */
#pragma once
#include "hayauma/base/str.h"

struct hy_arena_block;
struct hy_arena {
    struct hy_arena_block *blocks; /* newest first */
    size_t used_bytes;             /* handed out, over all blocks */
    size_t max_bytes;              /* allocations past this return NULL */
};

#define HY_ARENA_INIT(max) ((struct hy_arena){.max_bytes = (max)})

/* Aligned to 16 bytes, not zeroed; NULL when the maximum or memory is exhausted. */
void *hy_arena_alloc(struct hy_arena *a, size_t n);
void *hy_arena_zalloc(struct hy_arena *a, size_t n);
/* A copy with a NUL behind it; {NULL, 0} on failure (an empty string copies to a non-NULL p). */
struct hy_str hy_arena_str(struct hy_arena *a, struct hy_str s);
/* Forgets everything but keeps the first block for the next use. */
void hy_arena_reset(struct hy_arena *a);
void hy_arena_free(struct hy_arena *a);
