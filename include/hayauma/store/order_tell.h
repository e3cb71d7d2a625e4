/* Orders that shops tell of by number, in files and over HTTP: each becomes an activity when it is
 * new or something about it changed, and none when it stands so already; so the same file may be
 * read again and again. */
#pragma once
#include "hayauma/store/commerce.h"
#include "hayauma/store/told.h"

struct hy_order_told {
    struct hy_told who;    /* by, lead, who, ref, source; the rest is set here */
    struct hy_order order; /* `placed`: when the order was placed; 0: now */
    hy_wall_ms changed;    /* when it came to stand as it is told; 0: not said */
};

struct hy_order_result {
    struct hy_told_result told; /* DUPLICATE: it stands so already, or newer things are known */
    bool is_new;                /* the order was not known */
    bool is_apart;              /* its lines are not together: nothing was noted */
};

/* `since` (0: none): an order with other items that an activity later than this told of has its
 * lines apart in one file. Without `changed`, one that was cancelled or refunded is not placed
 * again, for an older file says so. A change is told as "changed", so that an order counts as one.
 * Errors as of hy_told_put; the writer's transaction. */
HY_MUST_USE int hy_order_tell(struct hy_txn *t, const struct hy_order_told *x,
                              const struct hy_told_how *how, hy_id since,
                              struct hy_order_result *ret, struct hy_diag *diag);
