/* lane.hold, lane.slow, lane.route, lane.release, lane.list, acts: the operator's hands on lanes,
 * and the log of what was done. An order waits for its commit, and for the name of whoever gave it,
 * on a thread of its own. */
#include "ctl_common.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/config/site_json.h"

/* ---- what an order names ---- */

static int check_provider(const struct hy_deliver_policy *p, const char *name, struct hy_diag *diag)
{
    for (size_t i = 0; i < p->rules->n_rules; i++)
        if (strcmp(p->rules->rules[i].name, name) == 0)
            return HY_OK;
    if (strcmp(name, "default") == 0)
        return HY_OK;
    return hy_fail(diag, HY_ENOTFOUND,
                   "there is no shaping rule '%.60s': 'hayauma site DOMAIN' names a domain's, "
                   "and 'default' are the sites without one",
                   name);
}

static int check_source(const struct hy_deliver_policy *p, const char *name, struct hy_diag *diag)
{
    for (size_t i = 0; i < p->n_sources; i++)
        if (strcmp(p->sources[i].name, name) == 0)
            return HY_OK;
    return hy_fail(diag, HY_ENOTFOUND, "there is no source '%.60s': 'hayauma source list'", name);
}

/* As 'hayauma sites' writes it, or a pattern of host names: no space and nothing unprintable. */
static int check_site(const char *name, struct hy_diag *diag)
{
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return hy_fail(diag, HY_EINVAL,
                           "'%.200s' is no name of a site: mx.example.jp, *.example.jp", name);
    return HY_OK;
}

static int check_pool(const struct hy_deliver_policy *p, const char *name, struct hy_diag *diag)
{
    for (size_t i = 0; i < p->n_source_pools; i++)
        if (strcmp(p->source_pools[i].name, name) == 0)
            return HY_OK;
    return hy_fail(diag, HY_ENOTFOUND,
                   "there is no pool or source '%.60s': 'hayauma source list' has the sources, "
                   "delivery.pools the pools",
                   name);
}

static int check_target(const struct hy_deliver_policy *p, struct order *o, struct hy_diag *diag)
{
    char domain[256];
    int err = HY_OK;
    if (o->o.scope == HY_ORDER_PROVIDER)
        err = check_provider(p, o->name, diag);
    if (o->o.scope == HY_ORDER_SITE)
        err = check_site(o->name, diag);
    if (o->o.scope == HY_ORDER_DOMAIN)
        err = hy_site_domain(o->name, diag, domain);
    if (err == HY_OK && o->o.scope == HY_ORDER_DOMAIN)
        snprintf(o->name, sizeof o->name, "%.*s", (int)sizeof o->name - 1, domain);
    if (err == HY_OK && o->pool[0])
        err = check_pool(p, o->pool, diag);
    return err == HY_OK && o->source[0] ? check_source(p, o->source, diag) : err;
}

/* The one of domain, site and provider that is given; `all`: or none of them. */
static int read_target(const json_t *args, struct order *o, bool all, struct hy_diag *diag)
{
    const char *source = "";
    unsigned given = 0;
    o->o.scope = HY_ORDER_ALL;
    for (unsigned s = 0; s < HY_ORDER_ALL; s++) {
        const char *name = NULL;
        int err = hy_control_arg_string(args, hy_order_scope_name(s), NULL, diag, &name);
        if (err != HY_OK)
            return err;
        if (!name)
            continue;
        if (strlen(name) >= sizeof o->name || !name[0])
            return hy_fail(diag, HY_EINVAL, "'%.60s' is no name of a lane", name);
        given++;
        o->o.scope = (enum hy_order_scope)s;
        for (size_t i = 0; i <= strlen(name); i++)
            o->name[i] = hy_ascii_lower(name[i]);
    }
    if (given > 1 || (given == 0 && !all))
        return hy_fail(diag, HY_EINVAL, "name one of --domain, --site and --provider");
    int err = hy_control_arg_string(args, "source", "", diag, &source);
    if (err == HY_OK && strlen(source) >= sizeof o->source)
        err = hy_fail(diag, HY_EINVAL, "there is no source '%.60s'", source);
    if (err == HY_OK)
        snprintf(o->source, sizeof o->source, "%s", source);
    return err;
}

