/* Reads a YAML tree into a struct by its schema: every key is looked up, every value checked, every
 * fault noted with its place, and the reading goes on to the next. */
#include "schema.h"

#include <stdarg.h>
#include <stdlib.h>

#include "hayauma/config/campaign_file.h"
#include "hayauma/config/config.h"

enum { LIST_MAX = 1024, TEXT_MAX = 4096, CHILDREN_MAX = 256 };

static void fault(const struct schema_ctx *ctx, const struct yaml_node *n, const char *path,
                  const char *text)
{
    hy_problems_error(ctx->src->problems, ctx->src->file, n->line, n->column, "%s: %s", path, text);
}

/* -- single values ------------------------------------------------------------------------ */

static int keep(const struct schema_ctx *ctx, struct hy_str s, void *field)
{
    struct hy_str copy = hy_arena_str(ctx->arena, s);
    if (!copy.p)
        return HY_ENOMEM;
    memcpy(field, &copy.p, sizeof copy.p);
    return 0;
}

static int out_of_range(const struct schema_row *row, struct hy_str s, struct hy_diag *diag)
{
    struct hy_buf range = HY_BUF_INIT(128);
    schema_put_range(row, &range);
    int err =
        hy_fail(diag, HY_EINVAL, "'%.*s' is out of range: %s", HY_STR_ARG(s), hy_buf_cstr(&range));
    hy_buf_free(&range);
    return err;
}

static int in_range(const struct schema_row *row, struct hy_str s, uint64_t v, struct hy_diag *diag)
{
    if (v > INT64_MAX || (int64_t)v < row->min || (row->max && (int64_t)v > row->max))
        return out_of_range(row, s, diag);
    return 0;
}

static void store_uint(const struct schema_row *row, uint64_t v, void *field)
{
    uint16_t v16 = (uint16_t)v;
    uint32_t v32 = (uint32_t)v;
    if (row->size == sizeof v16)
        memcpy(field, &v16, sizeof v16);
    else if (row->size == sizeof v32)
        memcpy(field, &v32, sizeof v32);
    else
        memcpy(field, &v, sizeof v);
}

static int read_number(const struct schema_row *row, struct hy_str s, struct hy_diag *diag,
                       void *field)
{
    uint64_t v = 0;
    uint32_t v32 = 0;
    hy_us us = 0;
    int err;
    switch (row->type) {
    case SCHEMA_SIZE:
        err = value_size(s, diag, &v);
        break;
    case SCHEMA_DURATION:
        err = value_duration(s, diag, &us);
        v = (uint64_t)us;
        break;
    case SCHEMA_PERCENT:
        err = value_percent(s, diag, &v32);
        v = v32;
        break;
    case SCHEMA_MODE:
        err = value_mode(s, diag, &v32);
        v = v32;
        break;
    default:
        err = value_int(s, diag, &v);
        break;
    }
    if (!err)
        err = in_range(row, s, v, diag);
    if (!err)
        store_uint(row, v, field);
    return err;
}

static int read_enum(const struct schema_row *row, struct hy_str s, struct hy_diag *diag,
                     void *field)
{
    struct hy_buf all = HY_BUF_INIT(512);
    const char *names[32];
    size_t n = 0;
    for (; row->names[n].name && n < 32; n++) {
        if (hy_str_eq(s, hy_str_of(row->names[n].name))) {
            int v = row->names[n].value;
            memcpy(field, &v, sizeof v);
            hy_buf_free(&all);
            return 0;
        }
        names[n] = row->names[n].name;
        hy_buf_printf(&all, "%s%s", n ? ", " : "", names[n]);
    }
    const char *near = value_nearest(s, names, n);
    int err = near ? hy_fail(diag, HY_EINVAL, "unknown word '%.*s' (did you mean '%s'? one of: %s)",
                             HY_STR_ARG(s), near, hy_buf_cstr(&all))
                   : hy_fail(diag, HY_EINVAL, "must be one of: %s, not '%.*s'", hy_buf_cstr(&all),
                             HY_STR_ARG(s));
    hy_buf_free(&all);
    return err;
}

static int read_rate(struct hy_str s, struct hy_diag *diag, void *field)
{
    struct hy_rate rate;
    int err = value_rate(s, diag, &rate);
    if (!err)
        memcpy(field, &rate, sizeof rate);
    return err;
}

static int read_text(const struct schema_row *row, const struct schema_ctx *ctx, struct hy_str s,
                     struct hy_diag *diag, void *field)
{
    size_t max = row->max ? (size_t)row->max : TEXT_MAX;
    if (s.n > max)
        return hy_fail(diag, HY_EINVAL, "is longer than %zu bytes", max);
    if ((row->flags & SCHEMA_REQUIRED) && s.n == 0)
        return hy_fail(diag, HY_EINVAL, "must not be empty");
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return hy_fail(diag, HY_EINVAL, "must be one line without control characters");
    return keep(ctx, s, field);
}

