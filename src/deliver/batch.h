/* Things that are saved some at a time: which of a list have their turn. */
#pragma once
#include <stddef.h>

#include "hayauma/base/list.h"

/* Asks `take` about the first of `list`, at most `n` of them, until it has said yes `room` times;
 * those it took go to the end, so that the next batch begins with those that were taken longest
 * ago. Returns how many it took. Whoever calls holds the list's lock. */
static inline size_t batch_gather(struct hy_list *list, size_t n, size_t room,
                                  bool (*take)(void *ctx, struct hy_list *it), void *ctx)
{
    size_t taken = 0;
    for (struct hy_list *it = list->next, *next; n && taken < room; it = next, n--) {
        next = it->next;
        if (!take(ctx, it))
            continue;
        taken++;
        hy_list_remove(it);
        hy_list_push(list, it);
    }
    return taken;
}
