/* Carts as they stand. Key: 'c', id -> version u8, state u8, currency (3 bytes), 0; le32 lead; le64
 * amount (thousandths; all bits: not said), opened, changed, closed (ms); order (length, bytes),
 * varint items, each as in purchase_items.h. 'l', lead be32, id -> version. 't', changed be64, id
 * -> version: those that are open. */
#include "hayauma/store/cart.h"

#include <jansson.h>
#include <string.h>

#include "hayauma/store/lead_alias.h"
#include "purchase_items.h"

enum { VERSION = 1, HEAD = 6 + 4 + 4 * 8 };
enum { RECORD_MAX = HEAD + 10 + HY_PURCHASE_ID_MAX + PURCHASE_ITEMS_BYTES };

/* ---- keys and records ---- */

static struct hy_str cart_key(struct hy_str id, struct hy_key *k)
{
    hy_key_start(k);
    hy_key_bytes(k, HY_STR("c"));
    hy_key_bytes(k, id);
    return hy_key_str(k);
}

static struct hy_str lead_key(hy_lead_no lead, struct hy_str id, struct hy_key *k)
{
    hy_key_start(k);
    hy_key_bytes(k, HY_STR("l"));
    hy_key_u32(k, lead);
    hy_key_bytes(k, id);
    return hy_key_str(k);
}

static struct hy_str time_key(hy_wall_ms changed, struct hy_str id, struct hy_key *k)
{
    hy_key_start(k);
    hy_key_bytes(k, HY_STR("t"));
    hy_key_u64(k, (uint64_t)changed);
    hy_key_bytes(k, id);
    return hy_key_str(k);
}

static int decode(struct hy_str id, struct hy_str v, struct hy_cart *ret)
{
    int err = hy_value_check(v, VERSION);
    if (!err && (v.n < HEAD || v.p[1] < HY_CART_OPEN || v.p[1] > HY_CART_EMPTIED))
        err = HY_ECORRUPT;
    if (err)
        return err;
    struct hy_rec_in in = rec_in(hy_str_slice(v, HEAD, v.n));
    struct hy_cart c = {
        .id = id,
        .state = (enum hy_cart_state)v.p[1],
        .lead = hy_get_le32(v.p + 6),
        .amount_milli = (int64_t)hy_get_le64(v.p + 10),
        .opened = (hy_wall_ms)hy_get_le64(v.p + 18),
        .changed = (hy_wall_ms)hy_get_le64(v.p + 26),
        .closed = (hy_wall_ms)hy_get_le64(v.p + 34),
    };
    memcpy(c.currency, v.p + 2, 3);
    c.order = rec_get_str(&in, HY_PURCHASE_ID_MAX);
    c.items = purchase_items_view(&in, &c.n_items);
    if (in.bad)
        return HY_ECORRUPT;
    *ret = c;
    return HY_OK;
}

int hy_cart_get(struct hy_txn *t, struct hy_str id, struct hy_cart *ret)
{
    struct hy_key k;
    struct hy_str v;
    if (id.n == 0 || id.n > HY_PURCHASE_ID_MAX)
        return HY_ENOTFOUND;
    int err = hy_get(t, HY_TABLE_CARTS, cart_key(id, &k), &v);
    if (err)
        return err;
    err = decode(id, v, ret);
    return err ? hy_txn_fail(t, err) : HY_OK;
}

int hy_cart_items(const struct hy_cart *c, struct hy_order_item ret[HY_PURCHASE_ITEMS_MAX])
{
    return purchase_items_read(c->items, c->n_items, ret);
}

/* Its entries by lead and time. */
static int unlink_cart(struct hy_txn *t, const struct hy_cart *c)
{
    struct hy_key k;
    int err = c->lead ? hy_del(t, HY_TABLE_CARTS, lead_key(c->lead, c->id, &k)) : HY_OK;
    if (!err && c->state == HY_CART_OPEN)
        err = hy_del(t, HY_TABLE_CARTS, time_key(c->changed, c->id, &k));
    return err;
}

