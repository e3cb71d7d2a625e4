/* Any bytes as a file of activities, in pieces of any size: no crash, no row without progress, and
 * what comes out as a row is whole. The first bytes choose charset, piece size and what is given.
 */
#include <stdlib.h>

#include "hayauma/track/told_rows.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const struct hy_told_row *row)
{
    must(row->line > 0);
    must((row->object == NULL) == (row->reason.n > 0));
    if (row->reason.n) {
        must(hy_str_is_utf8(row->value) && row->value.n <= 208);
        return;
    }
    must(row->told.kind > 0 && row->told.kind < HY_ACTIVITY_KINDS);
    must(row->told.by != HY_TOLD_NOBODY || row->told.visitor);
    must(row->told.ref.n > 0 && row->told.ref.n <= HY_ACTIVITY_REF_MAX);
    must(row->told.meta.n <= HY_ACTIVITY_META_MAX && hy_str_is_utf8(row->told.meta));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const size_t steps[] = {1, 3, 100, 1 << 20};
    struct hy_arena arena = HY_ARENA_INIT(64 << 20);
    struct hy_told_rows *r = NULL;
    struct hy_told_row row;
    struct hy_diag diag = {""};
    json_t *given = n >= 2 && data[1] & 4 ? json_pack("{s:s, s:s}", "kind", "offline", "name", "x")
                                          : json_object();
    if (n < 2 || hy_told_rows_new((enum hy_charset)(data[0] % HY_CHARSETS), given, &r)) {
        json_decref(given);
        return 0;
    }
    size_t step = steps[data[1] & 3], rows = 0;
    struct hy_str text = hy_str_make(data + 2, n - 2);
    int err = HY_EMORE;
    for (size_t at = 0; err == HY_EMORE; at += step) {
        bool is_last = at >= text.n;
        err =
            is_last ? hy_told_rows_end(r) : hy_told_rows_feed(r, hy_str_slice(text, at, at + step));
        while (err == HY_OK &&
               (err = hy_told_rows_next(r, 1795348800000, &arena, &row, &diag)) == HY_OK) {
            check(&row);
            json_decref(row.object);
            must(++rows <= n);
        }
        must(err == HY_EMORE || (err == HY_EINVAL && diag.text[0]));
        if (is_last)
            break;
    }
    hy_told_rows_free(r);
    hy_arena_free(&arena);
    json_decref(given);
    return 0;
}
