/* Compiling a message: what a campaign says, checked and cut into pieces. */
#include "hayauma/mail/message.h"

#include <stdlib.h>

#include "coding.h"
#include "escape.h"
#include "hayauma/mail/html.h"
#include "mime.h"
#include "run.h"
#include "scan.h"

enum {
    MESSAGE_BYTES = 32 << 20,
    ARENA_BYTES = 1 << 30,
    PREFIX_BYTES = HY_LOCAL_MAX - HY_TOKEN_TEXT_MAX - 1,
    DOMAIN_BYTES = HY_ADDRESS_MAX - HY_LOCAL_MAX - 1, /* so that any return path fits */
};

struct compile {
    struct hy_message *m;
    const struct hy_message_source *source;
    const struct hy_message_options *options;
    struct hy_arena arena; /* for what only compiling needs */
    struct hy_buf fixed;   /* header fields that are the same for everybody, under way */
    struct hy_diag *diag;
};

typedef int plan_fn(struct hy_arena *arena, const struct hy_tags *tags, struct hy_diag *diag,
                    struct hy_plan *ret_plan);

const char *hy_transfer_name(enum hy_transfer t)
{
    static const char *const names[] = {"auto", "7bit", "8bit", "quoted-printable", "base64"};
    return (size_t)t < sizeof names / sizeof *names ? names[t] : "?";
}

static int no_memory(struct compile *c)
{
    return hy_fail(c->diag, HY_ENOMEM, "no memory for a message");
}

static int keep(struct compile *c, struct hy_str s, struct hy_str *ret)
{
    *ret = hy_arena_str(&c->m->arena, s);
    return ret->p ? 0 : no_memory(c);
}

/* --- templates --- */

/* A copy of a template that lives as long as the message, without a byte order mark; a CR that is
 * no part of a CRLF is made a LF, so that tags beside it cannot make it one. */
static int keep_text(struct compile *c, struct hy_message_text text, struct hy_tags *ret)
{
    struct hy_tags tags = {.file = hy_str_slice(text.name, 0, 200)};
    if (hy_str_starts(text.bytes, HY_STR("\xef\xbb\xbf")))
        text.bytes = hy_str_slice(text.bytes, 3, text.bytes.n);
    if (text.bytes.n > HY_MESSAGE_TEXT_MAX)
        return hy_fail(c->diag, HY_ELIMIT, "%.*s: longer than %d bytes", HY_STR_ARG(tags.file),
                       HY_MESSAGE_TEXT_MAX);
    char *copy = hy_arena_alloc(&c->m->arena, text.bytes.n + 1);
    if (!copy)
        return no_memory(c);
    for (size_t i = 0; i < text.bytes.n; i++) {
        bool is_bare =
            text.bytes.p[i] == '\r' && (i + 1 == text.bytes.n || text.bytes.p[i + 1] != '\n');
        copy[i] = is_bare ? '\n' : text.bytes.p[i];
    }
    tags.source = hy_str_make(copy, text.bytes.n);
    for (size_t at = 0; at < tags.source.n;) {
        size_t begin = at;
        uint32_t cp = hy_utf8_next(tags.source, &at);
        if (cp == UINT32_MAX)
            return hy_tags_fail(&tags, begin, c->diag, HY_EINVAL, "not UTF-8");
        if (cp < ' ' && !memchr("\t\n\r\f", (int)cp, 4))
            return hy_tags_fail(&tags, begin, c->diag, HY_EINVAL, "a control character");
    }
    *ret = tags;
    return 0;
}

static int compile_text(struct compile *c, struct hy_message_text text, plan_fn *make_plan,
                        struct hy_program_env *env, struct hy_program *ret)
{
    struct hy_tags tags;
    struct hy_plan plan;
    env->arena = &c->m->arena;
    env->slot = c->options->slot;
    env->slot_ctx = c->options->slot_ctx;
    env->base_url = c->m->base_url;
    env->diag = c->diag;
    int rc = keep_text(c, text, &tags);
    if (rc == 0)
        rc = hy_tags_read(&c->arena,
                          (struct hy_message_text){.bytes = tags.source, .name = tags.file},
                          c->diag, &tags);
    if (rc == 0)
        rc = make_plan(&c->arena, &tags, c->diag, &plan);
    if (rc == 0)
        rc = hy_program_build(env, &tags, &plan, ret);
    hy_arena_reset(&c->arena);
    return rc;
}

