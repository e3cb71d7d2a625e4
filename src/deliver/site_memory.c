/* What windows learned: a table of sets of four. 64-bit hashes are not compared further: a lane
 * that met another's memory would begin slower than it could, and learn. */
#include "site_memory.h"

#include <stdlib.h>

static struct site_known *set_of(const struct site_memory *m, uint64_t lane)
{
    uint64_t mixed = lane * 0x9e3779b97f4a7c15u;
    return m->known + (mixed >> 54) % SITE_MEMORY_SETS * SITE_MEMORY_WAYS;
}

void site_memory_keep(struct site_memory *m, uint64_t lane, const struct hy_window_learned *l)
{
    if (!m->known)
        m->known = calloc((size_t)SITE_MEMORY_SETS * SITE_MEMORY_WAYS, sizeof *m->known);
    if (!m->known || lane == 0)
        return;
    struct site_known *set = set_of(m, lane), *at = set;
    for (int i = 0; i < SITE_MEMORY_WAYS; i++) {
        if (set[i].lane == lane) {
            at = &set[i];
            break;
        }
        bool is_older = set[i].lane == 0 || set[i].learned.at < at->learned.at;
        if (at->lane != 0 && is_older)
            at = &set[i];
    }
    *at = (struct site_known){lane, *l};
}

const struct hy_window_learned *site_memory_find(const struct site_memory *m, uint64_t lane)
{
    if (!m->known || lane == 0)
        return NULL;
    const struct site_known *set = set_of(m, lane);
    for (int i = 0; i < SITE_MEMORY_WAYS; i++) {
        if (set[i].lane == lane)
            return &set[i].learned;
    }
    return NULL;
}

void site_memory_free(struct site_memory *m)
{
    free(m->known);
    *m = (struct site_memory){0};
}
