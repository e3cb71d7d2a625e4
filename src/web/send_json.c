/* The JSON body of POST /v1/messages: every field, its type, and where it was wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hayauma/base/codec.h"
#include "hayauma/store/templates.h"
#include "send.h"

static struct hy_str text_of(const json_t *value)
{
    return hy_str_make(json_string_value(value), json_string_length(value));
}

static int wrong_type(struct send *s, const char *field, const char *what)
{
    return send_fail(s, 422, "invalid_type", field, "This must be %s.", what);
}

static int read_text(struct send *s, const json_t *value, const char *field, struct hy_str *ret)
{
    if (!json_is_string(value))
        return wrong_type(s, field, "a string");
    *ret = text_of(value);
    return HY_OK;
}

/* ---- each field ---- */

static int read_from(struct send *s, json_t *v)
{
    return send_read_mailbox(s, v, "from", &s->from);
}

static int read_reply_to(struct send *s, json_t *v)
{
    return send_read_mailbox(s, v, "reply_to", &s->reply_to);
}

static int read_return_path(struct send *s, json_t *v)
{
    struct hy_header_mailbox box = {0};
    int err = send_read_mailbox(s, v, "return_path", &box);
    s->sender = box.address;
    return err;
}

static int read_to(struct send *s, json_t *v)
{
    return send_add_rcpts(s, v, SEND_TO, "to");
}

static int read_cc(struct send *s, json_t *v)
{
    return send_add_rcpts(s, v, SEND_CC, "cc");
}

static int read_bcc(struct send *s, json_t *v)
{
    return send_add_rcpts(s, v, SEND_BCC, "bcc");
}

static int read_recipients(struct send *s, json_t *v)
{
    s->is_personal = true;
    return send_add_rcpts(s, v, SEND_OWN, "recipients");
}

static int read_subject(struct send *s, json_t *v)
{
    return read_text(s, v, "subject", &s->subject);
}

static int read_plain(struct send *s, json_t *v)
{
    return read_text(s, v, "text", &s->text);
}

static int read_html(struct send *s, json_t *v)
{
    return read_text(s, v, "html", &s->html);
}

/* {"name": "order", "version": 3} */
static int read_named(struct send *s, const json_t *v)
{
    const json_t *name = json_object_get(v, "name"), *version = json_object_get(v, "version");
    json_int_t no = version ? json_integer_value(version) : 0;
    struct hy_stored_template m;
    if (json_object_size(v) > (version ? 2u : 1u))
        return send_fail(s, 422, "conflicting_fields", "template",
                         "Beside 'name' only 'version' may stand.");
    if (!json_is_string(name))
        return wrong_type(s, "template.name", "a string");
    if (version && (!json_is_integer(version) || no < 1 || no > UINT32_MAX))
        return send_fail(s, 422, "invalid_value", "template.version",
                         "A version is a number from 1 on.");
    s->stored = HY_BUF_INIT(HY_TEMPLATE_BYTES_MAX);
    s->template_name = text_of(name);
    int err = hy_template_get(s->txn, s->call->token->tenant->number, s->template_name,
                              (uint32_t)no, &s->stored, &m);
    if (err == HY_ENOTFOUND)
        return send_fail(s, 422, "template_not_found",
                         version ? "template.version" : "template.name",
                         "There is no such template, or not in this version.");
    if (err != HY_OK)
        return send_fail_err(s, err);
    s->subject = m.subject;
    s->text = m.text;
    s->html = m.html;
    s->template_version = m.version;
    return HY_OK;
}

static int read_template(struct send *s, json_t *v)
{
    const char *key;
    json_t *member;
    char path[120];
    s->kind = SEND_TEMPLATE;
    s->is_personal = true;
    if (!json_is_object(v))
        return wrong_type(s, "template", "an object with 'subject', 'text' and 'html', or 'name'");
    if (json_object_get(v, "name"))
        return read_named(s, v);
    json_object_foreach(v, key, member)
    {
        struct hy_str *to = strcmp(key, "subject") == 0 ? &s->subject
                            : strcmp(key, "text") == 0  ? &s->text
                            : strcmp(key, "html") == 0  ? &s->html
                                                        : NULL;
        snprintf(path, sizeof path, "template.%.80s", key);
        if (!to)
            return send_fail(s, 422, "unknown_field", path, "There is no such field.");
        int err = read_text(s, member, path, to);
        if (err != HY_OK)
            return err;
    }
    return HY_OK;
}

static int read_object(struct send *s, json_t *v, const char *field, json_t **ret)
{
    if (!json_is_object(v))
        return wrong_type(s, field, "an object");
    *ret = v;
    return HY_OK;
}

static int read_variables(struct send *s, json_t *v)
{
    return read_object(s, v, "variables", &s->variables);
}

static int read_metadata(struct send *s, json_t *v)
{
    return read_object(s, v, "metadata", &s->metadata);
}

