/* Reads a YAML tree into a struct by its schema: every key is looked up, every value checked, every
 * fault noted with its place, and the reading goes on to the next. */
#include "schema.h"

#include <stdarg.h>

enum { CHILDREN_MAX = 256, DEFAULTS_MAX = 8 };

static bool is_below(const char *path, struct hy_str section)
{
    size_t n = strlen(path);
    return n > section.n && memcmp(path, section.p, section.n) == 0 &&
           (section.n == 0 || path[section.n] == '.');
}

/* The names that may stand directly in a section. */
static size_t children(const struct schema *s, struct hy_str section, const char *out[],
                       char text[][64])
{
    size_t n = 0, skip = section.n ? section.n + 1 : 0;
    for (size_t i = 0; i < s->n_rows && n < CHILDREN_MAX; i++) {
        if (!is_below(s->rows[i].path, section))
            continue;
        struct hy_str rest = hy_str_of(s->rows[i].path + skip), piece;
        if (!hy_str_split(&rest, '.', &piece) || piece.n >= 64)
            continue;
        if (n && hy_str_eq(hy_str_of(text[n - 1]), piece))
            continue;
        memcpy(text[n], piece.p, piece.n);
        text[n][piece.n] = '\0';
        out[n] = text[n];
        n++;
    }
    return n;
}

/* The section of another place that has this key: the commonest slip is a wrong indentation. */
static const char *same_key_elsewhere(const struct schema *s, struct hy_str key)
{
    for (size_t i = 0; i < s->n_rows; i++) {
        struct hy_str path = hy_str_of(s->rows[i].path);
        if (path.n > key.n && path.p[path.n - key.n - 1] == '.' && hy_str_ends(path, key))
            return s->rows[i].path;
    }
    return NULL;
}

static void unknown_key(const struct schema *s, const struct schema_ctx *ctx,
                        const struct yaml_node *key, struct hy_str section)
{
    const char *names[CHILDREN_MAX];
    char text[CHILDREN_MAX][64];
    size_t n = children(s, section, names, text);
    const char *near = hy_str_nearest(key->text, names, n);
    const char *other = near ? NULL : same_key_elsewhere(s, key->text);
    char where[128] = "";
    if (section.n)
        snprintf(where, sizeof where, " in '%.*s'", HY_STR_ARG(section));
    struct hy_problems *p = ctx->src->problems;
    if (near)
        hy_problems_error(p, ctx->src->file, key->line, key->column,
                          "unknown key '%.*s'%s (did you mean '%s'?)", HY_STR_ARG(key->text), where,
                          near);
    else if (other)
        hy_problems_error(p, ctx->src->file, key->line, key->column,
                          "unknown key '%.*s'%s (it belongs to another section: '%s')",
                          HY_STR_ARG(key->text), where, other);
    else
        hy_problems_error(p, ctx->src->file, key->line, key->column, "unknown key '%.*s'%s",
                          HY_STR_ARG(key->text), where);
}

static const struct schema_row *row_of(const struct schema *s, struct hy_str path)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (hy_str_eq(hy_str_of(s->rows[i].path), path))
            return &s->rows[i];
    return NULL;
}

static bool is_section(const struct schema *s, struct hy_str path)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (is_below(s->rows[i].path, path))
            return true;
    return false;
}

static int read_section(const struct schema *s, const struct schema_ctx *ctx,
                        const struct yaml_node *node, struct hy_str section, void *out)
{
    if (node->kind == YAML_SCALAR && node->is_null && section.n)
        return 0; /* "store:" with every line under it commented out */
    if (node->kind != YAML_MAP) {
        hy_problems_error(ctx->src->problems, ctx->src->file, node->line, node->column,
                          "%.*s%smust be a section: lines of 'key: value'", HY_STR_ARG(section),
                          section.n ? ": " : "");
        return 0;
    }
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_node *key = node->entries[i].key;
        char path[256];
        int n = snprintf(path, sizeof path, "%.*s%s%.*s", HY_STR_ARG(section), section.n ? "." : "",
                         HY_STR_ARG(key->text));
        bool fits = n > 0 && (size_t)n < sizeof path && hy_str_find(key->text, '.', 0) == SIZE_MAX;
        struct hy_str full = hy_str_make(path, fits ? (size_t)n : 0);
        const struct schema_row *row = fits ? row_of(s, full) : NULL;
        int err = 0;
        if (row)
            err = schema_read_value(row, ctx, node->entries[i].value, (char *)out + row->offset);
        else if (fits && is_section(s, full))
            err = read_section(s, ctx, node->entries[i].value, full, out);
        else
            unknown_key(s, ctx, key, section);
        if (err)
            return err;
    }
    return 0;
}