static int read_order(struct hy_control_call *call, struct order *o, bool all, struct hy_diag *diag)
{
    enum { YEAR_S = 366 * 86400 };
    int64_t for_s = 0;
    int err = read_target(hy_control_args(call), o, all, diag);
    if (err == HY_OK)
        err = hy_control_arg_int(hy_control_args(call), "for_s", 0, 0, YEAR_S, diag, &for_s);
    o->made = hy_clock_wall_ms();
    o->until = for_s ? o->made + for_s * 1000 : 0;
    o->uid = hy_control_uid(call);
    user_name(o->uid, o->user, sizeof o->user);
    return err;
}

/* ---- whether a site is at work ---- */

enum { LANES_LOOKED_AT = 65536 };

struct look {
    struct hy_control_call *call;
    json_t *answer; /* the order */
};

/* Whether the order may concern a site of this name; its hosts are not known here, so that a host
 * of "*.example.jp" counts as one of it. */
static bool may_name(struct hy_str order, struct hy_str site)
{
    struct hy_str star = HY_STR("*.");
    struct hy_str a = hy_str_starts(order, star) ? hy_str_slice(order, 1, order.n) : order;
    struct hy_str b = hy_str_starts(site, star) ? hy_str_slice(site, 1, site.n) : site;
    return hy_str_eq(order, site) || (a.p != order.p && hy_str_ends(b, a)) ||
           (b.p != site.p && hy_str_ends(a, b));
}

/* A worker's thread. */
static void on_lanes(void *ctx, const struct hy_lane_report *lanes, size_t n,
                     const struct hy_lanes_sum *all)
{
    struct look *l = ctx;
    struct hy_str name = hy_str_of(json_string_value(json_object_get(l->answer, "name")));
    bool is_at_work = all->lanes > n; /* among those that the report leaves out, perhaps */
    for (size_t i = 0; i < n && !is_at_work; i++)
        is_at_work = may_name(name, hy_str_of(lanes[i].site));
    json_object_set_new(l->answer, "at_work", json_boolean(is_at_work));
    hy_control_finish(l->call, l->answer);
    free(l);
}

/* An order for a site that nothing is sent to now counts from the moment that something is; whoever
 * gave it learns that there is none yet, for it may be a slip of the pen. */
static void finish_site(struct hy_daemon *d, struct hy_control_call *call, json_t *answer)
{
    struct look *l = malloc(sizeof *l);
    if (l)
        *l = (struct look){call, answer};
    if (l && hy_deliver_lanes(d->deliver, LANES_LOOKED_AT, on_lanes, l) == HY_OK)
        return;
    free(l);
    hy_control_finish(call, answer);
}

static void add(struct hy_daemon *d, struct hy_control_call *call, struct order *o, int err,
                struct hy_diag *diag)
{
    struct hy_deliver_policy *ground = orders_ground(d);
    if (err == HY_OK)
        err = check_target(ground, o, diag);
    hy_deliver_policy_unref(ground);
    if (err == HY_OK)
        err = orders_add(d, o, diag);
    if (err != HY_OK)
        hy_control_fail_diag(call, err, diag);
    else if (o->o.scope == HY_ORDER_SITE)
        finish_site(d, call, order_json(o));
    else
        hy_control_finish(call, order_json(o));
}

static void hold(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_diag diag = {""};
    struct order o = {.o.is_hold = true};
    int err = read_order(call, &o, false, &diag);
    add(d, call, &o, err, &diag);
}

/* What waits for a domain, site or provider, or all of a campaign, goes by another pool, and so
 * does what comes, until the order is over. */
