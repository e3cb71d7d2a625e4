/* Whose turn it is in a lane: each tenant that has rows for it gets its share, and each campaign
 * its share of that.
 *
 * Transactional campaigns come before bulk ones. Among equals it is stride scheduling (Waldspurger
 * 1995), twice: every tenant has a pass in the lane; the one with the least goes next, and moves on
 * by a stride that is the shorter the heavier its weight. So have the campaigns of a tenant among
 * each other. Who comes in begins at the pass of now, so waiting earns nothing. Within a share the
 * domains take turns.
 *
 * A tenant with a rate takes a token of it for each row, and a campaign with a speed one of its
 * run, or, while its hours have just begun, one of its release; who finds none waits in line
 * (pace.h). */
#include "lane.h"

#include <stdlib.h>

enum { STRIDE = 1 << 16 /* of weight 1 */ };

static unsigned worker_of(const struct lane *l)
{
    return l->worker->index;
}

static struct pace_line *line_of_run(const struct lane_share *s)
{
    return s->run->lines ? &s->run->lines[worker_of(s->lane)] : NULL;
}

static bool has_rate(const struct lane_tenant *t)
{
    return t->of && t->of->tenant->rate.count;
}

/* False: there is none yet, and the tenant stands in line. */
static bool take_of_tenant(struct lane *l, struct lane_tenant *t, hy_us now)
{
    struct pace_line *line = &t->live->lines[worker_of(l)];
    return !has_rate(t) || pace_take(line, &t->place, &t->live->used, t->of->tenant->rate, now);
}

/* False: there is none yet, and the share stands in line. */
static bool take_of_run(struct lane_share *s, hy_us now)
{
    struct pace_line *line = line_of_run(s);
    struct run *r = s->run;
    struct hy_rate rate = now < r->release_until ? r->release : r->plan.brakes.speed;
    return !line || pace_take(line, &s->place, &r->speed, rate, now);
}

/* Both, or none. */
static bool take_tokens(struct lane *l, struct lane_share *s, hy_us now)
{
    struct lane_tenant *t = s->tenant;
    if (!take_of_tenant(l, t, now)) {
        t->asked = l->round;
        return false;
    }
    if (take_of_run(s, now))
        return true;
    s->asked = l->round;
    if (has_rate(t))
        pace_put_back(&t->live->lines[worker_of(l)], &t->live->used, t->of->tenant->rate);
    return false;
}

/* The rows that a part of a feed has before it count for its lane, and for all. */
static void count_rows(struct lane *l, struct feed_part *p, uint64_t rows)
{
    l->n_rows += rows - p->counted;
    atomic_fetch_add_explicit(&l->worker->d->rows_before, rows - p->counted, memory_order_relaxed);
    p->counted = rows;
}

/* Those that are here, and as large a part of those that follow. */
static uint64_t rows_of(const struct feed_part *p)
{
    uint64_t here = p->end - p->next;
    return here + p->feed->behind * here / p->feed->cap;
}

/* ---- coming and going ---- */

static struct lane_tenant *find_tenant(const struct lane *l, const struct tenant_live *live)
{
    hy_list_for_each (it, &l->tenants) {
        struct lane_tenant *t = hy_container_of(it, struct lane_tenant, link);
        if (t->live == live)
            return t;
    }
    return NULL;
}

static struct lane_tenant *make_tenant(struct lane *l, struct tenant_live *live)
{
    struct lane_tenant *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->live = live;
    t->of = policy_tenant(l->worker->policy, live->number);
    t->pass = l->pass;
    pace_place_init(&t->place, l);
    hy_list_push(&l->tenants, &t->link);
    return t;
}

static struct lane_share *find_share(const struct lane *l, const struct run *run)
{
    hy_list_for_each (it, &l->shares) {
        struct lane_share *s = hy_container_of(it, struct lane_share, link);
        if (s->run == run)
            return s;
    }
    return NULL;
}

static struct lane_share *make_share(struct lane *l, struct run *run)
{
    struct lane_share *s = calloc(1, sizeof *s);
    struct lane_tenant *t = s ? find_tenant(l, run->tenant) : NULL;
    if (s && !t)
        t = make_tenant(l, run->tenant);
    if (!t) {
        free(s);
        return NULL;
    }
    t->n_shares++;
    s->lane = l;
    s->tenant = t;
    s->run = run_ref(run);
    s->pass = t->share_pass;
    hy_list_init(&s->feeds);
    pace_place_init(&s->place, l);
    hy_list_push(&l->shares, &s->link);
    return s;
}

static void share_free(struct lane_share *s)
{
    struct lane_tenant *t = s->tenant;
    pace_leave(&s->place);
    hy_list_remove(&s->link);
    if (--t->n_shares == 0) {
        pace_leave(&t->place);
        hy_list_remove(&t->link);
        free(t);
    }
    run_unref(s->run);
    free(s);
}