static bool is_given(const struct yaml_node *root, const char *path)
{
    struct hy_str rest = hy_str_of(path), piece;
    while (root && hy_str_split(&rest, '.', &piece))
        root = yaml_get(root, piece);
    return root != NULL;
}

int schema_read(const struct schema *s, const struct schema_ctx *ctx, const struct yaml_node *node,
                void *out)
{
    int err = read_section(s, ctx, node, HY_STR(""), out);
    for (size_t i = 0; i < s->n_rows && !err && node->kind == YAML_MAP; i++)
        if ((s->rows[i].flags & SCHEMA_REQUIRED) && !s->rows[i].def &&
            !is_given(node, s->rows[i].path))
            hy_problems_error(ctx->src->problems, ctx->src->file, node->line, node->column,
                              "'%s' is missing", s->rows[i].path);
    return err;
}

/* "[a, b]" as the list that YAML would make of it. */
static int read_default(const struct schema_row *row, const struct schema_ctx *ctx, void *field)
{
    struct yaml_node one = {.kind = YAML_SCALAR, .text = hy_str_of(row->def)};
    struct yaml_node items[DEFAULTS_MAX], list = {.kind = YAML_LIST};
    struct yaml_entry entries[DEFAULTS_MAX];
    if (one.text.p[0] != '[')
        return schema_read_value(row, ctx, &one, field);
    struct hy_str rest = hy_str_slice(one.text, 1, one.text.n - 1), piece;
    while (list.n < DEFAULTS_MAX && hy_str_split(&rest, ',', &piece)) {
        items[list.n] = (struct yaml_node){.kind = YAML_SCALAR, .text = hy_str_trim(piece)};
        entries[list.n] = (struct yaml_entry){.value = &items[list.n]};
        list.n++;
    }
    list.entries = entries;
    return schema_read_value(row, ctx, &list, field);
}

int schema_defaults(const struct schema *s, const struct schema_ctx *ctx, void *out)
{
    static const char *const empty = "";
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct schema_row *row = &s->rows[i];
        void *field = (char *)out + row->offset;
        int err = 0;
        memset(field, 0, row->size);
        if (row->def) {
            err = read_default(row, ctx, field);
        } else if (row->type == SCHEMA_STRING || row->type == SCHEMA_PATH ||
                   row->type == SCHEMA_HOSTNAME) {
            memcpy(field, &empty, sizeof empty);
        }
        if (err)
            return err;
    }
    return 0;
}

static void place_of(const struct yaml_node *root, const char *path, uint32_t *line,
                     uint32_t *column)
{
    const struct yaml_node *n = yaml_find(root, path);
    *line = n->line;
    *column = n->column;
}

void schema_error_at(const struct schema_ctx *ctx, const struct yaml_node *root, const char *path,
                     const char *fmt, ...)
{
    char text[768];
    uint32_t line, column;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    place_of(root, path, &line, &column);
    hy_problems_error(ctx->src->problems, ctx->src->file, line, column, "%s: %s", path, text);
}

void schema_warn_at(const struct schema_ctx *ctx, const struct yaml_node *root, const char *path,
                    const char *fmt, ...)
{
    char text[768];
    uint32_t line, column;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    place_of(root, path, &line, &column);
    hy_problems_warning(ctx->src->problems, ctx->src->file, line, column, "%s: %s", path, text);
}
