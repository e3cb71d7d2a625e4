/* Orders as they stand. Key: 'o', id -> version u8, state u8, currency (3 bytes), 0; le32 lead;
 * le64 amount (thousandths), placed, changed (ms). 'l', lead be32, placed be64, id -> version. */
#include "hayauma/store/commerce.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "hayauma/store/lead_alias.h"

enum { VERSION = 1, RECORD = 6 + 4 + 3 * 8 };

static const char *const states[] = {"", "placed", "cancelled", "refunded"};

const char *hy_purchase_state_name(enum hy_purchase_state s)
{
    return s >= HY_PURCHASE_PLACED && s <= HY_PURCHASE_REFUNDED ? states[s] : "?";
}

/* ---- records ---- */

static struct hy_str order_key(struct hy_str order, struct hy_key *k)
{
    hy_key_start(k);
    hy_key_bytes(k, HY_STR("o"));
    hy_key_bytes(k, order);
    return hy_key_str(k);
}

static struct hy_str lead_key(hy_lead_no lead, hy_wall_ms placed, struct hy_str order,
                              struct hy_key *k)
{
    hy_key_start(k);
    hy_key_bytes(k, HY_STR("l"));
    hy_key_u32(k, lead);
    hy_key_u64(k, (uint64_t)placed);
    hy_key_bytes(k, order);
    return hy_key_str(k);
}

int hy_purchase_get(struct hy_txn *t, struct hy_str order, struct hy_purchase *ret)
{
    struct hy_key k;
    struct hy_str v;
    if (order.n == 0 || order.n > HY_PURCHASE_ID_MAX)
        return HY_ENOTFOUND;
    int err = hy_get(t, HY_TABLE_COMMERCE, order_key(order, &k), &v);
    if (err)
        return err;
    err = hy_value_check(v, VERSION);
    if (!err && (v.n != RECORD || v.p[1] < HY_PURCHASE_PLACED || v.p[1] > HY_PURCHASE_REFUNDED))
        err = HY_ECORRUPT;
    if (err)
        return hy_txn_fail(t, err);
    *ret = (struct hy_purchase){
        .order = order,
        .lead = hy_get_le32(v.p + 6),
        .state = (enum hy_purchase_state)v.p[1],
        .amount_milli = (int64_t)hy_get_le64(v.p + 10),
        .placed = (hy_wall_ms)hy_get_le64(v.p + 18),
        .changed = (hy_wall_ms)hy_get_le64(v.p + 26),
    };
    memcpy(ret->currency, v.p + 2, 3);
    return 0;
}

static int put(struct hy_txn *t, const struct hy_purchase *p)
{
    static const uint8_t version = VERSION;
    uint8_t b[RECORD] = {VERSION, (uint8_t)p->state};
    struct hy_key k;
    memcpy(b + 2, p->currency, 3);
    hy_put_le32(b + 6, p->lead);
    hy_put_le64(b + 10, (uint64_t)p->amount_milli);
    hy_put_le64(b + 18, (uint64_t)p->placed);
    hy_put_le64(b + 26, (uint64_t)p->changed);
    int err =
        hy_put(t, HY_TABLE_COMMERCE, order_key(p->order, &k), hy_str_make(b, RECORD), HY_PUT_SET);
    if (!err && p->lead)
        err = hy_put(t, HY_TABLE_COMMERCE, lead_key(p->lead, p->placed, p->order, &k),
                     hy_str_make(&version, 1), HY_PUT_SET);
    return err;
}

/* ---- what an activity tells ---- */

/* False: it tells of no order. What it leaves out stays as it was. */
static bool read_meta(const json_t *meta, struct hy_purchase *p)
{
    const json_t *amount = json_object_get(meta, "amount");
    const char *status = json_string_value(json_object_get(meta, "status")),
               *currency = json_string_value(json_object_get(meta, "currency"));
    double milli = round(json_number_value(amount) * 1000);
    if (amount && (!json_is_number(amount) || !(milli >= 0 && milli < 9e15)))
        return false;
    if (amount)
        p->amount_milli = (int64_t)milli;
    p->state = HY_PURCHASE_PLACED;
    for (int s = HY_PURCHASE_CANCELLED; status && s <= HY_PURCHASE_REFUNDED; s++)
        if (strcmp(status, states[s]) == 0)
            p->state = (enum hy_purchase_state)s;
    if (status && p->state == HY_PURCHASE_PLACED && strcmp(status, "placed") != 0)
        return false;
    if (currency && strlen(currency) != 3)
        return false;
    for (int i = 0; currency && i < 3; i++)
        p->currency[i] = hy_ascii_lower(currency[i]) >= 'a' && hy_ascii_lower(currency[i]) <= 'z'
                             ? (char)(hy_ascii_lower(currency[i]) - 32)
                             : '?';
    return true;
}

