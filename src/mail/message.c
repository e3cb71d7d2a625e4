/* Compiling a message: what a campaign says, checked and cut into pieces. */
#include "hayauma/mail/message.h"

#include <stdlib.h>

#include "coding.h"
#include "compile.h"
#include "hayauma/mail/html.h"
#include "html_charset.h"
#include "scan.h"

enum { ARENA_BYTES = 1 << 30 };

typedef int plan_fn(struct hy_arena *arena, const struct hy_tags *tags, struct hy_diag *diag,
                    struct hy_plan *ret_plan);

const char *hy_transfer_name(enum hy_transfer t)
{
    static const char *const names[] = {"auto", "7bit", "8bit", "quoted-printable", "base64"};
    return (size_t)t < sizeof names / sizeof *names ? names[t] : "?";
}

int hy_compile_keep(struct hy_compile *c, struct hy_str s, struct hy_str *ret)
{
    *ret = hy_arena_str(&c->m->arena, s);
    return ret->p ? 0 : hy_fail(c->diag, HY_ENOMEM, "no memory for a message");
}

/* A copy of a template that lives as long as the message, without a byte order mark; a CR that is
 * no part of a CRLF is made a LF, so that tags beside it cannot make it one. */
static int keep_text(struct hy_compile *c, struct hy_message_text text, struct hy_tags *ret)
{
    struct hy_tags tags = {.file = hy_str_slice(text.name, 0, 200)};
    if (hy_str_starts(text.bytes, HY_STR("\xef\xbb\xbf")))
        text.bytes = hy_str_slice(text.bytes, 3, text.bytes.n);
    if (text.bytes.n > HY_MESSAGE_TEXT_MAX)
        return hy_fail(c->diag, HY_ELIMIT, "%.*s: longer than %d bytes", HY_STR_ARG(tags.file),
                       HY_MESSAGE_TEXT_MAX);
    char *copy = hy_arena_alloc(&c->m->arena, text.bytes.n + 1);
    if (!copy)
        return hy_fail(c->diag, HY_ENOMEM, "no memory for a message");
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

static int compile_text(struct hy_compile *c, struct hy_message_text text, plan_fn *make_plan,
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

int hy_compile_value(struct hy_compile *c, struct hy_str name, struct hy_str value,
                     struct hy_program *ret)
{
    if (value.n > HY_HEADER_VALUE_MAX)
        return hy_fail(c->diag, HY_ELIMIT, "%.*s: longer than %d bytes", HY_STR_ARG(name),
                       HY_HEADER_VALUE_MAX);
    struct hy_program_env env = {0};
    return compile_text(c, (struct hy_message_text){value, name}, hy_plan_header, &env, ret);
}

static int encode_part(struct hy_compile *c, struct hy_part *part, struct hy_str name)
{
    int rc = hy_part_encode(&c->m->arena, part);
    return rc ? hy_fail(c->diag, rc, "%.*s: cannot be written in %s", HY_STR_ARG(name),
                        hy_transfer_name(part->coding.transfer))
              : 0;
}

static int compile_html(struct hy_compile *c)
{
    bool has_url = c->m->base_url.n > 0;
    struct hy_part *part = &c->m->parts[c->m->n_parts++];
    part->coding = (struct hy_coding){c->options->html_transfer, c->options->charset, true};
    struct hy_program_env env = {
        .links = has_url && c->options->flags & HY_MESSAGE_CLICKS ? &c->m->links : NULL,
        .has_beacon = has_url && c->options->flags & HY_MESSAGE_BEACON};
    struct hy_message_text text = c->source->html;
    struct hy_buf changed = HY_BUF_INIT(2 * HY_MESSAGE_TEXT_MAX);
    int rc = 0;
    if (c->options->charset == HY_MAIL_ISO_2022_JP) {
        rc = hy_html_set_charset(text.bytes, HY_STR("iso-2022-jp"), &changed);
        text.bytes = hy_buf_str(&changed);
    }
    if (rc == 0)
        rc = compile_text(c, text, hy_plan_html, &env, &part->program);
    hy_buf_free(&changed);
    return rc ? rc : encode_part(c, part, text.name);
}

static int compile_plain(struct hy_compile *c, struct hy_message_text text)
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
static int compile_made_text(struct hy_compile *c)
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
static int compile_parts(struct hy_compile *c)
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

struct cid_check {
    struct hy_compile *c;
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

static int check_cids(struct hy_compile *c)
{
    struct hy_message_text html = c->source->html;
    struct cid_check check = {.c = c, .tags = {.source = html.bytes, .file = html.name}};
    struct hy_html walker = {0};
    hy_html_walk(&walker, html.bytes, 0, html.bytes.n, check_cid, &check);
    return check.rc;
}

static int show_links(struct hy_compile *c)
{
    struct hy_message *m = c->m;
    m->shown = hy_arena_alloc(&m->arena, (m->links.n + 1) * sizeof *m->shown);
    if (!m->shown)
        return hy_fail(c->diag, HY_ENOMEM, "no memory for a message");
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
    struct hy_compile c = {.m = m,
                           .source = source,
                           .options = options,
                           .arena = HY_ARENA_INIT(ARENA_BYTES),
                           .fixed = HY_BUF_INIT(1 << 20),
                           .diag = diag};
    int rc = hy_compile_options(&c);
    if (rc == 0)
        rc = compile_parts(&c);
    if (rc == 0)
        rc = check_cids(&c);
    if (rc == 0)
        rc = hy_compile_fields(&c);
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
