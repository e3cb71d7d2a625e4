/* cart.show, cart.list: what lies in carts, of a lead or of all, on threads of their own. */
#include "ctl_common.h"
#include "hayauma/store/identity.h"
#include "hayauma/web/order_json.h"

enum { LIMIT_USUAL = 100, LIMIT_MAX = 10000 };

static int tell_of_lead(struct ctl_task *k, struct hy_txn *t, json_t *o, struct hy_diag *diag)
{
    const char *which = "";
    hy_lead_no lead = 0;
    int err = hy_control_arg_string_required(k->args, "lead", diag, &which);
    if (!err)
        err = hy_lead_resolve(t, hy_str_of(which), &lead, diag);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no lead '%.200s'", which);
    return err ? err : hy_carts_json(t, lead, o);
}

static int tell_open(struct ctl_task *k, struct hy_txn *t, json_t *o, struct hy_diag *diag)
{
    int64_t older_s = 0, limit = LIMIT_USUAL;
    int err = hy_control_arg_int(k->args, "older_s", 0, 0, UINT32_MAX, diag, &older_s);
    if (!err)
        err = hy_control_arg_int(k->args, "limit", LIMIT_USUAL, 1, LIMIT_MAX, diag, &limit);
    if (err)
        return err;
    return hy_open_carts_json(t, hy_clock_wall_ms() - older_s * 1000, (size_t)limit, o);
}

static int look(struct ctl_task *k, json_t *o, struct hy_diag *diag,
                int (*tell)(struct ctl_task *k, struct hy_txn *t, json_t *o, struct hy_diag *diag))
{
    struct hy_txn t = {0};
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = tell(k, &t, o, diag);
    hy_txn_end(&t);
    return err;
}

static int run_show(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    return look(k, o, diag, tell_of_lead);
}

static int run_list(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    return look(k, o, diag, tell_open);
}

static void show(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_show);
}

static void list(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_list);
}

const struct hy_control_command ctl_cart_commands[] = {
    {"cart.show", 0, 0, show},
    {"cart.list", 0, 0, list},
    {NULL, 0, 0, NULL},
};
