/* Segments written: as their text, and as JSON. */
#include "hayauma/base/json_put.h"
#include "segment.h"

/* -- text ----------------------------------------------------------------------------------- */

static void put_quoted(struct hy_buf *out, struct hy_str s)
{
    hy_buf_add_c(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"' || c == '\\')
            hy_buf_add_c(out, '\\');
        if (c == '\n' || c == '\r' || c == '\t')
            hy_buf_printf(out, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else
            hy_buf_add_c(out, c);
    }
    hy_buf_add_c(out, '"');
}

/* Names that would not be read back as they are stand in backquotes. */
static void put_name(struct hy_buf *out, struct hy_str name)
{
    bool is_plain = segment_is_plain_name(name);
    if (!is_plain)
        hy_buf_add_c(out, '`');
    hy_buf_add_str(out, name);
    if (!is_plain)
        hy_buf_add_c(out, '`');
}

static void put_value(struct hy_buf *out, const struct hy_segment_value *v)
{
    if (v->kind == HY_SEGMENT_TEXT)
        put_quoted(out, v->text);
    else
        hy_buf_add_str(out, v->text);
}

static void put_compare(struct hy_buf *out, const struct hy_segment_node *n)
{
    static const char *const words[HY_SEGMENT_OPS] = {
        "=",           "!=",        "<",      "<=",     ">",     ">=",     "in",         "contains",
        "starts with", "ends with", "is set", "before", "after", "within", "older than",
    };
    put_name(out, n->name);
    hy_buf_printf(out, " %s", words[n->op]);
    if (n->op == HY_SEGMENT_IN)
        hy_buf_add_lit(out, " (");
    for (size_t i = 0; i < n->n_values; i++) {
        hy_buf_add_str(out, i ? HY_STR(", ") : n->op == HY_SEGMENT_IN ? HY_STR("") : HY_STR(" "));
        put_value(out, &n->values[i]);
    }
    if (n->op == HY_SEGMENT_IN)
        hy_buf_add_c(out, ')');
}

static void put_argument(struct hy_buf *out, bool *is_first, const char *word)
{
    hy_buf_printf(out, "%s%s", *is_first ? "" : ", ", word);
    *is_first = false;
}

static void put_did(struct hy_buf *out, const struct hy_segment_node *n)
{
    bool is_first = true;
    hy_buf_printf(out, "%s(", segment_verb_of_kind(n->did)->word);
    for (size_t i = 0; i < n->n_filters; i++) {
        const struct hy_segment_filter *f = &n->filters[i];
        put_argument(out, &is_first, "");
        put_name(out, f->key);
        if (f->op == HY_SEGMENT_EQ)
            hy_buf_add_lit(out, ": ");
        else
            hy_buf_printf(out, " %s ", segment_op_words[f->op]);
        put_value(out, &f->value);
    }
    if (n->within_s) {
        put_argument(out, &is_first, "within ");
        segment_put_time(out, n->within_s);
    }
    if (n->since.text.n) {
        put_argument(out, &is_first, "since ");
        hy_buf_add_str(out, n->since.text);
    }
    if (n->before.text.n) {
        put_argument(out, &is_first, "before ");
        hy_buf_add_str(out, n->before.text);
    }
    hy_buf_add_c(out, ')');
    if (n->op != HY_SEGMENT_GE || n->count != 1)
        hy_buf_printf(out, " %s %u", segment_op_words[n->op], n->count);
}

void hy_segment_put(struct hy_buf *out, const struct hy_segment_node *n)
{
    bool is_all = n->kind == HY_SEGMENT_ALL;
    switch (n->kind) {
    case HY_SEGMENT_COMPARE:
        put_compare(out, n);
        return;
    case HY_SEGMENT_DID:
        put_did(out, n);
        return;
    case HY_SEGMENT_MEMBER:
        hy_buf_printf(out, "%s(", segment_group_words[n->group]);
        put_quoted(out, n->name);
        hy_buf_add_c(out, ')');
        return;
    case HY_SEGMENT_NOT:
        hy_buf_add_lit(out, "not ");
        break;
    default:
        break;
    }
    for (size_t i = 0; i < n->n_items; i++) {
        const struct hy_segment_node *item = n->items[i];
        bool is_inside = item->kind == HY_SEGMENT_ANY ||
                         (item->kind == HY_SEGMENT_ALL && n->kind == HY_SEGMENT_NOT);
        if (i)
            hy_buf_add_str(out, is_all ? HY_STR(" and ") : HY_STR(" or "));
        if (is_inside)
            hy_buf_add_c(out, '(');
        hy_segment_put(out, item);
        if (is_inside)
            hy_buf_add_c(out, ')');
    }
}

/* -- JSON ----------------------------------------------------------------------------------- */

static void put_json_value(struct hy_buf *out, const struct hy_segment_value *v)
{
    bool is_date = v->kind == HY_SEGMENT_DATE;
    if (is_date)
        hy_buf_add_lit(out, "{\"date\":");
    if (v->kind == HY_SEGMENT_NUMBER || v->kind == HY_SEGMENT_BOOL)
        hy_buf_add_str(out, v->text);
    else
        hy_json_put_str(out, v->text);
    if (is_date)
        hy_buf_add_c(out, '}');
}

static void put_json_compare(struct hy_buf *out, const struct hy_segment_node *n)
{
    hy_buf_add_lit(out, "{\"attribute\":");
    hy_json_put_str(out, n->name);
    hy_buf_printf(out, ",\"op\":\"%s\"", segment_op_words[n->op]);
    if (n->n_values)
        hy_buf_add_lit(out, ",\"value\":");
    if (n->op == HY_SEGMENT_IN)
        hy_buf_add_c(out, '[');
    for (size_t i = 0; i < n->n_values; i++) {
        if (i)
            hy_buf_add_c(out, ',');
        put_json_value(out, &n->values[i]);
    }
    hy_buf_add_str(out, n->op == HY_SEGMENT_IN ? HY_STR("]}") : HY_STR("}"));
}

static void put_json_did(struct hy_buf *out, const struct hy_segment_node *n)
{
    hy_buf_printf(out, "{\"did\":\"%s\"", segment_verb_of_kind(n->did)->word);
    for (size_t i = 0; i < n->n_filters; i++) {
        const struct hy_segment_filter *f = &n->filters[i];
        hy_buf_add_str(out, i ? HY_STR(",{\"key\":") : HY_STR(",\"where\":[{\"key\":"));
        hy_json_put_str(out, f->key);
        hy_buf_printf(out, ",\"op\":\"%s\",\"value\":", segment_op_words[f->op]);
        put_json_value(out, &f->value);
        hy_buf_add_c(out, '}');
    }
    if (n->n_filters)
        hy_buf_add_c(out, ']');
    if (n->within_s) {
        hy_buf_add_lit(out, ",\"within\":\"");
        segment_put_time(out, n->within_s);
        hy_buf_add_c(out, '"');
    }
    if (n->since.text.n) {
        hy_buf_add_lit(out, ",\"since\":");
        hy_json_put_str(out, n->since.text);
    }
    if (n->before.text.n) {
        hy_buf_add_lit(out, ",\"before\":");
        hy_json_put_str(out, n->before.text);
    }
    hy_buf_printf(out, ",\"count\":{\"op\":\"%s\",\"times\":%u}}", segment_op_words[n->op],
                  n->count);
}

void hy_segment_put_json(struct hy_buf *out, const struct hy_segment_node *n)
{
    switch (n->kind) {
    case HY_SEGMENT_COMPARE:
        put_json_compare(out, n);
        return;
    case HY_SEGMENT_DID:
        put_json_did(out, n);
        return;
    case HY_SEGMENT_MEMBER:
        hy_buf_printf(out, "{\"%s\":", segment_group_words[n->group]);
        hy_json_put_str(out, n->name);
        break;
    case HY_SEGMENT_NOT:
        hy_buf_add_lit(out, "{\"not\":");
        hy_segment_put_json(out, n->items[0]);
        break;
    case HY_SEGMENT_ALL:
    case HY_SEGMENT_ANY:
        hy_buf_add_str(out, n->kind == HY_SEGMENT_ALL ? HY_STR("{\"and\":[") : HY_STR("{\"or\":["));
        for (size_t i = 0; i < n->n_items; i++) {
            if (i)
                hy_buf_add_c(out, ',');
            hy_segment_put_json(out, n->items[i]);
        }
        hy_buf_add_c(out, ']');
        break;
    }
    hy_buf_add_c(out, '}');
}
