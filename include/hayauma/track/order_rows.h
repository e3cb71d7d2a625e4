/* Orders in a file, as shops export them (CSV or TSV): a line for each order, or one for each item,
 * those of an order together. Bytes in, checked orders out. Pure. */
#pragma once
#include "hayauma/audience/sheet.h"
#include "hayauma/base/zone.h"
#include "hayauma/model/order.h"
#include "hayauma/track/told.h"

enum { HY_ORDER_LINES_MAX = 250, HY_ORDER_WORDS_MAX = 64, HY_ORDER_SYSTEM_MAX = 32 };

/* What a word in the column of the status means. */
struct hy_order_word {
    struct hy_str word;
    enum hy_purchase_state state; /* 0: such orders are left out */
};

struct hy_order_rows_options {
    enum hy_charset charset;
    const struct hy_import_map *map; /* columns to fields; copied */
    size_t n_map;
    const struct hy_zone *zone;        /* of times that do not say theirs; must outlive the rows */
    char currency[4];                  /* of lines that do not say; may be "" */
    struct hy_str system;              /* of customer numbers: "shop" makes 17 shop:17; copied */
    const struct hy_order_word *words; /* before those that are known; copied */
    size_t n_words;
};

struct hy_order_rows;
/* HY_ENOMEM, HY_EUNSUPPORTED; HY_EINVAL with a note. */
HY_MUST_USE int hy_order_rows_new(const struct hy_order_rows_options *o, struct hy_order_rows **ret,
                                  struct hy_diag *diag);
void hy_order_rows_free(struct hy_order_rows *r);
HY_MUST_USE int hy_order_rows_feed(struct hy_order_rows *r, struct hy_str bytes);
HY_MUST_USE int hy_order_rows_end(struct hy_order_rows *r);

/* An order, or a line that was refused. */
struct hy_order_row {
    uint64_t line;         /* the first of an order, from 1 */
    size_t n_lines;        /* of the order; 1 when refused */
    const uint64_t *lines; /* of an order: all of them */

    /* refused, when `reason` is not empty; of an order each line is refused, with the reason of the
     * one at fault or as another line of it: */
    struct hy_str column, reason, value;

    bool is_left_out; /* its status says that it is no order yet */
    enum hy_told_by by;
    hy_lead_no lead;
    struct hy_str who;
    struct hy_order order;
    hy_wall_ms changed; /* 0: not said */
};
/* The next one; strings and items are the arena's. HY_EMORE: feed more, or after the end it is
 * done. HY_EINVAL with a note: the first line makes no sense. HY_ENOMEM. */
HY_MUST_USE int hy_order_rows_next(struct hy_order_rows *r, hy_wall_ms now, struct hy_arena *arena,
                                   struct hy_order_row *ret, struct hy_diag *diag);
/* The column that says whose an order is, as the file names it. */
struct hy_str hy_order_rows_column(const struct hy_order_rows *r, enum hy_told_by by);
size_t hy_order_rows_heads(const struct hy_order_rows *r, const struct hy_sheet_head **ret);
/* "5,000", "¥5,000", "5000円", "12.34" as thousandths. HY_EPARSE, HY_EINVAL, HY_ELIMIT. */
HY_MUST_USE int hy_money_read(struct hy_str text, int64_t *ret_milli);
