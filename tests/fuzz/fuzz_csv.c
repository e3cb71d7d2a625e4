/* Any bytes as a file of leads, in pieces of any size: no crash, no row without progress, and what
 * comes out as a lead is clean. The first bytes choose charset, delimiter, piece size and
 * whether the second column holds ids. */
#include <stdlib.h>

#include "hayauma/audience/import.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const struct hy_import_row *row)
{
    must(row->line > 0);
    if (row->kind == HY_IMPORT_REFUSED) {
        must(row->reason.n > 0 && row->value.n <= 204 && hy_str_is_utf8(row->value));
        return;
    }
    must(row->kind == HY_IMPORT_LEAD && (row->address ? row->address->n > 2 : row->n_attrs > 0));
    for (size_t i = 0; i < row->n_attrs; i++) {
        must(row->attrs[i].value.n > 0 && row->attrs[i].value.n <= HY_ATTR_VALUE_MAX);
        must(hy_str_is_utf8(row->attrs[i].value));
        must(i == 0 || row->attrs[i - 1].column < row->attrs[i].column);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char delimiters[] = {0, ',', '\t', ';'};
    static const size_t steps[] = {1, 3, 100, 1 << 20};
    if (n < 2)
        return 0;
    static const struct hy_import_map ids = {{"2", 1}, {"ext:crm", 7}};
    const struct hy_import_options o = {
        .charset = (enum hy_charset)(data[0] % HY_CHARSETS),
        .delimiter = delimiters[data[1] & 3],
        .allow_ragged = data[1] & 16,
        .row_max_bytes = data[1] & 32 ? 40 : 0,
        .columns_max = data[1] & 64 ? 3 : 0,
        .map = &ids,
        .n_map = data[1] >> 7,
    };
    size_t step = steps[data[1] >> 2 & 3], rows = 0;
    struct hy_str text = hy_str_make(data + 2, n - 2);
    struct hy_import *im = NULL;
    struct hy_import_row row;
    struct hy_diag diag = {0};
    if (hy_import_new(&o, &im, &diag))
        return 0;
    for (size_t at = 0;; at += step) {
        bool last = at >= text.n;
        int err = last ? hy_import_end(im) : hy_import_feed(im, hy_str_slice(text, at, at + step));
        while (err == HY_OK && (err = hy_import_next(im, &row, &diag)) == HY_OK) {
            check(&row);
            must(++rows <= n);
        }
        if (err != HY_EMORE) {
            must(err == HY_EINVAL && diag.text[0]);
            break;
        }
        if (last)
            break;
    }
    hy_import_free(im);
    return 0;
}
