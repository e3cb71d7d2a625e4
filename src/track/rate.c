/* Counting how often: a line of cells for each key, emptied when a new window finds it. */
#include "hayauma/track/rate.h"

#include <stdlib.h>

enum {
    CELLS = 30,
    ROWS = 4, /* cells of a key */
    LINE_BYTES = 64,
    CELL_BITS = 10, /* of a hash for each of them, behind those for the line */
    LINES_BITS_MAX = 24,
};
_Static_assert(HY_RATE_LINES_MAX == 1 << LINES_BITS_MAX, "and LINES_BITS_MAX + ROWS * CELL_BITS "
                                                         "bits are there");

struct hy_rate_line {
    uint32_t window; /* that the counts are of */
    uint16_t cells[CELLS];
};
_Static_assert(sizeof(struct hy_rate_line) == LINE_BYTES, "a line is one of the processor's cache");

struct hy_rate {
    struct hy_hash_key key;
    uint32_t n_lines;
    void *room;                 /* what is never used is never touched */
    struct hy_rate_line *lines; /* in it */
};

int hy_rate_new(uint32_t lines, const struct hy_hash_key *key, struct hy_rate **ret)
{
    if (lines == 0 || lines > HY_RATE_LINES_MAX || (lines & (lines - 1)))
        return HY_EINVAL;
    struct hy_rate *r = calloc(1, sizeof *r);
    if (!r)
        return HY_ENOMEM;
    r->key = *key;
    r->n_lines = lines;
    r->room = calloc((size_t)lines + 1, LINE_BYTES);
    if (!r->room) {
        free(r);
        return HY_ENOMEM;
    }
    uintptr_t at = ((uintptr_t)r->room + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
    r->lines = (struct hy_rate_line *)at;
    *ret = r;
    return HY_OK;
}

void hy_rate_free(struct hy_rate *r)
{
    if (r)
        free(r->room);
    free(r);
}

struct hy_rate_place hy_rate_find(struct hy_rate *r, const void *what, size_t n)
{
    uint64_t hash = hy_siphash(&r->key, what, n);
    struct hy_rate_place p = {&r->lines[hash & (r->n_lines - 1)], hash >> LINES_BITS_MAX};
    __builtin_prefetch(p.line, 1);
    return p;
}

uint32_t hy_rate_add(struct hy_rate_place p, uint32_t window)
{
    uint16_t *cells[ROWS], least = UINT16_MAX;
    if (p.line->window != window)
        *p.line = (struct hy_rate_line){.window = window};
    for (int i = 0; i < ROWS; i++, p.cells >>= CELL_BITS) {
        cells[i] = &p.line->cells[p.cells % (1 << CELL_BITS) % CELLS];
        if (*cells[i] < least)
            least = *cells[i];
    }
    if (least == UINT16_MAX)
        return HY_RATE_MAX;
    for (int i = 0; i < ROWS; i++)
        if (*cells[i] == least)
            (*cells[i])++;
    return least + 1u;
}
