/* Products as JSON: one shape for the API and the control socket. Any thread with a transaction. */
#pragma once
#include <jansson.h>

#include "hayauma/store/product.h"

enum { HY_PRODUCTS_PAGE_MAX = 500 };

/* HY_ENOMEM. */
HY_MUST_USE int hy_product_json(const struct hy_product *p, json_t **ret);
/* Those behind SKU `after` with `text` in their name or SKU: adds products[] and after (for the
 * next page; null: there is none). Looks at 200,000 at most: a page may be short with more behind
 * it. */
HY_MUST_USE int hy_products_json(struct hy_txn *t, struct hy_str text, struct hy_str after,
                                 size_t limit, json_t *o);
