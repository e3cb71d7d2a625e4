/* Carts of a shop as they stand now, made from CART activities as they are noted: who left what in
 * one, and when it was last changed. An order that names a cart closes that one; one that names
 * none closes all carts of the same person that changed before it: in whichever order the two are
 * told, and also when a visitor's become somebody's. Kept when the activities are trimmed; of a
 * lead the HY_CARTS_OF_LEAD that changed last. */
#pragma once
#include "hayauma/store/activity.h"
#include "hayauma/store/commerce.h"
#include "hayauma/track/order.h"

enum { HY_CARTS_OF_LEAD = 20 };

/* Strings are views. */
struct hy_cart {
    struct hy_str id;
    hy_lead_no lead; /* 0: not known yet */
    enum hy_cart_state state;
    char currency[4];
    int64_t amount_milli;       /* -1: not said */
    hy_wall_ms opened, changed; /* when it was first told of, and last */
    hy_wall_ms closed;          /* by an order, or emptied; 0: it is open */
    struct hy_str order;        /* that closed it; may be empty */
    size_t n_items;
    struct hy_str items; /* hy_cart_items */
};

/* What an activity tells of a cart, or of an order that closes some; nothing when it is neither.
 * One that happened before what is known of the cart changes nothing. The writer's transaction:
 * part of hy_activity_put. */
int hy_cart_note(struct hy_txn *t, const struct hy_activity *a);
/* The lead of an activity that a visitor did has become known: carts and orders that are nobody's
 * yet become its. The writer's transaction. */
int hy_cart_give(struct hy_txn *t, const struct hy_activity *a);
/* HY_ENOTFOUND. Any thread with a transaction, as those below. */
HY_MUST_USE int hy_cart_get(struct hy_txn *t, struct hy_str id, struct hy_cart *ret);
HY_MUST_USE int hy_cart_items(const struct hy_cart *c,
                              struct hy_order_item ret[HY_PURCHASE_ITEMS_MAX]);
/* Those of a lead and of all that was merged into it, until `each` answers other than 0, which is
 * then the answer. `each` must not write. */
HY_MUST_USE int hy_cart_each(struct hy_txn *t, hy_lead_no lead,
                             int (*each)(void *ctx, const struct hy_cart *c), void *ctx);
/* Open ones, those changed longest ago first, from the one behind (changed, id) `after` (NULL: from
 * the first). HY_ENOTFOUND at the end. */
HY_MUST_USE int hy_cart_next_open(struct hy_txn *t, const struct hy_cart *after,
                                  struct hy_cart *ret);
/* Forgets the carts of this very number: it is being erased. The writer's transaction. */
int hy_cart_forget(struct hy_txn *t, hy_lead_no lead);
