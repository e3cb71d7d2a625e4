/* The bump allocator: blocks that double up to 64 KiB; a large piece gets a block of its own. */
#include "hayauma/base/arena.h"

#include <stdlib.h>

struct hy_arena_block {
    struct hy_arena_block *next;
    size_t used, cap;
    _Alignas(16) char data[];
};

enum { FIRST_BLOCK = 1024, LARGEST_STEP = 65536 };

void *hy_arena_alloc(struct hy_arena *a, size_t n)
{
    if (n > a->max_bytes)
        return NULL;
    n = (n + 15) & ~(size_t)15;
    if (n > a->max_bytes || a->used_bytes > a->max_bytes - n)
        return NULL;
    struct hy_arena_block *b = a->blocks;
    if (!b || b->cap - b->used < n) {
        size_t cap = b ? b->cap * 2 : FIRST_BLOCK;
        if (cap > LARGEST_STEP)
            cap = LARGEST_STEP;
        if (cap < n)
            cap = n;
        b = malloc(sizeof *b + cap);
        if (!b)
            return NULL;
        b->next = a->blocks;
        b->used = 0;
        b->cap = cap;
        a->blocks = b;
    }
    void *p = b->data + b->used;
    b->used += n;
    a->used_bytes += n;
    return p;
}

void *hy_arena_zalloc(struct hy_arena *a, size_t n)
{
    void *p = hy_arena_alloc(a, n);
    if (p)
        memset(p, 0, n);
    return p;
}

struct hy_str hy_arena_str(struct hy_arena *a, struct hy_str s)
{
    char *p = hy_arena_alloc(a, s.n + 1);
    if (!p)
        return (struct hy_str){0};
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return hy_str_make(p, s.n);
}

static void free_blocks(struct hy_arena_block *b)
{
    while (b) {
        struct hy_arena_block *next = b->next;
        free(b);
        b = next;
    }
}

void hy_arena_reset(struct hy_arena *a)
{
    struct hy_arena_block *b = a->blocks;
    if (b) {
        while (b->next) {
            struct hy_arena_block *next = b->next;
            free(b);
            b = next;
        }
        b->used = 0;
        a->blocks = b;
    }
    a->used_bytes = 0;
}

void hy_arena_free(struct hy_arena *a)
{
    free_blocks(a->blocks);
    a->blocks = NULL;
    a->used_bytes = 0;
}
