/* The pump of a lane, run once a turn whenever something changed; first what has expired ends
 * (lane_expire.c):
 *   0. connections that the window allows no more are closed, each behind its message;
 *   1. ready messages go to sessions, as its window allows;
 *   2. the press gets jobs for as many messages as the sessions that are up can take, of campaigns
 *      as their turn is (lane_share.c);
 *   3. when messages wait that no session takes soon, connections are opened (lane_connect.c). */
#include "lane.h"

enum {
    SOON_US = 5000, /* a message waits this long for a place behind others before it goes alone */
    BUNCH = 8,      /* messages asked of the press at once for a site with a connection, */
    BUNCH_US = 100 * 1000,   /* if one connection sends them in this time */
    AHEAD_OF_A_PRESS = 1024, /* messages for each of its threads that lanes share out */
    ROWS_IN_TURN = 32,       /* of a domain, before the next of the site has its turn */
    SLOW_US = 1000 * 1000,   /* where replies take longer, nothing is kept ready for them */
};

/* A message ahead saves a round trip. Where a reply takes long, or none was seen yet, that is not
 * worth the memory of a message for each connection. */
static bool is_worth_waiting(const struct lane *l)
{
    return l->message_us > 0 && l->message_us <= SLOW_US;
}

void lane_place_session(struct lane *l, struct session *s)
{
    hy_list_remove(&s->taker);
    if (!s->is_up || s->is_closing || !hy_smtp_client_can_submit(&s->client))
        return;
    if (s->n_deliveries > 0 && !is_worth_waiting(l))
        return;
    if (s->n_deliveries == 0)
        hy_list_push_front(&l->takers, &s->taker); /* the last one used is used again */
    else
        hy_list_push(&l->takers, &s->taker);
}

/* Whether those that are busy have taken what waits before long: it then travels behind their
 * messages, body and next envelope in one write, which costs half of what two writes do. While all
 * wait for the press, nothing is lost if each of them ends its message first. */
static bool is_taken_soon(struct lane *l, hy_us now)
{
    hy_us soon = SOON_US;
    if (worker_is_pressing(l->worker) && l->n_urgent == 0 && l->message_us > soon)
        soon = l->message_us;
    return l->n_busy > 0 && !lane_takes_longer(l, l->n_ready, l->n_busy, soon, now);
}

/* Who is to have the next message: an idle one; when there is none, or those that work have soon
 * taken it, one whose message waits for its reply; NULL when none can take one now. */
static struct session *choose_session(struct lane *l, hy_us now)
{
    if (hy_list_empty(&l->takers))
        return NULL;
    struct session *first = hy_container_of(l->takers.next, struct session, taker);
    struct session *last = hy_container_of(l->takers.prev, struct session, taker);
    if (first->n_deliveries == 0 && is_taken_soon(l, now))
        return last->n_deliveries ? last : NULL;
    return first;
}

/* How many recipients one message may have now. Where each has a return path of its own that is
 * one. */
static uint32_t recipients_most(const struct lane *l, hy_us now)
{
    if (l->worker->policy->return_keys)
        return 1;
    return hy_window_recipients(&l->joint->window, l->limits.recipients_per_message, now);
}

/* A block of a spool has recipients of one message; the block behind it goes on with that message
 * unless it numbers its rows from 1. */
static bool is_same_message(const struct feed_row *a, const struct feed_row *b)
{
    return b->block == a->block || (b->block == a->block + 1 && b->lead != b->slot + 1u);
}

/* Those behind a row that are to get the same message travel with it. */
static void gather(struct lane *l, struct delivery *first, struct feed_part *p, hy_us now)
{
    const struct feed_row *rows = p->feed->rows;
    uint32_t most = recipients_most(l, now);
    for (uint32_t n = 1; n < most && p->next < p->end; n++) {
        if (!is_same_message(&rows[p->next - 1], &rows[p->next]) ||
            (!first->party && party_found(first) != HY_OK) || !share_again(l, p, now))
            return;
        struct delivery *d = worker_take(l->worker, p);
        if (!d)
            return;
        party_join(first->party, d);
        p->in_turn++;
    }
}

/* The next row of a priority; NULL: none may go now, or out of memory. A domain has its turn for
 * some rows: what is sent together is settled together, and rows of one block are one page to
 * write. */
