/* Lanes for people: an order goes from worker to worker and gathers what each has. */
#include "lane.h"

#include <stdlib.h>

#include "hayauma/base/arena.h"

enum { SITE_LANES_MAX = 100 };

struct lanes_order {
    struct hy_msg msg;
    struct hy_deliver *d;
    unsigned next; /* worker to ask after this one */
    size_t most, n, cap;
    struct hy_lanes_sum all;
    uint64_t least; /* lanes with no more traffic than this are not among the busiest */
    struct hy_lane_report *lanes;
    struct hy_arena arena;
    const struct site_order *only; /* NULL: of all sites, */
    char name[256];                /* or of those with this name, when it is not empty */
    hy_lanes_fn *fn;
    void *ctx;
};

static const char *copy(struct lanes_order *o, const char *text)
{
    struct hy_str s = hy_arena_str(&o->arena, hy_str_of(text ? text : ""));
    return s.p ? s.p : "";
}

static uint64_t traffic(const struct hy_lane_report *l)
{
    return l->delivered + l->deferred + l->bounced;
}

static int busiest_first(const void *a, const void *b)
{
    const struct hy_lane_report *x = a, *y = b;
    if (traffic(x) != traffic(y))
        return traffic(x) < traffic(y) ? 1 : -1;
    return strcmp(x->site, y->site);
}

/* Keeps the busiest. */
static void cut(struct lanes_order *o)
{
    if (o->n)
        qsort(o->lanes, o->n, sizeof *o->lanes, busiest_first);
    if (o->n < o->most)
        return;
    o->n = o->most;
    o->least = o->n ? traffic(&o->lanes[o->n - 1]) : 0;
}

/* Whether the lane is one of the site that was asked for, under the same rule. */
static bool is_asked(const struct lanes_order *o, const struct lane *l)
{
    const char *rule = o->only && o->only->rule ? o->only->rule->name : "";
    if (o->name[0])
        return orders_name_site(hy_str_of(o->name), &l->mx->site);
    return !o->only || (hy_str_eq(l->mx->site.key, o->only->mx->site.key) &&
                        strcmp(l->rule ? l->rule->name : "", rule) == 0);
}

static hy_us left(hy_us until, hy_us now)
{
    return until > now ? until - now : 0;
}

static void add_warmth(struct hy_lane_report *r, const struct lane *l)
{
    if (!l->warm || !l->from || !l->from->warmup)
        return;
    struct hy_warm_report warm = report_warmth(l->warm, l->from->warmup, hy_clock_wall_ms());
    if (warm.limit == UINT32_MAX)
        return;
    r->warm = warm;
    r->is_warm_waiting = l->from->warmup->waits;
}

static const struct hy_lane_detail *detail(struct lanes_order *o, const struct lane *l, hy_us now,
                                           uint32_t waiting)
{
    struct hy_lane_detail *x = NULL;
    if (o->only || o->name[0])
        x = hy_arena_alloc(&o->arena, sizeof *x);
    if (!x)
        return NULL;
    lane_look(l, now, waiting, x);
    struct hy_str domain = hy_arena_str(&o->arena, l->mx->domain);
    x->domain = domain.p ? domain.p : "";
    return x;
}

