/* Writing mail of our own: a header, and one part or two, in base64 where bytes are not ASCII. */
#include "hayauma/mail/notice.h"

#include "date.h"
#include "hayauma/base/codec.h"
#include "text_part.h"

static int add_header(const struct hy_notice *n, struct hy_buf *out)
{
    int err = hy_header_mailboxes(out, HY_STR("From"), &n->from, 1, HY_MAIL_UTF8);
    if (!err)
        err = hy_header_mailboxes(out, HY_STR("To"), &n->to, 1, HY_MAIL_UTF8);
    if (!err)
        err = hy_header_text(out, HY_STR("Subject"), n->subject, HY_MAIL_UTF8);
    if (err)
        return err;
    hy_buf_add_lit(out, "Date: ");
    hy_date_put(out, n->date, 0);
    hy_buf_add_lit(out, "\r\n");
    struct hy_buf id = HY_BUF_INIT(HY_HEADER_VALUE_MAX);
    hy_buf_printf(&id, "<%.*s>", HY_STR_ARG(n->id));
    err = id.err ? id.err : hy_header_raw(out, HY_STR("Message-ID"), hy_buf_str(&id));
    hy_buf_free(&id);
    for (size_t i = 0; i < n->n_fields && !err; i++)
        err = hy_header_raw(out, n->fields[i].name, n->fields[i].value);
    hy_buf_add_lit(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
    return err ? err : out->err;
}

static int add_parts(const struct hy_notice *n, struct hy_buf *out, size_t *ret_body)
{
    char text[HY_BOUNDARY_MAX];
    struct hy_str boundary = hy_text_boundary(n->id, n->text, n->file, text);
    if (n->report_type.n)
        hy_buf_printf(out, "Content-Type: multipart/report; report-type=\"%.*s\";\r\n",
                      HY_STR_ARG(n->report_type));
    else
        hy_buf_add_lit(out, "Content-Type: multipart/mixed;\r\n");
    hy_buf_printf(out, " boundary=\"%.*s\"\r\n\r\n", HY_STR_ARG(boundary));
    *ret_body = out->len;
    hy_buf_printf(out, "--%.*s\r\n", HY_STR_ARG(boundary));
    (void)hy_text_part(out, n->text);
    hy_buf_printf(out, "\r\n--%.*s\r\nContent-Type: %.*s", HY_STR_ARG(boundary),
                  HY_STR_ARG(n->file_type));
    int err = hy_header_param(out, HY_STR("name"), n->file_name);
    hy_buf_add_lit(out, "\r\nContent-Transfer-Encoding: base64\r\n"
                        "Content-Disposition: attachment");
    if (!err)
        err = hy_header_param(out, HY_STR("filename"), n->file_name);
    hy_buf_add_lit(out, "\r\n\r\n");
    hy_base64_lines(out, n->file);
    hy_buf_printf(out, "\r\n\r\n--%.*s--\r\n", HY_STR_ARG(boundary));
    return err ? err : out->err;
}

/* What goes between quotes or behind a colon as it is. */
static bool is_token(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || memchr("()<>@,;:\\\"[]?=", s.p[i], 14))
            return false;
    return true;
}

int hy_notice_write(const struct hy_notice *n, struct hy_buf *out, size_t *ret_header_bytes)
{
    size_t start = out->len, body = 0;
    if (n->n_fields > HY_NOTICE_FIELDS_MAX || !is_token(n->report_type) || !is_token(n->file_type))
        return HY_EINVAL;
    int err = add_header(n, out);
    if (!err && n->file_type.n) {
        err = add_parts(n, out, &body);
    } else if (!err) {
        body = hy_text_part(out, n->text);
        err = out->err;
    }
    if (err) {
        out->len = start;
        return err;
    }
    *ret_header_bytes = body - start;
    return HY_OK;
}
