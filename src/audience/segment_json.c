/* Segments read from JSON: the same trees as from their text. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "segment.h"

enum { PATH_MAX_BYTES = 200, JSON_MAX = 4 * HY_SEGMENT_TEXT_MAX };

struct reader {
    struct segment_maker m;
    char path[PATH_MAX_BYTES]; /* of what is read: "and[1].value" */
    unsigned depth;
    int err;
};

static bool wrong(struct reader *r, const char *fmt, ...) HY_PRINTF(2, 3);
static bool wrong(struct reader *r, const char *fmt, ...)
{
    char why[300];
    va_list args;
    if (r->err != HY_OK)
        return false;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    if (*r->path)
        r->err = hy_fail(r->m.diag, HY_EPARSE, "%s: %s", r->path, why);
    else
        r->err = hy_fail(r->m.diag, HY_EPARSE, "%s", why);
    return false;
}

/* Goes into a member; the path as it was is for leave(). */
static size_t enter(struct reader *r, const char *fmt, ...) HY_PRINTF(2, 3);
static size_t enter(struct reader *r, const char *fmt, ...)
{
    size_t was = strlen(r->path);
    va_list args;
    va_start(args, fmt);
    vsnprintf(r->path + was, sizeof r->path - was, fmt, args);
    va_end(args);
    return was;
}

static void leave(struct reader *r, size_t was)
{
    if (r->err == HY_OK)
        r->path[was] = '\0';
}

/* -- values --------------------------------------------------------------------------------- */

static bool text_of(struct reader *r, const json_t *j, struct hy_str *ret)
{
    if (!json_is_string(j) || json_string_length(j) > HY_SEGMENT_TEXT_MAX)
        return wrong(r, "must be a text");
    *ret = hy_arena_str(r->m.arena, hy_str_make(json_string_value(j), json_string_length(j)));
    if (ret->p && !segment_is_clean(*ret))
        return wrong(r, "must be without control characters");
    r->err = ret->p ? HY_OK : HY_ENOMEM;
    return r->err == HY_OK;
}

static bool name_of(struct reader *r, const json_t *j, struct hy_str *ret)
{
    if (!text_of(r, j, ret))
        return false;
    if (ret->n == 0 || ret->n > HY_SEGMENT_NAME_MAX)
        return wrong(r, "must be a name of 1 to %d bytes", HY_SEGMENT_NAME_MAX);
    return true;
}

/* Of what may stand in backquotes. */
static bool key_of(struct reader *r, const json_t *j, struct hy_str *ret)
{
    return name_of(r, j, ret) &&
           (!memchr(ret->p, '`', ret->n) || wrong(r, "must be a name without `"));
}

static bool date_of(struct reader *r, const json_t *j, struct hy_segment_value *ret)
{
    struct hy_str text;
    if (!text_of(r, j, &text))
        return false;
    return segment_read_date(text, ret) == HY_OK ||
           wrong(r, "must be a day (2026-12-01) or a moment (2026-12-01T09:00+09:00)");
}

static bool time_of(struct reader *r, const json_t *j, struct hy_segment_value *ret)
{
    struct hy_str text;
    if (!text_of(r, j, &text))
        return false;
    return segment_read_time(text, ret) == HY_OK || wrong(r, "must be a time: 90s 5m 2h 30d 4w");
}

static bool number_of(struct reader *r, const json_t *j, struct hy_segment_value *ret)
{
    char text[40];
    int n = json_is_integer(j)
                ? snprintf(text, sizeof text, "%lld", (long long)json_integer_value(j))
                : snprintf(text, sizeof text, "%.15g", json_real_value(j));
    if (memchr(text, 'e', (size_t)n))
        n = snprintf(text, sizeof text, "%.14f", json_real_value(j));
    struct hy_str kept = {NULL, 0};
    if (n > 0 && n < (int)sizeof text)
        kept = hy_arena_str(r->m.arena, hy_str_make(text, (size_t)n));
    if (kept.p && segment_read_number(segment_short_number(kept), ret) == HY_OK)
        return true;
    return wrong(r, "must be a number of at most 15 digits");
}

