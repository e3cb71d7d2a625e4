/* Reading one activity from JSON: a table of fields, then what its kind asks for. */
#include "hayauma/track/told.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct hy_told *told;
    struct hy_told_fault *fault;
    struct hy_arena *arena;
    hy_wall_ms now;
};

static int wrong(struct reader *r, const char *code, const char *field, const char *fmt, ...)
    HY_PRINTF(4, 5);
static int wrong(struct reader *r, const char *code, const char *field, const char *fmt, ...)
{
    va_list args;
    r->fault->code = code;
    snprintf(r->fault->field, sizeof r->fault->field, "%s", field);
    va_start(args, fmt);
    vsnprintf(r->fault->message, sizeof r->fault->message, fmt, args);
    va_end(args);
    return HY_EINVAL;
}

/* ---- texts ---- */

static bool is_clean(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

static int read_text(struct reader *r, const json_t *v, const char *field, size_t max,
                     struct hy_str *ret)
{
    struct hy_str s = hy_str_make(json_string_value(v), json_string_length(v));
    if (!json_is_string(v))
        return wrong(r, "invalid_type", field, "This must be a text.");
    if (s.n == 0 || s.n > max)
        return wrong(r, "invalid_value", field, "This must have 1 to %zu bytes.", max);
    if (!is_clean(s))
        return wrong(r, "invalid_value", field, "This must be without control characters.");
    *ret = s;
    return HY_OK;
}

static int read_name(struct reader *r, const json_t *v, const char *field)
{
    return read_text(r, v, field, HY_TOLD_NAME_MAX, &r->told->name);
}
static int read_url(struct reader *r, const json_t *v, const char *field)
{
    return read_text(r, v, field, HY_ACTIVITY_URL_MAX, &r->told->url);
}
static int read_source(struct reader *r, const json_t *v, const char *field)
{
    return read_text(r, v, field, HY_ACTIVITY_SOURCE_MAX, &r->told->source);
}
static int read_ref(struct reader *r, const json_t *v, const char *field)
{
    return read_text(r, v, field, HY_ACTIVITY_REF_MAX, &r->told->ref);
}

/* ---- whose it is ---- */

static const char *const by_names[] = {
    [HY_TOLD_NOBODY] = "visitor",       [HY_TOLD_LEAD] = "lead",    [HY_TOLD_EMAIL] = "email",
    [HY_TOLD_EXTERNAL] = "external_id", [HY_TOLD_LINE] = "line_id", [HY_TOLD_PHONE] = "phone",
};

const char *hy_told_by_name(enum hy_told_by by)
{
    return by_names[by];
}

static int read_by(struct reader *r, const json_t *v, const char *field, enum hy_told_by by)
{
    if (r->told->by)
        return wrong(r, "conflicting_fields", field, "The lead is named by '%s' already.",
                     hy_told_by_name(r->told->by));
    r->told->by = by;
    return by == HY_TOLD_LEAD ? HY_OK : read_text(r, v, field, HY_TOLD_WHO_MAX, &r->told->who);
}

static int read_lead(struct reader *r, const json_t *v, const char *field)
{
    json_int_t no = json_integer_value(v);
    if (!json_is_integer(v) || no < 1 || no > UINT32_MAX)
        return wrong(r, "invalid_value", field, "This must be the number of a lead.");
    r->told->lead = (hy_lead_no)no;
    return read_by(r, v, field, HY_TOLD_LEAD);
}
static int read_email(struct reader *r, const json_t *v, const char *field)
{
    return read_by(r, v, field, HY_TOLD_EMAIL);
}
static int read_external(struct reader *r, const json_t *v, const char *field)
{
    return read_by(r, v, field, HY_TOLD_EXTERNAL);
}
static int read_line(struct reader *r, const json_t *v, const char *field)
{
    return read_by(r, v, field, HY_TOLD_LINE);
}
static int read_phone(struct reader *r, const json_t *v, const char *field)
{
    return read_by(r, v, field, HY_TOLD_PHONE);
}

static int read_visitor(struct reader *r, const json_t *v, const char *field)
{
    struct hy_str text = {0};
    int err = read_text(r, v, field, HY_ID_TEXT_MAX, &text);
    if (err == HY_OK && hy_id_parse(text, &r->told->visitor) != HY_OK)
        return wrong(r, "invalid_value", field,
                     "A visitor has 13 letters and digits: what the web tag's cookie says.");
    return err;
}

/* ---- the rest ---- */

static int read_kind(struct reader *r, const json_t *v, const char *field)
{
    static const enum hy_activity_kind may_be_told[] = {
        HY_ACTIVITY_PAGE_VIEW, HY_ACTIVITY_KEY_PAGE, HY_ACTIVITY_DOWNLOAD, HY_ACTIVITY_VIDEO,
        HY_ACTIVITY_FORM_POST, HY_ACTIVITY_SCROLL,   HY_ACTIVITY_IDENTIFY, HY_ACTIVITY_ORDER,
        HY_ACTIVITY_CART,      HY_ACTIVITY_OFFLINE,  HY_ACTIVITY_SALES,    HY_ACTIVITY_CUSTOM,
    };
    struct hy_str name = {0};
    int err = read_text(r, v, field, HY_TOLD_NAME_MAX, &name);
    if (err != HY_OK || hy_activity_kind_find(name, &r->told->kind) != HY_OK)
        return err != HY_OK ? err
                            : wrong(r, "unknown_kind", field, "There is no such kind of activity.");
    for (size_t i = 0; i < sizeof may_be_told / sizeof *may_be_told; i++)
        if (r->told->kind == may_be_told[i])
            return HY_OK;
    return wrong(r, "unknown_kind", field,
                 "Activities of this kind are noted by hayauma itself and by nobody else.");
}

static int read_at(struct reader *r, const json_t *v, const char *field)
{
    struct hy_str text = {0};
    int err = read_text(r, v, field, 40, &text);
    if (err != HY_OK)
        return err;
    if (hy_wall_parse(text, &r->told->at) != HY_OK || r->told->at <= 0)
        return wrong(r, "invalid_value", field,
                     "This must be a time like \"2026-12-01T09:00:00+09:00\".");
    if (r->told->at > r->now + HY_TOLD_AHEAD_MS)
        return wrong(r, "in_future", field, "This is more than ten minutes ahead.");
    return HY_OK;
}

static int read_percent(struct reader *r, const json_t *v, const char *field)
{
    json_int_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < 0 || n > 100)
        return wrong(r, "invalid_value", field, "This must be a number from 0 to 100.");
    r->told->percent = (uint32_t)n;
    return HY_OK;
}

