/* What is known of a site: its hosts by the feeder's resolver, then its lanes from the workers. */
#include <stdlib.h>

#include "parts.h"

static void finish(struct site_order *o, const struct hy_lane_report *lanes, size_t n)
{
    struct hy_site_report r = {
        .mx = o->mx, .rules = o->policy ? o->policy->rules : NULL, .lanes = lanes, .n_lanes = n};
    o->fn(o->ctx, &r);
    hy_mx_unref(o->mx);
    hy_deliver_policy_unref(o->policy);
    free(o);
}

static void on_lanes(void *ctx, const struct hy_lane_report *lanes, size_t n,
                     const struct hy_lanes_sum *all)
{
    (void)all;
    finish(ctx, lanes, n);
}

static const struct hy_shape_rule *find_rule(const struct hy_shape_rules *rules,
                                             const struct hy_mx *mx)
{
    struct hy_str hosts[HY_SITE_HOSTS_MAX];
    return hy_shape_find(rules, mx->domain, hosts, hy_site_hosts(&mx->site, hosts));
}

const struct hy_shape_rule *rule_of_mx(const struct hy_deliver_policy *p, const struct hy_mx *mx)
{
    return find_rule(p->rules, mx);
}

bool hy_deliver_site_is(const struct hy_site_report *r, const char *site, const char *provider)
{
    if (!r->mx || !r->rules || r->mx->status != HY_MX_OK)
        return false;
    const struct hy_shape_rule *rule = find_rule(r->rules, r->mx);
    if (provider[0] && strcmp(provider, rule ? rule->name : "default") != 0)
        return false;
    return !site[0] || orders_name_site(hy_str_of(site), &r->mx->site);
}

static void on_mx(void *ctx, struct hy_mx *mx)
{
    struct site_order *o = ctx;
    o->mx = mx;
    if (!mx || mx->status != HY_MX_OK) {
        finish(o, NULL, 0);
        return;
    }
    o->rule = rule_of_mx(o->policy, mx);
    if (report_site(o, on_lanes) != HY_OK)
        finish(o, NULL, 0);
}

void site_look_up(struct site_order *o, struct hy_resolver *resolver,
                  struct hy_deliver_policy *policy)
{
    o->policy = policy ? hy_deliver_policy_ref(policy) : NULL;
    if (!resolver || hy_resolver_mx(resolver, hy_str_of(o->domain), on_mx, o) != HY_OK)
        finish(o, NULL, 0);
}

int hy_deliver_site(struct hy_deliver *d, const char *domain, hy_site_fn *fn, void *ctx)
{
    struct site_order *o = calloc(1, sizeof *o);
    if (!o)
        return HY_ENOMEM;
    o->msg.kind = MSG_SITE;
    o->d = d;
    o->fn = fn;
    o->ctx = ctx;
    snprintf(o->domain, sizeof o->domain, "%s", domain);
    int err = hy_mailbox_post_answer(feeder_mailbox(d->feeder), &o->msg);
    if (err != HY_OK)
        free(o);
    return err;
}
