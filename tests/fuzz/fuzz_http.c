/* Any bytes as an HTTP request, with or without a body in chunks: no crash, and what is taken for a
 * path is one. */
#include <stdlib.h>

#include "hayauma/io/http.h"

enum { BODY_MAX = 65536 };

static void read_chunks(struct hy_str in)
{
    struct hy_http_chunks c = {0};
    struct hy_buf out = HY_BUF_INIT(BODY_MAX);
    size_t used = 0;
    int err = hy_http_chunks_read(&c, in, &out, &used);
    if (used > in.n || out.len > used || (err == HY_OK && c.left))
        abort();
    hy_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct hy_http_head h = {0};
    struct hy_str in = hy_str_make(data, n), value;
    read_chunks(in);
    if (hy_http_head_read(in, &h) != HY_OK)
        return 0;
    if (h.path.n == 0 || h.path.p[0] != '/' || h.bytes > n || h.bytes > HY_HTTP_HEAD_MAX)
        abort();
    for (size_t i = 0; i < h.path.n; i++)
        if (h.path.p[i] <= ' ' || h.path.p[i] == '?')
            abort();
    if (hy_http_field(&h, HY_STR("Host"), &value) && memchr(value.p ? value.p : "", '\n', value.n))
        abort();
    if (h.is_chunked && h.has_length)
        abort();
    read_chunks(hy_str_slice(in, h.bytes, n));
    return 0;
}
