/* What decides how fast in the simulation: the real window, and Postfix as it is documented. */
#include "sim.h"

/* ---- the window ---- */

static hy_us window_may_connect(void *self, uint32_t open, hy_us now)
{
    return hy_window_may_connect(self, open, now);
}

static hy_us window_may_send(void *self, hy_us now)
{
    return hy_window_may_send(self, now);
}

static void window_sent(void *self, hy_us now)
{
    hy_window_sent(self, now);
}

static uint32_t window_surplus(void *self, uint32_t open)
{
    return hy_window_surplus(self, open);
}

static uint32_t window_per_connection(void *self)
{
    return hy_window_messages_per_connection(self, 0);
}

static void window_connected(void *self, uint32_t up, hy_us now)
{
    hy_window_connected(self, up, now);
}

static void window_refused(void *self, uint32_t up, const struct hy_outcome *o, hy_us now)
{
    if (up)
        hy_window_refused(self, up, o, now);
    else
        hy_window_unreachable(self, o, now);
}

static void window_outcome(void *self, const struct hy_window_event *ev, hy_us now)
{
    hy_window_outcome(self, ev, now);
}

static void window_look(void *self, hy_us now, double *ret_connections, double *ret_rate)
{
    struct hy_window_view v;
    hy_window_look(self, now, &v);
    *ret_connections = v.suspended_until ? 0 : v.connections;
    *ret_rate = v.suspended_until ? 0 : v.rate;
}

void sim_window_sender(struct sim_sender *s, struct hy_window *w, const struct hy_shape_limits *l)
{
    hy_window_init(w, l, 1000 * HY_US_PER_SEC);
    *s = (struct sim_sender){
        .name = l->adaptive.enabled ? "window" : "fixed",
        .self = w,
        .may_connect = window_may_connect,
        .may_send = window_may_send,
        .sent = window_sent,
        .surplus = window_surplus,
        .per_connection = window_per_connection,
        .connected = window_connected,
        .refused = window_refused,
        .outcome = window_outcome,
        .look = window_look,
    };
}

/* ---- Postfix ---- */

enum { INITIAL_CONCURRENCY = 5, MINIMAL_BACKOFF_S = 300 };

static hy_us postfix_may_connect(void *self, uint32_t open, hy_us now)
{
    struct sim_postfix *p = self;
    if (p->window == 0 && now >= p->dead_until)
        p->window = 1; /* the destination is looked at again */
    if (p->window == 0)
        return p->dead_until;
    return open < p->window ? 0 : HY_US_NEVER;
}

static hy_us postfix_may_send(void *self, hy_us now)
{
    struct sim_postfix *p = self;
    return p->window == 0 && now < p->dead_until ? p->dead_until : 0;
}

static void postfix_sent(void *self, hy_us now)
{
    (void)self;
    (void)now;
}

static uint32_t postfix_surplus(void *self, uint32_t open)
{
    const struct sim_postfix *p = self;
    return open > p->window ? open - p->window : 0;
}

static void postfix_connected(void *self, uint32_t up, hy_us now)
{
    (void)self;
    (void)up;
    (void)now;
}

/* A delivery without connection or handshake failure, whatever became of the message. */
static void postfix_outcome(void *self, const struct hy_window_event *ev, hy_us now)
{
    struct sim_postfix *p = self;
    (void)now;
    if (p->window == 0 || ev->outcome->kind == HY_OUTCOME_RETURNED)
        return;
    p->failed_cohorts = 0;
    p->success += 1; /* default_destination_concurrency_positive_feedback */
    for (; p->success >= 1; p->success -= 1) {
        if (p->window < p->limit && ev->open >= p->window)
            p->window++;
    }
}

static void postfix_refused(void *self, uint32_t up, const struct hy_outcome *o, hy_us now)
{
    struct sim_postfix *p = self;
    (void)up;
    (void)o;
    if (p->window == 0)
        return;
    p->failed_cohorts += 1.0 / p->window;
    if (p->failed_cohorts >= 1) { /* default_destination_concurrency_failed_cohort_limit */
        p->window = 0;
        p->failed_cohorts = 0;
        p->dead_until = now + MINIMAL_BACKOFF_S * HY_US_PER_SEC;
        return;
    }
    p->failure -= 1; /* default_destination_concurrency_negative_feedback */
    for (; p->failure < 0; p->failure += 1)
        p->window -= p->window > 1;
}

static void postfix_look(void *self, hy_us now, double *ret_connections, double *ret_rate)
{
    const struct sim_postfix *p = self;
    (void)now;
    *ret_connections = p->window;
    *ret_rate = 0;
}

void sim_postfix_sender(struct sim_sender *s, struct sim_postfix *p, uint32_t limit)
{
    *p = (struct sim_postfix){.limit = limit,
                              .window = limit < INITIAL_CONCURRENCY ? limit : INITIAL_CONCURRENCY};
    *s = (struct sim_sender){
        .name = "postfix",
        .carries_message = true,
        .self = p,
        .may_connect = postfix_may_connect,
        .may_send = postfix_may_send,
        .sent = postfix_sent,
        .surplus = postfix_surplus,
        .connected = postfix_connected,
        .refused = postfix_refused,
        .outcome = postfix_outcome,
        .look = postfix_look,
    };
}