int hy_purchase_note(struct hy_txn *t, const struct hy_activity *a)
{
    struct hy_purchase p = {.placed = 0}, old;
    struct hy_key k;
    if (a->kind != HY_ACTIVITY_ORDER || a->meta.n == 0)
        return 0;
    json_t *meta = json_loadb(a->meta.p, a->meta.n, 0, NULL);
    const json_t *id = json_object_get(meta, "order");
    struct hy_str order = hy_str_make(json_string_value(id), json_string_length(id));
    int err = HY_ENOTFOUND;
    bool is_order = order.n > 0 && order.n <= HY_PURCHASE_ID_MAX;
    if (is_order)
        err = hy_purchase_get(t, order, &old);
    p = err ? (struct hy_purchase){.placed = a->at, .lead = a->lead} : old;
    p.order = order;
    p.changed = a->at;
    is_order = is_order && read_meta(meta, &p);
    if (is_order && !err && a->lead && a->lead != old.lead) { /* it is another's */
        p.lead = a->lead;
        err =
            old.lead ? hy_del(t, HY_TABLE_COMMERCE, lead_key(old.lead, old.placed, order, &k)) : 0;
    }
    if (is_order && (!err || err == HY_ENOTFOUND))
        err = put(t, &p);
    json_decref(meta);
    return is_order && err != HY_ENOTFOUND ? err : 0;
}

/* ---- reading ---- */

static int each_of_number(struct hy_txn *t, hy_lead_no lead,
                          int (*each)(void *ctx, const struct hy_purchase *p), void *ctx)
{
    struct hy_key k;
    struct hy_cursor c;
    struct hy_str prefix = hy_str_slice(lead_key(lead, 0, HY_STR(""), &k), 0, 5);
    int err = hy_cursor_open(t, HY_TABLE_COMMERCE, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    for (; !err; err = hy_cursor_prefix_next(&c, prefix)) {
        struct hy_purchase p;
        err = c.key.n > 13 ? hy_purchase_get(t, hy_str_slice(c.key, 13, c.key.n), &p) : HY_ECORRUPT;
        if (!err)
            err = each(ctx, &p);
        if (err)
            break;
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_purchase_each(struct hy_txn *t, hy_lead_no lead,
                     int (*each)(void *ctx, const struct hy_purchase *p), void *ctx)
{
    hy_lead_no parts[HY_LEAD_PARTS_MAX];
    size_t n = 0;
    int err = hy_lead_parts(t, lead, parts, &n);
    for (size_t i = 0; i < n && !err; i++)
        err = each_of_number(t, parts[i], each, ctx);
    return err;
}

static int add(void *ctx, const struct hy_purchase *p)
{
    struct hy_customer *x = ctx;
    size_t i = 0;
    x->cancelled += p->state == HY_PURCHASE_CANCELLED;
    x->refunded += p->state == HY_PURCHASE_REFUNDED;
    if (p->state != HY_PURCHASE_PLACED)
        return 0;
    x->orders++;
    x->first = x->first && x->first < p->placed ? x->first : p->placed;
    x->last = x->last > p->placed ? x->last : p->placed;
    while (i < x->n_sums && strcmp(x->sums[i].currency, p->currency) != 0)
        i++;
    if (i == HY_PURCHASE_CURRENCIES)
        return 0;
    if (i == x->n_sums)
        memcpy(x->sums[x->n_sums++].currency, p->currency, sizeof p->currency);
    x->sums[i].orders++;
    x->sums[i].amount_milli += p->amount_milli;
    return 0;
}

int hy_customer_read(struct hy_txn *t, hy_lead_no lead, struct hy_customer *ret)
{
    *ret = (struct hy_customer){.orders = 0};
    return hy_purchase_each(t, lead, add, ret);
}

int hy_customer_next(struct hy_txn *t, hy_lead_no after, hy_lead_no *ret)
{
    struct hy_key k;
    struct hy_cursor c;
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_COMMERCE, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_slice(lead_key(after + 1, 0, HY_STR(""), &k), 0, 5));
    if (!err && (c.key.n < 13 || c.key.p[0] != 'l'))
        err = HY_ENOTFOUND;
    if (!err)
        *ret = hy_get_be32(c.key.p + 1);
    hy_cursor_close(&c);
    return err;
}

int hy_purchase_forget(struct hy_txn *t, hy_lead_no lead)
{
    struct hy_key k, order;
    struct hy_cursor c;
    struct hy_str prefix = hy_str_slice(lead_key(lead, 0, HY_STR(""), &k), 0, 5);
    int err = hy_cursor_open(t, HY_TABLE_COMMERCE, &c);
    while (!err && (err = hy_cursor_prefix_first(&c, prefix)) == 0) {
        (void)order_key(hy_str_slice(c.key, 13, c.key.n), &order);
        err = hy_cursor_delete(&c);
        if (!err)
            err = hy_del(t, HY_TABLE_COMMERCE, hy_key_str(&order));
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}