static void add(struct lanes_order *o, const struct lane *l, hy_us now)
{
    struct hy_window_view window;
    hy_window_look(&l->joint->window, now, &window);
    hy_us shut = lane_shut_until(l, now);
    bool is_fresh = now - l->rate_since < 3 * HY_US_PER_SEC;
    uint32_t waiting = l->n_ready + l->n_pressing + l->n_on_wire;
    hy_list_for_each (it, &l->shares) {
        const struct lane_share *s = hy_container_of(it, struct lane_share, link);
        hy_list_for_each (at, &s->feeds) {
            const struct feed_part *p = hy_container_of(at, struct feed_part, link);
            waiting += p->end - p->next;
        }
    }
    o->all.lanes++;
    o->all.connections += l->n_up;
    o->all.waiting += waiting;
    o->all.rate += is_fresh ? l->rate : 0;
    o->all.suspended += shut > now;
    o->all.held += l->is_held;
    o->all.slowed += l->slow > 1;
    if (o->n >= 2 * o->most)
        cut(o);
    if (o->n >= o->most && l->delivered + l->deferred + l->bounced <= o->least)
        return;
    if (o->n == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 64;
        struct hy_lane_report *more = realloc(o->lanes, cap * sizeof *more);
        if (!more)
            return;
        o->lanes = more;
        o->cap = cap;
    }
    o->lanes[o->n++] = (struct hy_lane_report){
        .site = copy(o, l->mx->site.name.p),
        .source = copy(o, l->source->name),
        .rule = copy(o, l->rule ? l->rule->name : ""),
        .rule_file = copy(o, l->rule ? l->rule->file : ""),
        .rule_line = l->rule ? l->rule->line : 0,
        .connections = l->n_up,
        .connecting = l->n_connecting,
        .window = window.connections,
        .domains = l->n_feeds,
        .waiting = waiting,
        .delivered = l->delivered,
        .deferred = l->deferred,
        .bounced = l->bounced,
        .rate = is_fresh ? l->rate : 0,
        .suspended_us = left(shut, now),
        .day_full_us = left(l->day_until, now),
        .why = copy(o, l->shut_until > now ? l->last_reply : window.why),
        .is_held = l->is_held,
        .slow = window.factor,
        .order_rate = window.order_rate,
        .order = l->order ? l->order->no : 0,
        .order_user = copy(o, l->order ? l->order->user : ""),
        .order_made = l->order ? l->order->made : 0,
        .last_reply = copy(o, l->last_reply),
        .detail = detail(o, l, now, waiting),
    };
    add_warmth(&o->lanes[o->n - 1], l);
}

static void finish(struct lanes_order *o)
{
    cut(o);
    o->fn(o->ctx, o->lanes, o->n, &o->all);
    hy_arena_free(&o->arena);
    free(o->lanes);
    free(o);
}

static void ask_next(struct lanes_order *o)
{
    while (o->next < o->d->n_workers) {
        struct worker *w = &o->d->workers[o->next++];
        if (hy_mailbox_post_answer(w->mailbox, &o->msg) == HY_OK)
            return;
    }
    finish(o);
}

void report_lanes(struct worker *w, struct hy_msg *m)
{
    struct lanes_order *o = hy_container_of(m, struct lanes_order, msg);
    hy_us now = hy_loop_now(w->loop);
    hy_list_for_each (it, &w->lanes) {
        const struct lane *l = hy_container_of(it, struct lane, link);
        if (is_asked(o, l))
            add(o, l, now);
    }
    ask_next(o);
}

static int ask(struct hy_deliver *d, size_t most, const struct site_order *only, const char *name,
               hy_lanes_fn *fn, void *ctx)
{
    struct lanes_order *o = calloc(1, sizeof *o);
    if (!o)
        return HY_ENOMEM;
    o->msg.kind = MSG_LANES;
    o->d = d;
    o->most = most;
    o->only = only;
    snprintf(o->name, sizeof o->name, "%s", name);
    o->arena = HY_ARENA_INIT(64 << 20);
    o->fn = fn;
    o->ctx = ctx;
    ask_next(o);
    return HY_OK;
}

int hy_deliver_lanes(struct hy_deliver *d, size_t most, hy_lanes_fn *fn, void *ctx)
{
    return ask(d, most, NULL, "", fn, ctx);
}

int hy_deliver_lanes_named(struct hy_deliver *d, const char *name, size_t most, hy_lanes_fn *fn,
                           void *ctx)
{
    return strlen(name) < 256 ? ask(d, most, NULL, name, fn, ctx) : HY_EINVAL;
}

int report_site(struct site_order *o, hy_lanes_fn *fn)
{
    return ask(o->d, SITE_LANES_MAX, o, "", fn, o);
}
