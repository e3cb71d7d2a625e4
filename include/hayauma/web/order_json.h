/* Orders and carts as the API and the control socket tell them. Any thread with a transaction. */
#pragma once
#include <jansson.h>

#include "hayauma/store/cart.h"
#include "hayauma/store/commerce.h"

json_t *hy_money_json(int64_t milli);      /* thousandths as a JSON number */
json_t *hy_order_time_json(hy_wall_ms at); /* RFC 3339; null for 0 */

/* HY_ECORRUPT, HY_ENOMEM. */
HY_MUST_USE int hy_purchase_json(const struct hy_purchase *p, json_t **ret);
HY_MUST_USE int hy_cart_json(const struct hy_cart *c, json_t **ret);
/* A person as a customer: adds lead, placed, cancelled, refunded, first, last, values[] and
 * orders[], at most HY_CUSTOMER_ORDERS of them. */
enum { HY_CUSTOMER_ORDERS = 1000 };
HY_MUST_USE int hy_customer_json(struct hy_txn *t, hy_lead_no lead, json_t *o);
/* carts[] of a person; of all the open ones that were not changed since `until`, those changed
 * longest ago first. */
HY_MUST_USE int hy_carts_json(struct hy_txn *t, hy_lead_no lead, json_t *o);
HY_MUST_USE int hy_open_carts_json(struct hy_txn *t, hy_wall_ms until, size_t limit, json_t *o);