static bool value_of(struct reader *r, const json_t *j, enum hy_segment_op op,
                     struct hy_segment_value *ret)
{
    bool is_good;
    if (op == HY_SEGMENT_WITHIN || op == HY_SEGMENT_OLDER) {
        is_good = time_of(r, j, ret);
    } else if (json_is_object(j) && json_object_get(j, "date")) {
        is_good = date_of(r, json_object_get(j, "date"), ret);
    } else if (json_is_number(j)) {
        is_good = number_of(r, j, ret);
    } else if (json_is_boolean(j)) {
        *ret = (struct hy_segment_value){.kind = HY_SEGMENT_BOOL, .yes = json_is_true(j)};
        ret->text = ret->yes ? HY_STR("true") : HY_STR("false");
        is_good = true;
    } else if (json_is_string(j)) {
        ret->kind = HY_SEGMENT_TEXT;
        is_good = text_of(r, j, &ret->text);
    } else {
        is_good = wrong(r, "must be a text, a number, true, false or {\"date\": ...}");
    }
    if (is_good && !segment_op_takes(op, ret->kind))
        return wrong(r, "'%s' does not take such a value", segment_op_words[op]);
    return is_good;
}

/* The operator under "op"; *op stays when none is said. */
static bool op_of(struct reader *r, const json_t *j, enum hy_segment_op *op)
{
    const char *word = json_string_value(json_object_get(j, "op"));
    if (!json_object_get(j, "op"))
        return true;
    for (unsigned i = 0; word && i < HY_SEGMENT_OPS; i++)
        if (strcmp(word, segment_op_words[i]) == 0) {
            *op = (enum hy_segment_op)i;
            return true;
        }
    return wrong(r,
                 "op: '%.40s' is none; there are = != < <= > >= in contains starts ends set "
                 "before after within older",
                 word ? word : "?");
}

/* -- conditions ----------------------------------------------------------------------------- */

static const struct hy_segment_node *read_node(struct reader *r, json_t *j);

/* Nothing that would be passed over in silence. */
static bool has_only(struct reader *r, json_t *j, const char *keys)
{
    const char *key;
    json_t *v;
    json_object_foreach(j, key, v)
    {
        struct hy_str rest = hy_str_of(keys), one;
        bool is_known = false;
        while (hy_str_split(&rest, ',', &one))
            is_known = is_known || hy_str_eq(one, hy_str_of(key));
        if (!is_known)
            return wrong(r, "'%.60s' has no meaning here; there may be %s", key, keys);
    }
    return true;
}

static const struct hy_segment_node *read_joined(struct reader *r, const json_t *j,
                                                 enum hy_segment_kind kind)
{
    const char *word = kind == HY_SEGMENT_ALL ? "and" : "or";
    const json_t *list = json_object_get(j, word);
    const struct hy_segment_node **to;
    struct segment_list items = {
        .item_size = sizeof *to, .max = HY_SEGMENT_NODES_MAX, .what = "conditions"};
    if (!json_is_array(list) || json_array_size(list) == 0)
        (void)wrong(r, "%s: must be a list of conditions", word);
    for (size_t i = 0; r->err == HY_OK && i < json_array_size(list); i++) {
        size_t was = enter(r, "%s%s[%zu]", *r->path ? "." : "", word, i);
        const struct hy_segment_node *n = read_node(r, json_array_get(list, i));
        leave(r, was);
        to = n ? segment_list_add(&items, &r->m, &r->err) : NULL;
        if (to)
            *to = n;
    }
    return segment_join(&r->m, kind, &items, &r->err);
}

static const struct hy_segment_node *read_not(struct reader *r, const json_t *j)
{
    size_t was = enter(r, "%snot", *r->path ? "." : "");
    struct hy_segment_node *n = segment_new(&r->m, HY_SEGMENT_NOT, &r->err);
    const struct hy_segment_node **item = hy_arena_alloc(r->m.arena, sizeof *item);
    if (!n || !item) {
        r->err = r->err == HY_OK ? HY_ENOMEM : r->err;
        return NULL;
    }
    *item = read_node(r, json_object_get(j, "not"));
    n->items = item;
    n->n_items = 1;
    leave(r, was);
    return *item ? n : NULL;
}