static int read_path(const struct schema_row *row, const struct schema_ctx *ctx, struct hy_str s,
                     struct hy_diag *diag, void *field)
{
    if (s.n == 0 || s.p[0] == '/')
        return read_text(row, ctx, s, diag, field);
    struct hy_buf full = HY_BUF_INIT(TEXT_MAX * 2);
    hy_buf_printf(&full, "%s/%.*s", ctx->base_dir, HY_STR_ARG(s));
    int err = full.err ? HY_ENOMEM : read_text(row, ctx, hy_buf_str(&full), diag, field);
    hy_buf_free(&full);
    return err;
}

static int read_hostname(const struct schema_row *row, const struct schema_ctx *ctx,
                         struct hy_str s, struct hy_diag *diag, void *field)
{
    if (s.n == 0 && !(row->flags & SCHEMA_REQUIRED))
        return keep(ctx, s, field);
    struct hy_buf name = HY_BUF_INIT(512);
    int err = value_hostname(s, (row->flags & SCHEMA_WILDCARD) != 0, diag, &name);
    if (!err)
        err = keep(ctx, hy_buf_str(&name), field);
    hy_buf_free(&name);
    return err;
}

static int read_endpoint(struct hy_str s, uint16_t port, struct hy_diag *diag, void *field)
{
    struct hy_sockaddr addr;
    if (hy_sockaddr_parse(s, port, &addr) || (port && hy_sockaddr_port(&addr) == 0))
        return hy_fail(diag, HY_EINVAL,
                       "must be a numeric address such as 192.0.2.1%s or 2001:db8::1, not '%.*s'",
                       port ? ", 192.0.2.1:5353" : "", HY_STR_ARG(s));
    if (port == 0 && hy_sockaddr_port(&addr) != 0)
        return hy_fail(diag, HY_EINVAL, "must be an address without a port, not '%.*s'",
                       HY_STR_ARG(s));
    memcpy(field, &addr, sizeof addr);
    return 0;
}

static int read_time(struct hy_str s, struct hy_diag *diag, void *field)
{
    hy_wall_ms t;
    int err = value_time(s, diag, &t);
    if (!err)
        memcpy(field, &t, sizeof t);
    return err;
}

static int read_bool(struct hy_str s, struct hy_diag *diag, const struct schema_row *row,
                     void *field)
{
    bool b;
    int err = value_bool(s, diag, &b);
    if (err)
        return err;
    if (row->size == sizeof b) {
        memcpy(field, &b, sizeof b);
    } else { /* enum hy_tristate */
        int v = b ? HY_YES : HY_NO;
        memcpy(field, &v, sizeof v);
    }
    return 0;
}

static int read_scalar(const struct schema_row *row, const struct schema_ctx *ctx, struct hy_str s,
                       struct hy_diag *diag, void *field)
{
    if (row->zero && hy_str_eq(s, hy_str_of(row->zero))) {
        memset(field, 0, row->size);
        return 0;
    }
    switch (row->type) {
    case SCHEMA_BOOL:
        return read_bool(s, diag, row, field);
    case SCHEMA_RATE:
        return read_rate(s, diag, field);
    case SCHEMA_ENUM:
        return read_enum(row, s, diag, field);
    case SCHEMA_PATH:
        return read_path(row, ctx, s, diag, field);
    case SCHEMA_HOSTNAME:
        return read_hostname(row, ctx, s, diag, field);
    case SCHEMA_IP:
        return read_endpoint(s, 0, diag, field);
    case SCHEMA_TIME:
        return read_time(s, diag, field);
    case SCHEMA_STRING:
        return read_text(row, ctx, s, diag, field);
    default:
        return read_number(row, s, diag, field);
    }
}

/* -- lists -------------------------------------------------------------------------------- */

struct array {
    void *items;
    size_t n;
};

static size_t item_size(const struct schema_row *row)
{
    if (row->type == SCHEMA_LIST)
        return row->items->size;
    if (row->type == SCHEMA_ENDPOINTS)
        return sizeof(struct hy_sockaddr);
    return sizeof(const char *);
}

/* One element; its own fault does not end the list. */
static int read_item(const struct schema_row *row, const struct schema_ctx *ctx,
                     const struct yaml_node *n, void *item)
{
    struct hy_diag diag = {0};
    int err;
    if (row->type == SCHEMA_LIST) {
        err = schema_defaults(row->items, ctx, item);
        if (!err)
            err = schema_read(row->items, ctx, n, item);
        if (!err && row->items->check)
            row->items->check(ctx, n, item);
        return err;
    }
    if (n->kind != YAML_SCALAR || n->is_null) {
        fault(ctx, n, row->path, "each line of this list must be a single value");
        return 0;
    }
    if (row->type == SCHEMA_ENDPOINTS)
        err = read_endpoint(n->text, (uint16_t)row->min, &diag, item);
    else if (row->type == SCHEMA_HOSTNAMES)
        err = read_hostname(&(struct schema_row){.flags = row->flags | SCHEMA_REQUIRED}, ctx,
                            n->text, &diag, item);
    else
        err = read_text(&(struct schema_row){.flags = SCHEMA_REQUIRED}, ctx, n->text, &diag, item);
    if (err == HY_EINVAL)
        fault(ctx, n, row->path, diag.text);
    return err == HY_EINVAL ? 0 : err;
}

