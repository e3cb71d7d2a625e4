/* Products as they stand. Key: SKU -> version u8, stock u8, currency (3 bytes), 0; le64 price
 * (thousandths; all ones: not said), quantity, changed (ms); name, category, URL, URL of a picture
 * (length, bytes). */
#include "hayauma/store/product.h"

#include "record.h"

enum { VERSION = 1, HEAD = 6 + 3 * 8, CHANGED_AT = 22 };
enum {
    RECORD_MAX =
        HEAD + 4 * 10 + HY_PURCHASE_NAME_MAX + HY_PURCHASE_CATEGORY_MAX + 2 * HY_PRODUCT_URL_MAX,
};

/* ---- records ---- */

static int decode(struct hy_str sku, struct hy_str v, struct hy_product *ret)
{
    int err = hy_value_check(v, VERSION);
    if (!err && (v.n < HEAD || (uint8_t)v.p[1] > HY_STOCK_COUNTED))
        err = HY_ECORRUPT;
    if (err)
        return err;
    struct hy_rec_in in = rec_in(hy_str_slice(v, HEAD, v.n));
    struct hy_product p = {
        .sku = sku,
        .stock = (enum hy_product_stock)(uint8_t)v.p[1],
        .price_milli = (int64_t)hy_get_le64(v.p + 6),
        .quantity = hy_get_le64(v.p + 14),
        .changed = (hy_wall_ms)hy_get_le64(v.p + CHANGED_AT),
    };
    memcpy(p.currency, v.p + 2, 3);
    p.name = rec_get_str(&in, HY_PURCHASE_NAME_MAX);
    p.category = rec_get_str(&in, HY_PURCHASE_CATEGORY_MAX);
    p.url = rec_get_str(&in, HY_PRODUCT_URL_MAX);
    p.image = rec_get_str(&in, HY_PRODUCT_URL_MAX);
    if (in.bad || in.n)
        return HY_ECORRUPT;
    *ret = p;
    return HY_OK;
}

static struct hy_rec_out encode(const struct hy_product *p, uint8_t room[RECORD_MAX])
{
    struct hy_rec_out o = {.p = room, .n = HEAD, .max = RECORD_MAX};
    memset(room, 0, HEAD);
    room[0] = VERSION;
    room[1] = (uint8_t)p->stock;
    memcpy(room + 2, p->currency, 3);
    hy_put_le64(room + 6, (uint64_t)p->price_milli);
    hy_put_le64(room + 14, p->quantity);
    hy_put_le64(room + CHANGED_AT, (uint64_t)p->changed);
    rec_put_str(&o, p->name);
    rec_put_str(&o, p->category);
    rec_put_str(&o, p->url);
    rec_put_str(&o, p->image);
    return o;
}

static bool is_sku(struct hy_str sku)
{
    return sku.n > 0 && sku.n <= HY_PURCHASE_PRODUCT_MAX;
}

int hy_product_get(struct hy_txn *t, struct hy_str sku, struct hy_product *ret)
{
    struct hy_str v;
    int err = is_sku(sku) ? hy_get(t, HY_TABLE_PRODUCTS, sku, &v) : HY_ENOTFOUND;
    if (err)
        return err;
    err = decode(sku, v, ret);
    return err ? hy_txn_fail(t, err) : HY_OK;
}

int hy_product_next(struct hy_txn *t, struct hy_str after, struct hy_product *ret)
{
    char room[HY_PURCHASE_PRODUCT_MAX + 1] = {0};
    struct hy_cursor c;
    if (after.n > HY_PURCHASE_PRODUCT_MAX)
        return HY_ENOTFOUND;
    if (after.n)
        memcpy(room, after.p, after.n);
    /* a zero byte more: the least key behind it */
    int err = hy_cursor_open(t, HY_TABLE_PRODUCTS, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(room, after.n + 1));
    if (!err)
        err = decode(c.key, c.value, ret);
    hy_cursor_close(&c);
    return err;
}

/* ---- changes ---- */

static void take(const struct hy_product_told *told, struct hy_product *p)
{
    const struct hy_product *x = &told->p;
    const unsigned said = told->said;
    if (said & 1u << HY_PRODUCT_NAME)
        p->name = x->name;
    if (said & 1u << HY_PRODUCT_CATEGORY)
        p->category = x->category;
    if (said & 1u << HY_PRODUCT_PRICE)
        p->price_milli = x->price_milli;
    if (said & 1u << HY_PRODUCT_CURRENCY)
        memcpy(p->currency, x->currency, sizeof p->currency);
    if (said & 1u << HY_PRODUCT_URL)
        p->url = x->url;
    if (said & 1u << HY_PRODUCT_IMAGE)
        p->image = x->image;
    if (said & 1u << HY_PRODUCT_STOCK) {
        p->stock = x->stock;
        p->quantity = x->quantity;
    }
}

int hy_product_tell(struct hy_txn *t, const struct hy_product_told *told, hy_wall_ms now,
                    enum hy_product_did *ret_did)
{
    uint8_t before[RECORD_MAX], after[RECORD_MAX];
    struct hy_product p = {.price_milli = -1};
    uint64_t n = 0;
    if (!is_sku(told->p.sku))
        return HY_EINVAL;
    int err = hy_product_get(t, told->p.sku, &p);
    bool is_new = err == HY_ENOTFOUND;
    if (is_new)
        err = hy_table_count(t, HY_TABLE_PRODUCTS, &n);
    if (!err && n >= HY_PRODUCTS_MAX)
        err = HY_ELIMIT;
    if (err)
        return err;
    struct hy_rec_out was = encode(&p, before);
    take(told, &p);
    struct hy_rec_out is = encode(&p, after);
    if (is.bad || was.bad)
        return HY_EINVAL;
    if (!is_new && hy_str_eq(hy_str_make(was.p, was.n), hy_str_make(is.p, is.n))) {
        *ret_did = HY_PRODUCT_SAME;
        return HY_OK;
    }
    hy_put_le64(after + CHANGED_AT, (uint64_t)now);
    err = hy_put(t, HY_TABLE_PRODUCTS, told->p.sku, hy_str_make(is.p, is.n), HY_PUT_SET);
    if (!err)
        *ret_did = is_new ? HY_PRODUCT_ADDED : HY_PRODUCT_CHANGED;
    return err;
}

int hy_product_delete(struct hy_txn *t, struct hy_str sku)
{
    return is_sku(sku) ? hy_del(t, HY_TABLE_PRODUCTS, sku) : HY_ENOTFOUND;
}
