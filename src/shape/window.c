/* The window with fixed limits. */
#include "hayauma/shape/window.h"

enum { FIRST_PAUSE_S = 15, LONGEST_PAUSE_S = 600 };

void hy_window_init(struct hy_window *w, const struct hy_shape_limits *l)
{
    *w = (struct hy_window){0};
    hy_window_change(w, l);
}

void hy_window_change(struct hy_window *w, const struct hy_shape_limits *l)
{
    w->max_connections = l->connections;
    hy_rate_gate_change(&w->connection_gate, l->connection_rate);
    hy_rate_gate_change(&w->message_gate, l->message_rate);
}

hy_us hy_window_may_connect(struct hy_window *w, uint32_t open, hy_us now)
{
    if (w->suspended_until > now)
        return w->suspended_until;
    /* After a failure one connection probes the site; the others wait for it. */
    uint32_t room = w->failures_in_row ? 1 : w->max_connections;
    if (open >= room)
        return HY_US_NEVER;
    return hy_rate_gate_take(&w->connection_gate, now);
}

hy_us hy_window_may_send(struct hy_window *w, hy_us now)
{
    return hy_rate_gate_ask(&w->message_gate, now);
}

void hy_window_sent(struct hy_window *w, hy_us now)
{
    (void)hy_rate_gate_take(&w->message_gate, now);
}

void hy_window_connected(struct hy_window *w, hy_us now)
{
    (void)now;
    w->failures_in_row = 0;
    w->suspended_until = 0;
}

void hy_window_unreachable(struct hy_window *w, hy_us now)
{
    hy_us pause = FIRST_PAUSE_S * HY_US_PER_SEC;
    for (uint32_t i = 0; i < w->failures_in_row && pause < LONGEST_PAUSE_S * HY_US_PER_SEC; i++)
        pause *= 2;
    if (pause > LONGEST_PAUSE_S * HY_US_PER_SEC)
        pause = LONGEST_PAUSE_S * HY_US_PER_SEC;
    w->failures_in_row++;
    w->suspended_until = now + pause;
}

void hy_window_outcome(struct hy_window *w, const struct hy_outcome *o, hy_us took_us, hy_us now)
{
    (void)took_us; /* an adaptive window listens to latency too */
    if (o->kind == HY_OUTCOME_DEFERRED && o->spoils == HY_SPOILS_SITE)
        hy_window_unreachable(w, now);
}
