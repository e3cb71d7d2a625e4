/* lane.hold, lane.slow, lane.release, lane.list, acts: the operator's hands on lanes, and the log
 * of what was done. */
#include "ctl_common.h"

#include <stdio.h>

/* The one of domain, site and provider that is given. */
static int read_target(const json_t *args, struct order *o, struct hy_diag *diag)
{
    const char *source = "";
    unsigned given = 0;
    for (unsigned s = 0; s < HY_ORDER_SCOPES; s++) {
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
    if (given != 1)
        return hy_fail(diag, HY_EINVAL, "name one of --domain, --site and --provider");
    int err = hy_control_arg_string(args, "source", "", diag, &source);
    if (err == HY_OK && strlen(source) >= sizeof o->source)
        err = hy_fail(diag, HY_EINVAL, "there is no source '%.60s'", source);
    if (err == HY_OK)
        snprintf(o->source, sizeof o->source, "%s", source);
    return err;
}

static int read_order(struct hy_control_call *call, struct order *o, struct hy_diag *diag)
{
    enum { YEAR_S = 366 * 86400 };
    int64_t for_s = 0;
    int err = read_target(hy_control_args(call), o, diag);
    if (err == HY_OK)
        err = hy_control_arg_int(hy_control_args(call), "for_s", 0, 0, YEAR_S, diag, &for_s);
    o->made = hy_clock_wall_ms();
    o->until = for_s ? o->made + for_s * 1000 : 0;
    o->uid = hy_control_uid(call);
    user_name(o->uid, o->user, sizeof o->user);
    return err;
}

static void add(struct hy_daemon *d, struct hy_control_call *call, struct order *o, int err,
                struct hy_diag *diag)
{
    if (err == HY_OK)
        err = orders_add(d, o, diag);
    if (err == HY_OK)
        hy_control_finish(call, order_json(o));
    else
        hy_control_fail_diag(call, err, diag);
}

static void hold(struct hy_control_call *call, void *ctx)
{
    struct hy_diag diag = {""};
    struct order o = {.o.is_hold = true};
    int err = read_order(call, &o, &diag);
    add(ctx, call, &o, err, &diag);
}

static void slow(struct hy_control_call *call, void *ctx)
{
    struct hy_diag diag = {""};
    struct order o = {0};
    int64_t factor = 0, connections = 0;
    int err = read_order(call, &o, &diag);
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
    add(ctx, call, &o, err, &diag);
}

static void release(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
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
    struct hy_daemon *d = ctx;
    json_t *all = json_array();
    for (size_t i = 0; i < d->orders.n; i++)
        json_array_append_new(all, order_json(&d->orders.items[i]));
    hy_control_finish(call, json_pack("{s:o}", "orders", all));
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

const struct hy_control_command ctl_lane_commands[] = {
    {"lane.hold", 0, 0, hold}, {"lane.slow", 0, 0, slow}, {"lane.release", 0, 0, release},
    {"lane.list", 0, 0, list}, {"acts", 0, 0, acts},      {NULL, 0, 0, NULL},
};
