/* What was sold, by product or by category: sums of the items of orders. One thread. */
#pragma once
#include <jansson.h>

#include "hayauma/base/arena.h"
#include "hayauma/model/order.h"

enum { SALES_MAX = 200000, SALES_BYTES = 128 << 20 };

struct sale {
    struct hy_str name, label; /* the SKU and what it is called; the arena's */
    char currency[4];
    uint64_t items; /* of orders */
    int64_t quantity_milli, amount_milli;
};
struct sales {
    struct hy_arena arena;
    struct sale *all;
    uint32_t *places; /* of a hash, and 1; 0: free */
    size_t n, cap;
    uint64_t others; /* items beyond SALES_MAX names, which are not told apart */
};

/* HY_ENOMEM. Amounts that are not known count as 0. */
HY_MUST_USE int sales_add(struct sales *s, struct hy_str name, struct hy_str label,
                          const char *currency, const struct hy_order_item *item);
/* [{"name","label","items","quantity","amount"}]: those of a currency that brought most. */
json_t *sales_top(struct sales *s, const char *currency, size_t max);
void sales_free(struct sales *s);
