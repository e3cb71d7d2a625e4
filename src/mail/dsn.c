/* A delivery status notification: its header, and three parts: for people, for programs, and what
 * is returned of the message. */
#include "hayauma/mail/dsn.h"

#include "date.h"
#include "dsn_priv.h"
#include "hayauma/base/codec.h"
#include "text_part.h"

enum { LOOKED_AT = 8192, TEXT_MAX = 1 << 20, STATUS_MAX = 8 << 20 };

/* ---- Japanese ---- */

static bool has_kana(struct hy_str s)
{
    for (size_t at = 0; at < s.n;) {
        uint32_t cp = hy_utf8_next(s, &at);
        if (cp >= 0x3041 && cp <= 0x30ff)
            return true;
    }
    return false;
}

static bool has_word(struct hy_str s, struct hy_str word)
{
    for (size_t i = 0; i + word.n <= s.n; i++)
        if (hy_str_ieq(hy_str_slice(s, i, i + word.n), word))
            return true;
    return false;
}

static bool field_has_kana(struct hy_str header, struct hy_str name)
{
    struct hy_header_field f;
    struct hy_buf text = HY_BUF_INIT(HY_HEADER_VALUE_MAX);
    bool has = hy_header_find(header, name, &f) && hy_header_decode(&text, f.value) == HY_OK &&
               has_kana(hy_buf_str(&text));
    hy_buf_free(&text);
    return has;
}

bool hy_dsn_is_japanese(struct hy_str header, struct hy_str body)
{
    static const struct {
        struct hy_str field, word;
    } signs[] = {
        {{"Content-Type", 12}, {"iso-2022-jp", 11}}, {{"Content-Type", 12}, {"shift_jis", 9}},
        {{"Content-Type", 12}, {"euc-jp", 6}},       {{"Subject", 7}, {"=?iso-2022-jp", 13}},
        {{"Subject", 7}, {"=?shift_jis", 11}},       {{"Content-Language", 16}, {"ja", 2}}};
    struct hy_header_field f;
    header = hy_str_slice(header, 0, HY_DSN_HEADER_MAX);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (hy_header_find(header, signs[i].field, &f) && has_word(f.value, signs[i].word))
            return true;
    return field_has_kana(header, HY_STR("Subject")) || field_has_kana(header, HY_STR("From")) ||
           has_kana(hy_str_slice(body, 0, LOOKED_AT));
}

/* ---- the header ---- */