static int read_meta(struct reader *r, const json_t *v, const char *field)
{
    if (!json_is_object(v))
        return wrong(r, "invalid_type", field, "This must be an object.");
    if (json_object_size(v) == 0)
        return HY_OK;
    size_t n = json_dumpb(v, NULL, 0, JSON_COMPACT);
    if (n == 0 || n > HY_ACTIVITY_META_MAX)
        return wrong(r, "too_large", field, "This may have %d bytes.", HY_ACTIVITY_META_MAX);
    char *room = hy_arena_alloc(r->arena, n);
    if (!room || json_dumpb(v, room, n, JSON_COMPACT) != n)
        return HY_ENOMEM;
    r->told->meta = hy_str_make(room, n);
    return HY_OK;
}

static const struct field {
    const char *name;
    int (*read)(struct reader *r, const json_t *v, const char *field);
} fields[] = {
    {"kind", read_kind},       {"lead", read_lead},
    {"email", read_email},     {"external_id", read_external},
    {"line_id", read_line},    {"phone", read_phone},
    {"visitor", read_visitor}, {"at", read_at},
    {"name", read_name},       {"url", read_url},
    {"meta", read_meta},       {"percent", read_percent},
    {"source", read_source},   {"id", read_ref},
};

static int read_field(struct reader *r, const char *name, const json_t *v)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i].name, name) == 0)
            return json_is_null(v) ? HY_OK : fields[i].read(r, v, fields[i].name);
    char field[sizeof r->fault->field];
    snprintf(field, sizeof field, "%.60s", name);
    return wrong(r, "unknown_field", field, "There is no such field.");
}

/* What must be there, by kind. */
static int check_whole(struct reader *r)
{
    const struct hy_told *x = r->told;
    switch (x->kind) {
    case HY_ACTIVITY_PAGE_VIEW:
    case HY_ACTIVITY_SCROLL:
        if (!x->url.n)
            return wrong(r, "missing_field", "url", "Which page was it?");
        break;
    case HY_ACTIVITY_KEY_PAGE:
    case HY_ACTIVITY_VIDEO:
    case HY_ACTIVITY_FORM_POST:
    case HY_ACTIVITY_OFFLINE:
    case HY_ACTIVITY_SALES:
    case HY_ACTIVITY_CUSTOM:
        if (!x->name.n)
            return wrong(r, "missing_field", "name", "What is it called?");
        break;
    case HY_ACTIVITY_DOWNLOAD:
        if (!x->name.n && !x->url.n)
            return wrong(r, "missing_field", "url", "Which file was it?");
        break;
    case HY_ACTIVITY_IDENTIFY:
        if (!x->visitor)
            return wrong(r, "missing_field", "visitor", "Which visitor became known?");
        if (!x->by)
            return wrong(r, "missing_field", "lead", "As which lead did the visitor become known?");
        break;
    default:
        if (x->kind == 0)
            return wrong(r, "missing_field", "kind", "What happened?");
    }
    if (!x->by && !x->visitor)
        return wrong(r, "missing_field", "lead",
                     "Whose is it? Give lead, email, external_id, line_id, phone or visitor.");
    return HY_OK;
}

int hy_told_read(json_t *object, hy_wall_ms now, struct hy_arena *arena, struct hy_told *ret,
                 struct hy_told_fault *fault)
{
    struct hy_told told = {0};
    struct reader r = {.told = &told, .fault = fault, .arena = arena, .now = now};
    const char *name;
    json_t *v;
    if (!json_is_object(object))
        return wrong(&r, "invalid_type", "", "An activity must be an object.");
    json_object_foreach(object, name, v)
    {
        int err = read_field(&r, name, v);
        if (err != HY_OK)
            return err;
    }
    int err = check_whole(&r);
    if (err == HY_OK)
        *ret = told;
    return err;
}

struct hy_activity hy_told_activity(const struct hy_told *x)
{
    return (struct hy_activity){
        .kind = x->kind,
        .at = x->at,
        .lead = x->lead,
        .visitor = x->visitor,
        .link = x->percent,
        .text = x->name.n                         ? x->name
                : x->kind == HY_ACTIVITY_DOWNLOAD ? x->url
                                                  : x->name,
        .url = x->url,
        .source = x->source,
        .meta = x->meta,
        .ref = x->ref,
    };
}
