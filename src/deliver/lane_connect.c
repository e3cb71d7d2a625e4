/* The connections of a lane: when one more is worth it, to which address, and what follows when it
 * fails. Happy path: one is opened, comes up, and takes messages. How it fails: an address that
 * cannot be used is left alone for a while and the next is tried, by preference; when none is left,
 * what is in hand is deferred with the reason, and the site is probed by one connection after a
 * pause that doubles. */
#include "lane.h"

#include <stdlib.h>

enum {
    ROWS_MANY = 1024,  /* more rows than that need not be counted */
    WORTH_US = 5000,   /* no connection is opened to save less than this; */
    WORTH_MORE = 8,    /* than so many times as much while the press is what all wait for */
    BAD_HOST_S = 60,   /* an address that refused is left alone this long */
    PLAIN_S = 3600,    /* broken TLS is remembered this long */
    TURN_US = 1000000, /* where lanes take turns, a connection is kept for this long at least */
    READY_AHEAD_S = 2, /* a connection may wait this long for the rate to let a message go */
};

/* ---- hosts ---- */

static const struct hy_mx_host *choose_host(const struct lane *l, hy_us now,
                                            const struct hy_sockaddr **ret_addr)
{
    int family = source_family(l->source, l->from, now);
    if (family < 0)
        return NULL;
    return host_choose(l->mx, l->tls, &l->notes, family, l->next_host, now, ret_addr);
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
    if (joint_is_own_fault(l, why))
        lane_shut_alone(l, now);
    else
        hy_window_unreachable(&l->joint->window, why, now);
    host_notes_forget(&l->notes, HOST_UNUSABLE); /* after the pause all are worth a try */
    snprintf(l->last_reply, sizeof l->last_reply, "%.*s", HY_STR_ARG(why->text));
    if (why->code) /* it does speak, but not to this source */
        lane_leave(l, now);
    struct hy_list mine;
    hy_list_init(&mine);
    while (!hy_list_empty(&l->ready)) {
        struct delivery *d = hy_container_of(hy_list_pop(&l->ready), struct delivery, link);
        lane_count_ahead(l, d, -1);
        party_scatter(d, &mine);
    }
    l->n_ready = 0;
    struct hy_list feeds;
    hy_list_init(&feeds);
    hy_list_for_each (it, &l->shares) {
        struct lane_share *s = hy_container_of(it, struct lane_share, link);
        while (!hy_list_empty(&s->feeds))
            hy_list_push(&feeds, hy_list_pop(&s->feeds));
    }
    hy_list_for_each (it, &feeds) {
        struct feed_part *p = hy_container_of(it, struct feed_part, link);
        while (p->next < p->end && !worker_is_full(l->worker)) {
            struct delivery *d = worker_take(l->worker, p);
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
    for (struct hy_list *it; (it = hy_list_pop(&feeds));) {
        struct feed_part *p = hy_container_of(it, struct feed_part, link);
        if (p->next < p->end)
            hy_list_push(&p->share->feeds, &p->link);
        else
            worker_feed_return(l->worker, p->feed);
    }
}

/* ---- opening ---- */

/* What a message takes there: as long as the last ones, or longer when every connection that works
 * waits for longer than that already. `ret_since`: when the one that waits least began to. */
static hy_us message_time(const struct lane *l, hy_us now, hy_us *ret_since)
{
    hy_us least = HY_US_NEVER;
    hy_list_for_each (it, &l->sessions) {
        const struct session *s = hy_container_of(it, struct session, link);
        if (!s->is_up || s->n_deliveries == 0)
            continue;
        hy_us age = now - hy_container_of(s->deliveries.next, struct delivery, link)->submitted;
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

bool lane_takes_longer(struct lane *l, uint32_t n, uint32_t n_sessions, hy_us limit, hy_us now)
{
    hy_us since;
    if ((hy_us)n * message_time(l, now, &since) / n_sessions > limit)
        return true;
    if (n)
        lane_wait_until(l, since + (limit + 1) * n_sessions / n + 1);
    return false;
}

/* Whether one more connection would be up before those there are have worked off what waits. Where
 * handshakes are dear or the processor is busy, connecting takes long and fewer are opened; where
 * replies take long, more are. While all wait for the press only what it has delivered counts, and
 * that must be much; when it has time to spare, all that a faster lane would take from it. */
bool lane_is_worth_connecting(struct lane *l, hy_us now)
{
    if (l->n_up == 0)
        return true;
    hy_us worth = l->connect_us > WORTH_US ? l->connect_us : WORTH_US;
    uint32_t in_line = 2 * l->n_up + 1; /* more than that was asked for to travel in bunches */
    uint32_t waiting = l->n_on_wire + (l->n_ready < in_line ? l->n_ready : in_line);
    if (worker_is_pressing(l->worker))
        worth *= WORTH_MORE;
    else
        waiting += share_rows(l, ROWS_MANY);
    return lane_takes_longer(l, waiting, l->n_up, worth, now);
}

/* What each lane may have when all connections are used: an equal part; 0 when there are more lanes
 * than connections, and they take turns. */
static uint32_t fair_share(const struct worker *w)
{
    uint32_t lanes = w->n_active + w->n_poor;
    return lanes ? w->max_connections / lanes : w->max_connections;
}

static void become_poor(struct lane *l)
{
    if (!hy_list_empty(&l->poor))
        return;
    hy_list_push(&l->worker->poor, &l->poor);
    l->worker->n_poor++;
}

void lane_not_poor(struct lane *l)
{
    struct worker *w = l->worker;
    if (hy_list_empty(&l->poor))
        return;
    bool was_next = w->poor.next == &l->poor;
    hy_list_remove(&l->poor);
    w->n_poor--;
    if (was_next && w->n_poor && w->n_connections < w->max_connections) /* the turn goes on */
        lane_wake(hy_container_of(w->poor.next, struct lane, poor));
}

/* Of the lanes that have no connection the one that waits longest has the next, and before those
 * that have their share. */
static bool must_wait_for_its_share(struct lane *l)
{
    struct worker *w = l->worker;
    bool is_full = w->n_connections >= w->max_connections;
    if (l->n_sessions)
        return is_full || (w->n_poor && l->n_sessions >= fair_share(w));
    bool is_next = hy_list_empty(&w->poor) || w->poor.next == &l->poor;
    if (!is_full && is_next) {
        lane_not_poor(l);
        return false;
    }
    become_poor(l);
    if (!is_full)
        lane_wake(hy_container_of(w->poor.next, struct lane, poor));
    return true;
}

/* The one with the least on it; the last of a lane is kept for its turn. NULL: none yet. */
static struct session *one_to_give(struct lane *l, uint32_t stay)
{
    hy_us now = hy_loop_now(l->worker->loop);
    struct session *chosen = NULL;
    hy_list_for_each (it, &l->sessions) {
        struct session *s = hy_container_of(it, struct session, link);
        if (!s->is_up || s->is_leaving)
            continue;
        if (stay == 1 && now - s->opened < TURN_US) {
            lane_wait_until(l, s->opened + TURN_US);
            continue;
        }
        if (!chosen || s->n_deliveries < chosen->n_deliveries)
            chosen = s;
    }
    return chosen;
}

static void share_site(struct lane *l)
{
    struct session *chosen =
        joint_must_give(l) ? one_to_give(l, l->n_sessions - l->n_leaving) : NULL;
    if (chosen)
        lane_give_up(l, chosen);
}

void lane_share_connections(struct lane *l)
{
    share_site(l);
    struct worker *w = l->worker;
    uint32_t stay = l->n_sessions - l->n_leaving;
    if (w->n_poor <= w->n_giving || stay <= fair_share(w))
        return;
    struct session *chosen = one_to_give(l, stay);
    if (!chosen)
        return;
    chosen->is_given = true;
    w->n_giving++;
    lane_give_up(l, chosen);
}

/* Whether anything but a lack of connections keeps it from opening one; it is woken when that is
 * over. */
static bool is_kept(struct lane *l, hy_us now)
{
    struct worker *w = l->worker;
    if (!l->from)
        return true;
    if (source_family(l->source, l->from, now) < 0) {
        lane_wait_until(l, source_back_at(l->source, now));
        return true;
    }
    if (l->n_connecting > l->n_up || w->is_draining)
        return true;
    if (l->connect_pause > now && l->n_sessions >= l->pause_from) {
        lane_wait_until(l, l->connect_pause);
        return true;
    }
    if (l->shut_until > now) {
        lane_wait_until(l, l->shut_until);
        return true;
    }
    hy_us send_at = hy_window_may_send(&l->joint->window, now);
    if (send_at == HY_US_NEVER)
        return true;
    if (send_at >
        now + READY_AHEAD_S * HY_US_PER_SEC) { /* it would idle, and be closed, meanwhile */
        lane_wait_until(l, send_at - READY_AHEAD_S * HY_US_PER_SEC);
        return true;
    }
    hy_us day = lane_day_full(l, now);
    if (day) {
        lane_wait_until(l, day);
        return true;
    }
    return false;
}

/* Why none can be used: perhaps the source has no address of their family. */
static struct hy_str no_address(const struct lane *l, char *out, size_t cap)
{
    int mine = source_family(l->source, l->from, HY_US_NEVER);
    bool is_other = mine == AF_INET || mine == AF_INET6;
    for (size_t i = 0; is_other && i < l->mx->n_hosts; i++)
        for (size_t k = 0; k < l->mx->hosts[i].n_addresses; k++)
            is_other &= hy_sockaddr_family(&l->mx->hosts[i].addresses[k]) != mine;
    if (!is_other)
        return HY_STR("no address of the site can be used from this source");
    snprintf(out, cap, "the site has %s addresses only, and source %s has none",
             mine == AF_INET ? "IPv6" : "IPv4", l->source->name);
    return hy_str_of(out);
}

/* Opens one connection; false when it did not, and need not be asked again this turn. As many may
 * be on their way as are up already, and one more: a lane doubles with each round trip. */
bool lane_open_one(struct lane *l, hy_us now)
{
    struct worker *w = l->worker;
    if (is_kept(l, now)) {
        lane_not_poor(l);
        joint_leave_turn(l);
        return false;
    }
    if (joint_must_wait(l))
        return false;
    if (must_wait_for_its_share(l)) {
        worker_starve(w, l);
        return false;
    }
    const struct hy_sockaddr *addr;
    const struct hy_mx_host *host = choose_host(l, now, &addr);
    if (!host) {
        if (l->n_sessions == 0) {
            char text[160];
            struct hy_outcome why = {.kind = HY_OUTCOME_DEFERRED,
                                     .spoils = HY_SPOILS_SITE,
                                     .phase = HY_PHASE_CONNECT,
                                     .enhanced = {4, 4, 1},
                                     .text = no_address(l, text, sizeof text)};
            (void)lane_tls_refusal(l, &why);
            unreachable(l, &why, now);
        }
        return false;
    }
    hy_us at = lane_take_connection(l, now);
    if (at) {
        lane_wait_until(l, at);
        return false;
    }
    at = hy_window_may_connect(&l->joint->window, joint_sum(l).sessions, now);
    if (at) {
        lane_put_back_connection(l);
        lane_wait_until(l, at);
        return false;
    }
    bool no_tls = host_is_noted(&l->notes, HOST_BROKEN_TLS, addr, now);
    bool use_helo = host_is_noted(&l->notes, HOST_NO_EHLO, addr, now);
    l->next_host++;
    int err = session_open(l, host, addr, no_tls, use_helo);
    if (err == HY_ENOTFOUND) { /* nothing is charged to the site or the messages */
        lane_put_back_connection(l);
        lane_wake(l);
        return false;
    }
    if (err == HY_OK)
        joint_leave_turn(l);
    if (err != HY_OK) {
        lane_put_back_connection(l);
        l->connect_pause = now + HY_US_PER_SEC; /* no descriptor or memory: a moment later */
        l->pause_from = 0;
        lane_wait_until(l, l->connect_pause);
        return false;
    }
    return true;
}

void lane_session_up(struct lane *l, struct session *s)
{
    l->n_connecting--;
    l->n_up++;
    l->own_faults = 0;
    source_count_connection(l->source, 1);
    lane_place_session(l, s);
    lane_smooth(&l->connect_us, hy_loop_now(l->worker->loop) - s->opened);
    hy_window_connected(&l->joint->window, joint_sum(l).up, hy_loop_now(l->worker->loop));
    lane_wake(l);
}

void lane_give_up(struct lane *l, struct session *s)
{
    if (s->is_leaving)
        return;
    s->is_leaving = true;
    l->n_leaving++;
    session_quit(s);
}

void lane_tell_window(struct lane *l, const struct session *s, const struct delivery *d,
                      const struct hy_outcome *o)
{
    struct lane_sum sum = joint_sum(l);
    struct hy_window_event ev = {
        .outcome = o,
        .submitted = d->submitted,
        .attempts = d->ref.attempts + 1u,
        .done = s->messages - s->n_deliveries, /* this one and those behind it are not done */
        .open = sum.up,
        .in_flight = sum.on_wire,
    };
    bool was_open = l->joint->window.state == HY_WINDOW_OPEN;
    hy_window_outcome(&l->joint->window, &ev, hy_loop_now(l->worker->loop));
    if (!was_open) /* the others may wait for what a probe says */
        joint_wake(l);
}

void lane_session_over(struct lane *l, struct session *s, const struct hy_outcome *failed,
                       enum hy_smtp_hint hint)
{
    hy_us now = hy_loop_now(l->worker->loop);
    hy_list_remove(&s->link);
    hy_list_remove(&s->taker);
    l->n_sessions--;
    if (s->is_up) {
        l->n_up--;
        source_count_connection(l->source, -1);
    } else {
        l->n_connecting--;
    }
    l->n_leaving -= s->is_leaving;
    l->worker->n_giving -= s->is_given;
    l->worker->n_active -= l->n_sessions == 0;
    if (hint == HY_SMTP_HINT_PLAIN) {
        note(l, HOST_BROKEN_TLS, &s->addr, now, PLAIN_S);
    } else if (hint == HY_SMTP_HINT_HELO) {
        note(l, HOST_NO_EHLO, &s->addr, now, PLAIN_S);
    } else if (failed) {
        struct hy_outcome o = *failed;
        lane_heed_reply(l, &o, now);
        if (l->warm)
            warmth_count(l->warm, failed);
        snprintf(l->last_reply, sizeof l->last_reply, "%.*s", HY_STR_ARG(failed->text));
        bool is_whole_site = failed->spoils == HY_SPOILS_SITE;
        bool is_own_tls = l->n_up == 0 && joint_is_own_tls(l, failed);
        uint32_t up = is_own_tls ? 0 : joint_sum(l).up;
        if (up && (is_whole_site || joint_is_up_at(l, &s->addr))) {
            hy_window_refused(&l->joint->window, up, failed, now); /* it takes no more of us */
        } else if (is_whole_site && l->n_sessions == 0) {
            unreachable(l, failed, now);
        } else {
            note(l, HOST_UNUSABLE, &s->addr, now, BAD_HOST_S);
            const struct hy_sockaddr *next;
            if (!choose_host(l, now, &next) && l->n_sessions == 0)
                unreachable(l, failed, now);
        }
    }
    joint_wake(l);
}
