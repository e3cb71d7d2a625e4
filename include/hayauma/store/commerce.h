/* Orders as they stand now, made from ORDER activities as they are noted: one that tells of a
 * change or a refund of the same order corrects what was known of it. Kept when the activities are
 * trimmed.
 *
 * An order is told by the activity's metadata: {"order":"A-17","amount":5000,"currency":"JPY",
 * "status":"placed|cancelled|refunded","items":[...]}. One without an order id, or with metadata
 * that means something else, is an activity like others and no order. */
#pragma once
#include "hayauma/base/arena.h"
#include "hayauma/model/order.h"
#include "hayauma/store/activity.h"

enum { HY_PURCHASE_CURRENCIES = 8 };

/* Strings are views. */
struct hy_purchase {
    struct hy_str order;
    hy_lead_no lead;
    enum hy_purchase_state state;
    char currency[4]; /* ISO 4217, in upper case; "": not said */
    int64_t amount_milli;
    hy_wall_ms placed, changed; /* when it was placed, and last told of */
    hy_id told;                 /* the activity that told of it last; 0: not known */
    struct hy_str cart;         /* that it came from; may be empty */
    size_t n_items;
    struct hy_str items; /* as they are stored: hy_purchase_items */
};

/* What an activity tells of an order; nothing when it is none. The writer's transaction: part of
 * hy_activity_put. */
int hy_purchase_note(struct hy_txn *t, const struct hy_activity *a);
/* An order that is nobody's yet becomes a lead's. HY_ENOTFOUND; HY_EEXIST: it is somebody's. The
 * writer's transaction. */
int hy_purchase_give(struct hy_txn *t, struct hy_str order, hy_lead_no lead);
/* What an order becomes by what is told of it: `old` NULL: it is new. Items are the arena's, and
 * views of `old`. HY_ENOMEM. */
HY_MUST_USE int hy_purchase_after(const struct hy_purchase *old, const struct hy_order *told,
                                  struct hy_arena *arena, struct hy_purchase *ret);
/* Its items, at most HY_PURCHASE_ITEMS_MAX. HY_ECORRUPT. */
HY_MUST_USE int hy_purchase_items(const struct hy_purchase *p,
                                  struct hy_order_item ret[HY_PURCHASE_ITEMS_MAX]);
/* HY_ENOTFOUND. Any thread with a transaction, as the next two. */
HY_MUST_USE int hy_purchase_get(struct hy_txn *t, struct hy_str order, struct hy_purchase *ret);
/* Those of a lead and of all that was merged into it, each by the time they were placed, until
 * `each` answers other than 0, which is then the answer. */
HY_MUST_USE int hy_purchase_each(struct hy_txn *t, hy_lead_no lead,
                                 int (*each)(void *ctx, const struct hy_purchase *p), void *ctx);

enum { HY_PURCHASES_LOOKED_AT = 100 };
/* The newest order that stands, was placed at `since` or later by the lead or by what was merged
 * into it, and names `cart` or no cart: it closes that cart. Of each number of the person the
 * HY_PURCHASES_LOOKED_AT newest orders are looked at. HY_ENOTFOUND: there is none. */
HY_MUST_USE int hy_purchase_closing(struct hy_txn *t, hy_lead_no lead, hy_wall_ms since,
                                    struct hy_str cart, struct hy_purchase *ret);

/* A person as a customer; only orders that stand (placed) count. */
struct hy_customer {
    uint32_t orders, cancelled, refunded;
    hy_wall_ms first, last; /* 0: none stands */
    struct {
        char currency[4];
        uint32_t orders;
        int64_t amount_milli;       /* the lifetime value so far */
    } sums[HY_PURCHASE_CURRENCIES]; /* further currencies are counted in `orders` alone */
    size_t n_sums;
};
HY_MUST_USE int hy_customer_read(struct hy_txn *t, hy_lead_no lead, struct hy_customer *ret);
/* The first lead > `after` that has an order of any state. HY_ENOTFOUND. */
HY_MUST_USE int hy_customer_next(struct hy_txn *t, hy_lead_no after, hy_lead_no *ret);
/* Forgets the orders of this very number: it is being erased. HY_EMORE: the transaction should end,
 * and it is to be called again. The writer's transaction. */
HY_MUST_USE int hy_purchase_forget(struct hy_txn *t, hy_lead_no lead);

/* ---- RFM: pure ---- */

enum { HY_RFM_LEVELS = 5 };
/* A customer among others, in one currency. */
struct hy_rfm {
    hy_wall_ms last;
    uint32_t orders;
    int64_t amount_milli;
};
/* The least value of levels 2..5: quintiles of the customers given. A customer's level is the
 * number of cut-offs that its value reaches, and one; equal values are of one level. */
struct hy_rfm_cuts {
    hy_wall_ms recency[HY_RFM_LEVELS - 1];
    uint32_t frequency[HY_RFM_LEVELS - 1];
    int64_t monetary[HY_RFM_LEVELS - 1];
};
/* Sorts `all` as it likes. */
void hy_rfm_cut(struct hy_rfm *all, size_t n, struct hy_rfm_cuts *ret);
/* Levels 1 (worst) .. 5 of recency, frequency and monetary value. */
void hy_rfm_levels(const struct hy_rfm_cuts *cuts, const struct hy_rfm *one, uint8_t ret[3]);
