/* A lane at work: feeds in, messages to sessions, as its window allows.
 *
 * The pump, run once a turn whenever something changed:
 *   1. ready messages go to sessions, idle ones first;
 *   2. when messages wait that no session takes soon, one more connection is opened;
 *   3. the press gets jobs for as many messages as the sessions that are up can take.
 * How it fails: an address that cannot be used is left alone for a while and the next is tried, by
 * preference; when none is left, what is in hand is deferred with the reason, and the site is
 * probed by one connection after a pause that doubles. */
#include "lane.h"

#include <stdlib.h>

#include "hayauma/base/log.h"

enum {
    WORTH_US = 5000,     /* no connection is opened to save less than this */
    REFUSED_MORE_S = 15, /* no new connection for this long when one more was refused */
    BAD_HOST_S = 60,     /* an address that refused is left alone this long */
    PLAIN_S = 3600,      /* broken TLS is remembered this long */
    FAILING_S = 1200,  /* how often a site failed is forgotten when nobody asks it for this long */
    READY_AHEAD_S = 2, /* a connection may wait this long for the rate to let a message go */
};

/* ---- making and freeing ---- */

static void pump(void *arg);
static void on_timer(void *arg);

static struct lane **bucket(struct worker *w, uint64_t hash)
{
    return &w->table[hash & (w->table_size - 1)];
}

void lane_apply_policy(struct lane *l)
{
    const struct hy_shape_rules *set = l->worker->policy->rules;
    struct hy_str hosts[HY_MX_HOSTS_MAX];
    size_t n = 0;
    struct hy_str rest = l->mx->site.key, host;
    while (n < HY_MX_HOSTS_MAX && hy_str_split(&rest, ',', &host))
        hosts[n++] = host;
    l->rule = hy_shape_find(set, l->mx->domain, hosts, n);
    l->limits = l->rule ? l->rule->limits : set->fallback;
    hy_window_change(&l->window, &l->limits);
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
    lane_wake(l);
}

static struct lane *lane_new(struct worker *w, const struct feed *f, uint32_t source, uint64_t hash)
{
    struct lane *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->worker = w;
    l->hash = hash;
    l->source = source;
    l->mx = hy_mx_ref(f->mx);
    hy_list_init(&l->link);
    hy_list_init(&l->starved);
    hy_list_init(&l->feeds);
    hy_list_init(&l->ready);
    hy_list_init(&l->sessions);
    hy_list_init(&l->takers);
    hy_defer_init(&l->pump, pump, l);
    hy_timer_init(&l->timer, on_timer, l);
    l->rate_since = l->last_used = hy_loop_now(w->loop);
    lane_apply_policy(l);
    hy_window_init(&l->window, &l->limits);
    hy_list_push(&w->lanes, &l->link);
    l->chain = *bucket(w, hash);
    *bucket(w, hash) = l;
    w->n_lanes++;
    return l;
}

struct lane *lane_get(struct worker *w, const struct feed *f)
{
    uint32_t source = f->source % (uint32_t)w->policy->n_sources;
    uint64_t hash = f->mx->site.hash + source * 0x9e3779b97f4a7c15u;
    for (struct lane *l = *bucket(w, hash); l; l = l->chain) {
        if (l->hash == hash && l->source == source && hy_str_eq(l->mx->site.key, f->mx->site.key)) {
            if (l->mx != f->mx) { /* the newest answer counts */
                hy_mx_unref(l->mx);
                l->mx = hy_mx_ref(f->mx);
            }
            return l;
        }
    }
    return lane_new(w, f, source, hash);
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
    hy_mx_unref(l->mx);
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
    const struct hy_window *w = &l->window;
    bool is_failing = w->failures_in_row && now - l->last_used < FAILING_S * HY_US_PER_SEC;
    return w->suspended_until > now || is_failing || w->message_gate.next_us > now ||
           w->connection_gate.next_us > now || host_notes_any(&l->notes, now);
}