int share_add(struct lane *l, struct feed_part *p)
{
    lane_look_at_expiry(l, p->feed->run);
    if (p->share && p->share->lane == l) {
        count_rows(l, p, rows_of(p));
        hy_list_push(&p->share->feeds, &p->link);
        return HY_OK;
    }
    share_leave(p);
    struct lane_share *s = find_share(l, p->feed->run);
    if (!s)
        s = make_share(l, p->feed->run);
    if (!s)
        return HY_ENOMEM;
    s->n_feeds++;
    p->share = s;
    count_rows(l, p, rows_of(p));
    hy_list_push(&s->feeds, &p->link);
    return HY_OK;
}

void share_leave(struct feed_part *p)
{
    struct lane_share *s = p->share;
    p->share = NULL;
    if (s)
        count_rows(s->lane, p, 0);
    if (s && --s->n_feeds == 0)
        share_free(s);
}

void share_free_all(struct lane *l)
{
    hy_list_for_each_safe (it, &l->shares)
        share_free(hy_container_of(it, struct lane_share, link));
}

void share_apply_policy(struct lane *l)
{
    hy_list_for_each (it, &l->tenants) {
        struct lane_tenant *t = hy_container_of(it, struct lane_tenant, link);
        t->of = policy_tenant(l->worker->policy, t->live->number);
        if (!has_rate(t)) /* any more: nobody would wake it */
            pace_leave(&t->place);
    }
}

/* ---- turns ---- */

static uint64_t stride(uint32_t weight)
{
    return STRIDE / (weight >= 1 && weight <= HY_WEIGHT_MAX ? weight : HY_WEIGHT_NORMAL);
}

static bool is_sooner(const struct lane_share *a, const struct lane_share *b)
{
    if (!b || a->tenant == b->tenant)
        return !b || a->pass < b->pass;
    return a->tenant->pass < b->tenant->pass;
}

static struct lane_share *choose(const struct lane *l, enum hy_priority priority)
{
    struct lane_share *best = NULL;
    hy_list_for_each (it, &l->shares) {
        struct lane_share *s = hy_container_of(it, struct lane_share, link);
        bool may = s->run->plan.brakes.priority == priority && !hy_list_empty(&s->feeds) &&
                   s->asked != l->round && s->tenant->asked != l->round;
        if (may && is_sooner(s, best))
            best = s;
    }
    return best;
}

/* A row of the part goes: whose it is moves on. */
static void move_on(struct lane *l, struct lane_share *s, struct feed_part *p)
{
    struct lane_tenant *t = s->tenant;
    l->pass = t->pass;
    t->pass += stride(t->of ? t->of->tenant->weight : 0);
    t->share_pass = s->pass;
    s->pass += stride(s->run->plan.brakes.weight);
    count_rows(l, p, p->counted - (p->counted > 0));
}

struct feed_part *share_next(struct lane *l, enum hy_priority priority, hy_us now)
{
    struct lane_share *s;
    do {
        s = choose(l, priority);
        if (!s)
            return NULL;
    } while (!take_tokens(l, s, now));
    struct feed_part *p = hy_container_of(hy_list_pop(&s->feeds), struct feed_part, link);
    move_on(l, s, p);
    return p;
}

bool share_again(struct lane *l, struct feed_part *p, hy_us now)
{
    if (!take_tokens(l, p->share, now))
        return false;
    move_on(l, p->share, p);
    return true;
}

static bool is_waiting(const struct lane_share *s)
{
    return pace_is_waiting(&s->place) || pace_is_waiting(&s->tenant->place);
}

bool share_any(const struct lane *l)
{
    hy_list_for_each (it, &l->shares) {
        const struct lane_share *s = hy_container_of(it, struct lane_share, link);
        if (!hy_list_empty(&s->feeds) && !is_waiting(s))
            return true;
    }
    return false;
}

bool share_is_paced(const struct lane *l)
{
    hy_list_for_each (it, &l->shares) {
        const struct lane_share *s = hy_container_of(it, struct lane_share, link);
        if (!hy_list_empty(&s->feeds) && is_waiting(s))
            return true;
    }
    return false;
}

uint32_t share_rows(const struct lane *l, uint32_t most)
{
    uint32_t n = 0;
    hy_list_for_each (it, &l->shares) {
        const struct lane_share *s = hy_container_of(it, struct lane_share, link);
        if (s->run->lines || has_rate(s->tenant))
            continue;
        hy_list_for_each (at, &s->feeds) {
            const struct feed_part *p = hy_container_of(at, struct feed_part, link);
            n += p->feed->is_exhausted ? p->end - p->next : most;
            if (n >= most)
                return most;
        }
    }
    return n;
}