static struct delivery *take_row(struct lane *l, enum hy_priority priority, hy_us now)
{
    struct feed_part *p = share_next(l, priority, now);
    if (!p)
        return NULL;
    struct delivery *d = worker_take(l->worker, p);
    if (d && hy_id_is_spool(d->ref.campaign))
        gather(l, d, p, now);
    if (++p->in_turn >= ROWS_IN_TURN)
        p->in_turn = 0;
    if (p->next < p->end && p->in_turn)
        hy_list_push_front(&p->share->feeds, &p->link);
    else if (p->next < p->end)
        hy_list_push(&p->share->feeds, &p->link);
    else
        worker_feed_return(l->worker, p->feed);
    return d;
}

/* A slot of the in-flight table; false: there is none. */
static bool claim(struct lane *l, struct delivery *d)
{
    if (d->inflight == HY_INFLIGHT_NONE)
        d->inflight = hy_inflight_claim(l->worker->d->inflight, l->worker->index);
    return d->inflight != HY_INFLIGHT_NONE;
}

/* Each further recipient needs a slot and a place in the day, and the site takes only so many at
 * once: who has none of it waits for a message of its own. */
static void fit(struct lane *l, struct delivery *first, hy_us now)
{
    struct party *p = first->party;
    uint32_t n = 1, most = recipients_most(l, now);
    while (n < p->n && n < most && claim(l, p->members[n]) && lane_take_recipient(l, now))
        n++;
    while (n < p->n)
        lane_take_back(l, party_part(p, n));
}

static void put_back(struct lane *l, const struct delivery *d)
{
    lane_put_back_message(l);
    for (uint32_t i = 1; i < party_size(d); i++)
        lane_put_back_recipient(l);
}

/* Gives the oldest ready message to `s`, unless window, limits, slots or `s` itself say no. */
static bool give(struct lane *l, struct session *s, hy_us now)
{
    struct delivery *d = hy_container_of(l->ready.next, struct delivery, link);
    hy_us at = hy_window_may_send(&l->joint->window, now);
    if (!at)
        at = lane_take_message(l, now);
    if (at) {
        lane_wait_until(l, at);
        return false;
    }
    if (!claim(l, d)) {
        lane_put_back_message(l);
        worker_starve(l->worker, l);
        return false;
    }
    if (d->party)
        fit(l, d, now);
    hy_list_remove(&d->link);
    l->n_ready--;
    lane_count_ahead(l, d, -1);
    if (!session_submit(s, d)) {
        hy_list_push_front(&l->ready, &d->link);
        l->n_ready++;
        lane_count_ahead(l, d, 1);
        put_back(l, d);
        return false;
    }
    hy_window_sent(&l->joint->window, now);
    return true;
}

void lane_offer(struct lane *l, struct session *s)
{
    if (!hy_list_empty(&l->ready) && !hy_list_empty(&s->taker))
        (void)give(l, s, hy_loop_now(l->worker->loop));
}

/* True when messages wait, or stand behind others, long enough for one more connection. */
static bool hand_over(struct lane *l, hy_us now)
{
    bool is_behind = false;
    while (!hy_list_empty(&l->ready)) {
        struct session *s = choose_session(l, now);
        if (!s && !hy_list_empty(&l->takers))
            return false; /* there are idle ones; those that work have soon taken it */
        if (!s)
            return lane_is_worth_connecting(l, now);
        is_behind |= s->n_deliveries > 0;
        if (!give(l, s, now))
            return false;
        session_write(s);
    }
    return is_behind && lane_is_worth_connecting(l, now);
}

/* How much of what is ahead counts for a priority: bulk waits behind everything, transactional mail
 * only behind its own. */
static uint32_t ahead(const struct lane *l, enum hy_priority priority)
{
    return priority == HY_PRIORITY_TRANSACTIONAL ? l->n_urgent : l->n_ready + l->n_pressing;
}

static void fill_priority(struct lane *l, enum hy_priority priority, uint32_t target, hy_us now)
{
    while (ahead(l, priority) < target && share_any(l)) {
        if (!worker_may_take(l->worker, l, priority == HY_PRIORITY_TRANSACTIONAL)) {
            worker_starve(l->worker, l);
            return;
        }
        struct delivery *d = take_row(l, priority, now);
        if (!d)
            return;
        for (uint32_t i = 0; i < party_size(d); i++)
            party_member(d, i)->expires = lane_expiry(l, party_member(d, i));
        l->n_pressing++;
        lane_count_ahead(l, d, 1);
        worker_press(l->worker, d);
    }
}

/* Its part of what all lanes may have ahead, by the rows each has before it. Those that have the
 * most would otherwise be left over at the end, alone with their connections, and those that have
 * few would open more connections than they need. */