static int read_tags(struct send *s, json_t *v)
{
    size_t i;
    json_t *tag;
    char path[32];
    if (!json_is_array(v) || json_array_size(v) > SEND_TAGS_MAX)
        return send_fail(s, 422, "invalid_type", "tags", "This must be a list of at most %d words.",
                         SEND_TAGS_MAX);
    json_array_foreach(v, i, tag)
    {
        snprintf(path, sizeof path, "tags[%zu]", i);
        size_t n = json_string_length(tag);
        if (!json_is_string(tag) || n == 0 || n > SEND_TAG_BYTES_MAX)
            return send_fail(s, 422, "invalid_value", path, "A tag has 1 to %d bytes.",
                             SEND_TAG_BYTES_MAX);
    }
    s->tags = v;
    return HY_OK;
}

static int read_headers(struct send *s, json_t *v)
{
    const char *key;
    json_t *value;
    char path[120];
    if (!json_is_object(v) || json_object_size(v) > HY_MESSAGE_HEADERS_MAX)
        return send_fail(s, 422, "invalid_type", "headers",
                         "This must be an object of at most %d fields.", HY_MESSAGE_HEADERS_MAX);
    s->headers = hy_arena_alloc(&s->call->arena, (json_object_size(v) + 1) * sizeof *s->headers);
    if (!s->headers)
        return send_fail_err(s, HY_ENOMEM);
    json_object_foreach(v, key, value)
    {
        snprintf(path, sizeof path, "headers.%.80s", key);
        if (!json_is_string(value))
            return wrong_type(s, path, "a string");
        s->headers[s->n_headers++] = (struct hy_message_header){hy_str_of(key), text_of(value)};
    }
    return HY_OK;
}

static int read_priority(struct send *s, json_t *v)
{
    const char *word = json_string_value(v);
    if (word && strcmp(word, "transactional") == 0)
        s->priority = HY_SPOOL_TRANSACTIONAL;
    else if (word && strcmp(word, "bulk") == 0)
        s->priority = HY_SPOOL_BULK;
    else
        return send_fail(s, 422, "invalid_value", "priority", "This is 'transactional' or 'bulk'.");
    return HY_OK;
}

/* RFC 3339: "2026-11-23T09:00:00+09:00", with seconds' fractions, with Z. */
static bool read_time(const char *text, hy_wall_ms *ret)
{
    struct tm tm = {0};
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    int sign = 1, hours = 0, minutes = 0, n = 0;
    if (!end)
        return false;
    if (*end == '.')
        for (end++; *end >= '0' && *end <= '9';)
            end++;
    if (strcmp(end, "Z") != 0 && strcmp(end, "z") != 0) {
        sign = *end == '-' ? -1 : 1;
        if ((*end != '+' && *end != '-') ||
            sscanf(end + 1, "%2d:%2d%n", &hours, &minutes, &n) != 2 || n != 5 || end[1 + n] ||
            hours > 23 || minutes > 59 || hours < 0 || minutes < 0)
            return false;
    }
    *ret = ((hy_wall_ms)timegm(&tm) - sign * (hours * 3600 + minutes * 60)) * 1000;
    return true;
}

static int read_send_at(struct send *s, json_t *v)
{
    if (!read_time(json_string_value(v), &s->send_at))
        return send_fail(s, 422, "invalid_value", "send_at",
                         "This is a time such as 2026-11-23T09:00:00+09:00.");
    if (s->send_at > s->now + (hy_wall_ms)SEND_AHEAD_DAYS * 86400000)
        return send_fail(s, 422, "invalid_value", "send_at", "This is more than a year ahead.");
    return HY_OK;
}

static int decode(struct send *s, const json_t *v, const char *field, struct hy_str *ret)
{
    struct hy_str text = text_of(v);
    if (!json_is_string(v))
        return wrong_type(s, field, "a string");
    char *out = hy_arena_alloc(&s->call->arena, text.n / 4 * 3 + 4);
    size_t n = 0;
    if (!out)
        return send_fail_err(s, HY_ENOMEM);
    if (hy_base64_decode(text, out, &n) != HY_OK)
        return send_fail(s, 422, "invalid_base64", field, "This is no base64.");
    *ret = hy_str_make(out, n);
    return HY_OK;
}

static int read_raw(struct send *s, json_t *v)
{
    s->kind = SEND_RAW;
    return read_text(s, v, "raw", &s->raw);
}

static int read_raw_base64(struct send *s, json_t *v)
{
    s->kind = SEND_RAW;
    return decode(s, v, "raw_base64", &s->raw);
}

/* ---- attachments ---- */

static int read_file_field(struct send *s, size_t i, const char *key, json_t *value,
                           struct hy_message_file *f, bool *is_there)
{
    char path[120];
    snprintf(path, sizeof path, "attachments[%zu].%.60s", i, key);
    if (strcmp(key, "filename") == 0)
        return read_text(s, value, path, &f->name);
    if (strcmp(key, "content_type") == 0)
        return read_text(s, value, path, &f->type);
    if (strcmp(key, "content_id") == 0)
        return read_text(s, value, path, &f->cid);
    if (strcmp(key, "content") != 0)
        return send_fail(s, 422, "unknown_field", path, "There is no such field.");
    *is_there = true;
    return decode(s, value, path, &f->bytes);
}

