/* An edit of a lead out of JSON: every mistake with its place. */
#include <arpa/inet.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "hayauma/model/activity.h"
#include "leads.h"

struct reading {
    struct hy_arena *arena;
    struct hy_lead_edit *e;
    char *field;
    struct hy_diag *diag;
    /* rooms, as large as the arrays of an edit may be */
    struct hy_lead_edit_attr *attrs;
    struct hy_lead_edit_label *labels;
    struct hy_lead_edit_identity *ids;
    struct hy_lead_edit_list *lists;
};

static int HY_PRINTF(3, 4) wrong(struct reading *r, const char *why, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->field, 64, fmt, ap);
    va_end(ap);
    return hy_fail(r->diag, HY_EINVAL, "%s", why);
}

bool lead_text_read(const json_t *x, struct hy_str *ret)
{
    if (!json_is_string(x) || strlen(json_string_value(x)) != json_string_length(x))
        return false;
    *ret = hy_str_make(json_string_value(x), json_string_length(x));
    return true;
}

static int too_many(struct reading *r, const char *field)
{
    char why[64];
    snprintf(why, sizeof why, "There may be %d of them at most.", HY_LEAD_EDIT_MAX);
    return wrong(r, why, "%s", field);
}

/* A value of an attribute as text; null and "" unset it. */
static int attr_value(struct reading *r, const char *name, const json_t *x, struct hy_str *ret)
{
    char text[64];
    if (json_is_null(x)) {
        *ret = (struct hy_str){0};
        return HY_OK;
    }
    if (lead_text_read(x, ret))
        return HY_OK;
    if (json_is_boolean(x))
        snprintf(text, sizeof text, "%s", json_is_true(x) ? "true" : "false");
    else if (json_is_integer(x))
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(x));
    else if (json_is_real(x) && fabs(json_real_value(x)) < 1e15)
        snprintf(text, sizeof text, "%.6f", json_real_value(x));
    else
        return wrong(r, "It must be a text, a number, true, false or null.", "attributes.%.40s",
                     name);
    size_t n = strlen(text);
    if (json_is_real(x)) { /* 12.500000 */
        while (text[n - 1] == '0')
            n--;
        n -= text[n - 1] == '.';
    }
    *ret = hy_arena_str(r->arena, hy_str_make(text, n));
    return ret->p ? HY_OK : HY_ENOMEM;
}

static int read_attributes(struct reading *r, const json_t *o)
{
    const char *name;
    json_t *value;
    if (!json_is_object(o))
        return wrong(r, "It must be an object of names and values.", "attributes");
    if (json_object_size(o) > HY_LEAD_EDIT_MAX)
        return too_many(r, "attributes");
    json_object_foreach((json_t *)(uintptr_t)o, name, value)
    {
        struct hy_lead_edit_attr *a = &r->attrs[r->e->n_attrs++];
        a->name = hy_str_of(name);
        int err = attr_value(r, name, value, &a->value);
        if (err)
            return err;
    }
    return HY_OK;
}

int lead_attributes_read(const json_t *o, struct hy_arena *arena, size_t max,
                         const struct hy_lead_edit_attr **ret, size_t *ret_n, char *field,
                         struct hy_diag *diag)
{
    struct hy_lead_edit e = {.n_attrs = 0};
    struct reading r = {.arena = arena, .e = &e, .field = field, .diag = diag};
    if (json_object_size(o) > max)
        return wrong(&r, "There are too many of them.", "attributes");
    r.attrs = hy_arena_zalloc(arena, max * sizeof *r.attrs);
    if (!r.attrs)
        return HY_ENOMEM;
    int err = read_attributes(&r, o);
    if (!err) {
        *ret = r.attrs;
        *ret_n = e.n_attrs;
    }
    return err;
}

static int read_labels(struct reading *r, const char *field, const json_t *list,
                       enum hy_label_kind kind, bool is_removed)
{
    size_t i;
    const json_t *x;
    if (!json_is_array(list))
        return wrong(r, "It must be an array of names.", "%s", field);
    if (json_array_size(list) > HY_LEAD_EDIT_MAX - r->e->n_labels)
        return too_many(r, field);
    json_array_foreach(list, i, x)
    {
        struct hy_lead_edit_label *l = &r->labels[r->e->n_labels++];
        *l = (struct hy_lead_edit_label){.kind = kind, .is_removed = is_removed};
        if (!lead_text_read(x, &l->name))
            return wrong(r, "It must be a text.", "%s[%zu]", field, i);
    }
    return HY_OK;
}

