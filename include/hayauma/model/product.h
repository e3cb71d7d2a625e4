/* A product of a shop, as it stands or as somebody tells of it. */
#pragma once
#include "hayauma/model/order.h"

enum {
    HY_PRODUCT_URL_MAX = 2048,
    HY_PRODUCTS_MAX = 2000000, /* that a store takes */
};

/* Stored: never renumber. */
enum hy_product_stock {
    HY_STOCK_UNSAID = 0,
    HY_STOCK_OUT = 1,
    HY_STOCK_IN = 2,      /* nobody says how many */
    HY_STOCK_COUNTED = 3, /* `quantity` of them, which is not 0 */
};

/* Strings are views; empty: not said. */
struct hy_product {
    struct hy_str sku; /* 1..HY_PURCHASE_PRODUCT_MAX bytes */
    struct hy_str name, category;
    struct hy_str url, image; /* http or https */
    int64_t price_milli;      /* -1: not said */
    char currency[4];         /* "": not said */
    enum hy_product_stock stock;
    uint64_t quantity;
    hy_wall_ms changed;
};
