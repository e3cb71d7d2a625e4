/* An open table, at most half full, by a hash that strangers cannot aim at. */
#include "hayauma/base/names.h"

#include <stdlib.h>

#include "hayauma/base/hash.h"

static struct hy_str name_at(const struct hy_names *t, size_t i)
{
    return hy_str_of(*(const char *const *)(const void *)(t->first + i * t->stride));
}

/* The slot of a name, or the free one where it would be. */
static size_t slot_of(const struct hy_names *t, struct hy_str name)
{
    size_t at = hy_siphash(hy_hash_process_key(), name.p, name.n) & t->mask;
    while (t->table[at] && !hy_str_eq(name_at(t, t->table[at] - 1), name))
        at = (at + 1) & t->mask;
    return at;
}

int hy_names_build(struct hy_names *t, const char *const *first, size_t stride, size_t n,
                   size_t *ret_twice)
{
    size_t room = 64;
    while (room < 2 * n)
        room *= 2;
    *t = (struct hy_names){.table = calloc(room, sizeof *t->table),
                           .mask = room - 1,
                           .first = (const char *)(const void *)first,
                           .stride = stride};
    if (!t->table)
        return HY_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        size_t at = slot_of(t, name_at(t, i));
        if (t->table[at]) {
            *ret_twice = i;
            return HY_EEXIST;
        }
        t->table[at] = (uint32_t)i + 1;
    }
    return HY_OK;
}

size_t hy_names_find(const struct hy_names *t, struct hy_str name)
{
    return t->table ? (size_t)t->table[slot_of(t, name)] - 1 : SIZE_MAX;
}

void hy_names_free(struct hy_names *t)
{
    free(t->table);
    *t = (struct hy_names){0};
}
