/* What operators did: orders to lanes that are in force, and the log of acts. Values are JSON
 * objects that the store does not look into. */
#pragma once
#include "hayauma/store/env.h"

enum { HY_OPERATOR_TEXT_MAX = 4096, HY_ORDERS_MAX = 256 };

/* ---- orders, by number (1..) ---- */
/* The first with a number greater than `after`; a view. HY_ENOTFOUND. */
HY_MUST_USE int hy_order_next(struct hy_txn *t, uint32_t after, uint32_t *ret_no,
                              struct hy_str *ret_text);
HY_MUST_USE int hy_order_put(struct hy_txn *t, uint32_t no, struct hy_str text);
/* HY_ENOTFOUND */
HY_MUST_USE int hy_order_del(struct hy_txn *t, uint32_t no);

/* ---- acts, by time ---- */
HY_MUST_USE int hy_act_append(struct hy_txn *t, struct hy_str text, hy_id *ret_id);
/* Writes one anew, by its id. */
HY_MUST_USE int hy_act_put(struct hy_txn *t, hy_id id, struct hy_str text);
/* The last with an id less than `before` (0: the last of all); a view. HY_ENOTFOUND. */
HY_MUST_USE int hy_act_prev(struct hy_txn *t, hy_id before, hy_id *ret_id, struct hy_str *ret_text);