static int add_header(const struct hy_dsn *d, bool is_japanese, struct hy_buf *out)
{
    struct hy_header_mailbox to = {.address = d->to};
    struct hy_buf text = HY_BUF_INIT(HY_HEADER_VALUE_MAX);
    int err = hy_header_mailboxes(out, HY_STR("From"), &d->from, 1, HY_MAIL_UTF8);
    if (err == HY_OK)
        err = hy_header_mailboxes(out, HY_STR("To"), &to, 1, HY_MAIL_UTF8);
    hy_dsn_subject(d, is_japanese, &text);
    if (err == HY_OK)
        err = text.err ? text.err
                       : hy_header_text(out, HY_STR("Subject"), hy_buf_str(&text), HY_MAIL_UTF8);
    hy_buf_reset(&text);
    hy_buf_printf(&text, "<%.*s>", HY_STR_ARG(d->id));
    hy_buf_add_lit(out, "Date: ");
    hy_date_put(out, d->date, d->utc_offset_min);
    hy_buf_add_lit(out, "\r\n");
    if (err == HY_OK)
        err = text.err ? text.err : hy_header_raw(out, HY_STR("Message-ID"), hy_buf_str(&text));
    hy_buf_free(&text);
    /* So that mail readers show it with its message. One that cannot stand in a field is left out.
     */
    if (err == HY_OK && d->message_id.n && hy_str_is_ascii(d->message_id))
        (void)(hy_header_raw(out, HY_STR("In-Reply-To"), d->message_id) == HY_OK &&
               hy_header_raw(out, HY_STR("References"), d->message_id) == HY_OK);
    hy_buf_add_lit(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
    return err;
}

/* ---- what is returned ---- */

/* Whole fields of the header, without the empty line, as far as they fit. */
static struct hy_str returned_header(const struct hy_dsn *d)
{
    struct hy_str h = d->header;
    if (h.n >= 4 && memcmp(h.p + h.n - 4, "\r\n\r\n", 4) == 0)
        h.n -= 2;
    if (h.n <= HY_DSN_HEADER_MAX)
        return h;
    size_t n = HY_DSN_HEADER_MAX;
    while (n > 2 && !(h.p[n - 2] == '\r' && h.p[n - 1] == '\n' && h.p[n] != ' ' && h.p[n] != '\t'))
        n--;
    return hy_str_slice(h, 0, n > 2 ? n : 0);
}

/* With UTF-8 in its header it is message/global (RFC 6533), which may be encoded; other 8bit
 * content cannot be, and makes the report 8bit. */
static void add_returned(const struct hy_dsn *d, struct hy_buf *out, bool *ret_8bit)
{
    struct hy_str header = returned_header(d);
    bool is_global = !hy_str_is_ascii(header);
    struct hy_buf all = HY_BUF_INIT(out->max);
    struct hy_str bytes = header;
    if (d->is_full) {
        hy_buf_add_str(&all, d->header);
        hy_buf_add_str(&all, d->body);
        bytes = hy_buf_str(&all);
    }
    bool is_8bit = !is_global && d->is_full && !hy_str_is_ascii(d->body);
    static const char *const types[2][2] = {{"text/rfc822-headers", "message/global-headers"},
                                            {"message/rfc822", "message/global"}};
    hy_buf_printf(out, "Content-Type: %s%s\r\n", types[d->is_full][is_global],
                  d->is_full || is_global ? "" : "; charset=us-ascii");
    if (is_global)
        hy_buf_add_lit(out, "Content-Transfer-Encoding: base64\r\n");
    else if (is_8bit)
        hy_buf_add_lit(out, "Content-Transfer-Encoding: 8bit\r\n");
    hy_buf_add_lit(out, "Content-Description: the message\r\n\r\n");
    if (is_global)
        hy_base64_lines(out, bytes);
    else
        hy_buf_add_str(out, bytes);
    if (is_global || bytes.n == 0 || bytes.p[bytes.n - 1] != '\n')
        hy_buf_add_lit(out, "\r\n");
    if (all.err && !out->err)
        out->err = all.err;
    hy_buf_free(&all);
    *ret_8bit = is_8bit;
}

static int add_parts(const struct hy_dsn *d, struct hy_str words, struct hy_str status,
                     struct hy_buf *out, struct hy_dsn_output *ret, size_t start)
{
    char room[HY_BOUNDARY_MAX];
    struct hy_str boundary = hy_text_boundary(d->id, words, status, room);
    hy_buf_printf(out,
                  "Content-Type: multipart/report; report-type=delivery-status;\r\n"
                  " boundary=\"%.*s\"\r\n\r\n",
                  HY_STR_ARG(boundary));
    ret->header_bytes = out->len - start;
    hy_buf_printf(out, "--%.*s\r\n", HY_STR_ARG(boundary));
    (void)hy_text_part(out, words);
    hy_buf_printf(out, "\r\n--%.*s\r\nContent-Type: message/delivery-status\r\n\r\n",
                  HY_STR_ARG(boundary));
    hy_buf_add_str(out, status);
    if (d->header.n) {
        hy_buf_printf(out, "\r\n--%.*s\r\n", HY_STR_ARG(boundary));
        add_returned(d, out, &ret->has_8bit);
    }
    hy_buf_printf(out, "\r\n--%.*s--\r\n", HY_STR_ARG(boundary));
    return out->err;
}

int hy_dsn_write(const struct hy_dsn *d, struct hy_buf *out, struct hy_dsn_output *ret)
{
    size_t start = out->len;
    struct hy_dsn_output made = {0};
    struct hy_buf words = HY_BUF_INIT(TEXT_MAX), status = HY_BUF_INIT(STATUS_MAX);
    if (d->n_rcpts == 0 || d->n_rcpts > HY_DSN_RCPTS_MAX)
        return HY_EINVAL;
    bool is_japanese = hy_dsn_is_japanese(d->header, d->body);
    hy_dsn_words(d, is_japanese, &words);
    hy_dsn_status(d, &status);
    int err = words.err ? words.err : status.err;
    if (err == HY_OK)
        err = add_header(d, is_japanese, out);
    if (err == HY_OK)
        err = add_parts(d, hy_buf_str(&words), hy_buf_str(&status), out, &made, start);
    hy_buf_free(&words);
    hy_buf_free(&status);
    if (err != HY_OK) {
        out->len = start;
        return err;
    }
    *ret = made;
    return HY_OK;
}
