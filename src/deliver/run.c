/* Runs and policies: the counted objects that many threads share. */
#include "parts.h"

#include <stdlib.h>

struct run *run_ref(struct run *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

struct run_watch *run_watch_new(hy_wall_ms now)
{
    struct run_watch *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    atomic_init(&w->refs, 1);
    w->since = now;
    return w;
}

void run_watch_unref(struct run_watch *w)
{
    if (w && atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) == 1)
        free(w);
}

void run_unref(struct run *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    hy_message_free(r->plan.message);
    hy_arena_free(&r->plan.arena);
    hy_zone_free(r->plan.zone);
    free(r->lines);
    run_watch_unref(r->watch);
    free(r);
}

struct hy_deliver_policy *hy_deliver_policy_ref(struct hy_deliver_policy *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void hy_deliver_policy_unref(struct hy_deliver_policy *p)
{
    if (p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1) {
        pools_release(p);
        sources_release(p);
        p->release(p);
    }
}

const struct hy_deliver_pool *policy_pool(const struct hy_deliver_policy *p, const char *name)
{
    if (!name || !name[0])
        return p->n_source_pools ? p->source_pools : NULL;
    for (size_t i = 0; i < p->n_source_pools; i++)
        if (strcmp(p->source_pools[i].name, name) == 0)
            return &p->source_pools[i];
    return NULL;
}

const struct hy_deliver_tenant *policy_tenant(const struct hy_deliver_policy *p, uint32_t number)
{
    for (size_t low = 0, high = p->n_tenants; low < high;) {
        size_t mid = low + (high - low) / 2;
        uint32_t at = p->tenants[mid].tenant->number;
        if (at == number)
            return &p->tenants[mid];
        if (at < number)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* The domain or the nearest parent that has a key in the set. */
static struct hy_str signing_domain(const struct hy_dkim_keyset *set, struct hy_str d)
{
    while (set && d.n) {
        if (hy_dkim_keyset_count(set, d))
            return d;
        size_t dot = hy_str_find(d, '.', 0);
        d = dot == SIZE_MAX ? (struct hy_str){0} : hy_str_slice(d, dot + 1, d.n);
    }
    return (struct hy_str){0};
}

uint32_t policy_suppressor(const struct hy_deliver_policy *p, uint32_t tenant)
{
    const struct hy_deliver_tenant *t = tenant ? policy_tenant(p, tenant) : NULL;
    return t ? hy_tenant_suppressor(t->tenant) : tenant;
}

struct signing policy_signing(const struct hy_deliver_policy *p, uint32_t tenant,
                              const char *from_domain)
{
    const struct hy_deliver_tenant *t = tenant ? policy_tenant(p, tenant) : NULL;
    struct hy_str from = hy_str_of(from_domain);
    struct signing s = {.domain = signing_domain(t ? t->dkim : NULL, from), .whose = t};
    if (s.domain.n)
        return s;
    s = (struct signing){0};
    if (!t || t->tenant->has_installation_keys)
        s.domain = signing_domain(p->dkim, from);
    return s;
}

bool hy_deliver_signs(struct hy_deliver *d, uint32_t tenant, const char *from_domain)
{
    pthread_rwlock_rdlock(&d->policy_lock);
    bool signs = policy_signing(d->press_policy, tenant, from_domain).domain.n > 0;
    pthread_rwlock_unlock(&d->policy_lock);
    return signs;
}

hy_wall_ms hy_deliver_gives_up(struct hy_deliver *d, struct hy_str domain, struct hy_str host,
                               hy_wall_ms queued, uint32_t attempts, hy_wall_ms now)
{
    pthread_rwlock_rdlock(&d->policy_lock);
    const struct hy_shape_rules *rules = d->press_policy->rules;
    const struct hy_shape_rule *rule = hy_shape_find(rules, domain, &host, host.n > 0);
    const struct hy_retry_plan *plan = rule ? &rule->limits.retry : &rules->fallback.retry;
    hy_wall_ms at = hy_retry_since(plan, queued, attempts, now) + plan->expire_us / HY_US_PER_MS;
    pthread_rwlock_unlock(&d->policy_lock);
    return at;
}