void lane_wake(struct lane *l)
{
    hy_loop_defer(l->worker->loop, &l->pump);
}

static void on_timer(void *arg)
{
    lane_wake(arg);
}

static void wait_until(struct lane *l, hy_us at)
{
    if (at == HY_US_NEVER)
        return;
    if (!hy_timer_armed(&l->timer) || l->timer.due > at)
        hy_loop_arm(l->worker->loop, &l->timer, at);
}

/* ---- what comes in ---- */

void lane_add_feed(struct lane *l, struct feed *f)
{
    if (f->w.lane != l) {
        if (f->w.lane)
            f->w.lane->n_feeds--;
        f->w.lane = l;
        l->n_feeds++;
    }
    hy_list_push(&l->feeds, &f->link);
    l->last_used = hy_loop_now(l->worker->loop);
    lane_wake(l);
}

void lane_pressed(struct lane *l, struct delivery *d)
{
    if (atomic_load(&d->run->stopped) || l->worker->is_draining) {
        delivery_free(d);
    } else if (d->refusal.kind) {
        settle_refusal(d, d->refusal_state, &d->refusal);
    } else {
        hy_list_push(&l->ready, &d->link);
        l->n_ready++;
    }
    lane_wake(l);
}

void lane_take_back(struct lane *l, struct delivery *d)
{
    d->submitted = 0;
    if (d->inflight != HY_INFLIGHT_NONE) {
        hy_inflight_free(l->worker->d->inflight, d->inflight);
        d->inflight = HY_INFLIGHT_NONE;
    }
    if (atomic_load(&d->run->stopped) || l->worker->is_draining) {
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
        return;
    }
    if (d->is_pressed) {
        hy_list_push_front(&l->ready, &d->link);
        l->n_ready++;
    } else {
        l->n_pressing++;
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
        delivery_free(d);
    }
}

static void drop_feeds(struct lane *l, const struct run *r)
{
    hy_list_for_each_safe (it, &l->feeds) {
        struct feed *f = hy_container_of(it, struct feed, link);
        if (r && f->run != r)
            continue;
        hy_list_remove(&f->link);
        f->next = f->n;
        f->is_exhausted = true;
        worker_feed_return(l->worker, f);
    }
}

void lane_stop_run(struct lane *l, const struct run *r)
{
    drop_feeds(l, r);
    drop_ready(l, r);
}

void lane_drain(struct lane *l)
{
    drop_feeds(l, NULL);
    drop_ready(l, NULL);
    hy_list_for_each_safe (it, &l->sessions)
        session_quit(hy_container_of(it, struct session, link));
}

/* ---- hosts ---- */

static const struct hy_mx_host *choose_host(const struct lane *l, hy_us now,
                                            const struct hy_sockaddr **ret_addr)
{
    const struct hy_deliver_policy *p = l->worker->policy;
    int family = hy_sockaddr_family(&p->sources[l->source % p->n_sources].bind);
    return host_choose(l->mx, &l->notes, family, l->next_host, now, ret_addr);
}

static void note(struct lane *l, enum host_fault fault, const struct hy_sockaddr *addr, hy_us now,
                 hy_us seconds)
{
    if (host_note(&l->notes, fault, addr, now + seconds * HY_US_PER_SEC) !=
        HY_OK) { /* it is tried again, but not at once */
        l->connect_pause = now + HY_US_PER_SEC;
        l->pause_from = 0;
    }
}

/* Nobody there takes mail now: what is in hand is deferred with the reason. Feeds that have more
 * rows behind, or more than may be in hand, wait for the probe. */
