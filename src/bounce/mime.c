/* MIME with GMime, which is used here only.
 *
 * The mail is fenced first (fence.c), so that what nests and splits is bounded. GMime finds the
 * parts and undoes their encodings; headers are read from the fenced bytes themselves. */
#include "mime.h"

#include <gmime/gmime.h>
#include <pthread.h>
#include <stdlib.h>

#include "fence.h"
#include "hayauma/bounce/report.h"
#include "hayauma/mail/header.h"
#include "hayauma/mail/html.h"
#include "text.h"

enum {
    PART_TEXT_MAX = 256 * 1024, /* of all texts together, as UTF-8 */
    HTML_MAX = 512 * 1024,
    ROOM = 4096, /* a letter may take more bytes as UTF-8: a little past the maximum */
};

struct bounce_mime {
    struct hy_buf fenced, text, html, status, feedback, original, decoded;
    bool is_disposition;
};

static void start_gmime(void)
{
    g_mime_init(); /* for good: its tables are the process's */
}

int bounce_mime_new(struct bounce_mime **ret)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, start_gmime) != 0)
        return HY_ENOMEM;
    struct bounce_mime *m = calloc(1, sizeof *m);
    if (!m)
        return HY_ENOMEM;
    m->fenced = HY_BUF_INIT(HY_BOUNCE_MAIL_MAX + 2);
    m->text = m->status = m->feedback = m->original = HY_BUF_INIT(PART_TEXT_MAX);
    m->html = HY_BUF_INIT(HTML_MAX);
    m->decoded = HY_BUF_INIT(HY_BOUNCE_MAIL_MAX + ROOM);
    *ret = m;
    return HY_OK;
}

void bounce_mime_free(struct bounce_mime *m)
{
    if (!m)
        return;
    struct hy_buf *all[] = {&m->fenced,   &m->text,     &m->html,   &m->status,
                            &m->feedback, &m->original, &m->decoded};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        hy_buf_free(all[i]);
    free(m);
}

/* The bytes of a leaf without their transfer encoding: a view into m->decoded. */
static struct hy_str decode(struct bounce_mime *m, GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    hy_buf_reset(&m->decoded);
    if (!content)
        return hy_buf_str(&m->decoded);
    GByteArray *bytes = g_byte_array_new();
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    (void)g_mime_data_wrapper_write_to_stream(content, stream);
    hy_buf_add(&m->decoded, bytes->data, bytes->len);
    g_object_unref(stream);
    g_byte_array_unref(bytes);
    return hy_buf_str(&m->decoded);
}

static struct hy_str charset_of(GMimeObject *o)
{
    return hy_str_of(g_mime_object_get_content_type_parameter(o, "charset"));
}

/* Up to the empty line. */
static struct hy_str header_block(struct hy_str s)
{
    size_t end = s.n && s.p[0] == '\n' ? 0 : hy_str_find_str(s, HY_STR("\n\n"), 0);
    return end == SIZE_MAX ? s : hy_str_slice(s, 0, end + 1);
}

