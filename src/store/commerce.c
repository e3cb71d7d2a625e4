/* Orders as they stand. Key: 'o', id -> version u8, state u8, currency (3 bytes), 0; le32 lead;
 * le64 amount (thousandths), placed, changed (ms); since version 2 le64 activity that told of it
 * last, cart (length, bytes), varint items; for each: SKU, name, category (length, bytes), varints:
 * quantity (thousandths), price (thousandths, and 1; 0: not said). 'l', lead be32, placed be64, id
 * -> version. */
#include "hayauma/store/commerce.h"

#include <jansson.h>
#include <stdlib.h>

#include "hayauma/store/lead_alias.h"
#include "hayauma/store/lead_change.h"
#include "hayauma/track/order.h"
#include "purchase_items.h"

enum { VERSION = 2, HEAD_V1 = 6 + 4 + 3 * 8, HEAD = HEAD_V1 + 8 };
enum { FORGOTTEN_AT_ONCE = 64 }; /* orders, between two looks at the clock */
enum { RECORD_MAX = HEAD + 10 + HY_PURCHASE_ID_MAX + PURCHASE_ITEMS_BYTES };

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

static int decode(struct hy_str order, struct hy_str v, struct hy_purchase *ret)
{
    int err = hy_value_check(v, VERSION);
    size_t head = !err && v.p[0] == 1 ? HEAD_V1 : HEAD;
    if (!err && (v.n < head || (v.p[0] == 1 && v.n != head) || v.p[1] < HY_PURCHASE_PLACED ||
                 v.p[1] > HY_PURCHASE_REFUNDED))
        err = HY_ECORRUPT;
    if (err)
        return err;
    struct hy_purchase p = {
        .order = order,
        .lead = hy_get_le32(v.p + 6),
        .state = (enum hy_purchase_state)v.p[1],
        .amount_milli = (int64_t)hy_get_le64(v.p + 10),
        .placed = (hy_wall_ms)hy_get_le64(v.p + 18),
        .changed = (hy_wall_ms)hy_get_le64(v.p + 26),
    };
    memcpy(p.currency, v.p + 2, 3);
    if (head == HEAD) {
        struct hy_rec_in in = rec_in(hy_str_slice(v, HEAD, v.n));
        p.told = hy_get_le64(v.p + 34);
        p.cart = rec_get_str(&in, HY_PURCHASE_ID_MAX);
        p.items = purchase_items_view(&in, &p.n_items);
        if (in.bad)
            return HY_ECORRUPT;
    }
    *ret = p;
    return 0;
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
    err = decode(order, v, ret);
    return err ? hy_txn_fail(t, err) : 0;
}

int hy_purchase_items(const struct hy_purchase *p, struct hy_order_item ret[HY_PURCHASE_ITEMS_MAX])
{
    return purchase_items_read(p->items, p->n_items, ret);
}

/* `p` may have views of the record that is there: they die. */
static int put(struct hy_txn *t, const struct hy_purchase *p)
{
    static const uint8_t version = VERSION;
    uint8_t b[RECORD_MAX] = {VERSION, (uint8_t)p->state};
    struct hy_key k;
    struct hy_rec_out o = {.p = b, .n = HEAD, .max = RECORD_MAX};
    memcpy(b + 2, p->currency, 3);
    hy_put_le32(b + 6, p->lead);
    hy_put_le64(b + 10, (uint64_t)p->amount_milli);
    hy_put_le64(b + 18, (uint64_t)p->placed);
    hy_put_le64(b + 26, (uint64_t)p->changed);
    hy_put_le64(b + 34, p->told);
    rec_put_str(&o, p->cart);
    rec_put_varint(&o, p->n_items);
    rec_put(&o, p->items.p, p->items.n);
    if (o.bad)
        return hy_txn_fail(t, HY_ECORRUPT);
    int err =
        hy_put(t, HY_TABLE_COMMERCE, order_key(p->order, &k), hy_str_make(b, o.n), HY_PUT_SET);
    if (!err && p->lead)
        err = hy_put(t, HY_TABLE_COMMERCE, lead_key(p->lead, p->placed, p->order, &k),
                     hy_str_make(&version, 1), HY_PUT_SET);
    return err;
}