/* In place of `old` (NULL: there is none). Strings are copied before the first write. */
static int put(struct hy_txn *t, const struct hy_cart *old, const struct hy_cart *c)
{
    static const uint8_t version = VERSION;
    uint8_t b[RECORD_MAX] = {VERSION, (uint8_t)c->state};
    char id[HY_PURCHASE_ID_MAX];
    struct hy_key k;
    struct hy_rec_out o = {.p = b, .n = HEAD, .max = RECORD_MAX};
    struct hy_str one = hy_str_make(&version, 1);
    memcpy(b + 2, c->currency, 3);
    hy_put_le32(b + 6, c->lead);
    hy_put_le64(b + 10, (uint64_t)c->amount_milli);
    hy_put_le64(b + 18, (uint64_t)c->opened);
    hy_put_le64(b + 26, (uint64_t)c->changed);
    hy_put_le64(b + 34, (uint64_t)c->closed);
    rec_put_str(&o, c->order);
    rec_put_varint(&o, c->n_items);
    rec_put(&o, c->items.p, c->items.n);
    if (o.bad || c->id.n > sizeof id)
        return hy_txn_fail(t, HY_ECORRUPT);
    memcpy(id, c->id.p, c->id.n);
    struct hy_cart new = *c, was = old ? *old : *c;
    new.id = was.id = hy_str_make(id, c->id.n);
    int err = old ? unlink_cart(t, &was) : HY_OK;
    if (!err)
        err = hy_put(t, HY_TABLE_CARTS, cart_key(new.id, &k), hy_str_make(b, o.n), HY_PUT_SET);
    if (!err && new.lead)
        err = hy_put(t, HY_TABLE_CARTS, lead_key(new.lead, new.id, &k), one, HY_PUT_SET);
    if (!err && new.state == HY_CART_OPEN)
        err = hy_put(t, HY_TABLE_CARTS, time_key(new.changed, new.id, &k), one, HY_PUT_SET);
    return err ? err : purchase_moved(t, was.lead, new.lead);
}

static int drop(struct hy_txn *t, struct hy_str id)
{
    struct hy_cart c;
    struct hy_key k;
    int err = hy_cart_get(t, id, &c);
    if (!err)
        err = unlink_cart(t, &c);
    return err ? err : hy_del(t, HY_TABLE_CARTS, cart_key(id, &k));
}

/* ---- those of a lead ---- */