static int compile_header(struct compile *c, struct hy_str name, struct hy_str value,
                          struct hy_program *ret)
{
    if (value.n > HY_HEADER_VALUE_MAX)
        return hy_fail(c->diag, HY_ELIMIT, "%.*s: longer than %d bytes", HY_STR_ARG(name),
                       HY_HEADER_VALUE_MAX);
    struct hy_program_env env = {0};
    return compile_text(c, (struct hy_message_text){value, name}, hy_plan_header, &env, ret);
}

static int encode_part(struct compile *c, struct hy_part *part, struct hy_str name)
{
    int rc = hy_part_encode(&c->m->arena, part);
    return rc ? hy_fail(c->diag, rc, "%.*s: cannot be written in %s", HY_STR_ARG(name),
                        hy_transfer_name(part->coding.transfer))
              : 0;
}

static int compile_html(struct compile *c)
{
    bool has_url = c->m->base_url.n > 0;
    struct hy_part *part = &c->m->parts[c->m->n_parts++];
    part->coding = (struct hy_coding){c->options->html_transfer, c->options->charset, true};
    struct hy_program_env env = {
        .links = has_url && c->options->flags & HY_MESSAGE_CLICKS ? &c->m->links : NULL,
        .has_beacon = has_url && c->options->flags & HY_MESSAGE_BEACON};
    int rc = compile_text(c, c->source->html, hy_plan_html, &env, &part->program);
    return rc ? rc : encode_part(c, part, c->source->html.name);
}

static int compile_plain(struct compile *c, struct hy_message_text text)
{
    bool has_url = c->m->base_url.n > 0;
    struct hy_part *part = &c->m->parts[c->m->n_parts++];
    part->coding = (struct hy_coding){c->options->text_transfer, c->options->charset, false};
    struct hy_program_env env = {
        .links = has_url && c->options->flags & HY_MESSAGE_TEXT_CLICKS ? &c->m->links : NULL,
        .in_text = true};
    int rc = compile_text(c, text, hy_plan_text, &env, &part->program);
    return rc ? rc : encode_part(c, part, text.name);
}

/* The text part made from the HTML; its notes say so. */
static int compile_made_text(struct compile *c)
{
    struct hy_buf text = HY_BUF_INIT(HY_MESSAGE_TEXT_MAX);
    struct hy_buf name = HY_BUF_INIT(400);
    hy_buf_printf(&name, "text made from %.*s",
                  HY_STR_ARG(hy_str_slice(c->source->html.name, 0, 200)));
    int rc = hy_html_text(c->source->html.bytes, &text);
    if (rc == 0)
        rc = compile_plain(c, (struct hy_message_text){hy_buf_str(&text), hy_buf_str(&name)});
    else
        hy_fail(c->diag, rc, "making text from the HTML: %s", hy_err_text(rc));
    hy_buf_free(&text);
    hy_buf_free(&name);
    return rc;
}

/* Links count from the first of the HTML, but the text part stands first. */
static int compile_parts(struct compile *c)
{
    const struct hy_message_source *s = c->source;
    int rc = 0;
    if (s->html.bytes.n == 0 && s->text.bytes.n == 0)
        return hy_fail(c->diag, HY_EINVAL, "a message needs an HTML or a text part");
    if (s->html.bytes.n)
        rc = compile_html(c);
    if (rc == 0)
        rc = s->text.bytes.n ? compile_plain(c, s->text) : compile_made_text(c);
    if (rc == 0 && c->m->n_parts == 2) {
        struct hy_part html = c->m->parts[0];
        c->m->parts[0] = c->m->parts[1];
        c->m->parts[1] = html;
    }
    return rc;
}

/* --- inline images --- */

struct cid_check {
    struct compile *c;
    struct hy_tags tags;
    int rc;
};

static void check_cid(void *ctx, const struct hy_html_event *e)
{
    struct cid_check *check = ctx;
    if (e->kind != HY_HTML_ATTR || check->rc)
        return;
    struct hy_str value = hy_str_trim(hy_str_slice(check->tags.source, e->begin, e->end));
    if (!hy_str_istarts(value, HY_STR("cid:")) ||
        hy_str_find_str(value, HY_STR("{{"), 0) != SIZE_MAX)
        return;
    value = hy_str_slice(value, 4, value.n);
    const struct hy_message_source *s = check->c->source;
    for (size_t i = 0; i < s->n_images; i++)
        if (hy_str_eq(s->images[i].cid, value))
            return;
    check->rc = hy_tags_fail(&check->tags, e->begin, check->c->diag, HY_EINVAL,
                             "no inline image has the cid \"%.*s\"",
                             HY_STR_ARG(hy_str_slice(value, 0, 100)));
}

