/* An order of a shop, or a cart, as somebody tells of it: what was bought, for how much. Amounts
 * are thousandths of the currency's unit, never floating point. */
#pragma once
#include <stdbool.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/err.h"
#include "hayauma/base/str.h"

enum {
    HY_PURCHASE_ID_MAX = 200,      /* bytes of the id of an order or a cart */
    HY_PURCHASE_ITEMS_MAX = 200,   /* of one order */
    HY_PURCHASE_PRODUCT_MAX = 200, /* bytes of a product's SKU */
    HY_PURCHASE_NAME_MAX = 500,    /* of its name */
    HY_PURCHASE_CATEGORY_MAX = 200,
};
#define HY_PURCHASE_AMOUNT_MAX INT64_C(9000000000000000) /* thousandths */

/* Stored: never renumber. */
enum hy_purchase_state {
    HY_PURCHASE_PLACED = 1,
    HY_PURCHASE_CANCELLED = 2,
    HY_PURCHASE_REFUNDED = 3,
};
const char *hy_purchase_state_name(enum hy_purchase_state s); /* "placed" ... */

struct hy_order_item {
    struct hy_str product, name, category; /* empty: not said */
    int64_t quantity_milli;
    int64_t price_milli; /* of one piece; -1: not said */
};

struct hy_order {
    struct hy_str id;
    struct hy_str cart;           /* the cart that it came from; empty: not said */
    enum hy_purchase_state state; /* 0: not said, or a correction that leaves it as it is */
    char currency[4];             /* ISO 4217, upper case; "": not said */
    int64_t amount_milli;         /* -1: not said */
    hy_wall_ms placed;            /* 0: not said */
    const struct hy_order_item *items;
    size_t n_items;
    bool has_items; /* they were told, be it none */
};

/* The amount of items that have their prices; -1 when one has none, or there are none. */
int64_t hy_order_items_amount(const struct hy_order_item *items, size_t n);

/* "5000", "12.345": thousandths, 0 .. HY_PURCHASE_AMOUNT_MAX. HY_EPARSE; HY_ELIMIT: too large;
 * HY_EINVAL: a fourth digit behind the point that is not 0. */
HY_MUST_USE int hy_decimal_read(struct hy_str text, int64_t *ret_milli);
/* "5000", "12.34": without zeros at the end; NUL-ended. */
enum { HY_DECIMAL_MAX = 32 };
const char *hy_decimal_text(int64_t milli, char out[HY_DECIMAL_MAX]);
/* Three letters, made upper case; "" when it is no such code. */
void hy_currency_read(struct hy_str text, char ret[4]);
