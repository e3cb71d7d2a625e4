/* Products as people and files tell of them: a text for each field. Pure. */
#pragma once
#include "hayauma/audience/sheet.h"
#include "hayauma/model/product.h"

enum hy_product_field {
    HY_PRODUCT_SKU,
    HY_PRODUCT_NAME,
    HY_PRODUCT_CATEGORY,
    HY_PRODUCT_PRICE,
    HY_PRODUCT_CURRENCY,
    HY_PRODUCT_URL,
    HY_PRODUCT_IMAGE,
    HY_PRODUCT_STOCK,
    HY_PRODUCT_FIELDS,
    HY_PRODUCT_HANDLE = HY_PRODUCT_FIELDS, /* in files: lines with the same one are one thing in
                                              several sizes and colours */
    HY_PRODUCT_COLUMNS,
};
/* Their names, and the usual headers of files. */
extern const struct hy_sheet_field hy_product_fields[HY_PRODUCT_COLUMNS];

/* What somebody says of a product: of what was not said, what is known stays. */
struct hy_product_told {
    struct hy_product p;
    unsigned said; /* bits 1 << enum hy_product_field */
};

/* Takes the text of a field, of which *x then has views; an empty one says that there is none. The
 * answer is why it cannot be, in words; NULL: it was taken. Stock is "in", "out", a number, or what
 * shops write in place of these. */
HY_MUST_USE const char *hy_product_take(struct hy_product_told *x, enum hy_product_field field,
                                        struct hy_str text);
/* The stock as hy_product_take reads it; "" when it is not said. */
const char *hy_product_stock_text(const struct hy_product *p, char out[HY_DECIMAL_MAX]);
