/* One field of a schema read from one node: values, lists, lists of sections. */
#include "schema.h"

#include <stdlib.h>

#include "hayauma/config/campaign_file.h"
#include "hayauma/config/config.h"
#include "hayauma/shape/hours.h"

enum { LIST_MAX = 1024, TEXT_MAX = 4096 };

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
    case SCHEMA_SHARE:
        err = value_share(s, diag, &v32);
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
    const char *near = hy_str_nearest(s, names, n);
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

static int read_path_or_word(const struct schema_row *row, const struct schema_ctx *ctx,
                             struct hy_str s, struct hy_diag *diag, void *field)
{
    for (const struct schema_name *w = row->names; w && w->name; w++)
        if (hy_str_eq(s, hy_str_of(w->name)))
            return keep(ctx, s, field);
    return read_path(&(struct schema_row){.flags = SCHEMA_REQUIRED}, ctx, s, diag, field);
}

static int read_hostname(const struct schema_row *row, const struct schema_ctx *ctx,
                         struct hy_str s, struct hy_diag *diag, void *field)
{
    bool is_any = (row->flags & SCHEMA_ANY) && hy_str_eq(s, HY_STR("*"));
    if (is_any || (s.n == 0 && !(row->flags & SCHEMA_REQUIRED)))
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

static int read_hours(struct hy_str s, struct hy_diag *diag, void *field)
{
    struct hy_hours hours;
    int err = hy_hours_parse(s, &hours, diag);
    if (!err)
        memcpy(field, &hours, sizeof hours);
    return err;
}

/* "mon-fri: [09:00-12:00, 13:00-18:00]": one span, or a list of them. */
static void read_hours_of_days(const struct schema_row *row, const struct schema_ctx *ctx,
                               const struct yaml_entry *e, struct hy_hours *h)
{
    struct yaml_entry only = {.value = e->value};
    bool is_list = e->value->kind == YAML_LIST;
    const struct yaml_entry *all = is_list ? e->value->entries : &only;
    for (size_t i = 0; i < (is_list ? e->value->n : 1); i++) {
        const struct yaml_node *v = all[i].value;
        struct hy_diag diag = {0};
        if (v->kind != YAML_SCALAR || v->is_null)
            fault(ctx, v, row->path, "must be hours such as 09:00-12:00, or a list of them");
        else if (hy_hours_add(h, e->key->text, v->text, &diag) != HY_OK)
            fault(ctx, v, row->path, diag.text);
    }
}

/* Days that it does not name are closed. */
static int read_hours_map(const struct schema_row *row, const struct schema_ctx *ctx,
                          const struct yaml_node *node, void *field)
{
    struct hy_hours hours = {0};
    size_t before = ctx->src->problems->n_errors;
    for (size_t i = 0; i < node->n; i++)
        read_hours_of_days(row, ctx, &node->entries[i], &hours);
    if (hours.n == 0 && ctx->src->problems->n_errors == before)
        fault(ctx, node, row->path, "names no hours at all: nothing could ever be sent");
    memcpy(field, &hours, sizeof hours);
    return HY_OK;
}

static int read_closed(const struct schema_row *row, const struct schema_ctx *ctx,
                       const struct yaml_node *node, void *field)
{
    struct yaml_entry only = {.value = node};
    struct hy_closed_days closed = {0};
    bool is_list = node->kind == YAML_LIST;
    const struct yaml_entry *all = is_list ? node->entries : &only;
    for (size_t i = 0; i < (is_list ? node->n : 1); i++) {
        const struct yaml_node *v = all[i].value;
        struct hy_diag diag = {0};
        if (v->kind != YAML_SCALAR || v->is_null)
            fault(ctx, v, row->path, "must be a list of dates such as 2027-01-01");
        else if (hy_closed_days_add(&closed, v->text, &diag) != HY_OK)
            fault(ctx, v, row->path, diag.text);
    }
    memcpy(field, &closed, sizeof closed);
    return HY_OK;
}

static int read_zone(const struct schema_ctx *ctx, struct hy_str s, struct hy_diag *diag,
                     void *field)
{
    struct hy_zone *zone = NULL;
    if (s.n && hy_zone_find(s, &zone) != HY_OK)
        return hy_fail(diag, HY_EINVAL,
                       "'%.*s' is no time zone this system knows: write one such as Asia/Tokyo",
                       HY_STR_ARG(s));
    hy_zone_free(zone);
    return keep(ctx, s, field);
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
        if (s.n == 0 && !(row->flags & SCHEMA_REQUIRED)) {
            memset(field, 0, row->size);
            return HY_OK;
        }
        return read_endpoint(s, 0, diag, field);
    case SCHEMA_TIME:
        return read_time(s, diag, field);
    case SCHEMA_HOURS:
        return read_hours(s, diag, field);
    case SCHEMA_ZONE:
        return read_zone(ctx, s, diag, field);
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
    else if (row->type == SCHEMA_PATHS)
        err = read_path_or_word(row, ctx, n->text, &diag, item);
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
    bool is_none = row->type == SCHEMA_PATHS && node->text.n == 0; /* "" */
    if (node->kind == YAML_SCALAR && (node->is_null || is_none)) {
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

/* -- a field ------------------------------------------------------------------------------- */

int schema_read_value(const struct schema_row *row, const struct schema_ctx *ctx,
                      const struct yaml_node *node, void *field)
{
    struct hy_diag diag = {0};
    switch (row->type) {
    case SCHEMA_LIST:
    case SCHEMA_STRINGS:
    case SCHEMA_PATHS:
    case SCHEMA_HOSTNAMES:
    case SCHEMA_ENDPOINTS:
        return read_list(row, ctx, node, field);
    case SCHEMA_PAIRS:
        return read_pairs(row, ctx, node, field);
    case SCHEMA_NODE:
        memcpy(field, &node, sizeof node);
        return 0;
    case SCHEMA_CLOSED:
        return read_closed(row, ctx, node, field);
    case SCHEMA_HOURS:
        if (node->kind == YAML_MAP)
            return read_hours_map(row, ctx, node, field);
        if (node->kind == YAML_LIST) {
            fault(ctx, node, row->path,
                  "a list alone says no days: write '09:00-12:00,13:00-18:00' for all of them, "
                  "or lines such as 'mon-fri: [09:00-12:00, 13:00-18:00]'");
            return HY_OK;
        }
        break;
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
