/* Rules written out: each value as a file has it, with the place it comes from. */
#include "shaping_priv.h"

enum { VALUE_MAX = 64 * 1024 };

static bool is_limit(size_t i)
{
    const char *path = shaping_rule_schema.rows[i].path;
    if (i < SHAPING_SELECTORS)
        return hy_str_starts(hy_str_of(path), HY_STR("provider."));
    return shaping_rule_schema.rows[i].type != SCHEMA_LIST;
}

void hy_shaping_each(const struct hy_shape_rules *set, const struct hy_shape_rule *rule,
                     hy_shaping_value_fn *fn, void *ctx)
{
    bool is_base = !rule || rule == set->base;
    const struct hy_shape_rule *r = is_base ? set->base : rule;
    struct hy_buf value = HY_BUF_INIT(VALUE_MAX);
    for (size_t i = is_base ? SHAPING_SELECTORS : 0; i < shaping_rule_schema.n_rows; i++) {
        const struct schema_row *row = &shaping_rule_schema.rows[i];
        if (!is_limit(i))
            continue;
        hy_buf_reset(&value);
        schema_put_value(row, (const char *)r + row->offset, &value);
        fn(ctx, row->path, hy_buf_cstr(&value), shaping_origin(r, row->path));
    }
    hy_buf_free(&value);
}

/* ---- a file of all ---- */

struct dumping {
    const struct hy_shape_rules *set;
    const struct hy_shape_rule *rule;
    const char *indent;
    struct hy_str section; /* written last, "" = none */
    struct hy_buf *out;
};

static void put_origin(const struct hy_shape_origin *o, struct hy_buf *out)
{
    if (o->line)
        hy_buf_printf(out, " # %s:%u\n", o->file, o->line);
    else
        hy_buf_add_lit(out, " # built in\n");
}

static void put_value(void *ctx, const char *key, const char *value,
                      const struct hy_shape_origin *origin)
{
    struct dumping *d = ctx;
    if (!shaping_is_own(d->set, d->rule, key))
        return;
    struct hy_str rest = hy_str_of(key), section = HY_STR("");
    size_t dot = hy_str_find(rest, '.', 0);
    if (dot != SIZE_MAX) {
        section = hy_str_slice(rest, 0, dot);
        rest = hy_str_slice(rest, dot + 1, rest.n);
    }
    if (section.n && !hy_str_eq(section, d->section))
        hy_buf_printf(d->out, "%s%.*s:\n", d->indent, HY_STR_ARG(section));
    d->section = section;
    hy_buf_printf(d->out, "%s%s%.*s: %s", d->indent, section.n ? "  " : "", HY_STR_ARG(rest),
                  value);
    put_origin(origin, d->out);
}

static void put_row(const struct hy_shape_rule *r, const char *path, const char *before,
                    struct hy_buf *out)
{
    const struct schema_row *row = &shaping_rule_schema.rows[shaping_row(path)];
    hy_buf_printf(out, "%s%s: ", before, path);
    schema_put_value(row, (const char *)r + row->offset, out);
    put_origin(shaping_origin(r, path), out);
}

static void put_replies(const struct dumping *d)
{
    if (d->rule->n_replies == 0)
        return;
    hy_buf_printf(d->out, "%son:\n", d->indent);
    for (size_t i = 0; i < d->rule->n_replies; i++) {
        const struct hy_reply_rule *p = &d->rule->replies[i];
        hy_buf_printf(d->out, "%s  # %s:%u\n", d->indent, p->file, p->line);
        for (size_t k = 0; k < shaping_reply_schema.n_rows; k++) {
            const struct schema_row *row = &shaping_reply_schema.rows[k];
            bool is_said = (strcmp(row->path, "for") != 0 || p->for_us) &&
                           (strcmp(row->path, "to") != 0 || p->keep_percent);
            if (!is_said)
                continue;
            hy_buf_printf(d->out, "%s  %s %s: ", d->indent, k ? " " : "-", row->path);
            schema_put_value(row, (const char *)p + row->offset, d->out);
            hy_buf_add_c(d->out, '\n');
        }
    }
}

static void put_rule(const struct hy_shape_rules *set, const struct hy_shape_rule *r,
                     struct hy_buf *out)
{
    struct dumping d = {.set = set, .rule = r, .indent = "    ", .out = out};
    put_row(r, "name", "\n  - ", out);
    if (r->n_mx)
        put_row(r, "mx", d.indent, out);
    if (r->n_domains)
        put_row(r, "domains", d.indent, out);
    hy_shaping_each(set, r, put_value, &d);
    put_replies(&d);
}

void hy_shaping_dump(const struct hy_shape_rules *set, struct hy_buf *out)
{
    struct dumping d = {.set = set, .rule = set->base, .indent = "  ", .out = out};
    hy_buf_add_lit(out, "default:\n");
    hy_shaping_each(set, NULL, put_value, &d);
    put_replies(&d);
    hy_buf_add_lit(out, set->n_rules ? "\nrules:" : "\nrules: []\n");
    for (size_t i = 0; i < set->n_rules; i++)
        put_rule(set, &set->rules[i], out);
}
