/* Any bytes as a file of suppressed addresses, in pieces of any size: no crash, no row without
 * progress, and what comes out as a row is clean. The first bytes choose charset, delimiter and
 * piece size. */
#include <stdlib.h>

#include "hayauma/audience/suppress_rows.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const struct hy_suppress_row *row)
{
    must(row->line > 0);
    if (row->reason.n) {
        must(hy_str_is_utf8(row->value) && row->value.n <= 208);
        return;
    }
    must(row->what.n > 0 || row->values[HY_SUPPRESS_COL_HASH].n > 0);
    must(row->what.n <= HY_ADDRESS_MAX + 1);
    for (int c = 0; c < HY_SUPPRESS_COLS; c++) {
        must(hy_str_is_utf8(row->values[c]) && row->values[c].n <= HY_SUPPRESS_ROW_VALUE_MAX);
        for (size_t i = 0; i < row->values[c].n; i++)
            must((unsigned char)row->values[c].p[i] >= 32);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char delimiters[] = {0, ',', '\t', ';'};
    static const size_t steps[] = {1, 3, 100, 1 << 20};
    struct hy_suppress_rows *r = NULL;
    struct hy_suppress_row row;
    if (n < 2 ||
        hy_suppress_rows_new((enum hy_charset)(data[0] % HY_CHARSETS), delimiters[data[1] & 3], &r))
        return 0;
    size_t step = steps[data[1] >> 2 & 3], rows = 0;
    struct hy_str text = hy_str_make(data + 2, n - 2);
    for (size_t at = 0;; at += step) {
        bool last = at >= text.n;
        int err = last ? hy_suppress_rows_end(r)
                       : hy_suppress_rows_feed(r, hy_str_slice(text, at, at + step));
        while (err == HY_OK && (err = hy_suppress_rows_next(r, &row)) == HY_OK) {
            check(&row);
            must(++rows <= n);
        }
        must(err == HY_EMORE);
        if (last)
            break;
    }
    hy_suppress_rows_free(r);
    return 0;
}
