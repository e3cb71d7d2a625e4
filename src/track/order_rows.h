/* Reading the cells of orders, private to src/track. */
#pragma once
#include "hayauma/track/order_rows.h"

enum order_field {
    FIELD_ORDER,
    FIELD_EMAIL,
    FIELD_LEAD,
    FIELD_EXTERNAL,
    FIELD_CUSTOMER,
    FIELD_PHONE,
    FIELD_AT,
    FIELD_CHANGED,
    FIELD_CANCELLED,
    FIELD_STATUS,
    FIELD_AMOUNT,
    FIELD_CURRENCY,
    FIELD_CART,
    FIELDS_OF_ORDER, /* those above are the same in all lines of an order */
    FIELD_PRODUCT = FIELDS_OF_ORDER,
    FIELD_NAME,
    FIELD_CATEGORY,
    FIELD_QUANTITY,
    FIELD_PRICE,
    FIELDS_ALL,
};
extern const struct hy_sheet_field hy_order_fields[FIELDS_ALL];

/* How cells are to be read. */
struct order_reading {
    const struct hy_zone *zone;
    char currency[4];
    struct hy_str system;
    const struct hy_order_word *words;
    size_t n_words;
    hy_wall_ms now;
};

/* From the values of a whole order to what is told; 0, or HY_EINVAL with the field at fault and the
 * reason; HY_ENOMEM. */
HY_MUST_USE int hy_order_cells(const struct order_reading *g,
                               const struct hy_str values[FIELDS_OF_ORDER],
                               const struct hy_order_item *items, size_t n_items, bool has_items,
                               struct hy_arena *arena, struct hy_order_row *ret,
                               enum order_field *ret_field, const char **ret_reason);
/* The item that a line tells of. False: of none. HY_EINVAL with field and reason. */
HY_MUST_USE int hy_order_cells_item(const struct hy_str values[FIELDS_ALL],
                                    struct hy_order_item *ret, bool *ret_is_any,
                                    enum order_field *ret_field, const char **ret_reason);
