/* HTML of any bytes: rewriting changes the values of links and nothing else; making text ends; what
 * is made for looking at has no element that runs or loads things. */
#include <stdlib.h>

#include "hayauma/mail/html.h"
#include "hayauma/mail/message.h"
#include "hayauma/mail/preview.h"

#define MARK   "https://t.example/\x02"
#define BEACON "\x03"

/* Tracked links as MARK, the beacon as BEACON. */
static void show_marks(struct hy_str html, struct hy_buf *out)
{
    struct hy_str click = HY_STR("https://t.example/c/");
    struct hy_str beacon = HY_STR("<img src=\"https://t.example/o/");
    for (size_t at = 0; at < html.n;) {
        struct hy_str rest = hy_str_slice(html, at, html.n);
        if (hy_str_starts(rest, click)) {
            hy_buf_add_lit(out, MARK);
            at += click.n;
            while (at < html.n && !strchr("\"'> \t\r\n\f", html.p[at]))
                at++;
        } else if (hy_str_starts(rest, beacon)) {
            hy_buf_add_lit(out, BEACON);
            at = hy_str_find(html, '>', at) + 1;
        } else {
            hy_buf_add_c(out, html.p[at++]);
        }
    }
}

/* What a tracked message makes of the page; NULL when it is no template. */
static struct hy_message *compile(struct hy_str html)
{
    struct hy_token_keys keys = {0};
    if (hy_token_keys_add(&keys, 0, HY_STR("a secret of 32 bytes for testing")))
        abort();
    struct hy_message_source source = {.from_address = HY_STR("a@example.jp"),
                                       .subject = HY_STR("s"),
                                       .html = {html, HY_STR("f.html")},
                                       .text = {HY_STR("-"), HY_STR("f.txt")}};
    struct hy_message_options options = {.campaign = 1,
                                         .keys = &keys,
                                         .flags = HY_MESSAGE_CLICKS | HY_MESSAGE_BEACON,
                                         .base_url = HY_STR("https://t.example"),
                                         .return_domain = HY_STR("b.example.jp"),
                                         .message_id_domain = HY_STR("example.jp")};
    struct hy_message *m = NULL;
    return hy_message_compile(&source, &options, NULL, &m) ? NULL : m;
}

/* The value that a mark replaced ended where the same character stands that follows the mark. */
static void check_same_elsewhere(struct hy_str before, struct hy_str after)
{
    size_t b = 0, beacons = 0;
    for (size_t a = 0; a < after.n;) {
        if (hy_str_starts(hy_str_slice(after, a, after.n), HY_STR(MARK))) {
            a += sizeof MARK - 1;
            if (a == after.n)
                abort();
            while (b < before.n && before.p[b] != after.p[a] &&
                   !(before.p[b] == '\r' && after.p[a] == '\n'))
                b++;
        } else if (after.p[a] == BEACON[0]) {
            beacons++;
            a++;
        } else if (b >= before.n) {
            abort();
        } else {
            char was = before.p[b++], is = after.p[a++];
            if (was != is && !(was == '\r' && is == '\n'))
                abort();
        }
    }
    if (b != before.n || beacons != 1)
        abort();
}

static uint32_t no_link(void *ctx, struct hy_str href)
{
    (void)ctx;
    return (uint32_t)(href.n % 3);
}

static void check_preview(struct hy_str html)
{
    static const char *const bad[] = {"<script", "<iframe", "<meta",  "<link",
                                      "<base",   "<object", "<embed", "<form"};
    const struct hy_preview how = {.link = no_link};
    struct hy_buf out = HY_BUF_INIT(1 << 24);
    if (hy_preview_put(html, &how, &out))
        abort();
    bool has_style = hy_str_find_str(hy_buf_str(&out), HY_STR("<style"), 0) != SIZE_MAX;
    for (size_t at = 0; !has_style && at < out.len; at++) {
        struct hy_str rest = hy_str_slice(hy_buf_str(&out), at, out.len);
        for (size_t i = 0; rest.p[0] == '<' && i < 8; i++)
            if (hy_str_istarts(rest, hy_str_of(bad[i])))
                abort();
    }
    hy_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hy_str html = hy_str_make(data, size);
    struct hy_buf out = HY_BUF_INIT(1 << 24), page = HY_BUF_INIT(1 << 24);
    if (hy_html_text(html, &out))
        abort();
    check_preview(html);
    hy_buf_reset(&out);
    bool is_marked = size == 0 || hy_str_starts(html, HY_STR("\xef\xbb\xbf")) ||
                     hy_str_find_str(html, HY_STR("https://t.example"), 0) != SIZE_MAX ||
                     hy_str_find_str(html, HY_STR("{{"), 0) != SIZE_MAX;
    struct hy_message *m = is_marked ? NULL : compile(html);
    if (m) {
        struct hy_render_input in = {.address = HY_STR("x@example.com"), .lead = 1};
        if (hy_message_render_part(m, HY_PART_HTML, &in, &page))
            abort();
        show_marks(hy_buf_str(&page), &out);
        check_same_elsewhere(html, hy_buf_str(&out));
    }
    hy_message_free(m);
    hy_buf_free(&page);
    hy_buf_free(&out);
    return 0;
}
