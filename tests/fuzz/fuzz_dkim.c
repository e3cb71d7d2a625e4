/* Any bytes as a body and as a field in both canonical forms: a canonical body or field does not
 * change when it is made canonical again, and the search for canonical bodies tells the truth. */
#include "hayauma/mail/dkim_canon.h"

#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void collect(void *ctx, struct hy_str piece)
{
    hy_buf_add_str(ctx, piece);
}

static void bodies(enum hy_dkim_canon canon, struct hy_str body)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf once = HY_BUF_INIT(1 << 22), twice = HY_BUF_INIT(1 << 22);
    hy_dkim_canon_body(canon, body, collect, &once);
    hy_dkim_canon_body(canon, hy_buf_str(&once), collect, &twice);
    require(hy_str_eq(hy_buf_str(&once), hy_buf_str(&twice)));
    if (hy_dkim_body_is_canonical(body))
        require(hy_str_eq(body, hy_buf_str(&once)) || (body.n == 0 && canon == HY_DKIM_SIMPLE));
}

static void fields(enum hy_dkim_canon canon, struct hy_str block)
{
    struct hy_header_field f, again;
    while (hy_header_next(&block, &f)) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf once = HY_BUF_INIT(1 << 22), twice = HY_BUF_INIT(1 << 22);
        if (hy_dkim_canon_field(canon, &f, &once) != HY_OK)
            continue;
        struct hy_str rest = hy_buf_str(&once);
        require(hy_header_next(&rest, &again) && rest.n == 0);
        require(hy_dkim_canon_field(canon, &again, &twice) == HY_OK);
        require(hy_str_eq(hy_buf_str(&once), hy_buf_str(&twice)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hy_str text = hy_str_make(data, size);
    for (int canon = HY_DKIM_RELAXED; canon <= HY_DKIM_SIMPLE; canon++) {
        bodies((enum hy_dkim_canon)canon, text);
        fields((enum hy_dkim_canon)canon, text);
    }
    return 0;
}
