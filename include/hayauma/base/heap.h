/* An intrusive binary heap: the smallest key on top, O(log n) to add, change and remove. */
#pragma once
#include <stdint.h>

#include "hayauma/base/err.h"

enum { HY_HEAP_NONE = 0 }; /* place of a node that is in no heap */

/* Part of a larger struct; initialise with {0}. */
struct hy_heap_node {
    int64_t key;    /* a time, usually */
    uint32_t place; /* 1-based place in the heap, or HY_HEAP_NONE */
};

struct hy_heap {
    struct hy_heap_node **nodes; /* owned array of borrowed nodes; [0] is not used */
    uint32_t n, cap;
    uint32_t max; /* adding past this fails with HY_ELIMIT */
};

#define HY_HEAP_INIT(max_nodes) ((struct hy_heap){.max = (max_nodes)})

/* Frees the array, not the nodes, which are marked as being in no heap. */
void hy_heap_free(struct hy_heap *h);
/* Adds the node, or moves it to its new key if it is in this heap already. HY_ENOMEM, HY_ELIMIT;
 * a move never fails. Nodes of equal key come out in any order. */
HY_MUST_USE int hy_heap_put(struct hy_heap *h, struct hy_heap_node *node, int64_t key);
/* Fine on a node that is in no heap. */
void hy_heap_remove(struct hy_heap *h, struct hy_heap_node *node);
/* The smallest, still in the heap; NULL when empty. */
static inline struct hy_heap_node *hy_heap_top(const struct hy_heap *h)
{
    return h->n ? h->nodes[1] : NULL;
}
