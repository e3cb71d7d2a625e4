/* Items of orders and carts as they are stored: SKU, name, category (length, bytes), varints:
 * quantity (thousandths), price (thousandths, and 1; 0: not said). Private to src/store. */
#pragma once
#include "hayauma/base/arena.h"
#include "hayauma/model/activity.h"
#include "hayauma/model/lead.h"
#include "hayauma/model/order.h"
#include "hayauma/store/env.h"
#include "record.h"

enum {
    /* What an activity can tell is bounded by its details; names from the catalogue come on top. */
    PURCHASE_ITEMS_BYTES = 128 << 10,
    PURCHASE_ARENA_MAX = 1 << 20,
};

/* Whose an order or a cart is from now on: what was told under the number that its lead was merged
 * into stays where it is, so that the merge can be undone. `told` 0: nobody was named. */
HY_MUST_USE int purchase_choose_lead(struct hy_txn *t, hy_lead_no old, hy_lead_no told,
                                     hy_lead_no *ret);
/* What was told went from one lead to another, whom an activity names: that the former one changed
 * is logged. Behind the last look at views. */
HY_MUST_USE int purchase_moved(struct hy_txn *t, hy_lead_no from, hy_lead_no to);
/* The items that a record has, behind their number; what follows them is an error. */
struct hy_str purchase_items_view(struct hy_rec_in *in, size_t *ret_n);
/* HY_ECORRUPT. */
HY_MUST_USE int purchase_items_read(struct hy_str view, size_t n,
                                    struct hy_order_item ret[HY_PURCHASE_ITEMS_MAX]);
/* The arena's. HY_ENOMEM; HY_ELIMIT: more than PURCHASE_ITEMS_BYTES. */
HY_MUST_USE int purchase_items_encode(const struct hy_order_item *items, size_t n,
                                      struct hy_arena *arena, struct hy_str *ret);
/* Gives the items of *told that do not say their name or category what `old` items of the same
 * order say (may be NULL), or else the products of the shop; what it then has are the arena's and
 * views. HY_ENOMEM. */
HY_MUST_USE int purchase_items_complete(struct hy_txn *t, const struct hy_order_item *old,
                                        size_t n_old, struct hy_arena *arena,
                                        struct hy_order *told);
/* The same by the order as it stands (NULL: it is new). */
struct hy_purchase;
HY_MUST_USE int purchase_complete(struct hy_txn *t, const struct hy_purchase *old,
                                  struct hy_arena *arena, struct hy_order *told);