static int check_cids(struct compile *c)
{
    struct hy_message_text html = c->source->html;
    struct cid_check check = {.c = c, .tags = {.source = html.bytes, .file = html.name}};
    struct hy_html walker = {0};
    hy_html_walk(&walker, html.bytes, 0, html.bytes.n, check_cid, &check);
    return check.rc;
}

/* --- header --- */

static int flush_fixed(struct compile *c)
{
    struct hy_message *m = c->m;
    if (c->fixed.err)
        return hy_fail(c->diag, c->fixed.err, "the header: %s", hy_err_text(c->fixed.err));
    if (c->fixed.len == 0)
        return 0;
    struct hy_field *f = &m->fields[m->n_fields];
    *f = (struct hy_field){.kind = HY_FIELD_FIXED};
    m->has_utf8_header |= !hy_str_is_ascii(hy_buf_str(&c->fixed));
    int rc = keep(c, hy_buf_str(&c->fixed), &f->text);
    hy_buf_reset(&c->fixed);
    if (rc == 0)
        m->n_fields++;
    return rc;
}

/* A field that is made for each recipient; the program is the message's from here on. */
static int add_field(struct compile *c, enum hy_field_kind kind, struct hy_str name,
                     struct hy_program program)
{
    int rc = flush_fixed(c);
    if (rc) {
        hy_program_free(&program);
        return rc;
    }
    struct hy_field *f = &c->m->fields[c->m->n_fields++];
    *f = (struct hy_field){.kind = kind, .program = program};
    return keep(c, name, &f->name);
}

/* What a program without variables renders to. */
static void fixed_text(const struct hy_program *p, struct hy_buf *out)
{
    for (size_t i = 0; i < p->n; i++)
        hy_buf_add_str(out, p->ops[i].text);
}