static bool looks_like_headers(struct hy_str s)
{
    static const char *const first[] = {"Received:",       "Return-Path:", "X-",
                                        "DKIM-Signature:", "Message-ID:",  "Delivered-To:"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (hy_str_istarts(s, hy_str_of(first[i])))
            return hy_str_find(header_block(s), ':', 0) < 80;
    return false;
}

static void keep_original(struct bounce_mime *m, struct hy_str headers)
{
    if (m->original.len == 0)
        hy_buf_add_str(&m->original, header_block(headers));
}

/* The headers of an enclosed mail, as they stand in the fenced bytes. */
static void keep_enclosed(struct bounce_mime *m, GMimeObject *o)
{
    GMimeHeaderList *list = g_mime_object_get_header_list(o);
    if (m->original.len || g_mime_header_list_get_count(list) == 0)
        return;
    gint64 at = g_mime_header_get_offset(g_mime_header_list_get_header_at(list, 0));
    if (at >= 0 && (size_t)at < m->fenced.len)
        keep_original(m, hy_str_slice(hy_buf_str(&m->fenced), (size_t)at, m->fenced.len));
}

static bool is_type(GMimeContentType *t, const char *type, const char *subtype)
{
    return g_mime_content_type_is_type(t, type, subtype);
}

static void keep_block(struct hy_buf *to, struct hy_str block, struct hy_str charset)
{
    bounce_put_text(to, block, charset);
    hy_buf_add_lit(to, "\n\n");
}

static void take_leaf(struct bounce_mime *m, GMimePart *part)
{
    GMimeObject *o = GMIME_OBJECT(part);
    GMimeContentType *t = g_mime_object_get_content_type(o);
    if (is_type(t, "*", "delivery-status") || is_type(t, "*", "global-delivery-status"))
        keep_block(&m->status, decode(m, part), charset_of(o));
    else if (is_type(t, "*", "feedback-report"))
        keep_block(&m->feedback, decode(m, part), charset_of(o));
    else if (is_type(t, "*", "rfc822-headers") || is_type(t, "*", "global-headers") ||
             is_type(t, "message", "rfc822") || is_type(t, "message", "global"))
        keep_original(m, decode(m, part));
    else if (is_type(t, "message", "disposition-notification"))
        m->is_disposition = true;
    else if (is_type(t, "text", "html")) {
        if (m->html.len == 0)
            bounce_put_text(&m->html, decode(m, part), charset_of(o));
    } else if (is_type(t, "text", "*")) {
        struct hy_str raw = decode(m, part);
        if (m->text.len && looks_like_headers(raw))
            keep_original(m, raw);
        else if (m->original.len == 0)
            keep_block(&m->text, hy_str_slice(raw, 0, PART_TEXT_MAX / 4), charset_of(o));
    }
}

/* As deep as the fence lets it be. */
static void take(struct bounce_mime *m, GMimeObject *o)
{
    if (GMIME_IS_MULTIPART(o)) {
        GMimeMultipart *parts = GMIME_MULTIPART(o);
        int n = g_mime_multipart_get_count(parts);
        const char *words = n ? NULL : g_mime_multipart_get_prologue(parts);
        if (words)
            keep_block(&m->text, hy_str_of(words), charset_of(o));
        for (int i = 0; i < n; i++)
            take(m, g_mime_multipart_get_part(parts, i));
    } else if (GMIME_IS_MESSAGE_PART(o)) {
        GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
        if (inner)
            keep_enclosed(m, GMIME_OBJECT(inner));
    } else if (GMIME_IS_PART(o)) {
        take_leaf(m, GMIME_PART(o));
    }
}

static void parse(struct bounce_mime *m, struct hy_str mail)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(mail.p, mail.n);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    GMimeObject *top = message ? g_mime_message_get_mime_part(message) : NULL;
    if (top)
        take(m, top);
    if (message)
        g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(stream);
}

/* Whether the block in front holds the fields of a mail. */
static bool has_header(struct hy_str block)
{
    static const char *const known[] = {"From",        "To",       "Subject",    "Date",
                                        "Return-Path", "Received", "Message-ID", "Content-Type"};
    struct hy_header_field f;
    for (unsigned lines = 0; lines < 100 && hy_header_next(&block, &f); lines++)
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (hy_str_ieq(f.name, hy_str_of(known[i])))
                return true;
    return false;
}

static void skip_envelope(struct hy_str *mail)
{
    while (mail->n && mail->p[0] == '\n')
        *mail = hy_str_slice(*mail, 1, mail->n);
    if (hy_str_starts(*mail, HY_STR("From ")) || hy_str_starts(*mail, HY_STR(">From "))) {
        size_t end = hy_str_find(*mail, '\n', 0);
        *mail = end == SIZE_MAX ? HY_STR("") : hy_str_slice(*mail, end + 1, mail->n);
    }
}

int bounce_mime_read(struct bounce_mime *m, struct hy_str raw, struct bounce_mail *ret)
{
    struct hy_buf *all[] = {&m->fenced, &m->text, &m->html, &m->status, &m->feedback, &m->original};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        hy_buf_reset(all[i]);
    m->is_disposition = false;
    if (bounce_fence(raw, &m->fenced) != HY_OK)
        return HY_ENOMEM;
    struct hy_str mail = hy_buf_str(&m->fenced);
    skip_envelope(&mail);
    struct bounce_mail out = {.headers = header_block(mail)};
    if (has_header(out.headers)) {
        /* offsets count from where the parser starts */
        hy_buf_consume(&m->fenced, m->fenced.len - mail.n);
        mail = hy_buf_str(&m->fenced);
        out.headers = header_block(mail);
        parse(m, mail);
        if (m->text.len + m->html.len + m->status.len + m->feedback.len == 0) /* broken MIME */
            keep_block(&m->text, hy_str_slice(mail, out.headers.n, mail.n), HY_STR(""));
        if (m->text.len == 0 && m->html.len)
            m->text.err = hy_html_text(hy_buf_str(&m->html), &m->text);
    } else {
        out.headers = HY_STR("");
        out.is_text_only = true;
        bounce_put_text(&m->text, mail, HY_STR(""));
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]->err == HY_ENOMEM)
            return HY_ENOMEM;
    out.text = hy_buf_str(&m->text);
    out.status = hy_buf_str(&m->status);
    out.feedback = hy_buf_str(&m->feedback);
    out.original = hy_buf_str(&m->original);
    out.is_disposition = m->is_disposition;
    *ret = out;
    return HY_OK;
}