static void route(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_diag diag = {""};
    struct order o = {0};
    const char *pool = "";
    bool all = false;
    int err = hy_control_arg_bool(hy_control_args(call), "all", false, &diag, &all);
    if (err == HY_OK && json_object_get(hy_control_args(call), "campaign")) {
        all = true;
        err = ctl_campaign_arg(d, call, &o.o.campaign, &diag);
    }
    if (err == HY_OK)
        err = read_order(call, &o, all, &diag);
    if (err == HY_OK)
        err = hy_control_arg_string_required(hy_control_args(call), "pool", &diag, &pool);
    if (err == HY_OK && (!pool[0] || strlen(pool) >= sizeof o.pool))
        err = hy_fail(&diag, HY_EINVAL, "there is no pool or source '%.60s'", pool);
    if (err == HY_OK && o.source[0])
        err = hy_fail(&diag, HY_EINVAL, "mail is moved from wherever it waits: leave source out");
    if (err == HY_OK)
        snprintf(o.pool, sizeof o.pool, "%s", pool);
    add(d, call, &o, err, &diag);
}

static void slow(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_diag diag = {""};
    struct order o = {0};
    int64_t factor = 0, connections = 0;
    int err = read_order(call, &o, false, &diag);
    if (err == HY_OK)
        err = hy_control_arg_int(hy_control_args(call), "factor", 0, 2, 1000, &diag, &factor);
    if (err == HY_OK)
        err = hy_control_arg_int(hy_control_args(call), "connections", 0, 1, 10000, &diag,
                                 &connections);
    if (err == HY_OK && factor == 0 && connections == 0)
        err = hy_fail(&diag, HY_EINVAL, "say how slow: --factor N or --connections N");
    if (err == HY_OK && o.o.scope == HY_ORDER_DOMAIN)
        err = hy_fail(&diag, HY_EINVAL,
                      "a domain can only be held: its servers may be those of other domains too; "
                      "slow the site or the provider");
    o.o.factor = (uint32_t)factor;
    o.o.connections = (uint32_t)connections;
    add(d, call, &o, err, &diag);
}

static void release(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_diag diag = {""};
    int64_t no = 0;
    int err = hy_control_arg_int(hy_control_args(call), "no", 0, 1, UINT32_MAX, &diag, &no);
    if (err == HY_OK && no == 0)
        err = hy_fail(&diag, HY_EINVAL, "which order? 'hayauma lane list' has their numbers");
    if (err == HY_OK)
        err = orders_remove(d, (uint32_t)no, "lane.release", hy_control_uid(call), &diag);
    if (err == HY_OK)
        hy_control_finish(call, json_pack("{s:I}", "no", (json_int_t)no));
    else
        hy_control_fail_diag(call, err, &diag);
}

static void list(struct hy_control_call *call, void *ctx)
{
    hy_control_finish(call, json_pack("{s:o}", "orders", orders_json(ctx)));
}

/* The newest first. */
static void acts(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    struct hy_txn t = {0};
    struct hy_str text;
    hy_id id = 0;
    int64_t limit = 50;
    json_t *all = json_array();
    int err = hy_control_arg_int(hy_control_args(call), "limit", 50, 1, 1000, &diag, &limit);
    if (err == HY_OK)
        err = hy_txn_read(d->env, &t);
    while (err == HY_OK && (int64_t)json_array_size(all) < limit) {
        err = hy_act_prev(&t, id, &id, &text);
        json_t *act = err == HY_OK ? json_loadb(text.p, text.n, 0, NULL) : NULL;
        char when[32];
        if (!act)
            continue;
        json_object_set_new(act, "time", json_string(hy_wall_format(hy_id_time(id), when)));
        json_array_append_new(all, act);
    }
    hy_txn_end(&t);
    if (err == HY_OK || err == HY_ENOTFOUND) {
        hy_control_finish(call, json_pack("{s:o}", "acts", all));
    } else {
        json_decref(all);
        hy_control_fail_diag(call, err, &diag);
    }
}

static void on_hold(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, hold);
}

static void on_slow(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, slow);
}

static void on_route(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, route);
}

static void on_release(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, release);
}

const struct hy_control_command ctl_lane_commands[] = {
    {"lane.hold", 0, 0, on_hold},
    {"lane.slow", 0, 0, on_slow},
    {"lane.route", 0, 0, on_route},
    {"lane.release", 0, 0, on_release},
    {"lane.list", 0, 0, list},
    {"acts", 0, 0, acts},
    {NULL, 0, 0, NULL},
};
