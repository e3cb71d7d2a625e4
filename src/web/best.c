/* The best of many by their points, in room for as many as are wanted. */
#include <stdlib.h>

#include "points.h"

static bool is_less(struct web_place a, struct web_place b)
{
    return a.milli != b.milli ? a.milli < b.milli : a.no > b.no;
}

static void sink(struct web_best *b, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < b->n; i = child) {
        if (child + 1 < b->n && is_less(b->places[child + 1], b->places[child]))
            child++;
        if (!is_less(b->places[child], b->places[i]))
            return;
        struct web_place p = b->places[i];
        b->places[i] = b->places[child];
        b->places[child] = p;
    }
}

void web_best_offer(struct web_best *b, struct web_place p)
{
    if (b->n < b->max) {
        b->places[b->n++] = p;
        if (b->n == b->max)
            for (size_t i = b->n; i-- > 0;)
                sink(b, i);
    } else if (b->max && is_less(b->places[0], p)) {
        b->places[0] = p;
        sink(b, 0);
    }
}

static int best_first(const void *a, const void *b)
{
    return is_less(*(const struct web_place *)a, *(const struct web_place *)b) ? 1 : -1;
}

void web_best_sort(struct web_best *b)
{
    if (b->n)
        qsort(b->places, b->n, sizeof *b->places, best_first);
}
