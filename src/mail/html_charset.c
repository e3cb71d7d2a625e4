/* The charset that a page says of itself: some readers believe it more than the mail's header. */
#include "html_charset.h"
#include "html_scan.h"

struct changer {
    struct hy_str html, charset;
    struct hy_buf *out;
    size_t copied; /* of the page */
};

/* The place of a charset in the value of content="text/html; charset=utf-8". */
static bool find_in_content(struct hy_str html, size_t *begin, size_t *end)
{
    struct hy_str word = HY_STR("charset=");
    for (size_t at = *begin; at + word.n < *end; at++) {
        if (!hy_str_istarts(hy_str_slice(html, at, *end), word))
            continue;
        *begin = at + word.n;
        for (at = *begin; at < *end; at++)
            if (memchr("; \t\r\n'\"", html.p[at], 7))
                *end = at;
        return true;
    }
    return false;
}

static void on_event(void *ctx, const struct hy_html_event *e)
{
    struct changer *c = ctx;
    if (e->kind != HY_HTML_ATTR || !hy_str_eq(e->tag, HY_STR("meta")) || e->end == e->begin)
        return;
    size_t begin = e->begin, end = e->end;
    bool is_charset = hy_str_eq(e->name, HY_STR("charset"));
    bool is_content = hy_str_eq(e->name, HY_STR("content"));
    if (!is_charset && !(is_content && find_in_content(c->html, &begin, &end)))
        return;
    hy_buf_add_str(c->out, hy_str_slice(c->html, c->copied, begin));
    hy_buf_add_str(c->out, c->charset);
    c->copied = end;
}

int hy_html_set_charset(struct hy_str html, struct hy_str charset, struct hy_buf *out)
{
    struct changer c = {.html = html, .charset = charset, .out = out};
    struct hy_html walker = {0};
    hy_html_walk(&walker, html, 0, html.n, on_event, &c);
    hy_buf_add_str(out, hy_str_slice(html, c.copied, html.n));
    return out->err;
}
