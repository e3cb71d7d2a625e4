/* The header of a message: what is the same for everybody is written at once, the rest becomes
 * fields that are made for each recipient. */
#include "compile.h"
#include "mime.h"

static int flush_fixed(struct hy_compile *c)
{
    struct hy_message *m = c->m;
    if (c->fixed.err)
        return hy_fail(c->diag, c->fixed.err, "the header: %s", hy_err_text(c->fixed.err));
    if (c->fixed.len == 0)
        return 0;
    struct hy_field *f = &m->fields[m->n_fields];
    *f = (struct hy_field){.kind = HY_FIELD_FIXED};
    m->has_utf8_header |= !hy_str_is_ascii(hy_buf_str(&c->fixed));
    int rc = hy_compile_keep(c, hy_buf_str(&c->fixed), &f->text);
    hy_buf_reset(&c->fixed);
    if (rc == 0)
        m->n_fields++;
    return rc;
}

/* A field that is made for each recipient; the program is the message's from here on. */
static int add_field(struct hy_compile *c, enum hy_field_kind kind, struct hy_str name,
                     struct hy_program program)
{
    int rc = flush_fixed(c);
    if (rc) {
        hy_program_free(&program);
        return rc;
    }
    struct hy_field *f = &c->m->fields[c->m->n_fields++];
    *f = (struct hy_field){.kind = kind, .program = program};
    return hy_compile_keep(c, name, &f->name);
}

/* What a program without variables renders to. */
static void fixed_text(const struct hy_program *p, struct hy_buf *out)
{
    for (size_t i = 0; i < p->n; i++)
        hy_buf_add_str(out, p->ops[i].text);
}

static int add_text_field(struct hy_compile *c, struct hy_str name, struct hy_str value)
{
    struct hy_program program = {0};
    int rc = hy_compile_value(c, name, value, &program);
    if (rc)
        return rc;
    if (!hy_program_is_fixed(&program))
        return add_field(c, HY_FIELD_TEXT, name, program);
    struct hy_buf text = HY_BUF_INIT(HY_HEADER_VALUE_MAX);
    fixed_text(&program, &text);
    rc = hy_header_text(&c->fixed, name, hy_buf_str(&text), c->m->charset);
    hy_buf_free(&text);
    hy_program_free(&program);
    return rc ? hy_fail(c->diag, rc, "%.*s: cannot be a header field", HY_STR_ARG(name)) : 0;
}

static int add_subject(struct hy_compile *c)
{
    struct hy_str name = HY_STR("Subject");
    struct hy_program program = {0};
    if (hy_str_trim(c->source->subject).n == 0)
        return hy_fail(c->diag, HY_EINVAL, "subject: is empty");
    int rc = hy_compile_value(c, HY_STR("subject"), c->source->subject, &program);
    if (rc)
        return rc;
    rc = add_field(c, HY_FIELD_TEXT, name, program);
    if (rc == 0)
        c->m->subject = c->m->fields[c->m->n_fields - 1].program;
    return rc;
}

/* Checks an address that goes into a header by writing it. */
static int check_mailbox(struct hy_compile *c, const char *what, struct hy_str address)
{
    struct hy_buf out = HY_BUF_INIT(4096);
    struct hy_header_mailbox box = {.address = address};
    int rc = address.n && address.n <= HY_ADDRESS_MAX
                 ? hy_header_mailboxes(&out, HY_STR("X"), &box, 1, HY_MAIL_UTF8)
                 : HY_EINVAL;
    hy_buf_free(&out);
    return rc ? hy_fail(c->diag, HY_EINVAL, "%s: \"%.*s\" is no mail address", what,
                        HY_STR_ARG(hy_str_slice(address, 0, 100)))
              : 0;
}

static int add_from(struct hy_compile *c)
{
    struct hy_program program = {0};
    int rc = check_mailbox(c, "from_address", c->source->from_address);
    if (rc == 0)
        rc = hy_compile_keep(c, c->source->from_address, &c->m->from_address);
    if (rc == 0)
        rc = hy_compile_value(c, HY_STR("from_name"), c->source->from_name, &program);
    if (rc)
        return rc;
    if (!hy_program_is_fixed(&program))
        return add_field(c, HY_FIELD_FROM, HY_STR("From"), program);
    struct hy_buf text = HY_BUF_INIT(HY_HEADER_VALUE_MAX);
    fixed_text(&program, &text);
    struct hy_header_mailbox box = {hy_buf_str(&text), c->m->from_address};
    rc = hy_header_mailboxes(&c->fixed, HY_STR("From"), &box, 1, c->m->charset);
    hy_buf_free(&text);
    hy_program_free(&program);
    return rc ? hy_fail(c->diag, rc, "from_name: cannot be a name") : 0;
}

