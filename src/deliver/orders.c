/* Which orders concern a lane or a feed, and what they do to it. */
#include "hayauma/deliver/orders.h"

#include "lane.h"

const char *hy_order_scope_name(enum hy_order_scope s)
{
    static const char *const names[HY_ORDER_SCOPES] = {"domain", "site", "provider", "all"};
    return (unsigned)s < HY_ORDER_SCOPES ? names[s] : "?";
}

static bool is_source(const struct hy_lane_order *o, const struct source *source)
{
    return !o->source[0] || (source && strcmp(o->source, source->name) == 0);
}

static bool matches_host(struct hy_str pattern, struct hy_str host)
{
    if (hy_str_starts(pattern, HY_STR("*.")))
        return hy_str_ends(host, hy_str_slice(pattern, 1, pattern.n));
    return hy_str_eq(host, pattern);
}

/* The site's own name, or every one of its hosts: as rules do. */
bool orders_name_site(struct hy_str name, const struct hy_site *site)
{
    struct hy_str rest = site->key, host;
    if (hy_str_eq(name, site->name))
        return true;
    bool all = rest.n > 0;
    while (all && hy_str_split(&rest, ',', &host))
        all = matches_host(name, host);
    return all;
}

static bool concerns(const struct hy_lane_order *o, const struct lane *l)
{
    struct hy_str name = hy_str_of(o->name);
    if (!is_source(o, l->source))
        return false;
    if (o->scope == HY_ORDER_PROVIDER)
        return hy_str_eq(name, l->rule ? hy_str_of(l->rule->name) : HY_STR("default"));
    return o->scope == HY_ORDER_SITE && orders_name_site(name, &l->mx->site);
}

/* 0 is no limit, and stays so. */
static uint32_t part_of(uint32_t n, uint32_t factor)
{
    return n && n < factor ? 1 : n / factor;
}

/* Over a longer period rather than with a smaller count: no rounding. Orders add up, so there is an
 * end to it. */
static void slow_rate(struct hy_rate *r, uint32_t factor)
{
    const hy_us most = 10000 * 86400 * HY_US_PER_SEC;
    if (r->count)
        r->period_us = r->period_us > most / factor ? most : r->period_us * factor;
}

static void slow_provider(struct hy_provider_limits *l, uint32_t factor)
{
    l->connections = part_of(l->connections, factor);
    slow_rate(&l->connection_rate, factor);
    slow_rate(&l->message_rate, factor);
    l->messages_per_day = part_of(l->messages_per_day, factor);
}

/* What all lanes of a provider share is less only where all of them are meant. */
static bool is_whole_provider(const struct hy_lane_order *o)
{
    return o->scope == HY_ORDER_PROVIDER && !o->source[0] && o->factor > 1;
}

void orders_slow_provider(const struct hy_deliver_policy *p, const char *provider,
                          struct hy_provider_limits *l)
{
    for (size_t i = 0; i < p->n_orders; i++)
        if (is_whole_provider(&p->orders[i]) && strcmp(p->orders[i].name, provider) == 0)
            slow_provider(l, p->orders[i].factor);
}

static uint32_t times(uint32_t a, uint32_t b)
{
    return a > HY_WINDOW_ORDER_MOST / b ? HY_WINDOW_ORDER_MOST : a * b;
}

/* Connections and pace are slowed by the window, which knows what they are. */
static void slow(struct lane *l, const struct hy_lane_order *o)
{
    if (o->factor > 1) {
        l->slow = times(l->slow, o->factor);
        slow_rate(&l->limits.connection_rate, o->factor);
        l->limits.messages_per_day = part_of(l->limits.messages_per_day, o->factor);
        if (is_whole_provider(o))
            slow_provider(&l->limits.provider, o->factor);
    }
    if (o->connections && l->limits.connections > o->connections)
        l->limits.connections = o->connections;
}

void orders_apply(struct lane *l)
{
    const struct hy_deliver_policy *p = l->worker->policy;
    l->is_held = false;
    l->slow = 1;
    l->order = NULL;
    for (size_t i = 0; i < p->n_orders; i++) {
        const struct hy_lane_order *o = &p->orders[i];
        if (o->pool[0] || !concerns(o, l))
            continue;
        if (o->is_hold || !l->is_held) /* that it is held is the first to be known */
            l->order = o;
        l->is_held |= o->is_hold;
        slow(l, o);
    }
}

bool orders_hold_site(const struct hy_deliver_policy *p, const struct hy_mx *mx)
{
    const struct hy_shape_rule *rule = rule_of_mx(p, mx);
    for (size_t i = 0; i < p->n_orders; i++) {
        const struct hy_lane_order *o = &p->orders[i];
        if (!o->is_hold || o->source[0])
            continue;
        if (o->scope == HY_ORDER_PROVIDER && strcmp(o->name, rule ? rule->name : "default") == 0)
            return true;
        if (o->scope == HY_ORDER_SITE && orders_name_site(hy_str_of(o->name), &mx->site))
            return true;
    }
    return false;
}

bool orders_hold(const struct worker *w, const struct feed *f, const struct source *source)
{
    const struct hy_deliver_policy *p = w->policy;
    for (size_t i = 0; i < p->n_orders; i++) {
        const struct hy_lane_order *o = &p->orders[i];
        if (o->is_hold && o->scope == HY_ORDER_DOMAIN && strcmp(o->name, f->domain_name) == 0 &&
            is_source(o, source))
            return true;
    }
    return false;
}

static bool routes(const struct hy_deliver_policy *p, const struct hy_lane_order *o,
                   const struct feed *f)
{
    if (!o->pool[0] || (o->campaign && o->campaign != f->run->campaign))
        return false;
    switch (o->scope) {
    case HY_ORDER_DOMAIN:
        return strcmp(o->name, f->domain_name) == 0;
    case HY_ORDER_SITE:
        return f->mx && orders_name_site(hy_str_of(o->name), &f->mx->site);
    case HY_ORDER_PROVIDER: {
        const struct hy_shape_rule *rule = f->mx ? rule_of_mx(p, f->mx) : NULL;
        return f->mx && strcmp(o->name, rule ? rule->name : "default") == 0;
    }
    default:
        return o->scope == HY_ORDER_ALL;
    }
}

const struct hy_deliver_pool *orders_pool(const struct hy_deliver_policy *p, const struct feed *f)
{
    for (size_t i = p->n_orders; i > 0; i--) {
        const struct hy_lane_order *o = &p->orders[i - 1];
        const struct hy_deliver_pool *pool = routes(p, o, f) ? policy_pool(p, o->pool) : NULL;
        if (pool)
            return pool;
    }
    return NULL;
}

bool orders_route_alike(const struct hy_deliver_policy *a, const struct hy_deliver_policy *b)
{
    size_t i = 0, k = 0;
    for (;; i++, k++) {
        while (i < a->n_orders && !a->orders[i].pool[0])
            i++;
        while (k < b->n_orders && !b->orders[k].pool[0])
            k++;
        if (i == a->n_orders || k == b->n_orders)
            return i == a->n_orders && k == b->n_orders;
        const struct hy_lane_order *x = &a->orders[i], *y = &b->orders[k];
        if (x->scope != y->scope || x->campaign != y->campaign || strcmp(x->name, y->name) != 0 ||
            strcmp(x->pool, y->pool) != 0)
            return false;
    }
}

bool orders_hold_part(const struct worker *w, const struct feed_part *part)
{
    return orders_hold(w, part->feed, part->source);
}
