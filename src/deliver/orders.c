/* Which orders concern a lane or a feed, and what they do to it. */
#include "hayauma/deliver/orders.h"

#include "lane.h"

const char *hy_order_scope_name(enum hy_order_scope s)
{
    static const char *const names[HY_ORDER_SCOPES] = {"domain", "site", "provider"};
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

static uint32_t part_of(uint32_t n, uint32_t factor)
{
    return n / factor ? n / factor : 1;
}

/* Over a longer period rather than with a smaller count: no rounding. Orders add up, so there is an
 * end to it. */
static void slow_rate(struct hy_rate *r, uint32_t factor)
{
    const hy_us most = 10000 * 86400 * HY_US_PER_SEC;
    if (r->count)
        r->period_us = r->period_us > most / factor ? most : r->period_us * factor;
}

void orders_apply(struct lane *l)
{
    const struct hy_deliver_policy *p = l->worker->policy;
    l->is_held = false;
    for (size_t i = 0; i < p->n_orders; i++) {
        const struct hy_lane_order *o = &p->orders[i];
        if (!concerns(o, l))
            continue;
        l->is_held |= o->is_hold;
        if (o->factor > 1) {
            l->limits.connections = part_of(l->limits.connections, o->factor);
            slow_rate(&l->limits.connection_rate, o->factor);
            slow_rate(&l->limits.message_rate, o->factor);
        }
        if (o->connections && l->limits.connections > o->connections)
            l->limits.connections = o->connections;
    }
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

bool orders_hold_part(const struct worker *w, const struct feed_part *part)
{
    return orders_hold(w, part->feed, part->source);
}
