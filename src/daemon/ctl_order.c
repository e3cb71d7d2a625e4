/* order.show: what a person bought, on a thread of its own. */
#include <stdlib.h>

#include "ctl_common.h"
#include "hayauma/store/commerce.h"
#include "hayauma/store/identity.h"
#include "order_sales.h"

enum { SHOWN_MAX = 1000 };

/* ---- one person ---- */

static int add_purchase(void *ctx, const struct hy_purchase *p)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    json_t *list = json_array();
    if (hy_purchase_items(p, items) != HY_OK) {
        json_decref(list);
        return HY_ECORRUPT;
    }
    for (size_t i = 0; i < p->n_items; i++)
        json_array_append_new(list, order_item_json(&items[i]));
    json_t *o = json_pack("{s:o, s:s, s:s, s:o, s:o, s:o}", "order", ctl_text_json(p->order),
                          "status", hy_purchase_state_name(p->state), "currency", p->currency,
                          "amount", money_json(p->amount_milli), "placed",
                          order_time_json(p->placed), "changed", order_time_json(p->changed));
    json_object_set_new(o, "items", list);
    json_array_append_new(ctx, o);
    return json_array_size(ctx) >= SHOWN_MAX;
}

static int tell_customer(struct ctl_task *k, struct hy_txn *t, json_t *o, struct hy_diag *diag)
{
    const char *which = "";
    struct hy_customer c;
    hy_lead_no lead = 0;
    json_t *orders = json_array(), *sums = json_array();
    json_object_set_new(o, "orders", orders);
    json_object_set_new(o, "values", sums);
    int err = hy_control_arg_string_required(k->args, "lead", diag, &which);
    if (!err)
        err = hy_lead_resolve(t, hy_str_of(which), &lead, diag);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no lead '%.200s'", which);
    if (!err)
        err = hy_customer_read(t, lead, &c);
    if (!err)
        err = hy_purchase_each(t, lead, add_purchase, orders);
    if (err < 0)
        return err;
    for (size_t i = 0; i < c.n_sums; i++)
        json_array_append_new(sums, json_pack("{s:s, s:I, s:o}", "currency", c.sums[i].currency,
                                              "orders", (json_int_t)c.sums[i].orders, "amount",
                                              money_json(c.sums[i].amount_milli)));
    json_object_set_new(o, "lead", json_integer(lead));
    ctl_set_count(o, "placed", c.orders);
    ctl_set_count(o, "cancelled", c.cancelled);
    ctl_set_count(o, "refunded", c.refunded);
    json_object_set_new(o, "first", order_time_json(c.first));
    json_object_set_new(o, "last", order_time_json(c.last));
    return HY_OK;
}

/* ---- the table ---- */

static int run_show(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = tell_customer(k, &t, o, diag);
    hy_txn_end(&t);
    return err;
}

static void show(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_show);
}

const struct hy_control_command ctl_order_commands[] = {
    {"order.show", 0, 0, show},
    {NULL, 0, 0, NULL},
};
