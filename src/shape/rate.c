/* The rate gate. */
#include "hayauma/shape/rate.h"

enum { BURST_SHARE = 50 }; /* one of so many may go ahead of the steady rate */

/* With bursts of b, the N messages from the first to the last of a window of length P lie within
 * P > (N-1) * interval - (b-1) * interval. So that N never exceeds the count, the interval must be
 * at least P / (count - b + 1): a burst is paid for with a slower steady rate. One in fifty makes
 * up for a timer that comes late and costs at most two in a hundred. */
static void spread(struct hy_rate rate, hy_us *ret_interval, hy_us *ret_burst)
{
    *ret_interval = *ret_burst = 0;
    if (rate.count == 0 || rate.period_us <= 0)
        return;
    hy_us burst = 1 + rate.count / BURST_SHARE;
    hy_us steady = (hy_us)rate.count - burst + 1;
    *ret_interval = (rate.period_us + steady - 1) / steady;
    *ret_burst = *ret_interval * (burst - 1);
}

void hy_rate_gate_init(struct hy_rate_gate *g, struct hy_rate rate)
{
    *g = (struct hy_rate_gate){0};
    hy_rate_gate_change(g, rate);
}

void hy_rate_gate_change(struct hy_rate_gate *g, struct hy_rate rate)
{
    spread(rate, &g->interval_us, &g->burst_us);
}

hy_us hy_rate_gate_ask(struct hy_rate_gate *g, hy_us now)
{
    hy_us latest = now + g->interval_us;
    if (g->next_us - g->burst_us > latest)
        g->next_us = latest + g->burst_us; /* used at a slower rate, before a reload */
    return g->interval_us && g->next_us - g->burst_us > now ? g->next_us - g->burst_us : 0;
}

hy_us hy_rate_gate_take(struct hy_rate_gate *g, hy_us now)
{
    hy_us at = hy_rate_gate_ask(g, now);
    if (at || g->interval_us == 0)
        return at;
    if (g->next_us < now)
        g->next_us = now;
    g->next_us += g->interval_us;
    return 0;
}

hy_us hy_rate_shared_take(struct hy_rate_shared *s, struct hy_rate rate, hy_us now)
{
    hy_us interval, burst;
    spread(rate, &interval, &burst);
    if (interval == 0)
        return 0;
    hy_us seen = atomic_load_explicit(&s->next_us, memory_order_relaxed);
    for (;;) {
        hy_us next = seen;
        if (next - burst > now + interval + HY_RATE_SHARED_SLACK_US)
            next = now + interval + burst; /* used at a slower rate, before a reload */
        if (next - burst > now)
            return next - burst;
        hy_us later = (next > now ? next : now) + interval;
        if (atomic_compare_exchange_weak_explicit(&s->next_us, &seen, later, memory_order_relaxed,
                                                  memory_order_relaxed))
            return 0;
    }
}

void hy_rate_shared_put_back(struct hy_rate_shared *s, struct hy_rate rate)
{
    hy_us interval, burst;
    spread(rate, &interval, &burst);
    atomic_fetch_sub_explicit(&s->next_us, interval, memory_order_relaxed);
}
