/* Canonical forms. Mail is nearly always canonical already, so the body is searched in blocks for
 * what relaxed would change, and the runs between are handed on without a copy. */
#include "hayauma/mail/dkim_canon.h"

#include <sys/types.h>

enum {
    BLOCK = 64,    /* bytes looked at together; the compiler makes vector code of it */
    GATHER = 2048, /* pieces shorter than this are collected first */
};

/* Collects small pieces, so that a body full of indentation is not a thousand calls. */
struct gather {
    hy_dkim_sink *sink;
    void *ctx;
    size_t n;
    char bytes[GATHER];
};

static void flush(struct gather *g)
{
    if (g->n)
        g->sink(g->ctx, hy_str_make(g->bytes, g->n));
    g->n = 0;
}

static void give(struct gather *g, struct hy_str piece)
{
    if (piece.n > GATHER - g->n)
        flush(g);
    if (piece.n > GATHER) {
        g->sink(g->ctx, piece);
    } else if (piece.n) {
        memcpy(g->bytes + g->n, piece.p, piece.n);
        g->n += piece.n;
    }
}

static bool is_wsp(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether white space begins at `c` that relaxed may change: a tab, or a space before white space
 * or a line end. */
static inline bool is_dirty(char c, char next)
{
    return (c == '\t') | ((c == ' ') & ((next == ' ') | (next == '\t') | (next == '\r')));
}

/* Looks one byte behind the block too. */
static bool block_is_dirty(const char *p)
{
    unsigned char dirty = 0;
    for (int i = 0; i < BLOCK; i++)
        dirty |= is_dirty(p[i], p[i + 1]);
    return dirty;
}

/* The place of the first dirty byte at or after `at`; body.n if there is none. */
static size_t find_dirty(struct hy_str body, size_t at)
{
    while (at < body.n) {
        while (body.n - at > BLOCK && !block_is_dirty(body.p + at))
            at += BLOCK;
        const size_t stop = body.n - at > BLOCK ? at + BLOCK : body.n;
        for (; at < stop; at++)
            if (is_dirty(body.p[at], at + 1 < body.n ? body.p[at + 1] : '\r'))
                return at;
    }
    return body.n;
}

static bool ends_in_crlf(struct hy_str s)
{
    return s.n >= 2 && s.p[s.n - 2] == '\r' && s.p[s.n - 1] == '\n';
}

/* Without the empty lines at the end and the CRLF before them; relaxed counts lines of white space
 * as empty, and takes the white space off the last line. */
static struct hy_str trim_end(enum hy_dkim_canon canon, struct hy_str body)
{
    for (;;) {
        struct hy_str s = body;
        while (canon == HY_DKIM_RELAXED && s.n && is_wsp(s.p[s.n - 1]))
            s.n--;
        if (!ends_in_crlf(s))
            return s;
        body.n = s.n - 2;
    }
}

static void relax_body(struct hy_str text, struct gather *g)
{
    for (size_t at = 0; at < text.n;) {
        size_t dirty = find_dirty(text, at);
        give(g, hy_str_slice(text, at, dirty));
        at = dirty;
        while (at < text.n && is_wsp(text.p[at]))
            at++;
        if (at > dirty && !hy_str_starts(hy_str_slice(text, at, at + 2), HY_STR("\r\n")))
            give(g, HY_STR(" "));
    }
}

void hy_dkim_canon_body(enum hy_dkim_canon canon, struct hy_str body, hy_dkim_sink *sink, void *ctx)
{
    struct gather g;
    g.sink = sink;
    g.ctx = ctx;
    g.n = 0;
    struct hy_str text = trim_end(canon, body);
    if (canon == HY_DKIM_RELAXED)
        relax_body(text, &g);
    else
        give(&g, text);
    if (text.n || canon == HY_DKIM_SIMPLE)
        give(&g, HY_STR("\r\n"));
    flush(&g);
}

bool hy_dkim_body_is_canonical(struct hy_str body)
{
    if (body.n == 0)
        return true;
    struct hy_str text = trim_end(HY_DKIM_RELAXED, body);
    return text.n && text.n + 2 == body.n && ends_in_crlf(body) && find_dirty(text, 0) == text.n;
}

/* "name:value", the white space in the value reduced; -1 for a CR or LF that is no fold, else the
 * number of bytes written, at most name.n + 1 + value.n. */
static ssize_t relax_field(const struct hy_header_field *f, char *to)
{
    char *o = to;
    for (size_t i = 0; i < f->name.n; i++)
        *o++ = hy_ascii_lower(f->name.p[i]);
    *o++ = ':';
    const char *p = f->value.p, *end = p + f->value.n;
    bool gap = false, begun = false;
    while (p < end) {
        const char c = *p;
        if (is_wsp(c)) {
            gap = begun;
            p++;
        } else if (c == '\r' || c == '\n') {
            if (c == '\n' || end - p < 3 || p[1] != '\n' || !is_wsp(p[2]))
                return -1;
            p += 2;
        } else {
            if (gap)
                *o++ = ' ';
            do
                *o++ = *p++;
            while (p < end && (unsigned char)*p > ' ');
            begun = true;
            gap = false;
        }
    }
    return o - to;
}

int hy_dkim_canon_field(enum hy_dkim_canon canon, const struct hy_header_field *field,
                        struct hy_buf *out)
{
    int err = hy_buf_reserve(out, field->name.n + 1 + field->value.n);
    if (err)
        return err;
    ssize_t n = relax_field(field, out->data + out->len);
    if (n < 0 || (field->whole.n && !ends_in_crlf(field->whole)))
        return HY_EINVAL;
    if (canon == HY_DKIM_RELAXED) {
        out->len += (size_t)n;
        hy_buf_add_lit(out, "\r\n");
    } else {
        hy_buf_add_str(out, field->whole);
    }
    return out->err;
}
