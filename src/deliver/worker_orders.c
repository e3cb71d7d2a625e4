/* What a worker is told: a run stops, another policy counts, it is to end. Each means that rows
 * which wait in lanes, or are held, are looked at again: they go to other lanes, back to the
 * feeder, or stay. */
#include <stdlib.h>

#include "lane.h"

/* Deals out again what is left of the feeds of these parts; what is over goes to the feeder. */
static void sort_parts(struct worker *w, struct hy_list *parts)
{
    for (struct hy_list *it; (it = hy_list_pop(parts));) {
        struct feed *f = hy_container_of(it, struct feed_part, link)->feed;
        if (worker_is_over(w, f)) {
            worker_drop_rows(f);
            worker_feed_return(w, f);
        } else {
            deal_again(w, f);
        }
    }
}

/* Looks at held parts again: they go to their lanes, back to the feeder, or stay. */
static void sort_held(struct worker *w)
{
    struct hy_list all;
    hy_list_init(&all);
    for (struct hy_list *it; (it = hy_list_pop(&w->held));)
        hy_list_push(&all, it);
    sort_parts(w, &all);
}

static bool is_same_pool(const struct hy_deliver_pool *a, const struct hy_deliver_pool *b)
{
    bool same = a->n == b->n && strcmp(a->name, b->name) == 0;
    for (size_t i = 0; same && i < a->n; i++)
        same = a->members[i].seed == b->members[i].seed &&
               a->members[i].weight == b->members[i].weight;
    return same;
}

static bool has_same_pools(const struct hy_deliver_policy *a, const struct hy_deliver_policy *b)
{
    bool same = a->n_source_pools == b->n_source_pools;
    for (size_t i = 0; same && i < a->n_source_pools; i++)
        same = is_same_pool(&a->source_pools[i], &b->source_pools[i]);
    return same;
}

/* What waits in lanes goes to the sources that its pools have now. */
static void sort_all(struct worker *w)
{
    struct hy_list all;
    hy_list_init(&all);
    hy_list_for_each (it, &w->lanes) {
        struct lane *l = hy_container_of(it, struct lane, link);
        hy_list_for_each (at, &l->shares) {
            struct lane_share *s = hy_container_of(at, struct lane_share, link);
            for (struct hy_list *part; (part = hy_list_pop(&s->feeds));)
                hy_list_push(&all, part);
        }
    }
    sort_parts(w, &all);
}

/* The same for what is pressed; lanes that are made meanwhile come last, and have no strays. */
static void reroute(struct worker *w)
{
    hy_list_for_each (it, &w->lanes)
        lane_reroute(hy_container_of(it, struct lane, link));
}

/* Takes parts of domains that are held now out of the lane's hands. */
static void take_held(struct lane *l)
{
    hy_list_for_each (it, &l->shares) {
        struct lane_share *s = hy_container_of(it, struct lane_share, link);
        hy_list_for_each_safe (at, &s->feeds) {
            if (!orders_hold_part(l->worker, hy_container_of(at, struct feed_part, link)))
                continue;
            hy_list_remove(at);
            hy_list_push(&l->worker->held, at);
        }
    }
}

/* Those at the press are dropped when it returns them; these are sent, or settled, all the same. */
static bool lingers(const struct delivery *d, const struct run *r)
{
    return d->run == r && (d->submitted || d->is_settling);
}

void worker_stop_run(struct worker *w, struct stop_order *o)
{
    hy_list_for_each_safe (it, &w->lanes)
        lane_stop_run(hy_container_of(it, struct lane, link), o->run);
    sort_held(w);
    size_t n = 0;
    hy_list_for_each (it, &w->deliveries)
        n += lingers(hy_container_of(it, struct delivery, all), o->run);
    o->lingering = n ? malloc(n * sizeof *o->lingering) : NULL;
    o->is_lost = n && !o->lingering;
    hy_list_for_each (it, &w->deliveries) {
        struct delivery *d = hy_container_of(it, struct delivery, all);
        if (o->lingering && lingers(d, o->run))
            o->lingering[o->n_lingering++] =
                (struct lingering){d->ref, d->feed->due_s, d->submitted != 0};
    }
    int err = hy_mailbox_post_answer(feeder_mailbox(w->d->feeder), &o->msg);
    (void)err;
}

void worker_share_connections(struct worker *w)
{
    w->max_connections = w->policy->max_connections / w->d->n_workers;
    w->max_connections += w->max_connections == 0;
}

void worker_policy(struct worker *w, struct policy_msg *m)
{
    struct hy_deliver_policy *old = w->policy;
    w->policy = m->policy;
    worker_share_connections(w);
    hy_list_for_each (it, &w->lanes) {
        lane_apply_policy(hy_container_of(it, struct lane, link));
        take_held(hy_container_of(it, struct lane, link));
    }
    bool is_parted = false;
    hy_list_for_each (it, &w->lanes)
        is_parted |= joint_part(hy_container_of(it, struct lane, link));
    hy_list_for_each (it, &w->lanes)
        if (is_parted)
            lane_apply_policy(hy_container_of(it, struct lane, link));
    if (!has_same_pools(old, w->policy) || !orders_route_alike(old, w->policy)) {
        sort_all(w);
        reroute(w);
    }
    sort_held(w);
    hy_deliver_policy_unref(old);
    free(m);
}

void worker_drain(struct worker *w, struct drain_msg *m)
{
    w->is_draining = true;
    hy_list_for_each_safe (it, &w->lanes)
        lane_drain(hy_container_of(it, struct lane, link));
    sort_held(w);
    hy_loop_arm_in(w->loop, &w->drain_timer, m->timeout_us);
    free(m);
}

/* The time to end in order is over: cut what is left; then wait for the writer only so long. */
void worker_drain_over(void *arg)
{
    struct worker *w = arg;
    if (w->is_cut) {
        w->is_done = true;
        hy_loop_stop(w->loop);
        return;
    }
    w->is_cut = true;
    hy_list_for_each_safe (it, &w->lanes) {
        struct lane *l = hy_container_of(it, struct lane, link);
        hy_list_for_each_safe (s, &l->sessions)
            session_abort(hy_container_of(s, struct session, link));
    }
    hy_loop_arm_in(w->loop, &w->drain_timer, 5 * HY_US_PER_SEC);
}