static uint32_t part_of_press(const struct lane *l)
{
    const struct hy_deliver *d = l->worker->d;
    uint64_t rows = atomic_load_explicit(&d->rows_before, memory_order_relaxed);
    double all = (double)AHEAD_OF_A_PRESS * d->n_press;
    double room = (double)d->settings.press_memory_bytes / 2 / (l->worker->typical_bytes + 1);
    double part = (all < room ? all : room) * (double)l->n_rows / (double)(rows + 1);
    return part < LANE_AHEAD_MAX ? (uint32_t)part : LANE_AHEAD_MAX;
}

/* How many messages a lane may have ahead: while the press is what all wait for its part of it,
 * otherwise as many as its sessions can take. */
static uint32_t ahead_target(struct lane *l, hy_us now)
{
    if (l->n_up == 0)
        return 1;
    uint32_t target = worker_is_pressing(l->worker) ? part_of_press(l) : 2 * l->n_up + 1;
    uint32_t least = l->message_us * BUNCH <= BUNCH_US ? BUNCH : 2;
    if (target < least)
        target = least;
    if (target > LANE_AHEAD_MAX)
        target = LANE_AHEAD_MAX;
    uint32_t few = l->n_up - l->n_busy + l->n_up / 8 + 1;
    bool is_slow = !is_worth_waiting(l) || lane_takes_longer(l, 1, 1, SLOW_US, now);
    if (few < target && is_slow)
        target = few;
    return target;
}

static void fill_press(struct lane *l, hy_us now)
{
    if (l->n_up == 0 && (lane_shut_until(l, now) || l->day_until > now || lane_is_out(l, now)))
        return;
    uint32_t target = ahead_target(l, now);
    /* in bunches, which come back together and travel one behind the other */
    uint32_t bunch = target < 2 * BUNCH ? (target + 1) / 2 : BUNCH;
    if (++l->round == 0)
        l->round = 1;
    fill_priority(l, HY_PRIORITY_TRANSACTIONAL, target, now);
    if (ahead(l, HY_PRIORITY_BULK) + bunch <= target)
        fill_priority(l, HY_PRIORITY_BULK, target, now);
}

/* Says QUIT behind the last message of as many connections as the window allows no more, idle ones
 * first. */
static void close_surplus(struct lane *l)
{
    struct lane_sum sum = joint_sum(l);
    uint32_t n = hy_window_surplus(&l->joint->window, sum.sessions - sum.leaving);
    for (int busy = 0; busy < 2 && n; busy++) {
        hy_list_for_each_safe (it, &l->sessions) {
            struct session *s = hy_container_of(it, struct session, link);
            if (n == 0)
                break;
            if (!s->is_up || s->is_leaving || (!busy && s->n_deliveries))
                continue;
            lane_give_up(l, s);
            n--;
        }
    }
}

/* Whether a lane without a connection wants its first. While all wait for the press it has time
 * until its first message is there: where thousands of lanes wait for theirs, a connection would
 * keep its place from those that have one, and be closed as idle before it is used. */
static bool wants_first(const struct lane *l)
{
    if (l->n_sessions)
        return false;
    return l->n_ready || (!worker_is_pressing(l->worker) && (l->n_pressing || share_any(l)));
}

static void pump(struct lane *l)
{
    hy_us now = hy_loop_now(l->worker->loop);
    if (l->worker->is_draining)
        return;
    lane_expire(l, now);
    lane_wait_until(l, l->expire_at);
    if (lane_is_out(l, now))
        lane_leave(l, now);
    if (l->is_held) { /* it stands in no line: whoever is behind it would wait for its release */
        seat_leave(&l->seat);
        lane_not_poor(l);
        joint_leave_turn(l);
        return;
    }
    close_surplus(l);
    lane_share_connections(l);
    bool wants_connection = hand_over(l, now);
    fill_press(l, now);
    bool has_work = l->n_ready || l->n_pressing || share_any(l);
    bool is_alone = wants_first(l);
    if (!is_alone) {
        lane_not_poor(l);
        joint_leave_turn(l);
    }
    for (uint32_t n = wants_connection ? l->n_ready + 1 : is_alone; n > 0 && lane_open_one(l, now);
         n--)
        ;
    lane_make_room(l, now);
    hy_us shut = lane_shut_until(l, now);
    if (l->n_sessions == 0 && shut && has_work)
        lane_wait_until(l, shut);
    l->last_used = now;
}

void lane_pump(void *arg)
{
    struct lane *l = arg;
    pump(l);
    pace_return(&l->granted);
}
