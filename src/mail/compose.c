/* Writing a message from its pieces.
 *
 *   multipart/mixed               with attachments
 *     multipart/related           with inline images
 *       multipart/alternative     with text and HTML
 *
 * One boundary serves all three, with a letter behind it. */
#include "hayauma/mail/compose.h"

#include "coding.h"
#include "compile.h"
#include "date.h"
#include "hayauma/base/codec.h"
#include "hayauma/mail/html.h"
#include "mime.h"

enum { TEXT_LINE_MAX = 990 };

enum multipart { MIXED, RELATED, ALTERNATIVE, MULTIPARTS };

struct writing {
    const struct hy_compose *c;
    struct hy_buf *out;
    struct hy_diag *diag;
    struct hy_buf made, lf, work; /* text made from HTML; with LF line ends; scratch */
    bool has[MULTIPARTS];
    size_t boundary_n;
    char boundary[40];
};

static void make_boundary(struct writing *w)
{
    memcpy(w->boundary, "=_hy", 4);
    w->boundary_n = 4 + hy_base32_encode(w->c->seed, sizeof w->c->seed, w->boundary + 4);
}

static void delimit(struct writing *w, enum multipart which, const char *end)
{
    hy_buf_add_lit(w->out, "--");
    hy_buf_add(w->out, w->boundary, w->boundary_n);
    hy_buf_add_c(w->out, "mra"[which]);
    hy_buf_add_str(w->out, hy_str_of(end));
}

static void open_multipart(struct writing *w, enum multipart which)
{
    static const char *const subtypes[MULTIPARTS] = {"mixed", "related", "alternative"};
    hy_buf_printf(w->out, "Content-Type: multipart/%s;\r\n", subtypes[which]);
    if (which == RELATED)
        hy_buf_printf(w->out, " type=\"%s\";\r\n",
                      w->has[ALTERNATIVE] ? "multipart/alternative" : "text/html");
    hy_buf_printf(w->out, " boundary=\"%.*s%c\"\r\n\r\n", (int)w->boundary_n, w->boundary,
                  "mra"[which]);
}

/* ---- texts ---- */

/* LF for every line end; what cannot stand in a text goes. Whether it may go out as it is. */
static bool normalize(struct hy_buf *out, struct hy_str text)
{
    bool is_plain = true;
    size_t line = 0;
    if (hy_buf_reserve(out, text.n + 1) != HY_OK)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\r') {
            if (i + 1 < text.n && text.p[i + 1] == '\n')
                continue;
            c = '\n';
        } else if (c == '\0') {
            continue;
        }
        line = c == '\n' ? 0 : line + 1;
        is_plain &= c < 0x7f && (c >= ' ' || c == '\n' || c == '\t') && line <= TEXT_LINE_MAX;
        out->data[out->len++] = (char)c;
    }
    return is_plain;
}

static void put_lines(struct hy_buf *out, struct hy_str text)
{
    for (size_t at = 0; at < text.n;) {
        size_t lf = hy_str_find(text, '\n', at);
        hy_buf_add_str(out, hy_str_slice(text, at, lf));
        hy_buf_add_lit(out, "\r\n");
        at = lf == SIZE_MAX ? text.n : lf + 1;
    }
}

static void put_encoded(struct writing *w, struct hy_str text, struct hy_coding coding)
{
    struct hy_sink s = {.out = w->out, .work = &w->work, .coding = coding};
    hy_sink_text(&s, text);
    hy_sink_end(&s);
    if (w->out->len < 2 || memcmp(w->out->data + w->out->len - 2, "\r\n", 2) != 0)
        hy_buf_add_lit(w->out, "\r\n");
}

/* Its header and body; *ret_body: where the body begins. */
static int put_text(struct writing *w, struct hy_str text, bool is_html, size_t *ret_body)
{
    hy_buf_reset(&w->lf);
    bool is_plain = normalize(&w->lf, text);
    if (w->lf.err)
        return w->lf.err;
    text = hy_buf_str(&w->lf);
    enum hy_transfer transfer = is_plain ? HY_TRANSFER_7BIT : hy_transfer_shorter(text);
    struct hy_coding coding = {transfer, HY_MAIL_UTF8, is_html};
    hy_buf_printf(
        w->out, "Content-Type: text/%s; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n",
        is_html ? "html" : "plain", is_plain ? "us-ascii" : "utf-8", hy_transfer_name(transfer));
    *ret_body = w->out->len;
    if (is_plain)
        put_lines(w->out, text);
    else
        put_encoded(w, text, coding);
    return w->out->err;
}

