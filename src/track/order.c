/* Orders and carts from and to the details of an activity: a table of fields for each object. */
#include "hayauma/track/order.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "hayauma/base/json_put.h"

const char *hy_cart_state_name(enum hy_cart_state s)
{
    static const char *const names[] = {"?", "open", "ordered", "emptied"};
    return names[s >= HY_CART_OPEN && s <= HY_CART_EMPTIED ? s : 0];
}

/* ---- reading ---- */

struct reader {
    struct hy_arena *arena;
    struct hy_told_fault *fault;
    char at[48]; /* "items[3]." */
};

static int wrong(struct reader *r, const char *code, const char *field, const char *fmt, ...)
    HY_PRINTF(4, 5);
static int wrong(struct reader *r, const char *code, const char *field, const char *fmt, ...)
{
    va_list args;
    if (!r->fault)
        return HY_EINVAL;
    r->fault->code = code;
    snprintf(r->fault->field, sizeof r->fault->field, "%s%s", r->at, field);
    va_start(args, fmt);
    vsnprintf(r->fault->message, sizeof r->fault->message, fmt, args);
    va_end(args);
    return HY_EINVAL;
}

/* *ret stays as it is when the field is not there, or null. */
static int read_text(struct reader *r, const json_t *o, const char *field, size_t max,
                     struct hy_str *ret)
{
    const json_t *v = json_object_get(o, field);
    if (!v || json_is_null(v))
        return HY_OK;
    struct hy_str s = hy_str_make(json_string_value(v), json_string_length(v));
    if (!json_is_string(v))
        return wrong(r, "invalid_type", field, "This must be a text.");
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return wrong(r, "invalid_value", field, "This must be without control characters.");
    if (s.n > max)
        return wrong(r, "invalid_value", field, "This may have %zu bytes.", max);
    *ret = s;
    return HY_OK;
}

static int read_milli(struct reader *r, const json_t *o, const char *field, int64_t *ret)
{
    const json_t *v = json_object_get(o, field);
    double milli = round(json_number_value(v) * 1000);
    int err = HY_OK;
    if (!v || json_is_null(v))
        return HY_OK;
    if (json_is_string(v))
        err = hy_decimal_read(hy_str_make(json_string_value(v), json_string_length(v)), ret);
    else if (!json_is_number(v) || !(milli >= 0 && milli <= (double)HY_PURCHASE_AMOUNT_MAX))
        err = HY_EPARSE;
    else
        *ret = (int64_t)milli;
    return err ? wrong(r, "invalid_value", field,
                       "This must be an amount like 5000 or \"12.34\", at most three digits behind "
                       "the point.")
               : HY_OK;
}

static int read_item(struct reader *r, const json_t *o, struct hy_order_item *x)
{
    *x = (struct hy_order_item){.quantity_milli = 1000, .price_milli = -1};
    if (!json_is_object(o))
        return wrong(r, "invalid_type", "", "An item must be an object.");
    int err = read_text(r, o, "product", HY_PURCHASE_PRODUCT_MAX, &x->product);
    if (!err)
        err = read_text(r, o, "name", HY_PURCHASE_NAME_MAX, &x->name);
    if (!err)
        err = read_text(r, o, "category", HY_PURCHASE_CATEGORY_MAX, &x->category);
    if (!err)
        err = read_milli(r, o, "quantity", &x->quantity_milli);
    return err ? err : read_milli(r, o, "price", &x->price_milli);
}

static int read_items(struct reader *r, const json_t *list, struct hy_order *ret)
{
    size_t n = json_array_size(list);
    int err = HY_OK;
    if (!list || json_is_null(list))
        return HY_OK;
    if (!json_is_array(list) || n > HY_PURCHASE_ITEMS_MAX)
        return wrong(r, "invalid_value", "items", "This must be a list of at most %d items.",
                     HY_PURCHASE_ITEMS_MAX);
    struct hy_order_item *items = hy_arena_alloc(r->arena, (n + 1) * sizeof *items);
    if (!items)
        return HY_ENOMEM;
    for (size_t i = 0; i < n && !err; i++) {
        snprintf(r->at, sizeof r->at, "items[%zu].", i);
        err = read_item(r, json_array_get(list, i), &items[i]);
    }
    if (err)
        return err;
    r->at[0] = '\0';
    ret->items = items;
    ret->n_items = n;
    ret->has_items = true;
    return HY_OK;
}

/* What orders and carts share. */
static int read_common(struct reader *r, const json_t *meta, const char *id_field,
                       struct hy_order *ret)
{
    struct hy_str currency = {0};
    ret->amount_milli = -1;
    if (!json_is_object(meta))
        return wrong(r, "invalid_type", "", "This must be an object.");
    int err = read_text(r, meta, id_field, HY_PURCHASE_ID_MAX, &ret->id);
    if (!err && ret->id.n == 0)
        return wrong(r, "missing_field", id_field, "What is it called? 1 to %d bytes.",
                     HY_PURCHASE_ID_MAX);
    if (!err)
        err = read_milli(r, meta, "amount", &ret->amount_milli);
    if (!err)
        err = read_text(r, meta, "currency", 16, &currency);
    if (err)
        return err;
    hy_currency_read(currency, ret->currency);
    if (currency.n && !ret->currency[0])
        return wrong(r, "invalid_value", "currency", "This must be three letters like JPY.");
    return HY_OK;
}