/* ---- what an activity tells ---- */

int hy_purchase_after(const struct hy_purchase *old, const struct hy_order *told,
                      struct hy_arena *arena, struct hy_purchase *ret)
{
    struct hy_purchase p = old ? *old : (struct hy_purchase){.state = HY_PURCHASE_PLACED};
    p.order = told->id;
    if (told->state)
        p.state = told->state;
    if (told->placed)
        p.placed = told->placed;
    if (told->currency[0])
        memcpy(p.currency, told->currency, sizeof p.currency);
    if (told->cart.n)
        p.cart = told->cart;
    if (told->has_items) {
        int err = purchase_items_encode(told->items, told->n_items, arena, &p.items);
        if (err)
            return err;
        p.n_items = told->n_items;
    }
    int64_t sum = hy_order_items_amount(told->items, told->n_items);
    if (told->amount_milli >= 0)
        p.amount_milli = told->amount_milli;
    else if (!old && sum >= 0)
        p.amount_milli = sum;
    *ret = p;
    return 0;
}

int purchase_choose_lead(struct hy_txn *t, hy_lead_no old, hy_lead_no told, hy_lead_no *ret)
{
    hy_lead_no kept = 0;
    int err = old && told && old != told ? hy_lead_kept(t, old, &kept) : 0;
    if (!err)
        *ret = !told || kept == told ? old : told;
    return err;
}

int purchase_moved(struct hy_txn *t, hy_lead_no from, hy_lead_no to)
{
    return from && from != to ? hy_lead_changed(t, HY_LEAD_ATTRIBUTES, &from, 1) : HY_OK;
}

int purchase_complete(struct hy_txn *t, const struct hy_purchase *old, struct hy_arena *arena,
                      struct hy_order *told)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    int err = old ? hy_purchase_items(old, items) : HY_OK;
    return err ? err : purchase_items_complete(t, items, old ? old->n_items : 0, arena, told);
}

static int store(struct hy_txn *t, const struct hy_activity *a, struct hy_order *told,
                 struct hy_arena *arena)
{
    struct hy_purchase old, p;
    struct hy_key k;
    int err = hy_purchase_get(t, told->id, &old);
    bool is_new = err == HY_ENOTFOUND;
    if (err && !is_new)
        return err;
    err = purchase_complete(t, is_new ? NULL : &old, arena, told);
    if (!err)
        err = hy_purchase_after(is_new ? NULL : &old, told, arena, &p);
    if (is_new && !err && !p.placed)
        p.placed = a->at;
    p.changed = a->at;
    p.told = a->id;
    p.lead = is_new ? a->lead : old.lead;
    if (!err && !is_new)
        err = purchase_choose_lead(t, old.lead, a->lead, &p.lead);
    /* what is left of the old one lies in a page that is about to be written */
    p.cart = err ? p.cart : hy_arena_str(arena, p.cart);
    p.items = err ? p.items : hy_arena_str(arena, p.items);
    if (!err && (!p.cart.p || !p.items.p))
        err = HY_ENOMEM;
    if (!err && !is_new && old.lead && (old.lead != p.lead || old.placed != p.placed))
        err = hy_del(t, HY_TABLE_COMMERCE, lead_key(old.lead, old.placed, told->id, &k));
    hy_lead_no was = is_new ? 0 : old.lead;
    if (!err)
        err = put(t, &p);
    return err ? err : purchase_moved(t, was, p.lead);
}

int hy_purchase_note(struct hy_txn *t, const struct hy_activity *a)
{
    struct hy_order told;
    if (a->kind != HY_ACTIVITY_ORDER || a->meta.n == 0)
        return 0;
    struct hy_arena arena = HY_ARENA_INIT(PURCHASE_ARENA_MAX);
    json_t *meta = json_loadb(a->meta.p, a->meta.n, 0, NULL);
    int err = hy_order_read(meta, &arena, &told, NULL);
    if (err == HY_EINVAL &&
        json_object_del(meta, "items") == 0) /* its head may tell all the same */
        err = hy_order_read(meta, &arena, &told, NULL);
    if (!err)
        err = store(t, a, &told, &arena);
    json_decref(meta);
    hy_arena_free(&arena);
    return err == HY_EINVAL ? 0 : err;
}