/* The text part, made from the HTML when there is none. */
static int plain_of(struct writing *w, struct hy_str *ret)
{
    *ret = w->c->text;
    if (w->c->text.n || !w->c->html.n)
        return HY_OK;
    int err = hy_html_text(w->c->html, &w->made);
    *ret = hy_buf_str(&w->made);
    return err;
}

/* ---- parts ---- */

static int put_texts(struct writing *w, size_t *ret_body)
{
    struct hy_str plain;
    size_t body;
    int err = plain_of(w, &plain);
    if (err)
        return err;
    if (!w->has[ALTERNATIVE])
        return put_text(w, plain, false, ret_body);
    open_multipart(w, ALTERNATIVE);
    *ret_body = w->out->len;
    delimit(w, ALTERNATIVE, "\r\n");
    err = put_text(w, plain, false, &body);
    hy_buf_add_lit(w->out, "\r\n");
    delimit(w, ALTERNATIVE, "\r\n");
    if (!err)
        err = put_text(w, w->c->html, true, &body);
    hy_buf_add_lit(w->out, "\r\n");
    delimit(w, ALTERNATIVE, "--\r\n");
    return err;
}

static int put_files(struct writing *w, enum multipart in, const struct hy_message_file *files,
                     size_t n)
{
    int err = HY_OK;
    for (size_t i = 0; i < n && !err; i++) {
        hy_buf_add_lit(w->out, "\r\n");
        delimit(w, in, "\r\n");
        err = hy_mime_file_put(w->out, &files[i], in == RELATED, w->diag);
        hy_buf_add_lit(w->out, "\r\n");
    }
    hy_buf_add_lit(w->out, "\r\n");
    delimit(w, in, "--\r\n");
    return err;
}

/* *ret_body: where the header of the message ends. */
static int put_body(struct writing *w, size_t *ret_body)
{
    const struct hy_compose *c = w->c;
    size_t inner;
    int err;
    for (enum multipart i = MIXED; i <= RELATED; i++) {
        if (!w->has[i])
            continue;
        open_multipart(w, i);
        if (*ret_body == 0)
            *ret_body = w->out->len;
        delimit(w, i, "\r\n");
    }
    err = put_texts(w, &inner);
    if (*ret_body == 0)
        *ret_body = inner;
    if (!err && w->has[RELATED])
        err = put_files(w, RELATED, c->images, c->n_images);
    if (!err && w->has[MIXED])
        err = put_files(w, MIXED, c->attachments, c->n_attachments);
    return err ? err : w->out->err;
}

/* ---- the header ---- */

static int put_boxes(struct writing *w, struct hy_str name, const struct hy_compose_boxes *boxes)
{
    if (boxes->n == 0)
        return HY_OK;
    int err = hy_header_mailboxes(w->out, name, boxes->items, boxes->n, HY_MAIL_UTF8);
    return err == HY_EINVAL
               ? hy_fail(w->diag, err, "%.*s: an address cannot stand there", HY_STR_ARG(name))
               : err;
}

static int put_custom(struct writing *w)
{
    const struct hy_compose *c = w->c;
    for (size_t i = 0; i < c->n_headers; i++) {
        struct hy_str name = c->headers[i].name, shown = hy_str_slice(name, 0, HY_HEADER_NAME_MAX);
        if (!hy_header_name_ok(name))
            return hy_fail(w->diag, HY_EINVAL, "\"%.*s\" cannot be the name of a header field",
                           HY_STR_ARG(shown));
        if (hy_compile_is_reserved(name, 0))
            return hy_fail(w->diag, HY_EINVAL, "header field %.*s is written by hayauma itself",
                           HY_STR_ARG(shown));
        int err = hy_header_text(w->out, name, c->headers[i].value, HY_MAIL_UTF8);
        if (err)
            return hy_fail(w->diag, err, "header field %.*s is too long", HY_STR_ARG(shown));
    }
    return HY_OK;
}

