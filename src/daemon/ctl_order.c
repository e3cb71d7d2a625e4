/* order.show, order.report: what a person bought, and all, on threads of their own. */
#include "ctl_common.h"
#include "hayauma/store/identity.h"
#include "hayauma/web/order_json.h"
#include "hayauma/web/order_report.h"

static int tell_customer(struct ctl_task *k, struct hy_txn *t, json_t *o, struct hy_diag *diag)
{
    const char *which = "";
    hy_lead_no lead = 0;
    int err = hy_control_arg_string_required(k->args, "lead", diag, &which);
    if (!err)
        err = hy_lead_resolve(t, hy_str_of(which), &lead, diag);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no lead '%.200s'", which);
    return err ? err : hy_customer_json(t, lead, o);
}

static int run_show(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = tell_customer(k, &t, o, diag);
    hy_txn_end(&t);
    return err;
}

/* ---- all ---- */

static int run_report(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_order_report wish = {.is_over = ctl_task_is_cancelled, .ctx = k};
    struct hy_txn t = {0};
    const char *field = "";
    int err = HY_OK;
    for (size_t i = 0; i < HY_ORDER_REPORT_FIELDS && !err; i++)
        err = hy_control_arg_string(k->args, hy_order_report_fields[i], "", diag,
                                    hy_order_report_field(&wish, i));
    if (!err)
        err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = hy_order_report_json(&t, &wish, o, &field, diag);
    hy_txn_end(&t);
    return err;
}

/* ---- the table ---- */

static void report(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_WHOLE, run_report);
}

static void show(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_show);
}

const struct hy_control_command ctl_order_commands[] = {
    {"order.show", 0, 0, show},
    {"order.report", 0, 0, report},
    {NULL, 0, 0, NULL},
};
