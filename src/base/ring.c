/* The ring: each record is a word with its length, then its bytes, in whole words. One that would
 * run over the end starts at the front; a word says so. */
#include "hayauma/base/ring.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { WORD = 8, LEAST = 4096, MOST = 1 << 30 };
#define SKIP UINT32_MAX /* as a length: go on at the front */

struct hy_ring {
    uint32_t size;
    char *bytes;
    char apart[64]; /* each thread's place on a cache line of its own */
    _Atomic uint64_t head;
    uint64_t next; /* the writer's: head after the commit */
    char apart_too[64];
    _Atomic uint64_t tail;
    char behind[64];
};

static uint64_t whole(uint32_t n)
{
    return WORD + ((uint64_t)n + WORD - 1) / WORD * WORD;
}

static uint32_t *length_at(struct hy_ring *r, uint64_t place)
{
    return (uint32_t *)(void *)(r->bytes + (place & (r->size - 1)));
}

int hy_ring_create(uint32_t bytes, struct hy_ring **ret)
{
    if (bytes < LEAST || bytes > MOST || (bytes & (bytes - 1)))
        return HY_EINVAL;
    struct hy_ring *r = calloc(1, sizeof *r);
    if (!r)
        return HY_ENOMEM;
    r->size = bytes;
    r->bytes = aligned_alloc(64, bytes);
    if (!r->bytes) {
        free(r);
        return HY_ENOMEM;
    }
    *ret = r;
    return HY_OK;
}

void hy_ring_free(struct hy_ring *r)
{
    if (!r)
        return;
    free(r->bytes);
    free(r);
}

void *hy_ring_reserve(struct hy_ring *r, uint32_t n)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint64_t room = r->size - (head - atomic_load_explicit(&r->tail, memory_order_acquire));
    uint64_t to_end = r->size - (head & (r->size - 1));
    uint64_t need = whole(n);
    uint64_t skip = need > to_end ? to_end : 0;
    if (n == SKIP || skip + need > room)
        return NULL;
    if (skip)
        *length_at(r, head) = SKIP;
    uint32_t *at = length_at(r, head + skip);
    *at = n;
    r->next = head + skip + need;
    return (char *)at + WORD;
}

void hy_ring_commit(struct hy_ring *r)
{
    atomic_store_explicit(&r->head, r->next, memory_order_release);
}

const void *hy_ring_peek(struct hy_ring *r, uint32_t *ret_n)
{
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
        return NULL;
    if (*length_at(r, tail) ==
        SKIP) { /* a record stands at the front: it was committed with this */
        tail += r->size - (tail & (r->size - 1));
        atomic_store_explicit(&r->tail, tail, memory_order_release);
    }
    uint32_t *at = length_at(r, tail);
    *ret_n = *at;
    return (char *)at + WORD;
}

void hy_ring_release(struct hy_ring *r)
{
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    tail += whole(*length_at(r, tail));
    atomic_store_explicit(&r->tail, tail, memory_order_release);
}
