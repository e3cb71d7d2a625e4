/* Any bytes as a file of orders, in pieces of any size: no crash, each row comes with its line, and
 * what comes out as an order can be told as one. The first bytes choose charset and piece size. */
#include <stdlib.h>

#include "hayauma/track/order.h"
#include "hayauma/track/order_rows.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const struct hy_order_row *row, struct hy_arena *arena)
{
    struct hy_buf b HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(HY_ACTIVITY_META_MAX);
    struct hy_order back;
    must(row->line > 0 && row->n_lines > 0 && row->n_lines <= HY_ORDER_LINES_MAX);
    if (row->reason.n) {
        must(row->n_lines == 1 && hy_str_is_utf8(row->value));
        return;
    }
    must(row->lines && row->lines[0] == row->line);
    must(row->by == HY_TOLD_LEAD ? row->lead > 0 : row->who.n > 0);
    must(row->order.amount_milli >= 0 && row->order.placed > 0);
    hy_order_write(&b, &row->order, "placed");
    must(b.err == 0);
    json_t *meta = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
    must(meta && hy_order_read(meta, arena, &back, NULL) == HY_OK);
    must(back.amount_milli == row->order.amount_milli && back.n_items == row->order.n_items);
    must(back.placed == row->order.placed && hy_str_eq(back.id, row->order.id));
    json_decref(meta);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const size_t steps[] = {1, 3, 100, 1 << 20};
    struct hy_arena arena = HY_ARENA_INIT(64 << 20);
    struct hy_zone *zone = hy_zone_local();
    struct hy_order_rows_options o = {.zone = zone, .system = HY_STR("shop")};
    struct hy_order_rows *r = NULL;
    struct hy_order_row row;
    struct hy_diag diag = {""};
    size_t rows = 0;
    int err = n < 2 ? HY_EINVAL : HY_OK;
    o.charset = (enum hy_charset)(n ? data[0] % HY_CHARSETS : 0);
    if (!err)
        err = hy_order_rows_new(&o, &r, &diag);
    if (err) {
        hy_zone_free(zone);
        return 0;
    }
    size_t step = steps[data[1] & 3];
    struct hy_str text = hy_str_make(data + 2, n - 2);
    err = HY_EMORE;
    for (size_t at = 0; err == HY_EMORE; at += step) {
        bool is_last = at >= text.n;
        err = is_last ? hy_order_rows_end(r)
                      : hy_order_rows_feed(r, hy_str_slice(text, at, at + step));
        while (err == HY_OK &&
               (err = hy_order_rows_next(r, 1795348800000, &arena, &row, &diag)) == HY_OK) {
            check(&row, &arena);
            must(++rows <= n);
        }
        must(err == HY_EMORE || (err == HY_EINVAL && diag.text[0]));
        if (is_last)
            break;
    }
    hy_order_rows_free(r);
    hy_arena_free(&arena);
    hy_zone_free(zone);
    return 0;
}