static int add_text_field(struct compile *c, struct hy_str name, struct hy_str value)
{
    struct hy_program program = {0};
    int rc = compile_header(c, name, value, &program);
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

static int add_subject(struct compile *c)
{
    struct hy_str name = HY_STR("Subject");
    struct hy_program program = {0};
    if (hy_str_trim(c->source->subject).n == 0)
        return hy_fail(c->diag, HY_EINVAL, "subject: is empty");
    int rc = compile_header(c, HY_STR("subject"), c->source->subject, &program);
    if (rc)
        return rc;
    rc = add_field(c, HY_FIELD_TEXT, name, program);
    if (rc == 0)
        c->m->subject = c->m->fields[c->m->n_fields - 1].program;
    return rc;
}

/* Checks an address that goes into a header by writing it. */
static int check_mailbox(struct compile *c, const char *what, struct hy_str address)
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

static int add_from(struct compile *c)
{
    struct hy_program program = {0};
    int rc = check_mailbox(c, "from_address", c->source->from_address);
    if (rc == 0)
        rc = keep(c, c->source->from_address, &c->m->from_address);
    if (rc == 0)
        rc = compile_header(c, HY_STR("from_name"), c->source->from_name, &program);
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

static int add_reply_to(struct compile *c)
{
    struct hy_header_mailbox box = {.address = c->source->reply_to};
    if (box.address.n == 0)
        return 0;
    int rc = check_mailbox(c, "reply_to", box.address);
    return rc ? rc : hy_header_mailboxes(&c->fixed, HY_STR("Reply-To"), &box, 1, c->m->charset);
}

static int add_to(struct compile *c)
{
    struct hy_program program = {0};
    int rc = compile_header(c, HY_STR("to_name"), c->source->to_name, &program);
    return rc ? rc : add_field(c, HY_FIELD_TO, HY_STR("To"), program);
}

static bool is_reserved(struct hy_str name, unsigned flags)
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

static int add_custom(struct compile *c)
{
    if (c->source->n_headers > HY_MESSAGE_HEADERS_MAX)
        return hy_fail(c->diag, HY_ELIMIT, "more than %d header fields", HY_MESSAGE_HEADERS_MAX);
    for (size_t i = 0; i < c->source->n_headers; i++) {
        struct hy_str name = c->source->headers[i].name;
        struct hy_str shown = hy_str_slice(name, 0, HY_HEADER_NAME_MAX);
        if (!hy_header_name_ok(name))
            return hy_fail(c->diag, HY_EINVAL, "\"%.*s\" cannot be the name of a header field",
                           HY_STR_ARG(shown));
        if (is_reserved(name, c->options->flags))
            return hy_fail(c->diag, HY_EINVAL, "header field %.*s is written by hayauma itself",
                           HY_STR_ARG(shown));
        int rc = add_text_field(c, name, c->source->headers[i].value);
        if (rc)
            return rc;
    }
    return 0;
}

static int add_bulk(struct compile *c)
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

static int build_header(struct compile *c)
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

/* --- options --- */

static bool is_url_char(char c)
{
    char l = hy_ascii_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || memchr("-._~:/[]%", c, 9);
}

static int keep_base_url(struct compile *c)
{
    struct hy_str url = hy_str_trim(c->options->base_url);
    if (url.n == 0)
        return 0;
    bool is_good = hy_url_is_http(url) && url.n <= 256 && url.p[url.n - 1] != ':';
    for (size_t i = 0; i < url.n && is_good; i++)
        is_good = is_url_char(url.p[i]);
    if (!is_good)
        return hy_fail(c->diag, HY_EINVAL, "base_url: \"%.*s\" is no plain https:// URL",
                       HY_STR_ARG(hy_str_slice(url, 0, 100)));
    struct hy_buf slashed = HY_BUF_INIT(300);
    hy_buf_add_str(&slashed, url);
    if (url.p[url.n - 1] != '/')
        hy_buf_add_c(&slashed, '/');
    int rc = slashed.err ? no_memory(c) : keep(c, hy_buf_str(&slashed), &c->m->base_url);
    hy_buf_free(&slashed);
    return rc;
}

static bool is_domain(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char l = hy_ascii_lower(s.p[i]);
        if (!((l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || l == '-' || l == '.'))
            return false;
    }
    return s.n > 0 && s.n <= DOMAIN_BYTES;
}

static int keep_domain(struct compile *c, const char *what, struct hy_str domain,
                       struct hy_str *ret)
{
    if (!is_domain(domain))
        return hy_fail(c->diag, HY_EINVAL, "%s: \"%.*s\" is no domain name", what,
                       HY_STR_ARG(hy_str_slice(domain, 0, 100)));
    return keep(c, domain, ret);
}

/* Letters, digits and dots: what a local part can begin with anywhere. */
static int keep_prefix(struct compile *c)
{
    struct hy_str prefix = c->options->return_prefix;
    bool is_good = prefix.n <= PREFIX_BYTES && hy_str_find(prefix, '.', 0) == SIZE_MAX;
    if (!is_good || (prefix.n && !is_domain(prefix)))
        return hy_fail(c->diag, HY_EINVAL, "return_prefix: letters and digits, at most %d",
                       PREFIX_BYTES);
    if (prefix.n == 0)
        return keep(c, prefix, &c->m->return_prefix);
    char text[HY_LOCAL_MAX];
    memcpy(text, prefix.p, prefix.n);
    text[prefix.n] = '+';
    return keep(c, hy_str_make(text, prefix.n + 1), &c->m->return_prefix);
}

/* The address stands in a mailto URL: no character that would need encoding there. */
static int keep_unsubscribe(struct compile *c)
{
    struct hy_str s = c->options->unsubscribe_mailto;
    size_t at = hy_str_find(s, '@', 0);
    if (s.n == 0)
        return 0;
    bool is_good = at != SIZE_MAX && at > 0 && at <= HY_LOCAL_MAX;
    for (size_t i = 0; i < at && is_good; i++) {
        char l = hy_ascii_lower(s.p[i]);
        is_good = (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || memchr("-._+", l, 4);
    }
    if (!is_good || !is_domain(hy_str_slice(s, at + 1, s.n)))
        return hy_fail(c->diag, HY_EINVAL, "unsubscribe_mailto: \"%.*s\" is no plain mail address",
                       HY_STR_ARG(hy_str_slice(s, 0, 100)));
    return keep(c, s, &c->m->unsubscribe_mailto);
}

static int keep_options(struct compile *c)
{
    const struct hy_message_options *o = c->options;
    struct hy_message *m = c->m;
    m->campaign = o->campaign;
    hy_id_format(o->campaign, m->campaign_text);
    m->charset = o->charset;
    m->flags = o->flags;
    m->utc_offset_min = o->utc_offset_min;
    m->max_bytes = o->max_bytes ? o->max_bytes : MESSAGE_BYTES;
    if (!o->keys || o->utc_offset_min < -720 || o->utc_offset_min > 840)
        return hy_fail(c->diag, HY_EINVAL, "message options: no keys, or a time zone out of range");
    for (unsigned kind = HY_TOKEN_CLICK; kind <= HY_TOKEN_MESSAGE; kind++)
        hy_token_stem_init(&m->stems[kind], o->keys, (enum hy_token_kind)kind, o->campaign);
    int rc = keep_base_url(c);
    if (rc == 0)
        rc = keep_domain(c, "return_domain", o->return_domain, &m->return_domain);
    if (rc == 0)
        rc = keep_domain(c, "message_id_domain", o->message_id_domain, &m->message_id_domain);
    if (rc == 0)
        rc = keep_prefix(c);
    return rc ? rc : keep_unsubscribe(c);
}

/* --- all of it --- */

static int show_links(struct compile *c)
{
    struct hy_message *m = c->m;
    m->shown = hy_arena_alloc(&m->arena, (m->links.n + 1) * sizeof *m->shown);
    if (!m->shown)
        return no_memory(c);
    for (size_t i = 0; i < m->links.n; i++) {
        const struct hy_link *l = &m->links.v[i];
        m->shown[i] = (struct hy_message_link){l->target, l->is_personal, l->in_text};
    }
    return 0;
}

static bool is_frame_relaxed(const struct hy_message *m)
{
    for (size_t i = 0; i < m->n_parts; i++)
        if (m->n_parts + m->tail.n > 1 &&
            !hy_scan_body(m->parts[i].lead, (struct hy_str){0}).is_relaxed)
            return false;
    return hy_scan_body(m->tail, (struct hy_str){0}).is_relaxed;
}

int hy_message_compile(const struct hy_message_source *source,
                       const struct hy_message_options *options, struct hy_diag *diag,
                       struct hy_message **ret_message)
{
    struct hy_message *m = calloc(1, sizeof *m);
    if (!m)
        return hy_fail(diag, HY_ENOMEM, "no memory for a message");
    m->arena = HY_ARENA_INIT(ARENA_BYTES);
    struct compile c = {.m = m,
                        .source = source,
                        .options = options,
                        .arena = HY_ARENA_INIT(ARENA_BYTES),
                        .fixed = HY_BUF_INIT(1 << 20),
                        .diag = diag};
    int rc = keep_options(&c);
    if (rc == 0)
        rc = compile_parts(&c);
    if (rc == 0)
        rc = check_cids(&c);
    if (rc == 0)
        rc = build_header(&c);
    if (rc == 0)
        rc = show_links(&c);
    if (rc == 0)
        m->is_frame_relaxed = is_frame_relaxed(m);
    hy_buf_free(&c.fixed);
    hy_arena_free(&c.arena);
    if (rc) {
        hy_message_free(m);
        return hy_fail(diag, rc, "the message cannot be compiled: %s", hy_err_text(rc));
    }
    *ret_message = m;
    return 0;
}

void hy_message_free(struct hy_message *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_fields; i++)
        hy_program_free(&m->fields[i].program);
    for (size_t i = 0; i < m->n_parts; i++)
        hy_program_free(&m->parts[i].program);
    hy_link_list_free(&m->links);
    hy_arena_free(&m->arena);
    free(m);
}

size_t hy_message_links(const struct hy_message *m, const struct hy_message_link **ret_links)
{
    *ret_links = m->shown;
    return m->links.n;
}

enum hy_transfer hy_message_transfer(const struct hy_message *m, enum hy_message_part part)
{
    for (size_t i = 0; i < m->n_parts; i++)
        if (part != HY_PART_SUBJECT && m->parts[i].coding.is_html == (part == HY_PART_HTML))
            return m->parts[i].coding.transfer;
    return HY_TRANSFER_AUTO;
}