static int read_list(const struct schema_row *row, const struct schema_ctx *ctx,
                     const struct yaml_node *node, void *field)
{
    /* a single name may stand without the dash */
    struct yaml_entry only = {.value = node};
    const struct yaml_entry *entries = node->entries;
    size_t n = node->n, size = item_size(row), max = row->max ? (size_t)row->max : LIST_MAX;
    struct array a = {0};
    if (node->kind == YAML_SCALAR && node->is_null) {
        n = 0;
    } else if (node->kind == YAML_SCALAR && row->type != SCHEMA_LIST) {
        entries = &only;
        n = 1;
    } else if (node->kind != YAML_LIST) {
        fault(ctx, node, row->path, "must be a list: lines that begin with '- '");
        return 0;
    }
    if (n > max) {
        hy_problems_error(ctx->src->problems, ctx->src->file, node->line, node->column,
                          "%s: more than %zu entries", row->path, max);
        return 0;
    }
    if (n) {
        a.items = hy_arena_zalloc(ctx->arena, n * size);
        if (!a.items)
            return HY_ENOMEM;
        a.n = n;
    }
    for (size_t i = 0; i < n; i++) {
        int err = read_item(row, ctx, entries[i].value, (char *)a.items + i * size);
        if (err)
            return err;
    }
    memcpy(field, &a, sizeof a);
    return 0;
}

static int read_pairs(const struct schema_row *row, const struct schema_ctx *ctx,
                      const struct yaml_node *node, void *field)
{
    struct hy_pairs pairs = {0};
    size_t max = row->max ? (size_t)row->max : LIST_MAX;
    if (node->kind == YAML_SCALAR && node->is_null) {
        memcpy(field, &pairs, sizeof pairs);
        return 0;
    }
    if (node->kind != YAML_MAP) {
        fault(ctx, node, row->path, "must be a section: lines of 'name: text'");
        return 0;
    }
    struct hy_pair *p = hy_arena_zalloc(ctx->arena, (node->n + 1) * sizeof *p);
    if (!p)
        return HY_ENOMEM;
    if (node->n > max)
        fault(ctx, node, row->path, "too many entries");
    for (size_t i = 0; i < node->n && i < max; i++) {
        const struct yaml_node *v = node->entries[i].value;
        if (v->kind != YAML_SCALAR)
            fault(ctx, v, row->path, "each entry must be a single text");
        else if (v->text.n > TEXT_MAX)
            fault(ctx, v, row->path, "a text is longer than 4096 bytes");
        else
            p[pairs.n++] = (struct hy_pair){node->entries[i].key->text, v->text};
    }
    pairs.items = p;
    memcpy(field, &pairs, sizeof pairs);
    return 0;
}

/* -- tables ------------------------------------------------------------------------------- */

int schema_read_value(const struct schema_row *row, const struct schema_ctx *ctx,
                      const struct yaml_node *node, void *field)
{
    struct hy_diag diag = {0};
    switch (row->type) {
    case SCHEMA_LIST:
    case SCHEMA_STRINGS:
    case SCHEMA_HOSTNAMES:
    case SCHEMA_ENDPOINTS:
        return read_list(row, ctx, node, field);
    case SCHEMA_PAIRS:
        return read_pairs(row, ctx, node, field);
    case SCHEMA_NODE:
        memcpy(field, &node, sizeof node);
        return 0;
    default:
        break;
    }
    int err = HY_EINVAL;
    if (node->kind != YAML_SCALAR)
        (void)hy_fail(&diag, err, "must be a single value (%s), not %s",
                      schema_type_name(row->type), yaml_kind_name(node->kind));
    else if (node->is_null)
        (void)hy_fail(&diag, err, "has no value: write one, or take the line out");
    else
        err = read_scalar(row, ctx, node->text, &diag, field);
    if (err == HY_EINVAL) {
        fault(ctx, node, row->path, diag.text);
        return 0;
    }
    return err;
}

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
    const char *near = value_nearest(key->text, names, n);
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

int schema_defaults(const struct schema *s, const struct schema_ctx *ctx, void *out)
{
    static const char *const empty = "";
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct schema_row *row = &s->rows[i];
        void *field = (char *)out + row->offset;
        int err = 0;
        memset(field, 0, row->size);
        if (row->def) {
            struct yaml_node n = {.kind = YAML_SCALAR, .text = hy_str_of(row->def)};
            err = schema_read_value(row, ctx, &n, field);
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