static int each_of_number(struct hy_txn *t, hy_lead_no lead,
                          int (*each)(void *ctx, const struct hy_cart *c), void *ctx)
{
    struct hy_key k;
    struct hy_cursor c;
    struct hy_str prefix = lead_key(lead, HY_STR(""), &k);
    int err = hy_cursor_open(t, HY_TABLE_CARTS, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    for (; !err; err = hy_cursor_prefix_next(&c, prefix)) {
        struct hy_cart cart;
        err = hy_cart_get(t, hy_str_slice(c.key, prefix.n, c.key.n), &cart);
        if (!err)
            err = each(ctx, &cart);
        if (err)
            break;
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int hy_cart_each(struct hy_txn *t, hy_lead_no lead, int (*each)(void *ctx, const struct hy_cart *c),
                 void *ctx)
{
    hy_lead_no parts[HY_LEAD_PARTS_MAX];
    size_t n = 0;
    int err = hy_lead_parts(t, lead, parts, &n);
    for (size_t i = 0; i < n && !err; i++)
        err = each_of_number(t, parts[i], each, ctx);
    return err;
}

/* Ids of a lead's carts, as many as are kept. */
struct ids {
    char id[HY_CARTS_OF_LEAD + 1][HY_PURCHASE_ID_MAX];
    size_t len[HY_CARTS_OF_LEAD + 1], n, oldest;
    hy_wall_ms oldest_at, until;
    bool only_open;
};

static int keep_id(void *ctx, const struct hy_cart *c)
{
    struct ids *x = ctx;
    if (x->only_open && (c->state != HY_CART_OPEN || c->changed > x->until))
        return 0;
    if (x->n == HY_CARTS_OF_LEAD + 1)
        return 1;
    if (x->n == 0 || c->changed < x->oldest_at) {
        x->oldest = x->n;
        x->oldest_at = c->changed;
    }
    memcpy(x->id[x->n], c->id.p, c->id.n);
    x->len[x->n++] = c->id.n;
    return 0;
}

/* Lets the one go that changed longest ago, when there are too many. */
static int bound(struct hy_txn *t, hy_lead_no lead)
{
    struct ids x = {.n = 0};
    int err = lead ? each_of_number(t, lead, keep_id, &x) : HY_OK;
    if (err < 0 || x.n <= HY_CARTS_OF_LEAD)
        return err < 0 ? err : HY_OK;
    return drop(t, hy_str_make(x.id[x.oldest], x.len[x.oldest]));
}

/* ---- orders close carts ---- */

static int close_cart(struct hy_txn *t, struct hy_str id, struct hy_str order, hy_wall_ms at)
{
    struct hy_cart c;
    int err = hy_cart_get(t, id, &c);
    if (err || c.state != HY_CART_OPEN || c.changed > at)
        return err == HY_ENOTFOUND ? HY_OK : err;
    struct hy_cart closed = c;
    closed.state = HY_CART_ORDERED;
    closed.order = order;
    closed.closed = at;
    return put(t, &c, &closed);
}

/* Those of one number; one pass takes as many as are kept. */
static int close_of_number(struct hy_txn *t, hy_lead_no lead, struct hy_str order, hy_wall_ms at)
{
    struct ids x;
    int err;
    do {
        x = (struct ids){.only_open = true, .until = at};
        err = each_of_number(t, lead, keep_id, &x);
        for (size_t i = 0; i < x.n && err >= 0; i++)
            err = close_cart(t, hy_str_make(x.id[i], x.len[i]), order, at);
    } while (err >= 0 && x.n > HY_CARTS_OF_LEAD);
    return err < 0 ? err : HY_OK;
}

/* `order` is no view. */
static int close_of_person(struct hy_txn *t, hy_lead_no lead, struct hy_str order, hy_wall_ms at)
{
    hy_lead_no parts[HY_LEAD_PARTS_MAX];
    size_t n = 0;
    int err = lead ? hy_lead_parts(t, lead, parts, &n) : HY_OK;
    for (size_t i = 0; i < n && !err; i++)
        err = close_of_number(t, parts[i], order, at);
    return err;
}

static int note_order(struct hy_txn *t, const struct hy_activity *a, const struct hy_order *o)
{
    if (o->state != HY_PURCHASE_PLACED)
        return HY_OK;
    return o->cart.n ? close_cart(t, o->cart, o->id, a->at)
                     : close_of_person(t, a->lead, o->id, a->at);
}

/* ---- what a cart is ---- */

/* An order that came first has closed it. `c` gets a view. */
static int close_by_earlier(struct hy_txn *t, struct hy_cart *c)
{
    struct hy_purchase p;
    if (c->state != HY_CART_OPEN || c->lead == 0)
        return HY_OK;
    int err = hy_purchase_closing(t, c->lead, c->changed, c->id, &p);
    if (err)
        return err == HY_ENOTFOUND ? HY_OK : err;
    c->state = HY_CART_ORDERED;
    c->closed = p.placed;
    c->order = p.order;
    return HY_OK;
}

static int fill(struct hy_txn *t, const struct hy_activity *a, const struct hy_order *o,
                enum hy_cart_state state, struct hy_arena *arena, const struct hy_cart *old,
                struct hy_cart *c)
{
    bool is_again = !old || old->state != HY_CART_OPEN; /* a cart of that name begins */
    *c = (struct hy_cart){.id = o->id,
                          .lead = a->lead,
                          .state = state,
                          .amount_milli = o->amount_milli,
                          .opened = is_again ? a->at : old->opened,
                          .changed = a->at,
                          .closed = state == HY_CART_OPEN ? 0 : a->at,
                          .n_items = o->n_items};
    memcpy(c->currency, o->currency, sizeof c->currency);
    if (c->amount_milli < 0)
        c->amount_milli = hy_order_items_amount(o->items, o->n_items);
    int err = purchase_items_encode(o->items, o->n_items, arena, &c->items);
    if (!err && old)
        err = purchase_choose_lead(t, old->lead, a->lead, &c->lead);
    return err ? err : close_by_earlier(t, c);
}

static int note_cart(struct hy_txn *t, const struct hy_activity *a, const struct hy_order *o,
                     enum hy_cart_state state, struct hy_arena *arena)
{
    struct hy_cart old, c;
    int err = hy_cart_get(t, o->id, &old);
    bool is_new = err == HY_ENOTFOUND;
    if (err && !is_new)
        return err;
    if (!is_new && (a->at < old.changed || (old.closed && a->at <= old.closed)))
        return HY_OK;
    err = fill(t, a, o, state, arena, is_new ? NULL : &old, &c);
    if (!err)
        err = put(t, is_new ? NULL : &old, &c);
    return err ? err : bound(t, c.lead);
}

int hy_cart_note(struct hy_txn *t, const struct hy_activity *a)
{
    struct hy_order o;
    enum hy_cart_state state = HY_CART_OPEN;
    uint64_t n = 0;
    if ((a->kind != HY_ACTIVITY_ORDER && a->kind != HY_ACTIVITY_CART) || a->meta.n == 0)
        return HY_OK;
    int err = a->kind == HY_ACTIVITY_ORDER ? hy_table_count(t, HY_TABLE_CARTS, &n) : HY_OK;
    if (err || (a->kind == HY_ACTIVITY_ORDER && n == 0))
        return err;
    struct hy_arena arena = HY_ARENA_INIT(PURCHASE_ARENA_MAX);
    json_t *meta = json_loadb(a->meta.p, a->meta.n, 0, NULL);
    err = a->kind == HY_ACTIVITY_ORDER ? hy_order_read(meta, &arena, &o, NULL)
                                       : hy_cart_read(meta, &arena, &o, &state, NULL);
    if (!err)
        err = a->kind == HY_ACTIVITY_ORDER ? note_order(t, a, &o)
                                           : note_cart(t, a, &o, state, &arena);
    json_decref(meta);
    hy_arena_free(&arena);
    return err == HY_EINVAL ? HY_OK : err;
}

/* A visitor's cart is the lead's from now on, unless an order of the lead has closed it. */
static int give_cart(struct hy_txn *t, struct hy_str id, hy_lead_no lead)
{
    struct hy_cart old;
    int err = hy_cart_get(t, id, &old);
    if (err || old.lead)
        return err;
    struct hy_arena arena = HY_ARENA_INIT(PURCHASE_ARENA_MAX);
    struct hy_cart its = old;
    its.lead = lead;
    err = close_by_earlier(t, &its);
    its.items = hy_arena_str(&arena, its.items);
    its.order = hy_arena_str(&arena, its.order);
    if (!err)
        err = its.items.p && its.order.p ? put(t, &old, &its) : HY_ENOMEM;
    hy_arena_free(&arena);
    return err ? err : bound(t, lead);
}

/* Likewise an order, which closes what it would have closed as the lead's. */
static int give_order(struct hy_txn *t, struct hy_str id, hy_lead_no lead)
{
    struct hy_purchase p;
    int err = hy_purchase_get(t, id, &p);
    if (err || p.lead)
        return err;
    bool closes = p.state == HY_PURCHASE_PLACED && p.cart.n == 0;
    hy_wall_ms placed = p.placed;
    err = hy_purchase_give(t, id, lead);
    return err || !closes ? err : close_of_person(t, lead, id, placed);
}

int hy_cart_give(struct hy_txn *t, const struct hy_activity *a)
{
    if ((a->kind != HY_ACTIVITY_ORDER && a->kind != HY_ACTIVITY_CART) || a->meta.n == 0)
        return HY_OK;
    bool is_order = a->kind == HY_ACTIVITY_ORDER;
    json_t *meta = json_loadb(a->meta.p, a->meta.n, 0, NULL);
    const json_t *named = json_object_get(meta, is_order ? "order" : "cart");
    struct hy_str id = hy_str_make(json_string_value(named), json_string_length(named));
    int err = is_order ? give_order(t, id, a->lead) : give_cart(t, id, a->lead);
    json_decref(meta);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- reading ---- */

int hy_cart_next_open(struct hy_txn *t, const struct hy_cart *after, struct hy_cart *ret)
{
    struct hy_key k;
    struct hy_cursor c;
    struct hy_str from = after ? time_key(after->changed, after->id, &k) : HY_STR("t");
    int err = hy_cursor_open(t, HY_TABLE_CARTS, &c);
    if (!err)
        err = hy_cursor_seek(&c, from);
    if (!err && after && hy_str_eq(c.key, from))
        err = hy_cursor_next(&c);
    if (!err && (c.key.n < 10 || c.key.p[0] != 't'))
        err = HY_ENOTFOUND;
    if (!err)
        err = hy_cart_get(t, hy_str_slice(c.key, 9, c.key.n), ret);
    hy_cursor_close(&c);
    return err;
}

int hy_cart_forget(struct hy_txn *t, hy_lead_no lead)
{
    struct ids x;
    int err;
    do {
        x = (struct ids){.n = 0};
        err = each_of_number(t, lead, keep_id, &x);
        for (size_t i = 0; i < x.n && err >= 0; i++)
            err = drop(t, hy_str_make(x.id[i], x.len[i]));
    } while (err >= 0 && x.n > HY_CARTS_OF_LEAD);
    return err < 0 ? err : HY_OK;
}