int hy_purchase_give(struct hy_txn *t, struct hy_str order, hy_lead_no lead)
{
    struct hy_arena arena = HY_ARENA_INIT(PURCHASE_ARENA_MAX);
    struct hy_purchase p;
    int err = hy_purchase_get(t, order, &p);
    if (!err && p.lead)
        err = HY_EEXIST;
    if (!err) {
        p.lead = lead;
        p.cart = hy_arena_str(&arena, p.cart);
        p.items = hy_arena_str(&arena, p.items);
        err = p.cart.p && p.items.p ? put(t, &p) : HY_ENOMEM;
    }
    hy_arena_free(&arena);
    return err;
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

/* At the newest order of a number. HY_ENOTFOUND: it has none. */
static int seek_newest(struct hy_cursor *c, hy_lead_no lead, struct hy_str prefix)
{
    struct hy_key k;
    int err = hy_cursor_seek(c, lead_key(lead, INT64_MAX, HY_STR("\xff"), &k));
    err = err == HY_ENOTFOUND ? hy_cursor_last(c) : err ? err : hy_cursor_prev(c);
    return err ? err : hy_str_starts(c->key, prefix) ? HY_OK : HY_ENOTFOUND;
}

/* A newer one than *found (`order` empty: none is found) takes its place. */
static int newest_of_number(struct hy_txn *t, hy_lead_no lead, hy_wall_ms since, struct hy_str cart,
                            struct hy_purchase *found)
{
    struct hy_key k;
    struct hy_cursor c;
    struct hy_str prefix = hy_str_slice(lead_key(lead, 0, HY_STR(""), &k), 0, 5);
    int err = hy_cursor_open(t, HY_TABLE_COMMERCE, &c);
    if (!err)
        err = seek_newest(&c, lead, prefix);
    for (unsigned i = 0; !err && i < HY_PURCHASES_LOOKED_AT; i++) {
        struct hy_purchase p;
        err = c.key.n > 13 ? hy_purchase_get(t, hy_str_slice(c.key, 13, c.key.n), &p) : HY_ECORRUPT;
        if (err || p.placed < since || (found->order.n && p.placed <= found->placed))
            break;
        if (p.state == HY_PURCHASE_PLACED && (p.cart.n == 0 || hy_str_eq(p.cart, cart))) {
            *found = p;
            break;
        }
        err = hy_cursor_prev(&c);
        if (!err && !hy_str_starts(c.key, prefix))
            err = HY_ENOTFOUND;
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int hy_purchase_closing(struct hy_txn *t, hy_lead_no lead, hy_wall_ms since, struct hy_str cart,
                        struct hy_purchase *ret)
{
    hy_lead_no parts[HY_LEAD_PARTS_MAX];
    struct hy_purchase found = {.placed = since};
    size_t n = 0;
    int err = hy_lead_parts(t, lead, parts, &n);
    for (size_t i = 0; i < n && !err; i++)
        err = newest_of_number(t, parts[i], since, cart, &found);
    if (err || found.order.n == 0)
        return err ? err : HY_ENOTFOUND;
    *ret = found;
    return HY_OK;
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
    if (__builtin_add_overflow(x->sums[i].amount_milli, p->amount_milli, &x->sums[i].amount_milli))
        x->sums[i].amount_milli = INT64_MAX;
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
    for (unsigned i = 1; !err && (err = hy_cursor_prefix_first(&c, prefix)) == 0; i++) {
        (void)order_key(hy_str_slice(c.key, 13, c.key.n), &order);
        err = hy_cursor_delete(&c);
        if (!err)
            err = hy_del(t, HY_TABLE_COMMERCE, hy_key_str(&order));
        if (!err && i % FORGOTTEN_AT_ONCE == 0 && hy_txn_should_yield(t))
            err = HY_EMORE;
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}