static bool read_values(struct reader *r, const json_t *j, struct hy_segment_node *n)
{
    const json_t *value = json_object_get(j, "value");
    bool is_list = n->op == HY_SEGMENT_IN;
    size_t count = is_list ? json_array_size(value) : 1;
    if (n->op == HY_SEGMENT_SET)
        return !value || wrong(r, "value: 'set' takes none");
    if (!value || (is_list && count == 0))
        return wrong(r, is_list ? "value: must be a list of values" : "value: is missing");
    if (count > HY_SEGMENT_VALUES_MAX)
        return wrong(r, "value: more than %d values", HY_SEGMENT_VALUES_MAX);
    struct hy_segment_value *values = hy_arena_zalloc(r->m.arena, count * sizeof *values);
    if (!values) {
        r->err = HY_ENOMEM;
        return false;
    }
    n->values = values;
    n->n_values = (uint16_t)count;
    size_t was = enter(r, "%svalue", *r->path ? "." : "");
    for (size_t i = 0; i < count; i++)
        if (!value_of(r, is_list ? json_array_get(value, i) : value, n->op, &values[i]))
            return false;
    leave(r, was);
    return true;
}

/* What is wrong with a name that has a meaning of its own, or with what it is compared with. */
static bool is_given_well(struct reader *r, const struct hy_segment_node *n)
{
    char why[300];
    if (segment_name_is_wrong(n->name, why, sizeof why))
        return wrong(r, "attribute: %s", why);
    for (size_t i = 0; i < n->n_values; i++) {
        const char *wants = segment_given_wants(n->name, n->op, &n->values[i]);
        if (wants)
            return wrong(r, "value: '%.*s' is compared with %s", HY_STR_ARG(n->name), wants);
    }
    return true;
}

static const struct hy_segment_node *read_compare(struct reader *r, json_t *j)
{
    struct hy_segment_node *n = segment_new(&r->m, HY_SEGMENT_COMPARE, &r->err);
    if (!n || !has_only(r, j, "attribute,op,value") ||
        !key_of(r, json_object_get(j, "attribute"), &n->name) || !op_of(r, j, &n->op) ||
        !read_values(r, j, n) || !is_given_well(r, n))
        return NULL;
    return n;
}

static const struct hy_segment_node *read_member(struct reader *r, json_t *j,
                                                 enum hy_segment_group group)
{
    struct hy_segment_node *n = segment_new(&r->m, HY_SEGMENT_MEMBER, &r->err);
    if (!n || !has_only(r, j, segment_group_words[group]))
        return NULL;
    n->group = group;
    return name_of(r, json_object_get(j, segment_group_words[group]), &n->name) ? n : NULL;
}

static bool read_filters(struct reader *r, const json_t *list, const struct segment_verb *verb,
                         struct hy_segment_node *n)
{
    size_t count = json_array_size(list);
    if (!list)
        return true;
    if (!json_is_array(list) || count > HY_SEGMENT_FILTERS_MAX)
        return wrong(r, "where: must be a list of at most %d filters", HY_SEGMENT_FILTERS_MAX);
    struct hy_segment_filter *f = hy_arena_zalloc(r->m.arena, (count + 1) * sizeof *f);
    if (!f) {
        r->err = HY_ENOMEM;
        return false;
    }
    n->filters = f;
    n->n_filters = (uint16_t)count;
    for (size_t i = 0; i < count; i++, f++) {
        json_t *one = json_array_get(list, i);
        size_t was = enter(r, "%swhere[%zu]", *r->path ? "." : "", i);
        f->op = HY_SEGMENT_EQ;
        if (!json_is_object(one))
            return wrong(r, "must be an object of key, op, value");
        if (!has_only(r, one, "key,op,value") || !key_of(r, json_object_get(one, "key"), &f->key) ||
            !op_of(r, one, &f->op) || !value_of(r, json_object_get(one, "value"), f->op, &f->value))
            return false;
        if (!segment_verb_knows(verb, f->key) || f->op > HY_SEGMENT_GE)
            return wrong(r, "%s is not asked that way", verb->word);
        leave(r, was);
    }
    return true;
}

