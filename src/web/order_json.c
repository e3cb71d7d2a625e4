/* Orders and carts as JSON. */
#include "hayauma/web/order_json.h"

#include "call.h"

json_t *hy_money_json(int64_t milli)
{
    return milli % 1000 ? json_real((double)milli / 1000) : json_integer(milli / 1000);
}

json_t *hy_order_time_json(hy_wall_ms at)
{
    char text[32];
    return at ? json_string(hy_wall_format(at, text)) : json_null();
}

static json_t *money_or_null(int64_t milli)
{
    return milli < 0 ? json_null() : hy_money_json(milli);
}

static json_t *items_json(const struct hy_order_item *items, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o}", "product",
                                              web_text_json(items[i].product), "name",
                                              web_text_json(items[i].name), "category",
                                              web_text_json(items[i].category), "quantity",
                                              hy_money_json(items[i].quantity_milli), "price",
                                              money_or_null(items[i].price_milli)));
    return list;
}

int hy_purchase_json(const struct hy_purchase *p, json_t **ret)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    if (hy_purchase_items(p, items) != HY_OK)
        return HY_ECORRUPT;
    json_t *o = json_pack(
        "{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "order", web_text_json(p->order), "lead",
        p->lead ? json_integer(p->lead) : json_null(), "status", hy_purchase_state_name(p->state),
        "currency", p->currency, "amount", hy_money_json(p->amount_milli), "placed",
        hy_order_time_json(p->placed), "changed", hy_order_time_json(p->changed), "cart",
        web_text_json(p->cart), "items", items_json(items, p->n_items));
    if (!o)
        return HY_ENOMEM;
    *ret = o;
    return HY_OK;
}

int hy_cart_json(const struct hy_cart *c, json_t **ret)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    if (hy_cart_items(c, items) != HY_OK)
        return HY_ECORRUPT;
    json_t *o = json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "cart",
                          web_text_json(c->id), "status", hy_cart_state_name(c->state), "currency",
                          c->currency, "amount", money_or_null(c->amount_milli), "opened",
                          hy_order_time_json(c->opened), "changed", hy_order_time_json(c->changed),
                          "closed", hy_order_time_json(c->closed), "order", web_text_json(c->order),
                          "lead", c->lead ? json_integer(c->lead) : json_null(), "items",
                          items_json(items, c->n_items));
    if (!o)
        return HY_ENOMEM;
    *ret = o;
    return HY_OK;
}

/* ---- of one person ---- */

static int add_purchase(void *ctx, const struct hy_purchase *p)
{
    json_t *o = NULL;
    int err = hy_purchase_json(p, &o);
    if (err)
        return err;
    json_array_append_new(ctx, o);
    return json_array_size(ctx) >= HY_CUSTOMER_ORDERS;
}

static json_t *values_json(const struct hy_customer *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->n_sums; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:o}", "currency", c->sums[i].currency,
                                              "orders", (json_int_t)c->sums[i].orders, "amount",
                                              hy_money_json(c->sums[i].amount_milli)));
    return list;
}

int hy_customer_json(struct hy_txn *t, hy_lead_no lead, json_t *o)
{
    struct hy_customer c;
    json_t *orders = json_array();
    json_object_set_new(o, "orders", orders);
    int err = hy_customer_read(t, lead, &c);
    if (!err)
        err = hy_purchase_each(t, lead, add_purchase, orders);
    if (err < 0)
        return err;
    json_object_set_new(o, "lead", json_integer(lead));
    json_object_set_new(o, "placed", json_integer(c.orders));
    json_object_set_new(o, "cancelled", json_integer(c.cancelled));
    json_object_set_new(o, "refunded", json_integer(c.refunded));
    json_object_set_new(o, "first", hy_order_time_json(c.first));
    json_object_set_new(o, "last", hy_order_time_json(c.last));
    json_object_set_new(o, "values", values_json(&c));
    return HY_OK;
}

static int add_cart(void *ctx, const struct hy_cart *c)
{
    json_t *o = NULL;
    int err = hy_cart_json(c, &o);
    return err ? err : json_array_append_new(ctx, o) == 0 ? HY_OK : HY_ENOMEM;
}

int hy_carts_json(struct hy_txn *t, hy_lead_no lead, json_t *o)
{
    json_t *list = json_array();
    json_object_set_new(o, "carts", list);
    return hy_cart_each(t, lead, add_cart, list);
}

int hy_open_carts_json(struct hy_txn *t, hy_wall_ms until, size_t limit, json_t *o)
{
    json_t *list = json_array();
    struct hy_cart c;
    const struct hy_cart *after = NULL;
    int err = HY_OK;
    json_object_set_new(o, "carts", list);
    while (!err && json_array_size(list) < limit) {
        err = hy_cart_next_open(t, after, &c);
        if (err || c.changed > until)
            break;
        after = &c;
        err = add_cart(list, &c);
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}
