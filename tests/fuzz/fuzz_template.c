/* Templates and values of any bytes: what compiles renders to whole lines, decodes to its preview,
 * and no value adds a header field, a part, a tag or an attribute.
 *
 * Input: one byte of options, then texts with a zero byte between: HTML, subject, values. */
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/codec.h"
#include "hayauma/mail/message.h"
#include "html_scan.h"

enum { SLOTS = 8 };

static int find_slot(void *ctx, struct hy_str name, uint16_t *ret_slot, struct hy_diag *diag)
{
    (void)ctx;
    (void)diag;
    *ret_slot = (uint16_t)((unsigned char)name.p[0] % SLOTS);
    return 0;
}

/* What the HTML consists of: tags and attribute names, in order. */
static void sign(void *ctx, const struct hy_html_event *e)
{
    if (e->kind != HY_HTML_TEXT)
        hy_buf_printf(ctx, "%d%d%.*s\n", e->kind, e->is_end_tag, HY_STR_ARG(e->name));
}

static void signature(struct hy_str html, struct hy_buf *out)
{
    struct hy_html walker = {0};
    hy_html_walk(&walker, html, 0, html.n, sign, out);
    hy_buf_printf(out, "end %d\n", walker.state);
}

static void check_lines(const struct hy_rendered *r, struct hy_str boundary, size_t *ret_fields,
                        size_t *ret_parts)
{
    struct hy_str all = hy_buf_str(&r->bytes);
    *ret_fields = *ret_parts = 0;
    for (size_t at = 0; at < all.n;) {
        size_t cr = hy_str_find(all, '\r', at);
        if (cr == SIZE_MAX || cr + 1 >= all.n || all.p[cr + 1] != '\n')
            abort();
        struct hy_str line = hy_str_slice(all, at, cr);
        bool is_body = at >= r->header_bytes;
        if (line.n > 998 || hy_str_find(line, '\n', 0) != SIZE_MAX)
            abort();
        if (!is_body && line.n && line.p[0] != ' ' && line.p[0] != '\t')
            ++*ret_fields;
        if (is_body && hy_str_starts(line, HY_STR("--")) && boundary.n &&
            hy_str_starts(hy_str_slice(line, 2, line.n), boundary))
            ++*ret_parts;
        if (is_body && r->has_no_dot_line && line.n && line.p[0] == '.')
            abort();
        if (is_body && r->is_body_relaxed &&
            (hy_str_find_str(line, HY_STR("  "), 0) != SIZE_MAX ||
             hy_str_find(line, '\t', 0) != SIZE_MAX || hy_str_ends(line, HY_STR(" "))))
            abort();
        at = cr + 2;
    }
}

static struct hy_str find_boundary(const struct hy_rendered *r)
{
    struct hy_str all = hy_buf_str(&r->bytes);
    size_t at = hy_str_find_str(all, HY_STR("boundary=\""), 0);
    return at == SIZE_MAX ? (struct hy_str){0} : hy_str_slice(all, at + 10, at + 40);
}

static void decode(struct hy_str body, enum hy_transfer transfer, struct hy_buf *out)
{
    struct hy_buf packed = HY_BUF_INIT(1 << 26);
    for (size_t i = 0; i < body.n; i++) {
        char c = body.p[i];
        if (transfer == HY_TRANSFER_BASE64) {
            if (c != '\r' && c != '\n')
                hy_buf_add_c(&packed, c);
        } else if (c != '=') {
            hy_buf_add_c(out, c);
        } else {
            char hex[2] = {hy_ascii_lower(body.p[i + 1]), hy_ascii_lower(body.p[i + 2])};
            char byte = 0;
            size_t n = 0;
            if (hex[0] != '\r' && hy_hex_decode(hy_str_make(hex, 2), &byte, &n))
                abort();
            hy_buf_add(out, &byte, n);
            i += 2;
        }
    }
    size_t n = 0;
    if (packed.len && (hy_buf_reserve(out, packed.len + 3) ||
                       hy_base64_decode(hy_buf_str(&packed), out->data, &n)))
        abort();
    out->len += n;
    hy_buf_free(&packed);
}

/* A reader gets the preview, with CRLF for every line end. */
static void check_decoded(const struct hy_message *m, const struct hy_rendered *r,
                          struct hy_str preview)
{
    enum hy_transfer transfer = hy_message_transfer(m, HY_PART_HTML);
    struct hy_str all = hy_buf_str(&r->bytes), boundary = find_boundary(r);
    char head[128], tail[64];
    snprintf(head, sizeof head, "\r\n--%.*sa\r\nContent-Type: text/html; charset=utf-8\r\n",
             HY_STR_ARG(boundary));
    snprintf(tail, sizeof tail, "\r\n--%.*sa--", HY_STR_ARG(boundary));
    size_t part = hy_str_find_str(all, hy_str_of(head), 0);
    if (part == SIZE_MAX || (transfer != HY_TRANSFER_QP && transfer != HY_TRANSFER_BASE64))
        return;
    struct hy_buf got = HY_BUF_INIT(1 << 26), want = HY_BUF_INIT(1 << 26);
    size_t begin = hy_str_find_str(all, HY_STR("\r\n\r\n"), part) + 4;
    size_t end = hy_str_find_str(all, hy_str_of(tail), begin);
    decode(hy_str_slice(all, begin, end), transfer, &got);
    for (size_t i = 0; i < preview.n; i++) {
        bool is_pair = preview.p[i] == '\r' && i + 1 < preview.n && preview.p[i + 1] == '\n';
        if (is_pair)
            continue;
        if (preview.p[i] == '\n' || preview.p[i] == '\r')
            hy_buf_add_lit(&want, "\r\n");
        else
            hy_buf_add_c(&want, preview.p[i]);
    }
    if (!hy_str_eq(hy_buf_str(&got), hy_buf_str(&want)))
        abort();
    hy_buf_free(&got);
    hy_buf_free(&want);
}

