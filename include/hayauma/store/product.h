/* Products of a shop, by SKU: what orders that do not say it are completed with. */
#pragma once
#include "hayauma/store/env.h"
#include "hayauma/track/product.h"

enum hy_product_did { HY_PRODUCT_ADDED, HY_PRODUCT_CHANGED, HY_PRODUCT_SAME };

/* HY_ENOTFOUND. Views live as long as the transaction, and in the writer's until it writes. Any
 * thread with a transaction, as the next. */
HY_MUST_USE int hy_product_get(struct hy_txn *t, struct hy_str sku, struct hy_product *ret);
/* The first one whose SKU is behind `after` (empty: the first), in order of bytes. HY_ENOTFOUND. */
HY_MUST_USE int hy_product_next(struct hy_txn *t, struct hy_str after, struct hy_product *ret);
/* Takes what is told of a product, which has an SKU; what is not said stays as it was. HY_ELIMIT:
 * there are HY_PRODUCTS_MAX. The writer's transaction, as the next. */
HY_MUST_USE int hy_product_tell(struct hy_txn *t, const struct hy_product_told *told,
                                hy_wall_ms now, enum hy_product_did *ret_did);
/* HY_ENOTFOUND. Orders keep what they took from it. */
HY_MUST_USE int hy_product_delete(struct hy_txn *t, struct hy_str sku);
