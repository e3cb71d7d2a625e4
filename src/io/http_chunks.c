/* Bodies in chunks: sizes in hexadecimal, data, an end; extensions and trailers are read over. */
#include "hayauma/io/http.h"

/*  chunked-body = *( size [ ";" ext ] CRLF data CRLF ) "0" [ ";" ext ] CRLF *( field CRLF ) CRLF */

enum { LINE_MAX_BYTES = 1024, TRAILER_MAX = 8192, DIGITS_MAX = 8 };

/* Takes a line off the front. HY_EMORE: it is not complete. */
static int take_line(struct hy_str *in, struct hy_str *ret_line)
{
    size_t end = hy_str_find_str(hy_str_slice(*in, 0, LINE_MAX_BYTES), HY_STR("\r\n"), 0);
    if (end == SIZE_MAX)
        return in->n >= LINE_MAX_BYTES ? HY_EPARSE : HY_EMORE;
    *ret_line = hy_str_slice(*in, 0, end);
    *in = hy_str_slice(*in, end + 2, in->n);
    return HY_OK;
}

static int read_size(struct hy_str line, uint64_t *ret)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < line.n; i++) {
        char c = hy_ascii_lower(line.p[i]);
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && (c < 'a' || c > 'f'))
            break;
        n = n << 4 | (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
    }
    if (i == 0 || i > DIGITS_MAX)
        return HY_EPARSE;
    for (size_t k = i; k < line.n; k++)
        if ((unsigned char)line.p[k] < ' ' && line.p[k] != '\t')
            return HY_EPARSE;
    if (i < line.n && line.p[i] != ';' && line.p[i] != ' ' && line.p[i] != '\t')
        return HY_EPARSE;
    *ret = n;
    return HY_OK;
}

static int take_size(struct hy_http_chunks *c, struct hy_str *in, const struct hy_buf *out)
{
    struct hy_str line;
    int err = take_line(in, &line);
    if (err == HY_OK)
        err = read_size(line, &c->left);
    if (err == HY_OK && c->left > out->max - out->len)
        err = HY_ELIMIT;
    if (err == HY_OK)
        c->at = c->left ? HY_CHUNK_DATA : HY_CHUNK_TRAILER;
    return err;
}

static int take_data(struct hy_http_chunks *c, struct hy_str *in, struct hy_buf *out)
{
    size_t n = c->left < in->n ? (size_t)c->left : in->n;
    hy_buf_add(out, in->p, n);
    *in = hy_str_slice(*in, n, in->n);
    c->left -= n;
    if (out->err)
        return out->err;
    if (c->left)
        return HY_EMORE;
    c->at = HY_CHUNK_DATA_END;
    return HY_OK;
}

static int take_data_end(struct hy_http_chunks *c, struct hy_str *in)
{
    if (in->n < 2)
        return in->n && in->p[0] != '\r' ? HY_EPARSE : HY_EMORE;
    if (!hy_str_starts(*in, HY_STR("\r\n")))
        return HY_EPARSE;
    *in = hy_str_slice(*in, 2, in->n);
    c->at = HY_CHUNK_SIZE;
    return HY_OK;
}

int hy_http_chunks_read(struct hy_http_chunks *c, struct hy_str in, struct hy_buf *out,
                        size_t *ret_used)
{
    struct hy_str rest = in, line = {0};
    int err = HY_OK;
    bool is_over = false;
    while (err == HY_OK && !is_over) {
        switch (c->at) {
        case HY_CHUNK_SIZE:
            err = take_size(c, &rest, out);
            break;
        case HY_CHUNK_DATA:
            err = take_data(c, &rest, out);
            break;
        case HY_CHUNK_DATA_END:
            err = take_data_end(c, &rest);
            break;
        case HY_CHUNK_TRAILER:
            err = take_line(&rest, &line);
            c->trailer_bytes += line.n + 2;
            if (err == HY_OK && c->trailer_bytes > TRAILER_MAX)
                err = HY_ELIMIT;
            is_over = err == HY_OK && line.n == 0;
            break;
        }
    }
    *ret_used = in.n - rest.n;
    return err;
}
