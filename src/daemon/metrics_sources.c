/* The part of /metrics about sources: what `hayauma source list` shows. The server's thread. */
#include "metrics_sources.h"

#include "hayauma/deliver/deliver.h"
#include "hayauma/io/http.h"

/* Samples of a metric stand together, but sources come one by one: each metric has its own text
 * until all are there. */
enum { FIRST = HY_M_SOURCE_STATE, TEXTS = HY_M_WARMUP_COMPLAINTS - FIRST + 1 };
struct texts {
    struct hy_buf text[TEXTS];
    bool is_open_metrics;
};

static void put(struct texts *t, enum hy_metric m, struct expo_label a, struct expo_label b,
                double v)
{
    struct expo e = {.out = &t->text[m - FIRST], .is_open_metrics = t->is_open_metrics};
    struct expo_label both[] = {a, b};
    expo_sample(&e, m, both, b.name ? 2 : 1, v);
}

static const char *state_of(const struct hy_source_report *r)
{
    bool has4 = hy_sockaddr_family(&r->source->bind) != AF_UNSPEC;
    bool has6 = hy_sockaddr_family(&r->source->bind6) != AF_UNSPEC;
    if (r->is_proxy_gone)
        return "no_proxy";
    if (!r->is_gone && !r->is_gone6)
        return "up";
    return (has4 && !r->is_gone) || (has6 && !r->is_gone6) ? "partly" : "missing";
}

static void put_warmth(struct texts *t, struct expo_label source, const struct hy_warm_report *w)
{
    struct expo_label provider = {"provider", hy_str_of(w->provider)};
    bool is_warm = w->limit == UINT32_MAX;
    put(t, HY_M_WARMUP_DAY, source, provider, w->step + 1);
    if (!is_warm)
        put(t, HY_M_WARMUP_LIMIT, source, provider, w->limit);
    put(t, HY_M_WARMUP_SENT, source, provider, (double)w->sent);
    put(t, HY_M_WARMUP_COMPLAINTS, source, provider, w->bad);
}

static void put_source(void *ctx, const struct hy_source_report *r)
{
    static const char *const states[] = {"up", "partly", "missing", "no_proxy"};
    struct texts *t = ctx;
    struct expo_label source = {"source", hy_str_of(r->source->name)};
    const char *now = state_of(r);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        put(t, HY_M_SOURCE_STATE, source, (struct expo_label){"state", hy_str_of(states[i])},
            strcmp(states[i], now) == 0);
    put(t, HY_M_SOURCE_CONNECTIONS, source, (struct expo_label){0}, r->connections);
    for (unsigned i = 0; i < HY_METER_OUTCOMES; i++) {
        const char *kind = hy_outcome_kind_name(HY_OUTCOME_DELIVERED + i);
        put(t, HY_M_SOURCE_ATTEMPTS, source, (struct expo_label){"outcome", hy_str_of(kind)},
            (double)r->outcomes[i]);
    }
    for (size_t i = 0; i < r->n_warm; i++)
        put_warmth(t, source, &r->warm[i]);
}

void metrics_put_sources(struct expo *e, struct hy_deliver *d)
{
    struct texts t = {.is_open_metrics = e->is_open_metrics};
    for (unsigned i = 0; i < TEXTS; i++)
        t.text[i] = HY_BUF_INIT(HY_HTTP_ANSWER_MAX);
    int err = hy_deliver_sources(d, put_source, &t);
    for (unsigned i = 0; i < TEXTS; i++) {
        if (err == HY_OK && t.text[i].err == 0) {
            expo_head(e, FIRST + i);
            hy_buf_add_str(e->out, hy_buf_str(&t.text[i]));
        }
        hy_buf_free(&t.text[i]);
    }
}
