/* Counting by key: open addressing, where what is dropped lets those behind it move up. */
#include "hayauma/base/tally.h"

#include <stdlib.h>

int hy_tally_init(struct hy_tally *t, uint32_t most)
{
    size_t n = 16;
    while (n < 2 * (size_t)most)
        n *= 2;
    struct hy_tally_slot *slots = calloc(n, sizeof *slots);
    if (!slots)
        return HY_ENOMEM;
    *t = (struct hy_tally){slots, n};
    return HY_OK;
}

void hy_tally_free(struct hy_tally *t)
{
    free(t->slots);
    *t = (struct hy_tally){0};
}

/* Its slot, or the free one where it would be. */
static size_t find(const struct hy_tally *t, uint64_t key)
{
    size_t at = key & (t->n - 1);
    while (t->slots[at].n && t->slots[at].key != key)
        at = (at + 1) & (t->n - 1);
    return at;
}

uint32_t hy_tally_count(const struct hy_tally *t, uint64_t key)
{
    return t->n ? t->slots[find(t, key)].n : 0;
}

void hy_tally_add(struct hy_tally *t, uint64_t key)
{
    struct hy_tally_slot *s = &t->slots[find(t, key)];
    s->key = key;
    s->n++;
}

void hy_tally_drop(struct hy_tally *t, uint64_t key)
{
    if (hy_tally_count(t, key) == 0)
        return;
    size_t hole = find(t, key), mask = t->n - 1;
    if (--t->slots[hole].n > 0)
        return;
    for (size_t at = (hole + 1) & mask; t->slots[at].n; at = (at + 1) & mask) {
        size_t home = t->slots[at].key & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        t->slots[hole] = t->slots[at];
        t->slots[at].n = 0;
        hole = at;
    }
}