static int put_header(struct writing *w)
{
    const struct hy_compose *c = w->c;
    struct hy_buf *out = w->out;
    struct hy_compose_boxes from = {&c->from, 1};
    hy_buf_add_lit(out, "Date: ");
    hy_date_put(out, c->date, c->utc_offset_min);
    hy_buf_add_lit(out, "\r\n");
    int err = put_boxes(w, HY_STR("From"), &from);
    if (!err)
        err = put_boxes(w, HY_STR("Reply-To"), &c->reply_to);
    if (!err)
        err = put_boxes(w, HY_STR("To"), &c->to);
    if (!err)
        err = put_boxes(w, HY_STR("Cc"), &c->cc);
    if (!err && c->to.n + c->cc.n == 0)
        hy_buf_add_lit(out, "To: undisclosed-recipients:;\r\n");
    if (!err)
        err = hy_header_text(out, HY_STR("Subject"), c->subject, HY_MAIL_UTF8);
    if (!err)
        err = hy_header_raw(out, HY_STR("Message-ID"), c->message_id);
    if (!err)
        err = put_custom(w);
    hy_buf_add_lit(out, "MIME-Version: 1.0\r\n");
    return err;
}

static int check(struct writing *w)
{
    const struct hy_compose *c = w->c;
    if (c->text.n == 0 && c->html.n == 0)
        return hy_fail(w->diag, HY_EINVAL, "a message needs a text or HTML");
    if (!hy_str_is_utf8(c->text) || !hy_str_is_utf8(c->html))
        return hy_fail(w->diag, HY_EINVAL, "text and HTML must be UTF-8");
    if (c->n_images && c->html.n == 0)
        return hy_fail(w->diag, HY_EINVAL, "inline images need an HTML part");
    if (c->n_images > HY_MESSAGE_FILES_MAX || c->n_attachments > HY_MESSAGE_FILES_MAX ||
        c->n_images + c->n_attachments > HY_MESSAGE_FILES_MAX)
        return hy_fail(w->diag, HY_ELIMIT, "more than %d images and attachments",
                       HY_MESSAGE_FILES_MAX);
    if (c->n_headers > HY_MESSAGE_HEADERS_MAX)
        return hy_fail(w->diag, HY_ELIMIT, "more than %d header fields", HY_MESSAGE_HEADERS_MAX);
    return HY_OK;
}

int hy_compose_write(const struct hy_compose *c, struct hy_buf *out, struct hy_composed *ret,
                     struct hy_diag *diag)
{
    struct writing w = {.c = c,
                        .out = out,
                        .diag = diag,
                        .made = HY_BUF_INIT(HY_MESSAGE_TEXT_MAX * 4ul),
                        .lf = HY_BUF_INIT(HY_COMPOSE_MAX),
                        .work = HY_BUF_INIT(HY_COMPOSE_MAX),
                        .has = {[MIXED] = c->n_attachments > 0,
                                [RELATED] = c->n_images > 0,
                                [ALTERNATIVE] = c->html.n > 0}};
    size_t start = out->len, body = 0;
    int err = check(&w);
    make_boundary(&w);
    if (!err)
        err = put_header(&w);
    struct hy_str header = hy_str_make(out->data + start, out->len - start);
    bool has_utf8 = !err && !hy_str_is_ascii(header);
    if (!err)
        err = put_body(&w, &body);
    hy_buf_free(&w.made);
    hy_buf_free(&w.lf);
    hy_buf_free(&w.work);
    if (err) {
        out->len = start;
        return hy_fail(diag, err, "the message cannot be written: %s", hy_err_text(err));
    }
    struct hy_str all = hy_str_make(out->data + start, out->len - start);
    *ret = (struct hy_composed){
        .header_bytes = (uint32_t)(body - start),
        .has_utf8_header = has_utf8,
        .has_no_dot_line = hy_str_find_str(all, HY_STR("\n."), 0) == SIZE_MAX,
    };
    return HY_OK;
}
