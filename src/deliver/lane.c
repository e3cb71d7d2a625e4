/* A lane as a thing: making and freeing it, what comes into it, what is counted of it. What it does
 * with that is in lane_pump.c, and how it gets its connections in lane_connect.c. */
#include "lane.h"

#include <stdlib.h>

/* ---- making and freeing ---- */

static void on_timer(void *arg);

static struct lane **bucket(struct worker *w, uint64_t hash)
{
    return &w->table[hash & (w->table_size - 1)];
}

static void follow_orders(struct lane *l)
{
    hy_window_order(&l->joint->window, l->slow, joint_is_busy(l), hy_loop_now(l->worker->loop));
}

void lane_apply_policy(struct lane *l)
{
    const struct hy_shape_rules *set = l->worker->policy->rules;
    l->rule = rule_of_mx(l->worker->policy, l->mx);
    l->from = source_in(l->worker->policy, l->source);
    l->provider = provider_number(&l->worker->d->providers, l->rule ? l->rule->name : NULL);
    l->limits = l->rule ? l->rule->limits : set->fallback;
    orders_apply(l);
    hy_window_change(&l->joint->window, &l->limits);
    follow_orders(l);
    const struct hy_smtp_timeouts *t = &l->limits.timeouts;
    hy_smtp_settings_init(&l->smtp);
    l->smtp.tls = (enum hy_smtp_tls)l->limits.tls;
    l->smtp.use_pipelining = l->limits.use_pipelining;
    l->smtp.use_chunking = l->limits.use_chunking;
    l->smtp.timeouts = (struct hy_smtp_client_timeouts){.banner_us = t->banner_us,
                                                        .ehlo_us = t->ehlo_us,
                                                        .tls_us = t->tls_us,
                                                        .mail_us = t->mail_us,
                                                        .rcpt_us = t->rcpt_us,
                                                        .data_us = t->data_us,
                                                        .block_us = t->block_us,
                                                        .dot_us = t->dot_us,
                                                        .quit_us = t->quit_us,
                                                        .idle_us = t->idle_us};
    lane_limits_apply(l);
    share_apply_policy(l);
    hy_list_for_each_safe (it, &l->sessions) {
        struct session *s = hy_container_of(it, struct session, link);
        if (!l->from)
            lane_give_up(l, s);
    }
    lane_wake(l);
}

static struct lane *lane_new(struct worker *w, const struct feed *f, struct source *source,
                             uint64_t hash)
{
    struct lane *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->worker = w;
    l->hash = hash;
    l->source = source;
    l->mx = hy_mx_ref(f->mx);
    l->tls = tls_site_ref(f->tls);
    hy_list_init(&l->link);
    hy_list_init(&l->starved);
    hy_list_init(&l->turn);
    hy_list_init(&l->poor);
    hy_list_init(&l->shares);
    hy_list_init(&l->tenants);
    hy_list_init(&l->ready);
    hy_list_init(&l->sessions);
    hy_list_init(&l->takers);
    hy_list_init(&l->granted);
    pace_place_init(&l->token, l);
    hy_defer_init(&l->pump, lane_pump, l);
    hy_timer_init(&l->timer, on_timer, l);
    l->rate_since = l->last_used = hy_loop_now(w->loop);
    seat_init(&l->seat, w);
    l->rule = rule_of_mx(w->policy, l->mx);
    if (!joint_join(l)) {
        hy_mx_unref(l->mx);
        tls_site_unref(l->tls);
        free(l);
        return NULL;
    }
    lane_apply_policy(l);
    const struct hy_window_learned *learned = NULL;
    if (l->joint->n_lanes == 1) {
        hy_window_init(&l->joint->window, &l->limits, l->last_used);
        learned = site_memory_find(&w->memory, lane_key(l));
    }
    if (learned)
        hy_window_restore(&l->joint->window, learned, l->last_used);
    follow_orders(l);
    hy_list_push(&w->lanes, &l->link);
    l->chain = *bucket(w, hash);
    *bucket(w, hash) = l;
    w->n_lanes++;
    return l;
}

static uint64_t print_of(const struct tls_site *t)
{
    return t ? t->print : 0;
}

static uint64_t hash_of(const struct feed *f, const struct source *source)
{
    return f->mx->site.hash + source->no * 0x9e3779b97f4a7c15u;
}

/* Domains that share their hosts, but not their rule or what they demand of TLS, share no lane. */
struct lane *lane_find(const struct worker *w, const struct feed *f, const struct source *source)
{
    uint64_t hash = hash_of(f, source);
    const struct hy_shape_rule *rule = rule_of_mx(w->policy, f->mx);
    for (struct lane *l = w->table[hash & (w->table_size - 1)]; l; l = l->chain)
        if (l->hash == hash && l->source == source && l->rule == rule &&
            print_of(l->tls) == print_of(f->tls) && hy_str_eq(l->mx->site.key, f->mx->site.key))
            return l;
    return NULL;
}

