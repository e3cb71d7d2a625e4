/* The binary heap: sift up, sift down, and each node knows its place. */
#include "hayauma/base/heap.h"

#include <stdlib.h>

static void set(struct hy_heap *h, uint32_t place, struct hy_heap_node *node)
{
    h->nodes[place] = node;
    node->place = place;
}

static void sift_up(struct hy_heap *h, uint32_t place, struct hy_heap_node *node)
{
    while (place > 1 && node->key < h->nodes[place / 2]->key) {
        set(h, place, h->nodes[place / 2]);
        place /= 2;
    }
    set(h, place, node);
}

static void sift_down(struct hy_heap *h, uint32_t place, struct hy_heap_node *node)
{
    for (uint32_t child; place <= h->n / 2; place = child) {
        child = place * 2;
        if (child < h->n && h->nodes[child + 1]->key < h->nodes[child]->key)
            child++;
        if (node->key <= h->nodes[child]->key)
            break;
        set(h, place, h->nodes[child]);
    }
    set(h, place, node);
}

static void settle(struct hy_heap *h, uint32_t place, struct hy_heap_node *node)
{
    if (place > 1 && node->key < h->nodes[place / 2]->key)
        sift_up(h, place, node);
    else
        sift_down(h, place, node);
}

static int grow(struct hy_heap *h)
{
    uint32_t cap = h->cap > h->max / 2 ? h->max : h->cap * 2;
    if (cap < 64)
        cap = h->max < 64 ? h->max : 64;
    struct hy_heap_node **nodes =
        (struct hy_heap_node **)reallocarray(h->nodes, (size_t)cap + 1, sizeof *nodes);
    if (!nodes)
        return HY_ENOMEM;
    h->nodes = nodes;
    h->cap = cap;
    return 0;
}

void hy_heap_free(struct hy_heap *h)
{
    for (uint32_t i = 1; i <= h->n; i++)
        h->nodes[i]->place = HY_HEAP_NONE;
    free(h->nodes);
    *h = HY_HEAP_INIT(h->max);
}

int hy_heap_put(struct hy_heap *h, struct hy_heap_node *node, int64_t key)
{
    if (node->place != HY_HEAP_NONE) {
        node->key = key;
        settle(h, node->place, node);
        return 0;
    }
    if (h->n >= h->max)
        return HY_ELIMIT;
    if (h->n == h->cap) {
        int err = grow(h);
        if (err)
            return err;
    }
    node->key = key;
    h->n++;
    sift_up(h, h->n, node);
    return 0;
}

void hy_heap_remove(struct hy_heap *h, struct hy_heap_node *node)
{
    if (node->place == HY_HEAP_NONE)
        return;
    uint32_t place = node->place;
    struct hy_heap_node *last = h->nodes[h->n--];
    node->place = HY_HEAP_NONE;
    if (last != node)
        settle(h, place, last);
}
