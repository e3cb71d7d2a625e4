/* Mail of a campaign with an expiry of its own that waits in a lane when that comes: for a site
 * that is suspended, a day that is full, a connection, its turn. It ends then, not when the lane
 * has sent what is before it. (By the rule of a site only the time of tries counts, and the next
 * try sees whether it is over.) */
#include "lane.h"
#include "press.h"

enum { FULL_US = 100 * 1000 }; /* until the next look when the worker has its hands full */

hy_wall_ms lane_expiry(const struct lane *l, const struct delivery *d)
{
    hy_us after = d->run->plan.expire_us;
    if (!after && d->ref.attempts == 0)
        return INT64_MAX;
    if (!after)
        after = l->limits.retry.expire_us;
    return settle_since(d, hy_clock_wall_ms()) + after / HY_US_PER_MS;
}

/* When all rows of a campaign are over; INT64_MAX: it has no expiry of its own. */
static hy_wall_ms over_at(const struct run *r)
{
    return r->plan.expire_us ? r->queued + r->plan.expire_us / HY_US_PER_MS : INT64_MAX;
}

void lane_look_at_expiry(struct lane *l, const struct run *r)
{
    if (!r->plan.expire_us)
        return;
    hy_wall_ms left = over_at(r) - hy_clock_wall_ms();
    hy_us at = hy_loop_now(l->worker->loop) + (left > 0 ? left : 0) * HY_US_PER_MS;
    l->expire_at = at < l->expire_at ? at : l->expire_at;
}

static void settle_expired(struct delivery *d, hy_wall_ms now)
{
    d->expires = now;
    if (!press_is_in_time(d, now))
        settle_refusal(d, d->refusal_state, &d->refusal);
}

static void expire_ready(struct lane *l, hy_wall_ms now)
{
    hy_list_for_each_safe (it, &l->ready) {
        struct delivery *d = hy_container_of(it, struct delivery, link);
        if (over_at(d->run) > now)
            continue;
        hy_list_remove(&d->link);
        l->n_ready--;
        lane_count_ahead(l, d, -1);
        settle_expired(d, now);
    }
}

/* All rows of a share; the parts go to `dry`. False: the worker has its hands full, and there are
 * more. */
static bool expire_share(struct lane *l, struct lane_share *s, hy_wall_ms now, struct hy_list *dry)
{
    while (!hy_list_empty(&s->feeds)) {
        struct feed_part *p = hy_container_of(s->feeds.next, struct feed_part, link);
        while (p->next < p->end) {
            struct delivery *d = worker_is_full(l->worker) ? NULL : worker_take(l->worker, p);
            if (!d)
                return false;
            settle_expired(d, now);
        }
        hy_list_remove(&p->link);
        hy_list_push(dry, &p->link);
    }
    return true;
}

void lane_expire(struct lane *l, hy_us now)
{
    if (l->expire_at > now)
        return;
    hy_wall_ms wall = hy_clock_wall_ms(), next = INT64_MAX;
    struct hy_list dry;
    hy_list_init(&dry);
    expire_ready(l, wall);
    hy_list_for_each (it, &l->shares) {
        struct lane_share *s = hy_container_of(it, struct lane_share, link);
        hy_wall_ms at = over_at(s->run);
        if (at <= wall && !expire_share(l, s, wall, &dry))
            at = wall + FULL_US / HY_US_PER_MS;
        if (at > wall && at < next)
            next = at;
    }
    l->expire_at = next == INT64_MAX ? HY_US_NEVER : now + (next - wall) * HY_US_PER_MS;
    for (struct hy_list *it; (it = hy_list_pop(&dry));) /* the part may go with its feed */
        worker_feed_return(l->worker, hy_container_of(it, struct feed_part, link)->feed);
}
