/* One lane in full for people: its window, what is in hand, and what it waits for. */
#include "lane.h"

struct wait {
    const char *what;
    hy_us until; /* 0: nobody knows */
};

/* What keeps it from sending at all; the first that counts. */
static struct wait shut_by(const struct lane *l, hy_us now, hy_us shut_until)
{
    if (l->is_held)
        return (struct wait){"order", 0};
    if (!l->from || source_family(l->source, l->from, now) < 0)
        return (struct wait){"source", 0};
    if (shut_until > now)
        return (struct wait){"window", shut_until};
    if (l->day_until > now)
        return (struct wait){"day", l->day_until};
    return (struct wait){"", 0};
}

static struct wait without_connection(const struct lane *l, hy_us now)
{
    if (l->n_connecting)
        return (struct wait){"connecting", 0};
    if (!hy_list_empty(&l->turn))
        return (struct wait){"turn", 0};
    if (!hy_list_empty(&l->poor))
        return (struct wait){"max_connections", 0};
    if (l->connect_pause > now)
        return (struct wait){"connect", l->connect_pause};
    return (struct wait){"", 0};
}

static struct wait look_wait(const struct lane *l, hy_us now, hy_us shut_until, uint32_t waiting)
{
    struct wait w = shut_by(l, now, shut_until);
    if (w.what[0])
        return w;
    if (waiting == 0)
        return (struct wait){"mail", 0};
    if (l->seat.pool && !hy_list_empty(&l->seat.mine))
        return (struct wait){"provider", 0};
    if (pace_is_waiting(&l->token))
        return (struct wait){"provider_rate", 0};
    bool is_empty = l->n_ready + l->n_pressing + l->n_on_wire == 0;
    if (is_empty && !share_any(l) && share_is_paced(l))
        return (struct wait){"speed", 0};
    if (l->n_up == 0)
        w = without_connection(l, now);
    if (w.what[0])
        return w;
    if (l->n_ready == 0 && l->n_on_wire == 0 && l->n_pressing)
        return (struct wait){"press", 0};
    if (l->n_busy == 0 && hy_timer_armed(&l->timer) && l->timer.due > now)
        return (struct wait){l->slow > 1 ? "slowed" : "rate", l->timer.due};
    return w;
}

static const char *demand(const struct lane *l)
{
    return tls_demand_name(l->tls && l->tls->n_hosts ? l->tls->hosts[0].demand : TLS_DEMAND_NONE);
}

/* That it keeps to, learned or ordered; 0 = none. */
static double pace_of(const struct hy_window_view *w)
{
    bool is_ordered = w->order_rate > 0 && (w->rate <= 0 || w->order_rate < w->rate);
    return is_ordered ? w->order_rate : w->rate;
}

void lane_look(const struct lane *l, hy_us now, uint32_t waiting, struct hy_lane_detail *ret)
{
    struct hy_window_view window;
    hy_window_look(&l->joint->window, now, &window);
    struct wait w = look_wait(l, now, lane_shut_until(l, now), waiting);
    *ret = (struct hy_lane_detail){
        .tls = demand(l),
        .window_state = l->shut_until > now ? "suspended" : window.state,
        .ceiling = window.ceiling,
        .messages_per_connection = window.messages_per_connection,
        .recipients_per_message = window.recipients_per_message,
        .window_rate = pace_of(&window),
        .latency_us = window.latency_us,
        .n_ready = l->n_ready,
        .n_pressing = l->n_pressing,
        .n_on_wire = l->n_on_wire,
        .waits_for = w.what,
        .waits_us = w.until > now ? w.until - now : 0,
    };
    memcpy(ret->replies, l->replies, sizeof ret->replies);
}
