/* Items of orders and carts, to and from the bytes of a record. */
#include "purchase_items.h"

enum {
    ITEM_BYTES = HY_PURCHASE_PRODUCT_MAX + HY_PURCHASE_NAME_MAX + HY_PURCHASE_CATEGORY_MAX + 50
};

struct hy_str purchase_items_view(struct hy_rec_in *in, size_t *ret_n)
{
    *ret_n = (size_t)rec_get_varint(in, HY_PURCHASE_ITEMS_MAX);
    struct hy_str view = hy_str_make(in->p, in->n);
    if (*ret_n == 0 && in->n)
        in->bad = true;
    return view;
}

int purchase_items_read(struct hy_str view, size_t n,
                        struct hy_order_item ret[HY_PURCHASE_ITEMS_MAX])
{
    struct hy_rec_in in = rec_in(view);
    for (size_t i = 0; i < n; i++) {
        struct hy_order_item *x = &ret[i];
        x->product = rec_get_str(&in, HY_PURCHASE_PRODUCT_MAX);
        x->name = rec_get_str(&in, HY_PURCHASE_NAME_MAX);
        x->category = rec_get_str(&in, HY_PURCHASE_CATEGORY_MAX);
        x->quantity_milli = (int64_t)rec_get_varint(&in, INT64_MAX);
        x->price_milli = (int64_t)rec_get_varint(&in, INT64_MAX) - 1;
    }
    return in.bad || in.n ? HY_ECORRUPT : HY_OK;
}

int purchase_items_encode(const struct hy_order_item *items, size_t n, struct hy_arena *arena,
                          struct hy_str *ret)
{
    size_t max = n * ITEM_BYTES;
    struct hy_rec_out o = {.max = max < PURCHASE_ITEMS_BYTES ? max : PURCHASE_ITEMS_BYTES};
    o.p = hy_arena_alloc(arena, o.max + 1);
    if (!o.p)
        return HY_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        rec_put_str(&o, items[i].product);
        rec_put_str(&o, items[i].name);
        rec_put_str(&o, items[i].category);
        rec_put_varint(&o, (uint64_t)items[i].quantity_milli);
        rec_put_varint(&o, (uint64_t)(items[i].price_milli + 1));
    }
    if (o.bad)
        return HY_ELIMIT;
    *ret = hy_str_make(o.p, o.n);
    return HY_OK;
}