static void unreachable(struct lane *l, const struct hy_outcome *why, hy_us now)
{
    hy_window_unreachable(&l->window, now);
    host_notes_forget(&l->notes, HOST_UNUSABLE); /* after the pause all are worth a try */
    snprintf(l->last_reply, sizeof l->last_reply, "%.*s", HY_STR_ARG(why->text));
    struct hy_list mine;
    hy_list_init(&mine);
    while (!hy_list_empty(&l->ready))
        hy_list_push(&mine, hy_list_pop(&l->ready));
    l->n_ready = 0;
    hy_list_for_each_safe (it, &l->feeds) {
        struct feed *f = hy_container_of(it, struct feed, link);
        while (f->next < f->n && !worker_is_full(l->worker)) {
            struct delivery *d = worker_take(l->worker, f);
            if (!d)
                break;
            hy_list_push(&mine, &d->link);
        }
    }
    hy_wall_ms wall = hy_clock_wall_ms();
    for (struct hy_list *it; (it = hy_list_pop(&mine));) {
        struct delivery *d = hy_container_of(it, struct delivery, link);
        if (atomic_load(&d->run->stopped)) {
            delivery_free(d);
            continue;
        }
        d->started = wall;
        d->submitted = now;
        settle_refusal(d, HY_RCPT_DEFERRED, why);
    }
    hy_list_for_each_safe (it, &l->feeds)
        worker_feed_return(l->worker, hy_container_of(it, struct feed, link));
}

/* ---- sessions ---- */

void lane_place_session(struct lane *l, struct session *s)
{
    hy_list_remove(&s->taker);
    if (!s->is_up || s->is_closing || !hy_smtp_client_can_submit(&s->client))
        return;
    if (s->n_deliveries == 0)
        hy_list_push_front(&l->takers, &s->taker); /* the last one used is used again */
    else
        hy_list_push(&l->takers, &s->taker);
}

/* An idle one, or else one whose message is still on its way; NULL when all are full. */
static struct session *choose_session(struct lane *l)
{
    if (hy_list_empty(&l->takers))
        return NULL;
    return hy_container_of(l->takers.next, struct session, taker);
}

/* A moving average over some eight values. */
static void smooth(hy_us *mean, hy_us value)
{
    *mean = *mean ? *mean + (value - *mean) / 8 : value;
}

/* What a message takes there: as long as the last ones, or longer when every connection waits for
 * longer than that already. `ret_since`: when the one that waits least began to. */
static hy_us message_time(const struct lane *l, hy_us now, hy_us *ret_since)
{
    hy_us least = HY_US_NEVER;
    hy_list_for_each (it, &l->sessions) {
        const struct session *s = hy_container_of(it, struct session, link);
        if (!s->is_up)
            continue;
        struct hy_list *oldest = s->deliveries.next;
        hy_us age =
            s->n_deliveries ? now - hy_container_of(oldest, struct delivery, link)->submitted : 0;
        if (age < least)
            least = age;
        if (least <= l->message_us)
            break;
    }
    if (least == HY_US_NEVER)
        least = 0;
    *ret_since = now - least;
    return least > l->message_us ? least : l->message_us;
}

/* Whether one more connection would be up before those there are have worked off what waits. Where
 * handshakes are dear or the processor is busy, connecting takes long and fewer are opened; where
 * replies take long, more are. A lane that is told no looks again when the answer may be another
 * for all that no reply came. */
static bool is_worth_connecting(struct lane *l, hy_us now)
{
    if (l->n_up == 0)
        return true;
    hy_us since, waiting = (hy_us)(l->n_ready + l->n_on_wire);
    hy_us worth = l->connect_us > WORTH_US ? l->connect_us : WORTH_US;
    if (waiting * message_time(l, now, &since) / l->n_up > worth)
        return true;
    if (waiting)
        wait_until(l, since + (worth + 1) * l->n_up / waiting + 1);
    return false;
}

/* Opens one connection; false when it did not, and need not be asked again this turn. As many may
 * be on their way as are up already, and one more: a lane doubles with each round trip. */