static int add_reply_to(struct hy_compile *c)
{
    struct hy_header_mailbox box = {.address = c->source->reply_to};
    if (box.address.n == 0)
        return 0;
    int rc = check_mailbox(c, "reply_to", box.address);
    return rc ? rc : hy_header_mailboxes(&c->fixed, HY_STR("Reply-To"), &box, 1, c->m->charset);
}

static int add_to(struct hy_compile *c)
{
    struct hy_program program = {0};
    int rc = hy_compile_value(c, HY_STR("to_name"), c->source->to_name, &program);
    return rc ? rc : add_field(c, HY_FIELD_TO, HY_STR("To"), program);
}

bool hy_compile_is_reserved(struct hy_str name, unsigned flags)
{
    static const char *const names[] = {"From",           "To",          "Bcc",          "Subject",
                                        "Date",           "Message-ID",  "MIME-Version", "Reply-To",
                                        "DKIM-Signature", "Return-Path", "Received",     "Cc",
                                        "Sender",         NULL};
    for (size_t i = 0; names[i]; i++)
        if (hy_str_ieq(name, hy_str_of(names[i])))
            return true;
    if (flags & HY_MESSAGE_UNSUBSCRIBE && hy_str_istarts(name, HY_STR("List-Unsubscribe")))
        return true;
    return hy_str_istarts(name, HY_STR("Content-")) || hy_str_istarts(name, HY_STR("Resent-"));
}

static int add_custom(struct hy_compile *c)
{
    if (c->source->n_headers > HY_MESSAGE_HEADERS_MAX)
        return hy_fail(c->diag, HY_ELIMIT, "more than %d header fields", HY_MESSAGE_HEADERS_MAX);
    for (size_t i = 0; i < c->source->n_headers; i++) {
        struct hy_str name = c->source->headers[i].name;
        struct hy_str shown = hy_str_slice(name, 0, HY_HEADER_NAME_MAX);
        if (!hy_header_name_ok(name))
            return hy_fail(c->diag, HY_EINVAL, "\"%.*s\" cannot be the name of a header field",
                           HY_STR_ARG(shown));
        if (hy_compile_is_reserved(name, c->options->flags))
            return hy_fail(c->diag, HY_EINVAL, "header field %.*s is written by hayauma itself",
                           HY_STR_ARG(shown));
        int rc = add_text_field(c, name, c->source->headers[i].value);
        if (rc)
            return rc;
    }
    return 0;
}

static int add_bulk(struct hy_compile *c)
{
    struct hy_str id = c->options->feedback_id;
    int rc = 0;
    if (c->options->flags & HY_MESSAGE_BULK)
        hy_buf_add_lit(&c->fixed, "Precedence: bulk\r\n");
    if (id.n) {
        struct hy_buf value = HY_BUF_INIT(1024);
        hy_buf_printf(&value, "%s:hayauma:%.*s", c->m->campaign_text, HY_STR_ARG(id));
        rc = value.err ? value.err
                       : hy_header_raw(&c->fixed, HY_STR("Feedback-ID"), hy_buf_str(&value));
        hy_buf_free(&value);
    }
    return rc ? hy_fail(c->diag, HY_EINVAL, "feedback_id: cannot stand in a header field") : 0;
}

int hy_compile_fields(struct hy_compile *c)
{
    struct hy_program none = {0};
    struct hy_message *m = c->m;
    bool can_unsubscribe = m->base_url.n || m->unsubscribe_mailto.n;
    int rc = add_field(c, HY_FIELD_DATE, HY_STR("Date"), none);
    if (rc == 0)
        rc = add_from(c);
    if (rc == 0)
        rc = add_reply_to(c);
    if (rc == 0)
        rc = add_to(c);
    if (rc == 0)
        rc = add_subject(c);
    if (rc == 0)
        rc = add_field(c, HY_FIELD_MESSAGE_ID, HY_STR("Message-ID"), none);
    if (rc == 0 && m->flags & HY_MESSAGE_UNSUBSCRIBE && can_unsubscribe)
        rc = add_field(c, HY_FIELD_UNSUBSCRIBE, HY_STR("List-Unsubscribe"), none);
    if (rc == 0)
        rc = add_bulk(c);
    if (rc == 0)
        rc = add_custom(c);
    hy_buf_add_lit(&c->fixed, "MIME-Version: 1.0\r\n");
    if (rc == 0)
        rc = hy_mime_build(m, c->source, c->options, &c->fixed, c->diag);
    return rc ? rc : flush_fixed(c);
}
