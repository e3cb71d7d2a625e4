/* The pump of a lane, run once a turn whenever something changed:
 *   1. ready messages go to sessions, idle ones first, as its window allows;
 *   2. when messages wait that no session takes soon, connections are opened (lane_connect.c);
 *   3. the press gets jobs for as many messages as the sessions that are up can take. */
#include "lane.h"

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
            return lane_is_worth_connecting(l, now);
        is_behind |= s->n_deliveries > 0;
        struct delivery *d = hy_container_of(l->ready.next, struct delivery, link);
        hy_us at = hy_window_may_send(&l->window, now);
        if (at) {
            lane_wait_until(l, at);
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
            return lane_is_worth_connecting(l, now);
        }
        hy_window_sent(&l->window, now);
    }
    return is_behind && lane_is_worth_connecting(l, now);
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

void lane_pump(void *arg)
{
    struct lane *l = arg;
    if (l->worker->is_draining)
        return;
    hy_us now = hy_loop_now(l->worker->loop);
    bool wants_connection = hand_over(l, now);
    bool is_alone = l->n_sessions == 0 && (l->n_ready || !hy_list_empty(&l->feeds));
    for (uint32_t n = wants_connection ? l->n_ready + 1 : is_alone; n > 0 && lane_open_one(l, now);
         n--)
        ;
    fill_press(l, now);
    if (l->n_sessions == 0 && l->window.suspended_until > now &&
        (l->n_ready || !hy_list_empty(&l->feeds)))
        lane_wait_until(l, l->window.suspended_until);
    l->last_used = now;
}
