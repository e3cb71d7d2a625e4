/* The rate gate. */
#include "hayauma/shape/rate.h"

void hy_rate_gate_init(struct hy_rate_gate *g, struct hy_rate rate)
{
    *g = (struct hy_rate_gate){0};
    hy_rate_gate_change(g, rate);
}

void hy_rate_gate_change(struct hy_rate_gate *g, struct hy_rate rate)
{
    if (rate.count == 0 || rate.period_us <= 0) {
        g->interval_us = g->burst_us = 0;
        return;
    }
    g->interval_us = rate.period_us / rate.count;
    if (g->interval_us == 0)
        g->interval_us = 1;
    uint32_t burst = rate.count / 10 ? rate.count / 10 : 1;
    g->burst_us = g->interval_us * (burst - 1);
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
