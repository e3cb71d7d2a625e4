/* The providers, and what came of sending to them. */
#include "models.h"

enum { CEILING = 20, OVER_S = 30, RTT_US = 20000 };

const struct sim_model sim_models[] = {
    {"welcome", "takes all, at once", "latency=0.05", 300, 60, 0.0, 0.9},
    {"slow", "takes its time with each message, whatever the load", "latency=1-8", 1800, 120, 0.0,
     0.9},
    {"connections", "ten connections at once; then 421", "connections=10 latency=0.2", 1800, 60,
     0.0, 0.9},
    {"few-messages", "ten connections, twenty messages on each; then 421",
     "connections=10 messages=20 latency=0.2", 1800, 60, 0.005, 0.9},
    {"rate", "twenty a second, dripping; then 4.7.1", "rate=20/1 latency=0.1", 1800, 120, 0.02,
     0.9},
    {"rate-slow", "one in two seconds, dripping; then 4.7.1", "rate=30/60 latency=0.1", 7200, 900,
     0.02, 0.9},
    {"minute", "six hundred in each minute; then 4.7.1", "count=600/60 latency=0.1", 1800, 180,
     0.02, 0.9},
    {"greylist", "a new recipient is refused for a minute", "grey=60 latency=0.1", 1200, 400, 0.6,
     0.9},
    {"tarpit", "slower by the load, from five connections on", "latency=0.2 tar=5:150", 1800, 180,
     0.0, 0.9},
    {"serial", "one after the other, however many connections", "latency=0.2 tar=1:100", 1800, 180,
     0.0, 0.9},
    {"quota", "five thousand in each hour; then refused until the next",
     "quota=5000/3600 latency=0.1", 14400, 0, 0.02, 0.9},
    {"noise", "one in fifty refused by 4.7.1, whatever the pace", "noise=2 latency=0.2", 1800, 300,
     0.03, 0.9},
    {"mind-connections", "twenty connections, then four, then twelve",
     "connections=20 latency=0.2 at=600 connections=4 at=1800 connections=12", 3600, 400, 0.02,
     0.9},
    {"mind-rate", "thirty a second, then ten, then thirty",
     "rate=30/1 latency=0.1 at=900 rate=10/1 at=2400 rate=30/1", 3600, 400, 0.02, 0.9},
};
const size_t sim_n_models = sizeof sim_models / sizeof *sim_models;

int sim_model_run(const struct sim_model *m, enum sim_who who, uint64_t seed,
                  struct provider_model *ret_parsed, struct sim_result *ret)
{
    struct hy_diag diag;
    int err = provider_model_parse(ret_parsed, hy_str_of(m->spec), &diag);
    if (err != HY_OK)
        return err;
    struct hy_shape_limits l;
    hy_shape_limits_init(&l);
    l.connections = CEILING;
    l.adaptive.enabled = who == SIM_WINDOW;
    struct hy_window w;
    struct sim_postfix p;
    struct sim_sender s;
    if (who == SIM_POSTFIX)
        sim_postfix_sender(&s, &p, CEILING);
    else
        sim_window_sender(&s, &w, &l);
    struct sim_options o = {
        .seconds = m->seconds, .seed = seed, .rtt_us = RTT_US, .retry = l.retry};
    return sim_run(ret_parsed, &s, &o, ret);
}

uint32_t sim_phases(const struct sim_model *m, const struct provider_model *parsed,
                    const struct sim_result *r, struct sim_phase ret[PROVIDER_PHASES_MAX])
{
    for (uint32_t i = 0; i < parsed->n; i++) {
        struct sim_phase *p = &ret[i];
        const struct provider_limits *l = &parsed->limits[i];
        *p = (struct sim_phase){.from = (uint32_t)(l->from / HY_US_PER_SEC), .to = m->seconds};
        if (i + 1 < parsed->n)
            p->to = (uint32_t)(parsed->limits[i + 1].from / HY_US_PER_SEC);
        uint32_t settled = p->from + m->settle;
        uint32_t over = l->quota ? (uint32_t)(l->quota_period_us / HY_US_PER_SEC) : OVER_S;
        if (l->rate && l->rate_period_us / HY_US_PER_SEC >= over)
            over = (uint32_t)(3 * l->rate_period_us / HY_US_PER_SEC);
        p->allowed = provider_best_rate(l, CEILING, RTT_US);
        p->converged = sim_converged(r, p->from, p->to, over, 0.9 * p->allowed) - p->from;
        p->goodput = sim_goodput(r, settled, p->to) / p->allowed;
        p->deferred = sim_deferred(r, settled, p->to);
        p->deferred_all = sim_deferred(r, p->from, p->to);
        for (uint32_t s = settled; s < p->to; s++)
            p->refused += r->second[s].refused;
    }
    return parsed->n;
}