/* "ext:crm:7", or a mail address. */
static bool id_of(struct hy_str text, struct hy_identity *ret)
{
    size_t colon = hy_str_find(text, ':', 0);
    for (int k = HY_IDENTITY_EXTERNAL; k < HY_IDENTITY_KINDS && colon != SIZE_MAX; k++) {
        enum hy_identity_kind kind = (enum hy_identity_kind)k;
        if (!hy_str_eq(hy_str_slice(text, 0, colon), hy_str_of(hy_identity_kind_name(kind))))
            continue;
        *ret = (struct hy_identity){kind, hy_str_slice(text, colon + 1, text.n)};
        return true;
    }
    *ret = (struct hy_identity){HY_IDENTITY_ADDRESS, text};
    return hy_str_find(text, '@', 0) != SIZE_MAX;
}

static int read_ids(struct reading *r, const char *field, const json_t *list, bool is_removed)
{
    size_t i;
    const json_t *x;
    if (!json_is_array(list))
        return wrong(r, "It must be an array of ids.", "%s", field);
    if (json_array_size(list) > HY_LEAD_EDIT_IDS_MAX - r->e->n_identities)
        return wrong(r, "There are too many of them.", "%s", field);
    json_array_foreach(list, i, x)
    {
        struct hy_lead_edit_identity *id = &r->ids[r->e->n_identities++];
        struct hy_str text = {0};
        id->is_removed = is_removed;
        if (!lead_text_read(x, &text) || !id_of(text, &id->identity))
            return wrong(r, "It must be ext:SYSTEM:ID, line:ID, phone:NUMBER or a mail address.",
                         "%s[%zu]", field, i);
    }
    return HY_OK;
}

static int read_list(struct reading *r, const char *field, size_t i, const json_t *x,
                     struct hy_lead_edit_list *l)
{
    const char *key;
    json_t *value;
    if (lead_text_read(x, &l->name))
        return HY_OK;
    if (!json_is_object(x) || l->is_left)
        return wrong(r, "It must be the name of a list.", "%s[%zu]", field, i);
    json_object_foreach((json_t *)(uintptr_t)x, key, value)
    {
        if (strcmp(key, "name") == 0 && lead_text_read(value, &l->name))
            continue;
        if (strcmp(key, "confirmed") != 0 || !json_is_boolean(value))
            return wrong(r, "It must have \"name\", and may have \"confirmed\": true.", "%s[%zu]",
                         field, i);
        l->is_confirmed = json_is_true(value);
    }
    return l->name.n ? HY_OK : wrong(r, "It has no name.", "%s[%zu]", field, i);
}

static int read_lists(struct reading *r, const char *field, const json_t *list, bool is_left)
{
    size_t i;
    const json_t *x;
    if (!json_is_array(list))
        return wrong(r, "It must be an array of lists.", "%s", field);
    if (json_array_size(list) > HY_LEAD_EDIT_MAX - r->e->n_lists)
        return too_many(r, field);
    json_array_foreach(list, i, x)
    {
        struct hy_lead_edit_list *l = &r->lists[r->e->n_lists++];
        *l = (struct hy_lead_edit_list){.is_left = is_left};
        int err = read_list(r, field, i, x, l);
        if (err)
            return err;
    }
    return HY_OK;
}

static int read_mode(struct reading *r, const json_t *x)
{
    static const char *const modes[] = {
        [HY_LEAD_EDIT_ANY] = "any", [HY_LEAD_EDIT_NEW] = "new", [HY_LEAD_EDIT_CHANGE] = "change"};
    struct hy_str text;
    for (size_t i = 0; lead_text_read(x, &text) && i < sizeof modes / sizeof *modes; i++) {
        if (hy_str_eq(text, hy_str_of(modes[i]))) {
            r->e->mode = (enum hy_lead_edit_mode)i;
            return HY_OK;
        }
    }
    return wrong(r, "It must be any, new or change.", "mode");
}

static int read_ip(struct reading *r, const json_t *x)
{
    struct hy_str text;
    struct in_addr four;
    if (lead_text_read(x, &text) && inet_pton(AF_INET6, text.p, r->e->ip) == 1)
        return HY_OK;
    if (!lead_text_read(x, &text) || inet_pton(AF_INET, text.p, &four) != 1)
        return wrong(r, "It must be an IP address.", "ip");
    r->e->ip[10] = r->e->ip[11] = 0xff;
    memcpy(r->e->ip + 12, &four, 4);
    return HY_OK;
}

static int read_proof(struct reading *r, const json_t *x)
{
    char *text = json_is_object(x) ? json_dumps(x, JSON_COMPACT) : NULL;
    if (!text)
        return wrong(r, "It must be an object.", "proof");
    r->e->proof = hy_arena_str(r->arena, hy_str_of(text));
    free(text);
    return r->e->proof.p ? HY_OK : HY_ENOMEM;
}

