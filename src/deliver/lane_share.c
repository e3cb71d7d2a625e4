/* Whose turn it is in a lane: each campaign that has rows for it gets its share.
 *
 * Transactional campaigns come before bulk ones. Among equals it is stride scheduling (Waldspurger
 * 1995): every share has a pass; the one with the least goes next, and moves on by a stride that is
 * the shorter the heavier its weight. A share that comes in begins at the pass of now, so waiting
 * earns nothing. Within a share the domains take turns.
 *
 * A campaign with a speed takes a token of its run for each row. Shares that found none wait in the
 * run's line at this worker; its timer wakes a few from the front when the next token is due, each
 * that got one wakes the next, so a slow campaign over many lanes costs no herd. Those that are
 * woken may be held, suspended or starved by now and ask for nothing: then the next have their turn
 * a little later. */
#include "lane.h"

#include <stdlib.h>

enum {
    STRIDE = 1 << 16, /* of weight 1 */
    WOKEN_AT_ONCE = 4,
    WOKEN_AGAIN_US = 100 * 1000, /* when none of those that were woken asked for a token */
};

static void arm(struct run_pace *p, hy_us at)
{
    if (!hy_timer_armed(&p->timer) || p->timer.due > at)
        hy_loop_arm(p->worker->loop, &p->timer, at);
}

static void on_pace(void *arg)
{
    struct run_pace *p = arg;
    for (int i = 0; i < WOKEN_AT_ONCE; i++) {
        struct hy_list *it = hy_list_pop(&p->waiting);
        if (!it)
            return;
        lane_wake(hy_container_of(it, struct lane_share, paced)->lane);
    }
    if (!hy_list_empty(&p->waiting))
        arm(p, hy_loop_now(p->worker->loop) + WOKEN_AGAIN_US);
}

void run_pace_init(struct run_pace *p, struct worker *w)
{
    p->worker = w;
    hy_list_init(&p->waiting);
    hy_timer_init(&p->timer, on_pace, p);
}

static struct run_pace *pace_of(const struct lane_share *s)
{
    return s->run->paces ? &s->run->paces[s->lane->worker->index] : NULL;
}

static void leave_line(struct lane_share *s)
{
    struct run_pace *p = pace_of(s);
    hy_list_remove(&s->paced);
    if (p && hy_list_empty(&p->waiting) && hy_timer_armed(&p->timer))
        hy_loop_disarm(p->worker->loop, &p->timer);
}

/* False: there is none yet, and the share stands in line. */
static bool take_token(struct lane_share *s, hy_us now)
{
    struct run_pace *p = pace_of(s);
    if (!p)
        return true;
    hy_us at = hy_rate_shared_take(&s->run->speed, s->run->plan.brakes.speed, now);
    if (at) {
        if (hy_list_empty(&s->paced))
            hy_list_push(&p->waiting, &s->paced);
        arm(p, at);
        return false;
    }
    leave_line(s);
    if (!hy_list_empty(&p->waiting))
        arm(p, now);
    return true;
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

int share_add(struct lane *l, struct feed_part *p)
{
    if (p->share && p->share->lane == l) {
        count_rows(l, p, rows_of(p));
        hy_list_push(&p->share->feeds, &p->link);
        return HY_OK;
    }
    share_leave(p);
    struct lane_share *s = NULL;
    hy_list_for_each (it, &l->shares) {
        struct lane_share *known = hy_container_of(it, struct lane_share, link);
        if (known->run == p->feed->run)
            s = known;
    }
    if (!s) {
        s = calloc(1, sizeof *s);
        if (!s)
            return HY_ENOMEM;
        s->lane = l;
        s->run = run_ref(p->feed->run);
        s->pass = l->pass;
        hy_list_init(&s->feeds);
        hy_list_init(&s->paced);
        hy_list_push(&l->shares, &s->link);
    }
    s->n_feeds++;
    p->share = s;
    count_rows(l, p, rows_of(p));
    hy_list_push(&s->feeds, &p->link);
    return HY_OK;
}

static void share_free(struct lane_share *s)
{
    leave_line(s);
    hy_list_remove(&s->link);
    run_unref(s->run);
    free(s);
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

static uint32_t weight_of(const struct lane_share *s)
{
    uint32_t w = s->run->plan.brakes.weight;
    return w >= 1 && w <= HY_WEIGHT_MAX ? w : HY_WEIGHT_NORMAL;
}

static bool is_sooner(const struct lane_share *a, const struct lane_share *b)
{
    return !b || a->pass < b->pass;
}

struct feed_part *share_next(struct lane *l, enum hy_priority priority, hy_us now)
{
    for (;;) {
        struct lane_share *best = NULL;
        hy_list_for_each (it, &l->shares) {
            struct lane_share *s = hy_container_of(it, struct lane_share, link);
            bool may = s->run->plan.brakes.priority == priority && !hy_list_empty(&s->feeds) &&
                       s->asked != l->round;
            if (may && is_sooner(s, best))
                best = s;
        }
        if (!best)
            return NULL;
        best->asked = l->round;
        if (!take_token(best, now))
            continue;
        best->asked = 0;
        l->pass = best->pass;
        best->pass += STRIDE / weight_of(best);
        struct feed_part *p = hy_container_of(hy_list_pop(&best->feeds), struct feed_part, link);
        count_rows(l, p, p->counted - (p->counted > 0));
        return p;
    }
}

bool share_any(const struct lane *l)
{
    hy_list_for_each (it, &l->shares) {
        const struct lane_share *s = hy_container_of(it, struct lane_share, link);
        if (!hy_list_empty(&s->feeds) && hy_list_empty(&s->paced))
            return true;
    }
    return false;
}

uint32_t share_rows(const struct lane *l, uint32_t most)
{
    uint32_t n = 0;
    hy_list_for_each (it, &l->shares) {
        const struct lane_share *s = hy_container_of(it, struct lane_share, link);
        if (pace_of(s))
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
