/* cart.show, cart.list: what lies in carts, of a lead or of all, on threads of their own. */
#include "ctl_common.h"
#include "hayauma/store/cart.h"
#include "hayauma/store/identity.h"
#include "order_sales.h"

enum { LIMIT_USUAL = 100, LIMIT_MAX = 10000 };

static int add_cart(void *ctx, const struct hy_cart *c)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    json_t *list = json_array();
    if (hy_cart_items(c, items) != HY_OK) {
        json_decref(list);
        return HY_ECORRUPT;
    }
    for (size_t i = 0; i < c->n_items; i++)
        json_array_append_new(list, order_item_json(&items[i]));
    json_t *o = json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "cart",
                          ctl_text_json(c->id), "status", hy_cart_state_name(c->state), "currency",
                          c->currency, "amount",
                          c->amount_milli < 0 ? json_null() : money_json(c->amount_milli), "opened",
                          order_time_json(c->opened), "changed", order_time_json(c->changed),
                          "closed", order_time_json(c->closed), "order", ctl_text_json(c->order),
                          "lead", c->lead ? json_integer(c->lead) : json_null(), "items", list);
    return json_array_append_new(ctx, o) == 0 ? 0 : HY_ENOMEM;
}

static int tell_of_lead(struct ctl_task *k, struct hy_txn *t, json_t *list, struct hy_diag *diag)
{
    const char *which = "";
    hy_lead_no lead = 0;
    int err = hy_control_arg_string_required(k->args, "lead", diag, &which);
    if (!err)
        err = hy_lead_resolve(t, hy_str_of(which), &lead, diag);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no lead '%.200s'", which);
    return err ? err : hy_cart_each(t, lead, add_cart, list);
}

static int tell_open(struct ctl_task *k, struct hy_txn *t, json_t *list, struct hy_diag *diag)
{
    int64_t older_s = 0, limit = LIMIT_USUAL;
    struct hy_cart c;
    const struct hy_cart *after = NULL;
    int err = hy_control_arg_int(k->args, "older_s", 0, 0, UINT32_MAX, diag, &older_s);
    if (!err)
        err = hy_control_arg_int(k->args, "limit", LIMIT_USUAL, 1, LIMIT_MAX, diag, &limit);
    hy_wall_ms until = hy_clock_wall_ms() - older_s * 1000;
    while (!err && json_array_size(list) < (size_t)limit) {
        err = hy_cart_next_open(t, after, &c);
        if (err || c.changed > until)
            break;
        after = &c;
        err = add_cart(list, &c);
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int look(struct ctl_task *k, json_t *o, struct hy_diag *diag,
                int (*tell)(struct ctl_task *k, struct hy_txn *t, json_t *list,
                            struct hy_diag *diag))
{
    struct hy_txn t = {0};
    json_t *list = json_array();
    json_object_set_new(o, "carts", list);
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = tell(k, &t, list, diag);
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
