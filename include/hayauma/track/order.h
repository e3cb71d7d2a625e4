/* Orders and carts as activities carry them: a JSON object of details,
 * {"order":"A-17","amount":5000,"currency":"JPY","status":"placed|changed|cancelled|refunded",
 *  "cart":"c-9","placed":"2026-11-22T09:00:00Z","items":[{"product":"SKU","name":"..","category":
 *  "..","quantity":1,"price":2500}]}
 * of a cart "cart" in place of "order", and the status "open|emptied". Pure. */
#pragma once
#include <jansson.h>

#include "hayauma/base/arena.h"
#include "hayauma/base/buf.h"
#include "hayauma/model/order.h"
#include "hayauma/track/told.h"

enum hy_cart_state { HY_CART_OPEN = 1, HY_CART_ORDERED = 2, HY_CART_EMPTIED = 3 };
const char *hy_cart_state_name(enum hy_cart_state s); /* "open" ... */

/* What the details of an activity of kind ORDER say. Strings are the object's, items the arena's.
 * HY_EINVAL: they tell of no order, and `fault` (may be NULL) says why; HY_ENOMEM. Amounts are
 * numbers or decimal text. */
HY_MUST_USE int hy_order_read(const json_t *meta, struct hy_arena *arena, struct hy_order *ret,
                              struct hy_told_fault *fault);
/* Of kind CART: ret->id is the cart's; its state is OPEN or EMPTIED. */
HY_MUST_USE int hy_cart_read(const json_t *meta, struct hy_arena *arena, struct hy_order *ret,
                             enum hy_cart_state *ret_state, struct hy_told_fault *fault);

/* Appends the details of an order (`status`: a name; NULL leaves it out) or of a cart, as the
 * functions above read them. */
void hy_order_write(struct hy_buf *out, const struct hy_order *o, const char *status);
void hy_cart_write(struct hy_buf *out, const struct hy_order *o, enum hy_cart_state state);
