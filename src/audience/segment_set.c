/* Segments as sets. A set or all but a set: what `not` makes of one costs nothing, and only at the
 * end, if ever, is it taken from everyone. What is joined by `or` is what `and` leaves out of the
 * opposites, so there is one way of joining. */
#include "hayauma/audience/segment_set.h"

#include <stdlib.h>

struct side {
    struct hy_segment_leads set;
    bool is_rest; /* all but these */
};

static int make(const struct hy_segment_node *n, const struct hy_segment_leaves *l,
                struct side *ret);

static void drop(struct side *s)
{
    if (s->set.owned)
        roaring_bitmap_free(s->set.owned);
    s->set.owned = NULL;
}

/* Makes `to` one of its own, so that it can be changed. */
static int own(struct hy_segment_leads *to)
{
    if (!to->owned)
        to->leads = to->owned = roaring_bitmap_copy(to->leads);
    return to->owned ? HY_OK : HY_ENOMEM;
}

/* all = all and next; both are used up. */
static int join(struct side *all, struct side *next)
{
    if (all->is_rest && !next->is_rest) { /* begin with what is there */
        struct side other = *all;
        *all = *next;
        *next = other;
    }
    int err = own(&all->set);
    if (err == HY_OK && all->is_rest)
        roaring_bitmap_or_inplace(all->set.owned, next->set.leads);
    else if (err == HY_OK && next->is_rest)
        roaring_bitmap_andnot_inplace(all->set.owned, next->set.leads);
    else if (err == HY_OK)
        roaring_bitmap_and_inplace(all->set.owned, next->set.leads);
    drop(next);
    return err;
}

static bool is_nobody(const struct side *s)
{
    return !s->is_rest && roaring_bitmap_is_empty(s->set.leads);
}

/* The items joined by `and`, each turned round first where they are those of an `or`. */
static int join_items(const struct hy_segment_node *n, const struct hy_segment_leaves *l,
                      struct side *ret)
{
    bool is_any = n->kind == HY_SEGMENT_ANY;
    struct side all = {{NULL, NULL}, false};
    int err = make(n->items[0], l, &all);
    all.is_rest ^= is_any;
    for (size_t i = 1; i < n->n_items && err == HY_OK && !is_nobody(&all); i++) {
        struct side next = {{NULL, NULL}, false};
        err = make(n->items[i], l, &next);
        next.is_rest ^= is_any;
        if (err == HY_OK)
            err = join(&all, &next);
    }
    all.is_rest ^= is_any;
    if (err == HY_OK)
        *ret = all;
    else
        drop(&all);
    return err;
}

static int make(const struct hy_segment_node *n, const struct hy_segment_leaves *l,
                struct side *ret)
{
    int err;
    switch (n->kind) {
    case HY_SEGMENT_ALL:
    case HY_SEGMENT_ANY:
        return join_items(n, l, ret);
    case HY_SEGMENT_NOT:
        err = make(n->items[0], l, ret);
        if (err == HY_OK)
            ret->is_rest = !ret->is_rest;
        return err;
    default:
        return l->leaf(l->ctx, n, &ret->set);
    }
}

int hy_segment_set(const struct hy_segment_node *node, const struct hy_segment_leaves *l,
                   roaring_bitmap_t **ret)
{
    struct side all = {{NULL, NULL}, false};
    int err = make(node, l, &all);
    if (err != HY_OK)
        return err;
    if (all.is_rest) {
        struct side everyone = {{l->everyone, NULL}, false};
        err = join(&all, &everyone);
    } else {
        err = own(&all.set);
    }
    if (err == HY_OK)
        *ret = all.set.owned;
    else
        drop(&all);
    return err;
}