static int read_text(struct reading *r, const char *field, const json_t *x, struct hy_str *ret)
{
    return lead_text_read(x, ret) ? HY_OK : wrong(r, "It must be a text.", "%s", field);
}

static int read_lead(struct reading *r, const json_t *x)
{
    json_int_t n = json_integer_value(x);
    if (!json_is_integer(x) || n < 1 || n > UINT32_MAX)
        return wrong(r, "It must be the number of a lead.", "lead");
    r->e->lead = (hy_lead_no)n;
    return HY_OK;
}

static int read_field(struct reading *r, const char *key, const json_t *x)
{
    if (strcmp(key, "lead") == 0)
        return read_lead(r, x);
    if (strcmp(key, "address") == 0)
        return read_text(r, key, x, &r->e->address);
    if (strcmp(key, "attributes") == 0)
        return read_attributes(r, x);
    if (strcmp(key, "tags") == 0)
        return read_labels(r, key, x, HY_LABEL_TAG, false);
    if (strcmp(key, "remove_tags") == 0)
        return read_labels(r, key, x, HY_LABEL_TAG, true);
    if (strcmp(key, "groups") == 0)
        return read_labels(r, key, x, HY_LABEL_GROUP, false);
    if (strcmp(key, "remove_groups") == 0)
        return read_labels(r, key, x, HY_LABEL_GROUP, true);
    if (strcmp(key, "ids") == 0)
        return read_ids(r, key, x, false);
    if (strcmp(key, "remove_ids") == 0)
        return read_ids(r, key, x, true);
    if (strcmp(key, "lists") == 0)
        return read_lists(r, key, x, false);
    if (strcmp(key, "leave_lists") == 0)
        return read_lists(r, key, x, true);
    if (strcmp(key, "mode") == 0)
        return read_mode(r, x);
    if (strcmp(key, "ip") == 0)
        return read_ip(r, x);
    if (strcmp(key, "url") == 0)
        return read_text(r, key, x, &r->e->url);
    if (strcmp(key, "proof") == 0)
        return read_proof(r, x);
    if (strcmp(key, "fill") == 0 && json_is_boolean(x)) {
        r->e->is_filling = json_is_true(x);
        return HY_OK;
    }
    return wrong(r,
                 strcmp(key, "fill") == 0 ? "It must be true or false." : "There is no such field.",
                 "%.60s", key);
}

/* Room for as many as there are, or 1. */
static size_t size_of(const json_t *body, const char *const *fields)
{
    size_t n = 0;
    for (; *fields; fields++) {
        const json_t *x = json_object_get(body, *fields);
        n += json_is_array(x) ? json_array_size(x) : json_object_size(x);
    }
    return n == 0 ? 1 : n < HY_LEAD_EDIT_MAX ? n : HY_LEAD_EDIT_MAX;
}

static bool make_room(struct reading *r, const json_t *body)
{
    static const char *const
        attrs[] = {"attributes", NULL},
        *const ids[] = {"ids", "remove_ids", NULL}, *const lists[] = {"lists", "leave_lists", NULL},
        *const labels[] = {"tags", "remove_tags", "groups", "remove_groups", NULL};
    r->attrs = hy_arena_zalloc(r->arena, size_of(body, attrs) * sizeof *r->attrs);
    r->ids = hy_arena_zalloc(r->arena, size_of(body, ids) * sizeof *r->ids);
    r->lists = hy_arena_zalloc(r->arena, size_of(body, lists) * sizeof *r->lists);
    r->labels = hy_arena_zalloc(r->arena, size_of(body, labels) * sizeof *r->labels);
    return r->attrs && r->ids && r->lists && r->labels;
}

int hy_lead_edit_read(const json_t *body, struct hy_arena *arena, struct hy_lead_edit *ret,
                      char ret_field[64], struct hy_diag *diag)
{
    struct hy_lead_edit e = {0};
    struct reading r = {.arena = arena, .e = &e, .field = ret_field, .diag = diag};
    const char *key;
    json_t *value;
    ret_field[0] = '\0';
    if (!json_is_object(body))
        return hy_fail(diag, HY_EINVAL, "It must be an object.");
    if (!make_room(&r, body))
        return HY_ENOMEM;
    json_object_foreach((json_t *)(uintptr_t)body, key, value)
    {
        int err = read_field(&r, key, value);
        if (err)
            return err;
    }
    e.attrs = r.attrs;
    e.labels = r.labels;
    e.identities = r.ids;
    e.lists = r.lists;
    *ret = e;
    return HY_OK;
}