static bool read_count(struct reader *r, json_t *count, struct hy_segment_node *n)
{
    const json_t *times = json_object_get(count, "times");
    n->op = HY_SEGMENT_GE;
    n->count = 1;
    if (!count)
        return true;
    size_t was = enter(r, "%scount", *r->path ? "." : "");
    if (!json_is_object(count) || !json_is_integer(times) || json_integer_value(times) < 0 ||
        json_integer_value(times) > 1000000)
        return wrong(r, "must be {\"op\": \">=\", \"times\": 0 to 1,000,000}");
    n->count = (uint32_t)json_integer_value(times);
    if (!has_only(r, count, "op,times") || !op_of(r, count, &n->op))
        return false;
    if (n->op > HY_SEGMENT_GE)
        return wrong(r, "op: = != < <= > >= can be counted");
    leave(r, was);
    return true;
}

static const struct hy_segment_node *read_did(struct reader *r, json_t *j)
{
    struct hy_segment_node *n = segment_new(&r->m, HY_SEGMENT_DID, &r->err);
    struct hy_segment_value within = {0};
    struct hy_str word;
    json_t *w = json_object_get(j, "within"), *since = json_object_get(j, "since"),
           *before = json_object_get(j, "before");
    if (!n || !has_only(r, j, "did,where,within,since,before,count") ||
        !text_of(r, json_object_get(j, "did"), &word))
        return NULL;
    const struct segment_verb *verb = segment_verb_of(word);
    if (!verb) {
        char verbs[200];
        (void)wrong(r, "did: must be one of %s", segment_verb_list(verbs, sizeof verbs));
        return NULL;
    }
    n->did = verb->kind;
    if ((w && !time_of(r, w, &within)) || (since && !date_of(r, since, &n->since)) ||
        (before && !date_of(r, before, &n->before)))
        return NULL;
    n->within_s = w ? within.seconds : 0;
    return read_filters(r, json_object_get(j, "where"), verb, n) &&
                   read_count(r, json_object_get(j, "count"), n)
               ? n
               : NULL;
}

static const struct hy_segment_node *read_kind(struct reader *r, json_t *j)
{
    if (json_object_get(j, "and") && has_only(r, j, "and"))
        return read_joined(r, j, HY_SEGMENT_ALL);
    if (json_object_get(j, "or") && has_only(r, j, "or"))
        return read_joined(r, j, HY_SEGMENT_ANY);
    if (json_object_get(j, "not") && has_only(r, j, "not"))
        return read_not(r, j);
    if (json_object_get(j, "attribute"))
        return read_compare(r, j);
    if (json_object_get(j, "did"))
        return read_did(r, j);
    for (unsigned g = 0; g < HY_SEGMENT_GROUPS; g++)
        if (json_object_get(j, segment_group_words[g]))
            return read_member(r, j, (enum hy_segment_group)g);
    (void)wrong(r, "must be an object with and, or, not, attribute, did, tag, list, group or "
                   "segment");
    return NULL;
}

static const struct hy_segment_node *read_node(struct reader *r, json_t *j)
{
    if (r->depth == HY_SEGMENT_DEPTH_MAX) {
        (void)wrong(r, "more than %d conditions inside conditions", HY_SEGMENT_DEPTH_MAX);
        return NULL;
    }
    r->depth++;
    const struct hy_segment_node *n = read_kind(r, j);
    r->depth--;
    return r->err == HY_OK ? n : NULL;
}

int hy_segment_parse_json(struct hy_str text, struct hy_arena *arena, struct hy_diag *diag,
                          const struct hy_segment_node **ret)
{
    struct reader r = {.m = {.arena = arena, .diag = diag}};
    json_error_t why;
    if (text.n > JSON_MAX)
        return hy_fail(diag, HY_ELIMIT, "is longer than %d bytes", JSON_MAX);
    json_t *j = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &why);
    if (!j)
        return hy_fail(diag, HY_EPARSE, "is no JSON: %d:%d: %s", why.line, why.column, why.text);
    const struct hy_segment_node *n = read_node(&r, j);
    json_decref(j);
    if (r.err == HY_OK)
        *ret = n;
    return r.err;
}