static bool open_one(struct lane *l, hy_us now)
{
    struct worker *w = l->worker;
    if (l->n_connecting > l->n_up || w->is_draining)
        return false;
    if (l->connect_pause > now && l->n_sessions >= l->pause_from) {
        wait_until(l, l->connect_pause);
        return false;
    }
    hy_us send_at = hy_window_may_send(&l->window, now);
    if (send_at >
        now + READY_AHEAD_S * HY_US_PER_SEC) { /* it would idle, and be closed, meanwhile */
        wait_until(l, send_at - READY_AHEAD_S * HY_US_PER_SEC);
        return false;
    }
    if (w->n_connections >= w->max_connections) {
        worker_starve(w, l);
        return false;
    }
    const struct hy_sockaddr *addr;
    const struct hy_mx_host *host = choose_host(l, now, &addr);
    if (!host) {
        if (l->n_sessions == 0) {
            struct hy_outcome why = {.kind = HY_OUTCOME_DEFERRED,
                                     .spoils = HY_SPOILS_SITE,
                                     .phase = HY_PHASE_CONNECT,
                                     .enhanced = {4, 4, 1},
                                     .text = HY_STR("no address of the site can be used from this "
                                                    "source")};
            unreachable(l, &why, now);
        }
        return false;
    }
    hy_us at = hy_window_may_connect(&l->window, l->n_sessions, now);
    if (at) {
        wait_until(l, at);
        return false;
    }
    bool no_tls = host_is_noted(&l->notes, HOST_BROKEN_TLS, addr, now);
    bool use_helo = host_is_noted(&l->notes, HOST_NO_EHLO, addr, now);
    l->next_host++;
    if (session_open(l, host, addr, no_tls, use_helo) != HY_OK) {
        l->connect_pause = now + HY_US_PER_SEC; /* no descriptor or memory: a moment later */
        l->pause_from = 0;
        wait_until(l, l->connect_pause);
        return false;
    }
    return true;
}

void lane_session_up(struct lane *l, struct session *s)
{
    l->n_connecting--;
    l->n_up++;
    lane_place_session(l, s);
    smooth(&l->connect_us, hy_loop_now(l->worker->loop) - s->opened);
    hy_window_connected(&l->window, hy_loop_now(l->worker->loop));
    lane_wake(l);
}

static bool is_up_at(const struct lane *l, const struct hy_sockaddr *addr)
{
    hy_list_for_each (it, &l->sessions) {
        const struct session *s = hy_container_of(it, struct session, link);
        if (s->is_up && hy_sockaddr_ip_eq(&s->addr, addr))
            return true;
    }
    return false;
}

void lane_session_over(struct lane *l, struct session *s, const struct hy_outcome *failed,
                       enum hy_smtp_hint hint)
{
    hy_us now = hy_loop_now(l->worker->loop);
    hy_list_remove(&s->link);
    hy_list_remove(&s->taker);
    l->n_sessions--;
    if (s->is_up)
        l->n_up--;
    else
        l->n_connecting--;
    if (hint == HY_SMTP_HINT_PLAIN) {
        note(l, HOST_BROKEN_TLS, &s->addr, now, PLAIN_S);
    } else if (hint == HY_SMTP_HINT_HELO) {
        note(l, HOST_NO_EHLO, &s->addr, now, PLAIN_S);
    } else if (failed) {
        snprintf(l->last_reply, sizeof l->last_reply, "%.*s", HY_STR_ARG(failed->text));
        if (is_up_at(l, &s->addr)) { /* it is fine, and only takes no more of us for now */
            l->connect_pause = now + REFUSED_MORE_S * HY_US_PER_SEC;
            l->pause_from = l->n_up;
        } else {
            note(l, HOST_UNUSABLE, &s->addr, now, BAD_HOST_S);
            const struct hy_sockaddr *next;
            if (!choose_host(l, now, &next) && l->n_sessions == 0)
                unreachable(l, failed, now);
        }
    }
    lane_wake(l);
}

/* ---- the pump ---- */

