/* What a shop's products say of the items of an order that does not say it itself. */
#include "hayauma/store/product.h"
#include "purchase_items.h"

enum { ROOM = PURCHASE_ITEMS_BYTES - (32 << 10) }; /* the rest is what was told */

static const struct hy_order_item *find(const struct hy_order_item *all, size_t n,
                                        struct hy_str product)
{
    for (size_t i = 0; i < n; i++)
        if (hy_str_eq(all[i].product, product))
            return &all[i];
    return NULL;
}

/* Name and category of a product as they were when the order was first told of; else as they are.
 */
static int look_up(struct hy_txn *t, const struct hy_order_item *old, struct hy_str product,
                   struct hy_str *ret_name, struct hy_str *ret_category)
{
    struct hy_product p = {.price_milli = -1};
    if (old) {
        *ret_name = old->name;
        *ret_category = old->category;
        return HY_OK;
    }
    int err = hy_product_get(t, product, &p);
    *ret_name = p.name;
    *ret_category = p.category;
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int purchase_items_complete(struct hy_txn *t, const struct hy_order_item *old, size_t n_old,
                            struct hy_arena *arena, struct hy_order *told)
{
    size_t room = ROOM;
    if (told->n_items == 0)
        return HY_OK;
    struct hy_order_item *items = hy_arena_alloc(arena, told->n_items * sizeof *items);
    if (!items)
        return HY_ENOMEM;
    memcpy(items, told->items, told->n_items * sizeof *items);
    for (size_t i = 0; i < told->n_items; i++) {
        struct hy_order_item *x = &items[i];
        struct hy_str name = {0}, category = {0};
        if (x->product.n == 0 || (x->name.n && x->category.n))
            continue;
        int err = look_up(t, find(old, n_old, x->product), x->product, &name, &category);
        if (err)
            return err;
        if (name.n + category.n > room)
            break;
        room -= name.n + category.n;
        x->name = x->name.n ? x->name : name;
        x->category = x->category.n ? x->category : category;
    }
    told->items = items;
    return HY_OK;
}