int hy_order_read(const json_t *meta, struct hy_arena *arena, struct hy_order *ret,
                  struct hy_told_fault *fault)
{
    struct reader r = {.arena = arena, .fault = fault};
    struct hy_order o = {.state = 0};
    struct hy_str status = {0}, placed = {0};
    int err = read_common(&r, meta, "order", &o);
    if (!err)
        err = read_text(&r, meta, "status", 40, &status);
    if (!err)
        err = read_text(&r, meta, "cart", HY_PURCHASE_ID_MAX, &o.cart);
    if (!err)
        err = read_text(&r, meta, "placed", 40, &placed);
    if (err)
        return err;
    for (int s = HY_PURCHASE_PLACED; s <= HY_PURCHASE_REFUNDED; s++)
        if (hy_str_ieq(status, hy_str_of(hy_purchase_state_name((enum hy_purchase_state)s))))
            o.state = (enum hy_purchase_state)s;
    if (status.n == 0)
        o.state = HY_PURCHASE_PLACED;
    else if (!o.state && !hy_str_ieq(status, HY_STR("changed")))
        return wrong(&r, "invalid_value", "status",
                     "This must be placed, changed, cancelled or refunded.");
    if (placed.n && hy_wall_parse(placed, &o.placed) != HY_OK)
        return wrong(&r, "invalid_value", "placed",
                     "This must be a time like \"2026-12-01T09:00:00+09:00\".");
    err = read_items(&r, json_object_get(meta, "items"), &o);
    if (!err)
        *ret = o;
    return err;
}

int hy_cart_read(const json_t *meta, struct hy_arena *arena, struct hy_order *ret,
                 enum hy_cart_state *ret_state, struct hy_told_fault *fault)
{
    struct reader r = {.arena = arena, .fault = fault};
    struct hy_order o = {.state = 0};
    struct hy_str status = {0};
    int err = read_common(&r, meta, "cart", &o);
    if (!err)
        err = read_text(&r, meta, "status", 40, &status);
    if (!err)
        err = read_items(&r, json_object_get(meta, "items"), &o);
    if (err)
        return err;
    if (status.n && !hy_str_ieq(status, HY_STR("open")) && !hy_str_ieq(status, HY_STR("emptied")))
        return wrong(&r, "invalid_value", "status", "This must be open or emptied.");
    *ret_state = hy_str_ieq(status, HY_STR("emptied")) ? HY_CART_EMPTIED : HY_CART_OPEN;
    *ret = o;
    return HY_OK;
}

/* ---- writing ---- */

static void put_text(struct hy_buf *out, const char *key, struct hy_str v)
{
    if (v.n == 0)
        return;
    hy_buf_printf(out, ",\"%s\":", key);
    hy_json_put_str(out, v);
}

static void put_milli(struct hy_buf *out, const char *key, int64_t milli)
{
    char text[HY_DECIMAL_MAX];
    if (milli >= 0)
        hy_buf_printf(out, ",\"%s\":%s", key, hy_decimal_text(milli, text));
}

static void put_items(struct hy_buf *out, const struct hy_order *o)
{
    char text[HY_DECIMAL_MAX];
    if (!o->has_items)
        return;
    hy_buf_add_lit(out, ",\"items\":[");
    for (size_t i = 0; i < o->n_items; i++) {
        const struct hy_order_item *x = &o->items[i];
        hy_buf_printf(out, "%s{\"quantity\":%s", i ? "," : "",
                      hy_decimal_text(x->quantity_milli, text));
        put_text(out, "product", x->product);
        put_text(out, "name", x->name);
        put_text(out, "category", x->category);
        put_milli(out, "price", x->price_milli);
        hy_buf_add_lit(out, "}");
    }
    hy_buf_add_lit(out, "]");
}

static void put_head(struct hy_buf *out, const char *id_field, const struct hy_order *o,
                     const char *status)
{
    hy_buf_printf(out, "{\"%s\":", id_field);
    hy_json_put_str(out, o->id);
    put_milli(out, "amount", o->amount_milli);
    put_text(out, "currency", hy_str_of(o->currency));
    put_text(out, "status", hy_str_of(status));
}

void hy_order_write(struct hy_buf *out, const struct hy_order *o, const char *status)
{
    char at[32];
    put_head(out, "order", o, status);
    put_text(out, "cart", o->cart);
    if (o->placed)
        put_text(out, "placed", hy_str_of(hy_wall_format(o->placed, at)));
    put_items(out, o);
    hy_buf_add_lit(out, "}");
}

void hy_cart_write(struct hy_buf *out, const struct hy_order *o, enum hy_cart_state state)
{
    put_head(out, "cart", o, hy_cart_state_name(state));
    put_items(out, o);
    hy_buf_add_lit(out, "}");
}
