/* Links of plain HTML rewritten in one walk, everything else copied. */
#include "hayauma/mail/html.h"

#include "entity.h"
#include "escape.h"
#include "html_scan.h"

struct rewriter {
    struct hy_html_links links; /* one at a time */
    struct hy_html_link link;
    struct hy_str html;
    hy_html_rewrite_fn *rewrite;
    void *ctx;
    struct hy_buf *out;
    struct hy_buf url;
    size_t copied;    /* of the source */
    size_t beacon_at; /* where in `out` the last </body> stands, SIZE_MAX = none yet */
};

static void rewrite_link(struct rewriter *r, const struct hy_html_link *link)
{
    hy_buf_reset(&r->url);
    struct hy_str value = hy_str_trim(hy_str_slice(r->html, link->begin, link->end));
    hy_entity_decode(&r->url, value);
    if (!hy_url_is_http(hy_buf_str(&r->url)))
        return;
    size_t start = r->out->len;
    hy_buf_add_str(r->out, hy_str_slice(r->html, r->copied, link->begin));
    size_t before = r->out->len;
    r->rewrite(r->ctx, hy_buf_str(&r->url), r->out);
    if (r->out->len == before) {
        r->out->len = start;
        return;
    }
    r->copied = link->end;
}

static void on_event(void *ctx, const struct hy_html_event *event)
{
    struct rewriter *r = ctx;
    hy_html_links_event(&r->links, event);
    if (r->links.n) {
        r->links.n = 0;
        rewrite_link(r, &r->link);
    }
    if (r->links.body_end != SIZE_MAX) {
        hy_buf_add_str(r->out, hy_str_slice(r->html, r->copied, r->links.body_end));
        r->copied = r->links.body_end;
        r->beacon_at = r->out->len;
        r->links.body_end = SIZE_MAX;
    }
}

static void insert(struct hy_buf *out, size_t at, struct hy_str what)
{
    size_t behind = out->len - at;
    if (hy_buf_reserve(out, what.n))
        return;
    memmove(out->data + at + what.n, out->data + at, behind);
    memcpy(out->data + at, what.p, what.n);
    out->len += what.n;
}

int hy_html_rewrite(struct hy_str html, hy_html_rewrite_fn *rewrite, void *ctx,
                    struct hy_str beacon, struct hy_buf *out)
{
    struct rewriter r = {.links = {.max = 1, .body_end = SIZE_MAX},
                         .html = html,
                         .rewrite = rewrite,
                         .ctx = ctx,
                         .out = out,
                         .url = HY_BUF_INIT(html.n * 4 + 64),
                         .beacon_at = SIZE_MAX};
    struct hy_html walker = {0};
    r.links.v = &r.link;
    hy_html_walk(&walker, html, 0, html.n, on_event, &r);
    hy_buf_add_str(out, hy_str_slice(html, r.copied, html.n));
    if (beacon.n && out->err == 0)
        insert(out, r.beacon_at != SIZE_MAX ? r.beacon_at : out->len, beacon);
    int err = out->err ? out->err : r.url.err;
    hy_buf_free(&r.url);
    return err;
}
