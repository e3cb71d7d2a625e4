/* One recipient's message from the compiled pieces: header fields, then the parts, in one buffer.
 */
#include "date.h"
#include "hayauma/mail/escape.h"
#include "hayauma/mail/message.h"
#include "run.h"
#include "scan.h"

static void add_date(struct hy_buf *out, hy_wall_ms now, int utc_offset_min)
{
    hy_buf_add_lit(out, "Date: ");
    hy_date_put(out, now, utc_offset_min);
    hy_buf_add_lit(out, "\r\n");
}

static void add_token(struct hy_buf *out, const struct hy_message *m, enum hy_token_kind kind,
                      hy_lead_no lead)
{
    if (hy_buf_reserve(out, HY_TOKEN_TEXT_MAX) == 0)
        out->len += hy_token_write(&m->stems[kind], lead, 0, out->data + out->len);
}

/* RFC 2369, and RFC 8058 when there is a page that answers the one-click POST: it wants https. */
static void add_unsubscribe(struct hy_buf *out, const struct hy_message *m, hy_lead_no lead)
{
    hy_buf_add_lit(out, "List-Unsubscribe: ");
    if (m->base_url.n) {
        hy_buf_add_lit(out, "<");
        hy_buf_add_str(out, m->base_url);
        hy_buf_add_lit(out, HY_PATH_UNSUBSCRIBE);
        add_token(out, m, HY_TOKEN_UNSUBSCRIBE, lead);
        hy_buf_add_lit(out, ">");
    }
    if (m->unsubscribe_mailto.n) {
        if (m->base_url.n)
            hy_buf_add_lit(out, ",\r\n ");
        hy_buf_add_lit(out, "<mailto:");
        hy_buf_add_str(out, m->unsubscribe_mailto);
        hy_buf_add_lit(out, "?subject=unsubscribe%20");
        add_token(out, m, HY_TOKEN_UNSUBSCRIBE, lead);
        hy_buf_add_lit(out, ">");
    }
    hy_buf_add_lit(out, "\r\n");
    if (hy_str_istarts(m->base_url, HY_STR("https:")))
        hy_buf_add_lit(out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
}

static void make_ids(const struct hy_message *m, hy_lead_no lead, struct hy_rendered *out)
{
    char *p = out->return_path;
    memcpy(p, m->return_prefix.p, m->return_prefix.n); /* with its "+" */
    p += m->return_prefix.n;
    p += hy_token_write(&m->stems[HY_TOKEN_RETURN], lead, 0, p);
    *p++ = '@';
    memcpy(p, m->return_domain.p, m->return_domain.n);
    p += m->return_domain.n;
    *p = '\0';
    out->return_path_n = (size_t)(p - out->return_path);
    p = out->message_id;
    *p++ = '<';
    p += hy_token_write(&m->stems[HY_TOKEN_MESSAGE], lead, 0, p);
    *p++ = '@';
    memcpy(p, m->message_id_domain.p, m->message_id_domain.n);
    p += m->message_id_domain.n;
    *p++ = '>';
    *p = '\0';
    out->message_id_n = (size_t)(p - out->message_id);
}

/* The text of a header template, in the third scratch buffer. */
static struct hy_str run_header(struct hy_run *r, struct hy_buf *to, const struct hy_program *p)
{
    hy_buf_reset(to);
    r->sink = (struct hy_sink){.out = to, .work = r->sink.work};
    hy_run_program(r, p);
    struct hy_str text = hy_buf_str(to);
    if (text.n > HY_HEADER_VALUE_MAX) { /* cut between characters */
        size_t n = HY_HEADER_VALUE_MAX;
        while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
            n--;
        text.n = n;
    }
    return text;
}

static int add_mailbox(struct hy_run *r, struct hy_rendered *out, const struct hy_field *f,
                       struct hy_str address)
{
    struct hy_header_mailbox box = {.name = run_header(r, &out->work[2], &f->program),
                                    .address = address};
    out->needs_smtputf8 |= !hy_str_is_ascii(address);
    return hy_header_mailboxes(&out->bytes, f->name, &box, 1, r->scope.m->charset);
}

static int add_field(struct hy_run *r, struct hy_rendered *out, const struct hy_field *f)
{
    const struct hy_message *m = r->scope.m;
    switch (f->kind) {
    case HY_FIELD_FIXED:
        hy_buf_add_str(&out->bytes, f->text);
        return 0;
    case HY_FIELD_DATE:
        add_date(&out->bytes, r->scope.in->now, m->utc_offset_min);
        return 0;
    case HY_FIELD_FROM:
        return add_mailbox(r, out, f, m->from_address);
    case HY_FIELD_TO:
        return add_mailbox(r, out, f, r->scope.in->address);
    case HY_FIELD_MESSAGE_ID:
        hy_buf_add_lit(&out->bytes, "Message-ID: ");
        hy_buf_add(&out->bytes, out->message_id, out->message_id_n);
        hy_buf_add_lit(&out->bytes, "\r\n");
        return 0;
    case HY_FIELD_UNSUBSCRIBE:
        add_unsubscribe(&out->bytes, m, r->scope.in->lead);
        return 0;
    case HY_FIELD_TEXT:
        return hy_header_text(&out->bytes, f->name, run_header(r, &out->work[2], &f->program),
                              m->charset);
    }
    return 0;
}

static bool is_plain(const struct hy_part *part)
{
    return part->coding.transfer == HY_TRANSFER_7BIT || part->coding.transfer == HY_TRANSFER_8BIT;
}

/* A part that stands alone ends with one line end, as its relaxed canonical form does. */
static void end_alone(struct hy_buf *out, size_t body)
{
    while (out->len >= body + 2 && memcmp(out->data + out->len - 2, "\r\n", 2) == 0)
        out->len -= 2;
    if (out->len > body)
        hy_buf_add_lit(out, "\r\n");
}

static int add_part(struct hy_run *r, struct hy_rendered *out, const struct hy_part *part)
{
    const struct hy_message *m = r->scope.m;
    hy_buf_add_str(&out->bytes, part->lead);
    size_t begin = out->bytes.len;
    r->sink = (struct hy_sink){.out = &out->bytes, .work = r->sink.work, .coding = part->coding};
    hy_run_program(r, &part->program);
    hy_sink_end(&r->sink);
    if (m->n_parts == 1 && m->tail.n == 0)
        end_alone(&out->bytes, begin);
    if (!is_plain(part) || part->is_clean)
        return 0;
    struct hy_scan scan =
        hy_scan_body(hy_str_slice(hy_buf_str(&out->bytes), begin, out->bytes.len), m->boundary);
    out->has_no_dot_line &= !scan.has_dot_line;
    out->is_body_relaxed &= scan.is_relaxed;
    out->needs_8bitmime |= r->sink.has_8bit;
    if (scan.has_boundary)
        return HY_EINVAL;
    return r->sink.has_8bit && part->coding.transfer == HY_TRANSFER_7BIT ? HY_EUNSUPPORTED : 0;
}

int hy_message_render(const struct hy_message *m, const struct hy_render_input *in,
                      struct hy_rendered *out)
{
    struct hy_run r;
    hy_run_init(&r, m, in, out->work);
    hy_buf_reset(&out->bytes);
    out->bytes.max = m->max_bytes;
    out->needs_8bitmime = false;
    out->needs_smtputf8 = m->has_utf8_header;
    out->is_body_relaxed = m->is_frame_relaxed;
    out->has_no_dot_line = true;
    make_ids(m, in->lead, out);
    int rc = 0;
    for (size_t i = 0; i < m->n_fields && rc == 0; i++)
        rc = add_field(&r, out, &m->fields[i]);
    hy_buf_add_lit(&out->bytes, "\r\n");
    out->header_bytes = out->bytes.len;
    for (size_t i = 0; i < m->n_parts && rc == 0; i++)
        rc = add_part(&r, out, &m->parts[i]);
    hy_buf_add_str(&out->bytes, m->tail);
    return rc ? rc : hy_run_error(&r);
}

void hy_rendered_init(struct hy_rendered *r)
{
    enum { SCRATCH_MAX = 8 << 20 };
    *r = (struct hy_rendered){.bytes = HY_BUF_INIT(SCRATCH_MAX)};
    for (int i = 0; i < 3; i++)
        r->work[i].max = SCRATCH_MAX;
}

void hy_rendered_free(struct hy_rendered *r)
{
    if (!r)
        return;
    hy_buf_free(&r->bytes);
    for (int i = 0; i < 3; i++)
        hy_buf_free(&r->work[i]);
}

static const struct hy_program *find_part(const struct hy_message *m, enum hy_message_part part)
{
    if (part == HY_PART_SUBJECT)
        return &m->subject;
    for (size_t i = 0; i < m->n_parts; i++)
        if (m->parts[i].coding.is_html == (part == HY_PART_HTML))
            return &m->parts[i].program;
    return NULL;
}

/* Runs a program to UTF-8, with scratch of its own: not for the hot path. */
static int run_alone(const struct hy_message *m, const struct hy_render_input *in,
                     const struct hy_link *link, uint32_t turn, const struct hy_program *program,
                     struct hy_buf *out)
{
    struct hy_rendered scratch;
    hy_rendered_init(&scratch);
    struct hy_run r;
    hy_run_init(&r, m, in, scratch.work);
    if (link)
        hy_run_enter_link(&r, link, turn);
    r.sink = (struct hy_sink){.out = out, .work = r.sink.work};
    hy_run_program(&r, program);
    int rc = hy_run_error(&r);
    hy_rendered_free(&scratch);
    return rc;
}

int hy_message_render_part(const struct hy_message *m, enum hy_message_part part,
                           const struct hy_render_input *in, struct hy_buf *out)
{
    const struct hy_program *program = find_part(m, part);
    return program ? run_alone(m, in, NULL, 0, program, out) : HY_ENOTFOUND;
}

int hy_message_link_target(const struct hy_message *m, uint32_t link,
                           const struct hy_render_input *in, struct hy_buf *out)
{
    uint32_t no = link % HY_LINK_TURN, turn = link / HY_LINK_TURN;
    if (no == 0 || no > m->links.n || (turn && !m->links.v[no - 1].uses_item))
        return HY_ENOTFOUND;
    const struct hy_link *l = &m->links.v[no - 1];
    size_t start = out->len;
    int rc = run_alone(m, in, l, turn, &l->program, out);
    if (rc == 0 && !hy_url_is_http(hy_str_make(out->data + start, out->len - start)))
        rc = HY_EINVAL;
    if (rc)
        out->len = start;
    return rc;
}
