/* Intrusive doubly linked list with a head: no allocation, O(1) removal. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct hy_list {
    struct hy_list *next, *prev;
};

static inline void hy_list_init(struct hy_list *l)
{
    l->next = l->prev = l;
}
static inline bool hy_list_empty(const struct hy_list *l)
{
    return l->next == l;
}
static inline void hy_list_insert(struct hy_list *at, struct hy_list *node)
{
    node->next = at->next;
    node->prev = at;
    at->next->prev = node;
    at->next = node;
}
static inline void hy_list_push(struct hy_list *head, struct hy_list *node) /* at the tail */
{
    hy_list_insert(head->prev, node);
}
static inline void hy_list_push_front(struct hy_list *head, struct hy_list *node)
{
    hy_list_insert(head, node);
}
/* Safe on a node that is in no list, if it was initialised. */
static inline void hy_list_remove(struct hy_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = node;
}
static inline struct hy_list *hy_list_pop(struct hy_list *head) /* NULL when empty */
{
    struct hy_list *n = head->next;
    if (n == head)
        return NULL;
    hy_list_remove(n);
    return n;
}
#define hy_container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define hy_list_for_each(it, head)                                                                 \
    for (struct hy_list *it = (head)->next; it != (head); it = it->next)
#define hy_list_for_each_safe(it, head)                                                            \
    for (struct hy_list *it = (head)->next, *it##_next = it->next; it != (head);                   \
         it = it##_next, it##_next = it->next)