struct lane *lane_get(struct worker *w, const struct feed *f, struct source *source)
{
    struct lane *l = lane_find(w, f, source);
    if (!l)
        return lane_new(w, f, source, hash_of(f, source));
    if (l->mx != f->mx) { /* the newest answer counts */
        hy_mx_unref(l->mx);
        l->mx = hy_mx_ref(f->mx);
    }
    if (l->tls != f->tls) {
        tls_site_unref(l->tls);
        l->tls = tls_site_ref(f->tls);
    }
    return l;
}

void lane_free(struct lane *l)
{
    struct worker *w = l->worker;
    for (struct lane **at = bucket(w, l->hash); *at; at = &(*at)->chain) {
        if (*at == l) {
            *at = l->chain;
            break;
        }
    }
    hy_loop_undefer(&l->pump);
    hy_loop_disarm(w->loop, &l->timer);
    hy_list_remove(&l->link);
    hy_list_remove(&l->starved);
    share_free_all(l);
    lane_limits_drop(l);
    joint_leave(l);
    lane_not_poor(l);
    hy_mx_unref(l->mx);
    tls_site_unref(l->tls);
    host_notes_free(&l->notes);
    w->n_lanes--;
    free(l);
}

bool lane_is_idle(const struct lane *l)
{
    return l->n_feeds == 0 && l->n_sessions == 0 && l->n_on_wire == 0 && l->n_pressing == 0 &&
           l->n_ready == 0 && l->n_settling == 0;
}

bool lane_knows_something(const struct lane *l, hy_us now)
{
    bool is_last = l->joint->n_lanes == 1;
    return (is_last && hy_window_counts(&l->joint->window, now)) || l->shut_until > now ||
           host_notes_any(&l->notes, now);
}

void lane_wake(struct lane *l)
{
    hy_loop_defer(l->worker->loop, &l->pump);
}

static void on_timer(void *arg)
{
    lane_wake(arg);
}

void lane_wait_until(struct lane *l, hy_us at)
{
    if (at == HY_US_NEVER)
        return;
    if (!hy_timer_armed(&l->timer) || l->timer.due > at)
        hy_loop_arm(l->worker->loop, &l->timer, at);
}

/* ---- what comes in ---- */

int lane_add_part(struct lane *l, struct feed_part *p)
{
    if (share_add(l, p) != HY_OK)
        return HY_ENOMEM;
    if (p->lane != l) {
        if (p->lane)
            p->lane->n_feeds--;
        p->lane = l;
        l->n_feeds++;
    }
    l->last_used = hy_loop_now(l->worker->loop);
    lane_wake(l);
    return HY_OK;
}

void lane_drop_part(struct feed_part *p)
{
    if (!p->lane)
        return;
    share_leave(p);
    p->lane->n_feeds--;
    p->lane = NULL;
}

static bool is_urgent(const struct delivery *d)
{
    return d->run->plan.brakes.priority == HY_PRIORITY_TRANSACTIONAL;
}

void lane_count_ahead(struct lane *l, const struct delivery *d, int by)
{
    if (is_urgent(d))
        l->n_urgent += (uint32_t)by;
}

/* Behind those of its kind, or before them when it was there before. Bulk stands behind
 * transactional mail. */
static void make_ready(struct lane *l, struct delivery *d, bool is_back)
{
    struct hy_list *at = &l->ready;
    if (!is_urgent(d) && !is_back)
        at = l->ready.prev;
    while (is_urgent(d) != is_back && at->next != &l->ready &&
           is_urgent(hy_container_of(at->next, struct delivery, link)))
        at = at->next;
    hy_list_insert(at, &d->link);
    l->n_ready++;
    lane_count_ahead(l, d, 1);
}

void lane_pressed(struct lane *l, struct delivery *d)
{
    if (atomic_load(&d->run->stopped) || l->worker->is_draining)
        party_free(d);
    else if ((d = party_pressed(d)) &&
             (!lane_is_out(l, hy_loop_now(l->worker->loop)) || !lane_pass_on(l, d)))
        make_ready(l, d, false);
    lane_wake(l);
}

/* To the feeder, unless all of it ends. */
static void hand_back(struct lane *l, struct delivery *d)
{
    struct hand_back *h = l->worker->is_draining ? NULL : calloc(1, sizeof *h);
    if (h) {
        h->msg.kind = MSG_HAND_BACK;
        h->ref = d->ref;
        h->run = run_ref(d->run);
        atomic_fetch_add(&d->run->in_hand, 1);
        if (hy_mailbox_post_answer(feeder_mailbox(l->worker->d->feeder), &h->msg) != HY_OK) {
            run_unref(h->run); /* we are ending */
            free(h);
        }
    }
    delivery_free(d);
}

