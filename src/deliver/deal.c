/* Which source sends which row of a feed: the rows are dealt out by the weights of the campaign's
 * pool, lead by lead (shape/spread.h), among those sources that may send to the site now. Those of
 * one source are put behind each other, in their order, as a part of the feed; each part is in the
 * lane of its source. When a source is out, what is left is dealt out again without it; when all
 * are out, nobody is left out, and the rows wait where they would have gone.
 *
 * A lead keeps its source over tries, so that greylisting servers know it again; from the third
 * failure on another one has its turn, in case it is the source that is not liked. */
#include <stdlib.h>

#include "hayauma/base/log.h"
#include "lane.h"

enum { TRIES_BY_ONE = 3, ROWS_MAX = 4096 };

/* Where rows are sorted. */
struct deal_room {
    uint16_t to[ROWS_MAX]; /* the part each goes to */
    struct feed_row rows[ROWS_MAX];
};

static const struct hy_deliver_pool *pool_of_run(const struct hy_deliver_policy *p,
                                                 const struct run *r)
{
    const struct hy_deliver_tenant *t =
        r->plan.pool && r->plan.pool[0] ? NULL : policy_tenant(p, r->plan.tenant);
    return policy_pool(p, t ? t->tenant->pool : r->plan.pool);
}

/* What a person ordered goes before what the campaign says. */
static const struct hy_deliver_pool *pool_of_feed(const struct hy_deliver_policy *p,
                                                  const struct feed *f)
{
    const struct hy_deliver_pool *ordered = orders_pool(p, f);
    return ordered ? ordered : pool_of_run(p, f->run);
}

/* ---- who may ---- */

static bool has_family(const struct hy_mx *mx, int family)
{
    for (size_t i = 0; i < mx->n_hosts; i++)
        for (size_t k = 0; k < mx->hosts[i].n_addresses; k++)
            if (family == AF_UNSPEC || hy_sockaddr_family(&mx->hosts[i].addresses[k]) == family)
                return true;
    return false;
}

static bool may_send(const struct worker *w, const struct feed *f, size_t source, hy_us now)
{
    const struct source *s = w->policy->live[source];
    int family = source_family(s, &w->policy->sources[source], now);
    if (family < 0 || !has_family(f->mx, family) || orders_hold(w, f, s))
        return false;
    const struct lane *l = lane_find(w, f, s);
    return !l || !lane_is_out(l, now);
}

/* How many of the pool may send to the feed's site now. */
static size_t who_may(const struct worker *w, const struct feed *f,
                      const struct hy_deliver_pool *pool, bool may[HY_SPREAD_MAX])
{
    hy_us now = hy_loop_now(w->loop);
    size_t n = 0;
    for (size_t i = 0; i < pool->n; i++) {
        may[i] = may_send(w, f, pool->sources[i], now);
        n += may[i];
    }
    return n;
}

bool deal_may(const struct worker *w, const struct feed *f)
{
    const struct hy_deliver_pool *pool = pool_of_feed(w->policy, f);
    bool may[HY_SPREAD_MAX];
    return pool && pool->n > 1 && who_may(w, f, pool, may) > 0;
}

/* Recipients of one ready message, which a block of a spool has, may travel together: they keep to
 * one source. */
static uint64_t key_of(const struct run *run, uint32_t block, hy_lead_no lead, uint32_t attempts)
{
    uint64_t who = hy_id_is_spool(run->campaign) ? (uint64_t)block << 16 : lead;
    return who ^ (uint64_t)(attempts / TRIES_BY_ONE) << 56;
}

bool deal_may_stay(const struct lane *l, const struct delivery *d)
{
    const struct hy_deliver_policy *p = l->worker->policy;
    const struct hy_deliver_pool *pool = pool_of_feed(p, d->feed);
    for (size_t i = 0; pool && i < pool->n; i++)
        if (p->live[pool->sources[i]] == l->source)
            return true;
    return !pool;
}

struct lane *deal_elsewhere(struct worker *w, const struct delivery *d)
{
    const struct hy_deliver_pool *pool = pool_of_feed(w->policy, d->feed);
    bool may[HY_SPREAD_MAX];
    if (!pool || who_may(w, d->feed, pool, may) == 0)
        return NULL;
    size_t to = hy_spread_choose(pool->members, pool->n, may,
                                 key_of(d->run, d->ref.block, d->ref.lead, d->ref.attempts));
    struct source *s = w->policy->live[pool->sources[to]];
    return lane_get(w, d->feed, s);
}

/* ---- parts ---- */

void deal_drop(struct feed_part *p)
{
    p->feed->w.left -= p->end - p->next;
    p->next = p->end;
    hy_list_remove(&p->link);
}

void deal_leave(struct feed *f)
{
    for (uint32_t i = 0; i < f->w.n_parts; i++) {
        hy_list_remove(&f->w.parts[i].link);
        lane_drop_part(&f->w.parts[i]);
    }
    if (f->w.parts != &f->w.one)
        free(f->w.parts);
    f->w.parts = NULL;
    f->w.n_parts = 0;
    f->w.left = 0;
}

static void part_init(struct feed_part *p, struct feed *f, struct source *s)
{
    *p = (struct feed_part){.feed = f, .source = s};
    hy_list_init(&p->link);
}

void deal_nowhere(struct feed *f)
{
    deal_leave(f);
    part_init(&f->w.one, f, NULL);
    f->w.parts = &f->w.one;
    f->w.n_parts = 1;
    f->w.one.next = f->next;
    f->w.one.end = f->n;
    f->w.left = f->n - f->next;
    f->next = f->n;
}

