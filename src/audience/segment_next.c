/* When what a segment says of a lead can change although nothing happens to the lead: what was done
 * within 30 days is longer ago one day, what lies ahead comes, what fades is gone. */
#include "hayauma/audience/segment.h"

struct view {
    bool is_true;
    hy_wall_ms until; /* it is as it is before this moment */
};

static hy_wall_ms sooner(hy_wall_ms a, hy_wall_ms b)
{
    return a < b ? a : b;
}

static struct view compared(const struct hy_segment_node *n, const struct hy_segment_facts *f)
{
    struct hy_str value = f->attribute(f->ctx, n->name);
    struct view v = {.until = hy_segment_age_changes(n, value, f->now, f->zone)};
    v.is_true = hy_segment_compares_all(n, value, f);
    if (f->stays_until)
        v.until = sooner(v.until, f->stays_until(f->ctx, n));
    return v;
}

/* Those within a time only get fewer while nothing happens, the oldest first. */
uint32_t hy_segment_rank(const struct hy_segment_node *n, uint32_t count)
{
    switch (n->op) {
    case HY_SEGMENT_GE:
    case HY_SEGMENT_LT:
        return count >= n->count ? n->count : 0;
    case HY_SEGMENT_GT:
    case HY_SEGMENT_LE:
        return count > n->count ? n->count + 1 : 0;
    default:
        return count > n->count ? n->count + 1 : count == n->count ? n->count : 0;
    }
}

static struct view done(const struct hy_segment_node *n, const struct hy_segment_facts *f)
{
    hy_wall_ms from, until;
    hy_segment_window(n, f->now, f->zone, &from, &until);
    uint32_t count = f->count(f->ctx, n, from, until, hy_segment_enough(n));
    struct view v = {.is_true = hy_segment_is_often(n, count), .until = INT64_MAX};
    uint32_t rank = n->within_s ? hy_segment_rank(n, count) : 0;
    if (rank) {
        hy_wall_ms at = f->nth(f->ctx, n, from, until, rank);
        if (at >= from)
            v.until = at + (hy_wall_ms)n->within_s * 1000 + 1;
    }
    return v;
}

static struct view look(const struct hy_segment_node *n, const struct hy_segment_facts *f);

/* `and`: untrue as long as any item is, so until the last of the untrue ones can change; true until
 * the first item can. `or` is the same of the opposites. */
static struct view look_items(const struct hy_segment_node *n, const struct hy_segment_facts *f)
{
    bool ends = n->kind == HY_SEGMENT_ANY; /* one item of this kind decides */
    struct view v = {.is_true = !ends, .until = INT64_MAX};
    for (size_t i = 0; i < n->n_items; i++) {
        struct view item = look(n->items[i], f);
        if (item.is_true != ends) {
            if (v.is_true != ends)
                v.until = sooner(v.until, item.until);
            continue;
        }
        if (v.is_true != ends || item.until > v.until)
            v.until = item.until;
        v.is_true = ends;
        if (v.until == INT64_MAX)
            break;
    }
    return v;
}

static struct view look(const struct hy_segment_node *n, const struct hy_segment_facts *f)
{
    struct view v = {.until = INT64_MAX};
    switch (n->kind) {
    case HY_SEGMENT_COMPARE:
        return compared(n, f);
    case HY_SEGMENT_DID:
        return done(n, f);
    case HY_SEGMENT_MEMBER:
        v.is_true = f->is_member(f->ctx, n->group, n->name);
        return v;
    case HY_SEGMENT_NOT:
        v = look(n->items[0], f);
        v.is_true = !v.is_true;
        return v;
    case HY_SEGMENT_ALL:
    case HY_SEGMENT_ANY:
        break;
    }
    return look_items(n, f);
}

hy_wall_ms hy_segment_next_change(const struct hy_segment_node *node,
                                  const struct hy_segment_facts *facts, bool *ret_is_true)
{
    struct view v = look(node, facts);
    *ret_is_true = v.is_true;
    return v.until;
}