void lane_take_back(struct lane *l, struct delivery *d)
{
    for (uint32_t i = 0; i < party_size(d); i++) {
        struct delivery *m = party_member(d, i);
        m->submitted = 0;
        if (m->inflight != HY_INFLIGHT_NONE) {
            hy_inflight_free(l->worker->d->inflight, m->inflight);
            m->inflight = HY_INFLIGHT_NONE;
        }
    }
    if (atomic_load(&d->run->stopped) || l->worker->is_draining) {
        struct hy_list all;
        hy_list_init(&all);
        party_scatter(d, &all);
        for (struct hy_list *it; (it = hy_list_pop(&all));)
            hand_back(l, hy_container_of(it, struct delivery, link));
        return;
    }
    if (d->is_pressed) {
        make_ready(l, d, true);
    } else {
        l->n_pressing++;
        lane_count_ahead(l, d, 1);
        worker_press(l->worker, d);
    }
    lane_wake(l);
}

/* ---- stop and drain ---- */

static void drop_ready(struct lane *l, const struct run *r)
{
    hy_list_for_each_safe (it, &l->ready) {
        struct delivery *d = hy_container_of(it, struct delivery, link);
        if (r && d->run != r)
            continue;
        hy_list_remove(&d->link);
        l->n_ready--;
        lane_count_ahead(l, d, -1);
        party_free(d);
    }
}

static void drop_feeds(struct lane *l, const struct run *r)
{
    struct hy_list gone;
    hy_list_init(&gone);
    hy_list_for_each (it, &l->shares) {
        struct lane_share *s = hy_container_of(it, struct lane_share, link);
        while ((!r || s->run == r) && !hy_list_empty(&s->feeds))
            hy_list_push(&gone, hy_list_pop(&s->feeds));
    }
    for (struct hy_list *it; (it = hy_list_pop(&gone));) {
        struct feed_part *p = hy_container_of(it, struct feed_part, link);
        struct feed *f = p->feed;
        deal_drop(p);
        f->is_exhausted = true;
        worker_feed_return(l->worker, f); /* its share may go with it */
    }
}

void lane_stop_run(struct lane *l, const struct run *r)
{
    drop_feeds(l, r);
    drop_ready(l, r);
    lane_wake(l); /* it may wait for a connection it needs no more */
}

void lane_drain(struct lane *l)
{
    drop_feeds(l, NULL);
    drop_ready(l, NULL);
    hy_list_for_each_safe (it, &l->sessions)
        session_quit(hy_container_of(it, struct session, link));
}

/* ---- what is counted ---- */

/* A kind that is new takes the place of the one that was longest not seen. */
static void count_reply(struct lane *l, const struct hy_outcome *o, hy_us now)
{
    struct hy_lane_reply *at = &l->replies[0];
    for (unsigned i = 0; i < HY_LANE_REPLIES; i++) {
        struct hy_lane_reply *r = &l->replies[i];
        if (r->count && r->code == o->code && r->enhanced.class == o->enhanced.class &&
            r->enhanced.subject == o->enhanced.subject &&
            r->enhanced.detail == o->enhanced.detail) {
            r->count++;
            r->at = now;
            return;
        }
        if (r->at < at->at)
            at = r;
    }
    *at = (struct hy_lane_reply){1, o->code, o->enhanced, now};
}

void lane_count(struct lane *l, const struct hy_outcome *o)
{
    hy_us now = hy_loop_now(l->worker->loop);
    if (o->kind == HY_OUTCOME_DELIVERED) {
        l->delivered++;
        l->rate_count++;
    }
    l->deferred += o->kind == HY_OUTCOME_DEFERRED;
    l->bounced += o->kind == HY_OUTCOME_BOUNCED;
    source_count(l->source, o->kind);
    count_reply(l, o, now);
    hy_us span = now - l->rate_since;
    if (span >= HY_US_PER_SEC) {
        double fresh = (double)l->rate_count * 1e6 / (double)span;
        l->rate = l->rate == 0 ? fresh : l->rate * 0.5 + fresh * 0.5;
        l->rate_count = 0;
        l->rate_since = now;
    }
    if (o->kind != HY_OUTCOME_DELIVERED || !l->last_reply[0] || l->rate_count == 0)
        snprintf(l->last_reply, sizeof l->last_reply, "%u %.*s", o->code, HY_STR_ARG(o->text));
}
