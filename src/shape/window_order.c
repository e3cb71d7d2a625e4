/* A person's order to a window: a share of what the lane did until then, of connections and of
 * messages. What it did is what was measured where it had as much mail as it could send, and else
 * what its connections can carry, by Little's law: a lane that had little to do is slowed only when
 * it has much. What the window knows stays as it is, and counts again when the order is over. */
#include "window_priv.h"

enum {
    UNKNOWN_US = 1000000, /* between messages, while nobody knows how long one takes */
    TOOK_SHARE = 8,       /* the mean of how long one takes, over some eight */
    DOUBT_S = 6 * 3600,   /* after so long the window is trusted half */
    LONGEST_S = 86400,    /* between messages */
};

static double least(double n, double other)
{
    return other > 0 && (n <= 0 || other < n) ? other : n;
}

/* What it would do without the order, messages/s; 0 = not known. */
static double natural(const struct hy_window *w)
{
    const struct hy_window_order *o = &w->order;
    double n = o->did;
    if (n <= 0 && o->took_us > 0)
        n = w->conns.window * 1e6 / o->took_us;
    return least(least(n, o->most), w->rule_rate);
}

double hy_order_pace(const struct hy_window *w)
{
    return w->order.factor > 1 ? natural(w) / w->order.factor : 0;
}

static void set_gate(struct hy_window *w)
{
    double pace = hy_order_pace(w);
    double us = pace > 0 ? 1e6 / pace : UNKNOWN_US;
    if (us > LONGEST_S * 1e6)
        us = LONGEST_S * 1e6;
    w->order.gate.interval_us = us > 1 ? (hy_us)us : 1;
    w->order.gate.burst_us = HY_WINDOW_SMOOTH_US;
}

/* How long a message takes there, as far as it is known. */
static double latency(const struct hy_window_conns *c)
{
    return c->n ? c->took_us / c->n : c->ref_took_us;
}

static void begin(struct hy_window *w, bool is_busy, hy_us now)
{
    double did = is_busy ? hy_pace_lately(&w->pace, now) : 0;
    bool is_new = w->pace.taken_at == 0; /* a cap that it has may be one of the order itself */
    w->order = (struct hy_window_order){
        .did = did > 0 ? did : w->order.did,
        .most = is_new ? 0 : w->pace.cap,
        .took_us = latency(&w->conns),
        .since = now,
    };
}

/* It goes on as before; after a long time from half, as over a restart. */
static void end(struct hy_window *w, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    uint32_t half = c->window / 2 > w->adaptive.start ? c->window / 2 : w->adaptive.start;
    if (now - w->order.since > DOUBT_S * SEC && w->adaptive.enabled && half < c->window)
        c->window = half;
    c->changed_at = now; /* what is on its way tells nothing of this level */
}

void hy_window_order(struct hy_window *w, uint32_t factor, bool is_busy, hy_us now)
{
    if (factor < 1)
        factor = 1;
    if (factor > HY_WINDOW_ORDER_MOST)
        factor = HY_WINDOW_ORDER_MOST;
    bool is_slow = w->order.factor > 1;
    if (factor == 1) {
        if (is_slow)
            end(w, now);
        w->order = (struct hy_window_order){0};
        return;
    }
    if (!is_slow)
        begin(w, is_busy, now);
    w->order.factor = factor;
    set_gate(w);
}

uint32_t hy_order_connections(const struct hy_window *w)
{
    uint32_t factor = w->order.factor > 1 ? w->order.factor : 1;
    return (w->conns.window + factor - 1) / factor;
}

void hy_order_outcome(struct hy_window *w, const struct hy_window_event *ev, hy_us now)
{
    struct hy_window_order *o = &w->order;
    double took = (double)(now - ev->submitted);
    if (o->factor <= 1 || ev->outcome->code == 0 || ev->submitted < o->since)
        return;
    o->took_us += o->took_us > 0 ? (took - o->took_us) / TOOK_SHARE : took;
    set_gate(w);
}