/* The next row of its feeds, each in turn. */
static struct delivery *take_row(struct lane *l)
{
    while (!hy_list_empty(&l->feeds)) {
        struct feed *f = hy_container_of(hy_list_pop(&l->feeds), struct feed, link);
        struct delivery *d = f->next < f->n ? worker_take(l->worker, f) : NULL;
        if (f->next < f->n)
            hy_list_push(&l->feeds, &f->link);
        worker_feed_return(l->worker, f);
        if (d || f->next < f->n)
            return d;
    }
    return NULL;
}

/* True when messages wait, or stand behind others, long enough for one more connection. */
static bool hand_over(struct lane *l, hy_us now)
{
    bool is_behind = false;
    while (!hy_list_empty(&l->ready)) {
        struct session *s = choose_session(l);
        if (!s)
            return is_worth_connecting(l, now);
        is_behind |= s->n_deliveries > 0;
        struct delivery *d = hy_container_of(l->ready.next, struct delivery, link);
        hy_us at = hy_window_may_send(&l->window, now);
        if (at) {
            wait_until(l, at);
            return false;
        }
        if (d->inflight == HY_INFLIGHT_NONE) {
            d->inflight = hy_inflight_claim(l->worker->d->inflight, l->worker->index);
            if (d->inflight == HY_INFLIGHT_NONE) {
                worker_starve(l->worker, l);
                return false;
            }
        }
        hy_list_remove(&d->link);
        l->n_ready--;
        if (!session_submit(s, d)) {
            hy_list_push_front(&l->ready, &d->link);
            l->n_ready++;
            return is_worth_connecting(l, now);
        }
        hy_window_sent(&l->window, now);
    }
    return is_behind && is_worth_connecting(l, now);
}

/* A row that was never tried expires only if its campaign says so. */
static hy_wall_ms expiry_of(const struct lane *l, const struct delivery *d)
{
    hy_us after = d->run->plan.expire_us;
    if (!after && d->ref.attempts == 0)
        return INT64_MAX;
    if (!after)
        after = l->limits.retry.expire_us;
    return settle_since(d, hy_clock_wall_ms()) + after / HY_US_PER_MS;
}

static void fill_press(struct lane *l, hy_us now)
{
    uint32_t target = 2 * l->n_up + 1;
    if (target > LANE_AHEAD_MAX)
        target = LANE_AHEAD_MAX;
    if (l->n_up == 0 && l->window.suspended_until > now)
        return;
    while (l->n_ready + l->n_pressing < target && !hy_list_empty(&l->feeds)) {
        if (!worker_may_take(l->worker, l)) {
            worker_starve(l->worker, l);
            return;
        }
        struct delivery *d = take_row(l);
        if (!d)
            return;
        d->expires = expiry_of(l, d);
        l->n_pressing++;
        worker_press(l->worker, d);
    }
}

static void pump(void *arg)
{
    struct lane *l = arg;
    if (l->worker->is_draining)
        return;
    hy_us now = hy_loop_now(l->worker->loop);
    bool wants_connection = hand_over(l, now);
    bool is_alone = l->n_sessions == 0 && (l->n_ready || !hy_list_empty(&l->feeds));
    for (uint32_t n = wants_connection ? l->n_ready + 1 : is_alone; n > 0 && open_one(l, now); n--)
        ;
    fill_press(l, now);
    if (l->n_sessions == 0 && l->window.suspended_until > now &&
        (l->n_ready || !hy_list_empty(&l->feeds)))
        wait_until(l, l->window.suspended_until);
    l->last_used = now;
}

void lane_count(struct lane *l, const struct hy_outcome *o, hy_us took_us)
{
    if (took_us > 0)
        smooth(&l->message_us, took_us);
    hy_us now = hy_loop_now(l->worker->loop);
    if (o->kind == HY_OUTCOME_DELIVERED) {
        l->delivered++;
        l->rate_count++;
    }
    l->deferred += o->kind == HY_OUTCOME_DEFERRED;
    l->bounced += o->kind == HY_OUTCOME_BOUNCED;
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
