/* Sources for people: what the policy says of each, whether its addresses are there, and where its
 * warm-up stands. */
#include <stdlib.h>

#include "parts.h"

enum { WARM_MAX = 1024 /* providers of one source that are told */ };

struct telling {
    const struct hy_deliver_source *from;
    struct hy_warm_report *warm;
    size_t n;
    hy_wall_ms now;
};

struct hy_warm_report report_warmth(struct warmth *w, const struct hy_warmup_plan *p,
                                    hy_wall_ms now)
{
    struct warmth_view v = warmth_look(w, p, now);
    return (struct hy_warm_report){
        .provider = v.provider,
        .step = v.step,
        .days = v.days,
        .limit = v.limit,
        .sent = v.sent,
        .good = v.good,
        .bad = v.bad,
        .verdict = hy_warmup_verdict_name(v.verdict),
    };
}

static void add_warmth(void *ctx, struct warmth *w)
{
    struct telling *t = ctx;
    if (t->n == WARM_MAX || strcmp(warmth_source(w), t->from->name) != 0)
        return;
    t->warm[t->n++] = report_warmth(w, t->from->warmup, t->now);
}

static bool is_gone(const struct source *s, const struct hy_sockaddr *address)
{
    unsigned i = hy_sockaddr_family(address) == AF_INET6;
    return hy_sockaddr_family(address) != AF_UNSPEC &&
           atomic_load_explicit(&s->gone_until[i], memory_order_relaxed) != 0;
}

static bool is_proxy_gone(const struct source *s, const struct hy_deliver_source *from)
{
    return from->proxy.kind != HY_PROXY_NONE &&
           atomic_load_explicit(&s->proxy_until, memory_order_relaxed) != 0;
}

static void add_counts(const struct source *s, struct hy_source_report *r)
{
    r->connections = atomic_load_explicit(&s->connections, memory_order_relaxed);
    for (unsigned i = 0; i < HY_METER_OUTCOMES; i++)
        r->outcomes[i] = atomic_load_explicit(&s->outcomes[i], memory_order_relaxed);
}

int hy_deliver_sources(struct hy_deliver *d, hy_source_fn *fn, void *ctx)
{
    struct telling t = {.now = hy_clock_wall_ms(), .warm = calloc(WARM_MAX, sizeof *t.warm)};
    if (!t.warm)
        return HY_ENOMEM;
    pthread_rwlock_rdlock(&d->policy_lock);
    struct hy_deliver_policy *p = hy_deliver_policy_ref(d->press_policy);
    pthread_rwlock_unlock(&d->policy_lock);
    for (size_t i = 0; i < p->n_sources; i++) {
        t.from = &p->sources[i];
        t.n = 0;
        if (t.from->warmup)
            warmths_each(&d->warmths, add_warmth, &t);
        struct hy_source_report r = {
            .source = t.from,
            .is_gone = is_gone(p->live[i], &t.from->bind),
            .is_gone6 = is_gone(p->live[i], &t.from->bind6),
            .is_proxy_gone = is_proxy_gone(p->live[i], t.from),
            .warm = t.warm,
            .n_warm = t.n,
        };
        add_counts(p->live[i], &r);
        fn(ctx, &r);
    }
    hy_deliver_policy_unref(p);
    free(t.warm);
    return HY_OK;
}