static int read_file(struct send *s, size_t i, json_t *value, struct hy_message_file *ret)
{
    char path[64];
    const char *key;
    json_t *member;
    bool is_there = false;
    struct hy_message_file f = {0};
    snprintf(path, sizeof path, "attachments[%zu]", i);
    if (!json_is_object(value))
        return wrong_type(s, path, "an object");
    json_object_foreach(value, key, member)
    {
        int err = read_file_field(s, i, key, member, &f, &is_there);
        if (err != HY_OK)
            return err;
    }
    snprintf(path, sizeof path, "attachments[%zu].content", i);
    if (!is_there)
        return send_fail(s, 422, "missing_field", path, "The file, in base64, is missing.");
    *ret = f;
    return HY_OK;
}

/* Those with a content_id go beside the HTML and come first. */
static int read_attachments(struct send *s, json_t *v)
{
    size_t n = json_array_size(v), images = 0, i;
    if (!json_is_array(v) || n > HY_MESSAGE_FILES_MAX)
        return send_fail(s, 422, "invalid_type", "attachments",
                         "This must be a list of at most %d files.", HY_MESSAGE_FILES_MAX);
    struct hy_message_file all[HY_MESSAGE_FILES_MAX];
    s->files = hy_arena_alloc(&s->call->arena, (n + 1) * sizeof *s->files);
    if (!s->files)
        return send_fail_err(s, HY_ENOMEM);
    for (i = 0; i < n; i++) {
        int err = read_file(s, i, json_array_get(v, i), &all[i]);
        if (err != HY_OK)
            return err;
        images += all[i].cid.n > 0;
    }
    for (int pass = 0; pass < 2; pass++)
        for (i = 0; i < n; i++)
            if ((all[i].cid.n > 0) == (pass == 0))
                s->files[s->n_files++] = all[i];
    s->n_images = images;
    return HY_OK;
}

/* ---- all of it ---- */

/* What others depend on comes first. */
static const struct {
    const char *name;
    int (*read)(struct send *s, json_t *value);
} fields[] = {
    {"priority", read_priority},
    {"from", read_from},
    {"return_path", read_return_path},
    {"reply_to", read_reply_to},
    {"to", read_to},
    {"cc", read_cc},
    {"bcc", read_bcc},
    {"recipients", read_recipients},
    {"subject", read_subject},
    {"text", read_plain},
    {"html", read_html},
    {"template", read_template},
    {"variables", read_variables},
    {"headers", read_headers},
    {"attachments", read_attachments},
    {"raw", read_raw},
    {"raw_base64", read_raw_base64},
    {"send_at", read_send_at},
    {"tags", read_tags},
    {"metadata", read_metadata},
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static int check_known(struct send *s, json_t *body)
{
    const char *key;
    json_t *value;
    json_object_foreach(body, key, value)
    {
        bool is_known = false;
        char shown[100];
        for (size_t i = 0; i < N_FIELDS && !is_known; i++)
            is_known = strcmp(key, fields[i].name) == 0;
        snprintf(shown, sizeof shown, "%.90s", key);
        if (!is_known)
            return send_fail(s, 422, "unknown_field", shown, "There is no such field.");
    }
    return HY_OK;
}

/* Two ways to say the same thing are a mistake. */
static int check_together(struct send *s, const json_t *body)
{
    static const struct {
        const char *one, *other;
    } apart[] = {
        {"template", "subject"}, {"template", "text"},
        {"template", "html"},    {"raw", "raw_base64"},
        {"raw", "template"},     {"raw_base64", "template"},
        {"raw", "subject"},      {"raw", "text"},
        {"raw", "html"},         {"raw_base64", "subject"},
        {"raw_base64", "text"},  {"raw_base64", "html"},
        {"raw", "attachments"},  {"raw_base64", "attachments"},
        {"raw", "headers"},      {"raw_base64", "headers"},
        {"raw", "from"},         {"raw_base64", "from"},
        {"raw", "reply_to"},     {"raw_base64", "reply_to"},
        {"recipients", "to"},    {"recipients", "cc"},
        {"recipients", "bcc"},   {"template", "cc"},
        {"template", "bcc"},
    };
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        if (json_object_get(body, apart[i].one) && json_object_get(body, apart[i].other))
            return send_fail(s, 422, "conflicting_fields", apart[i].other,
                             "This cannot stand beside '%s'.", apart[i].one);
    if (json_object_get(body, "variables") && !json_object_get(body, "template"))
        return send_fail(s, 422, "conflicting_fields", "variables", "Variables need a 'template'.");
    return HY_OK;
}

int send_read_json(struct send *s, json_t *body)
{
    int err = check_known(s, body);
    if (err == HY_OK)
        err = check_together(s, body);
    for (size_t i = 0; i < N_FIELDS && err == HY_OK; i++) {
        json_t *value = json_object_get(body, fields[i].name);
        if (value && !json_is_null(value))
            err = fields[i].read(s, value);
    }
    return err;
}