static bool has_parts_of(const struct feed *f, const struct hy_deliver_policy *p,
                         const struct hy_deliver_pool *pool)
{
    if (f->w.n_parts != pool->n)
        return false;
    for (size_t i = 0; i < pool->n; i++)
        if (f->w.parts[i].source != p->live[pool->sources[i]])
            return false;
    return true;
}

/* A part for each source of the pool. HY_ENOMEM. */
static int make_parts(struct feed *f, const struct hy_deliver_policy *p,
                      const struct hy_deliver_pool *pool)
{
    if (has_parts_of(f, p, pool))
        return HY_OK;
    deal_leave(f);
    struct feed_part *parts = pool->n == 1 ? &f->w.one : calloc(pool->n, sizeof *parts);
    if (!parts)
        return HY_ENOMEM;
    for (size_t i = 0; i < pool->n; i++)
        part_init(&parts[i], f, p->live[pool->sources[i]]);
    f->w.parts = parts;
    f->w.n_parts = (uint32_t)pool->n;
    return HY_OK;
}

/* ---- dealing ---- */

static struct deal_room *room_of(struct worker *w)
{
    if (!w->dealing)
        w->dealing = malloc(sizeof *w->dealing);
    return w->dealing;
}

/* Sorts rows[next..n) by who sends them, in their order, and tells the parts where theirs are. */
static int sort(struct worker *w, struct feed *f, const struct hy_deliver_pool *pool)
{
    struct deal_room *room = room_of(w);
    bool may[HY_SPREAD_MAX];
    uint32_t n = f->n - f->next, at = f->next;
    if (!room || n > ROWS_MAX)
        return HY_ENOMEM;
    const bool *only = who_may(w, f, pool, may) ? may : NULL;
    struct feed_row *rows = f->rows + f->next;
    for (uint32_t i = 0; i < n; i++) {
        room->to[i] = (uint16_t)hy_spread_choose(
            pool->members, pool->n, only,
            key_of(f->run, rows[i].block, rows[i].lead, rows[i].attempts));
        f->w.parts[room->to[i]].end++;
    }
    for (size_t i = 0; i < pool->n; i++) {
        struct feed_part *p = &f->w.parts[i];
        uint32_t count = p->end;
        p->next = p->end = at;
        at += count;
    }
    memcpy(room->rows, rows, n * sizeof *rows);
    for (uint32_t i = 0; i < n; i++)
        f->rows[f->w.parts[room->to[i]].end++] = room->rows[i];
    return HY_OK;
}

static int divide(struct worker *w, struct feed *f, const struct hy_deliver_pool *pool)
{
    int err = make_parts(f, w->policy, pool);
    if (err)
        return err;
    for (size_t i = 0; i < pool->n; i++)
        f->w.parts[i].next = f->w.parts[i].end = 0;
    if (pool->n == 1) {
        f->w.one.next = f->next;
        f->w.one.end = f->n;
    } else {
        err = sort(w, f, pool);
    }
    if (err)
        return err;
    f->w.left = f->n - f->next;
    f->next = f->n;
    return HY_OK;
}

/* Into its lane, or among those that are held. */
static int place(struct worker *w, struct feed_part *p)
{
    if (orders_hold_part(w, p)) {
        hy_list_push(&w->held, &p->link);
        return HY_OK;
    }
    struct lane *l = lane_get(w, p->feed, p->source);
    return l ? lane_add_part(l, p) : HY_ENOMEM;
}

/* The rows are found again at the next start of the campaign. */
static void give_up(struct worker *w, struct feed *f)
{
    hy_log(HY_LOG_ERROR, "worker", "out of memory for a lane");
    deal_leave(f);
    f->next = f->n;
    f->is_exhausted = true;
    worker_feed_return(w, f);
}

/* A reload took its pool away, or brought it back; says so once. */
static void tell_pool(struct run *r, bool is_lost)
{
    char id[HY_ID_TEXT_MAX];
    if (atomic_load_explicit(&r->is_told_lost, memory_order_relaxed) == is_lost ||
        atomic_exchange(&r->is_told_lost, is_lost) == is_lost)
        return;
    if (is_lost)
        hy_log(HY_LOG_WARNING, "source",
               "campaign %s waits: its pool %s stands in hayauma.yaml no more; put it back and "
               "'hayauma reload', or cancel the campaign",
               hy_id_format(r->campaign, id), r->plan.pool);
    else
        hy_log(HY_LOG_NOTICE, "source", "campaign %s goes on: its pool %s is back",
               hy_id_format(r->campaign, id), r->plan.pool);
}

void deal(struct worker *w, struct feed *f)
{
    const struct hy_deliver_pool *pool = pool_of_feed(w->policy, f);
    tell_pool(f->run, !pool);
    if (!pool) { /* until a reload brings it back */
        deal_nowhere(f);
        hy_list_push(&w->held, &f->w.one.link);
        return;
    }
    int err = divide(w, f, pool);
    for (uint32_t i = 0; i < pool->n && err == HY_OK; i++) {
        struct feed_part *p = &f->w.parts[i];
        if (p->next < p->end)
            err = place(w, p);
    }
    if (err != HY_OK)
        give_up(w, f);
}

void deal_again(struct worker *w, struct feed *f)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->w.n_parts; i++) { /* parts lie in the order of their rows */
        struct feed_part *p = &f->w.parts[i];
        uint32_t rows = p->end - p->next;
        hy_list_remove(&p->link);
        memmove(f->rows + n, f->rows + p->next, rows * sizeof *f->rows);
        n += rows;
        p->next = p->end = 0;
    }
    f->next = 0;
    f->n = n;
    f->w.left = 0;
    if (n)
        deal(w, f);
    else
        worker_feed_return(w, f);
}