static void check_values(const struct hy_message *m, struct hy_render_input *in,
                         const struct hy_str *hostile, const struct hy_str *harmless)
{
    struct hy_rendered a, b;
    struct hy_buf html = HY_BUF_INIT(1 << 26), got = HY_BUF_INIT(1 << 26),
                  want = HY_BUF_INIT(1 << 26);
    size_t fields_a, fields_b, parts_a, parts_b;
    hy_rendered_init(&a);
    hy_rendered_init(&b);
    in->slots = hostile;
    if (hy_message_render(m, in, &a) || hy_message_render_part(m, HY_PART_HTML, in, &html))
        abort();
    signature(hy_buf_str(&html), &got);
    check_decoded(m, &a, hy_buf_str(&html));
    hy_buf_reset(&html);
    in->slots = harmless;
    if (hy_message_render(m, in, &b) || hy_message_render_part(m, HY_PART_HTML, in, &html))
        abort();
    signature(hy_buf_str(&html), &want);
    check_lines(&a, find_boundary(&b), &fields_a, &parts_a);
    check_lines(&b, find_boundary(&b), &fields_b, &parts_b);
    if (fields_a != fields_b || parts_a != parts_b ||
        !hy_str_eq(hy_buf_str(&got), hy_buf_str(&want)))
        abort();
    hy_rendered_free(&a);
    hy_rendered_free(&b);
    hy_buf_free(&html);
    hy_buf_free(&got);
    hy_buf_free(&want);
}

/* A value that takes the same way through sections, but holds nothing special. */
static struct hy_str harmless_for(struct hy_str value)
{
    struct hy_str t = hy_str_trim(value);
    bool is_false = t.n == 0 || hy_str_eq(t, HY_STR("0")) || hy_str_ieq(t, HY_STR("no")) ||
                    hy_str_ieq(t, HY_STR("false")) || hy_str_ieq(t, HY_STR("null"));
    return is_false ? value : HY_STR("x");
}

static bool may_be_json(struct hy_str value)
{
    struct hy_str t = hy_str_trim(value);
    return t.n && (t.p[0] == '[' || t.p[0] == '{');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct hy_str rest = hy_str_make(data + 1, size - 1), html, subject = HY_STR("s");
    struct hy_str hostile[SLOTS] = {0}, harmless[SLOTS] = {0};
    hy_str_split(&rest, '\0', &html);
    hy_str_split(&rest, '\0', &subject);
    /* {{{raw}}} is what it says: the page can be anything. The boundary is no secret here. */
    if (html.n == 0 || hy_str_find_str(hy_str_make(data, size), HY_STR("=_hy"), 0) != SIZE_MAX ||
        hy_str_find_str(html, HY_STR("{{{"), 0) != SIZE_MAX ||
        hy_str_find(html, '&', 0) != SIZE_MAX)
        return 0;
    bool is_list = false;
    for (size_t i = 0; i < SLOTS && hy_str_split(&rest, '\0', &hostile[i]); i++)
        is_list |= may_be_json(hostile[i]);
    for (size_t i = 0; i < SLOTS; i++)
        harmless[i] = is_list ? hostile[i] : harmless_for(hostile[i]);
    static const enum hy_transfer transfers[] = {HY_TRANSFER_AUTO, HY_TRANSFER_8BIT, HY_TRANSFER_QP,
                                                 HY_TRANSFER_BASE64};
    struct hy_token_keys keys = {0};
    if (hy_token_keys_add(&keys, 0, HY_STR("a secret of 32 bytes for testing")))
        abort();
    struct hy_message_source source = {.from_address = HY_STR("a@example.jp"),
                                       .to_name = subject,
                                       .subject = subject,
                                       .html = {html, HY_STR("f.html")}};
    struct hy_message_options options = {
        .slot = find_slot,
        .campaign = 1,
        .keys = &keys,
        .flags = data[0] >> 3,
        .base_url = data[0] & 4 ? HY_STR("https://t.example") : (struct hy_str){0},
        .return_domain = HY_STR("b.example.jp"),
        .message_id_domain = HY_STR("example.jp"),
        .charset = data[0] & 0x80 ? HY_MAIL_ISO_2022_JP : HY_MAIL_UTF8,
        .html_transfer = transfers[data[0] & 3],
        .text_transfer = transfers[data[0] & 3],
    };
    struct hy_message *m = NULL;
    struct hy_diag diag = {0};
    if (hy_message_compile(&source, &options, &diag, &m)) {
        if (!diag.text[0])
            abort(); /* a refusal without a word */
        return 0;
    }
    struct hy_render_input in = {.n_slots = SLOTS, .address = HY_STR("x@example.com"), .lead = 1};
    check_values(m, &in, hostile, harmless);
    hy_message_free(m);
    return 0;
}
