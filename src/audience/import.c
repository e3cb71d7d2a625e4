/* A list of leads: charset reader, row reader and column mapping in a line; each row comes out as a
 * checked lead or as a refusal that says where and why. */
#include "hayauma/audience/import.h"

#include <stdio.h>
#include <stdlib.h>

#include "columns.h"

enum {
    VALUE_SHOWN_MAX = 200,
    REASON_MAX = 256,
    DOMAINS = 1024, /* domains whose flags are remembered; a power of two */
    MAP_ARENA_MAX = 1024 * 1024,
};

/* What is known of a domain: asked once, as the same few come again and again. */
struct domain_flags {
    char domain[64];
    char meant[48]; /* suggestion, "" = nothing */
    bool is_disposable;
};

struct hy_import {
    struct hy_import_options options;
    struct hy_arena map_arena;
    struct hy_charset_reader *charset;
    struct hy_csv *csv;
    struct columns columns;
    bool has_columns;
    struct hy_address address;
    struct hy_import_attr attrs[HY_CSV_COLUMNS_MAX];
    enum hy_attr_type types[HY_CSV_COLUMNS_MAX]; /* of the columns */
    char typed[HY_CSV_COLUMNS_MAX][HY_ATTR_TYPED_MAX];
    char reason[REASON_MAX];
    char value[VALUE_SHOWN_MAX + 8];
    char column[16];
    struct domain_flags domains[DOMAINS];
    struct domain_flags long_domain; /* of the last row, when it does not fit there */
};

static int copy_map(struct hy_import *im, const struct hy_import_options *o, struct hy_diag *diag)
{
    struct hy_import_map *map = hy_arena_alloc(&im->map_arena, (o->n_map + 1) * sizeof *map);
    if (!map)
        return HY_ENOMEM;
    for (size_t i = 0; i < o->n_map; i++) {
        if (!hy_attr_name_ok(o->map[i].attr) && !hy_str_eq(o->map[i].attr, HY_STR("-")) &&
            !hy_columns_is_id(o->map[i].attr))
            return hy_fail(diag, HY_EINVAL, "\"%.*s\" cannot be the name of an attribute",
                           HY_STR_ARG(o->map[i].attr));
        map[i].column = hy_arena_str(&im->map_arena, o->map[i].column);
        map[i].attr = hy_arena_str(&im->map_arena, o->map[i].attr);
        if (!map[i].column.p || !map[i].attr.p)
            return HY_ENOMEM;
    }
    im->options.map = map;
    return HY_OK;
}

static int copy_types(struct hy_import *im, const struct hy_import_options *o)
{
    struct hy_import_type *types = hy_arena_alloc(&im->map_arena, (o->n_types + 1) * sizeof *types);
    if (!types)
        return HY_ENOMEM;
    for (size_t i = 0; i < o->n_types; i++) {
        types[i] = (struct hy_import_type){hy_arena_str(&im->map_arena, o->types[i].attr),
                                           o->types[i].type};
        if (!types[i].attr.p)
            return HY_ENOMEM;
    }
    im->options.types = types;
    return HY_OK;
}

int hy_import_new(const struct hy_import_options *o, struct hy_import **ret, struct hy_diag *diag)
{
    struct hy_import *im = calloc(1, sizeof *im);
    if (!im)
        return HY_ENOMEM;
    im->options = *o;
    im->map_arena = HY_ARENA_INIT(MAP_ARENA_MAX);
    const struct hy_csv_options csv = {o->delimiter, o->row_max_bytes, o->columns_max};
    int err = copy_map(im, o, diag);
    if (err == HY_OK)
        err = copy_types(im, o);
    if (err == HY_OK && (err = hy_charset_reader_new(o->charset, &im->charset)) != HY_OK)
        hy_fail(diag, err, "this system cannot read %s", hy_charset_name(o->charset));
    if (err == HY_OK && (err = hy_csv_new(&csv, &im->csv)) != HY_OK)
        hy_fail(diag, err, "the delimiter must be one ASCII character, no quote or line end");
    if (err) {
        hy_import_free(im);
        return err;
    }
    *ret = im;
    return HY_OK;
}

void hy_import_free(struct hy_import *im)
{
    if (!im)
        return;
    if (im->has_columns)
        hy_columns_free(&im->columns);
    hy_csv_free(im->csv);
    hy_charset_reader_free(im->charset);
    hy_arena_free(&im->map_arena);
    free(im);
}

int hy_import_feed(struct hy_import *im, struct hy_str bytes)
{
    return hy_charset_read(im->charset, bytes, false, hy_csv_input(im->csv));
}

int hy_import_end(struct hy_import *im)
{
    int err = hy_charset_read(im->charset, (struct hy_str){0}, true, hy_csv_input(im->csv));
    hy_csv_end(im->csv);
    return err;
}

size_t hy_import_columns(const struct hy_import *im, const struct hy_import_column **ret)
{
    *ret = im->columns.items;
    return im->columns.n;
}

enum hy_charset hy_import_charset(const struct hy_import *im)
{
    return hy_charset_reader_charset(im->charset);
}

char hy_import_delimiter(const struct hy_import *im)
{
    return hy_csv_delimiter(im->csv);
}

/* ---- refusals ---- */

/* At most VALUE_SHOWN_MAX bytes, whole characters; what is no text shows as U+FFFD. */
static struct hy_str shorten(struct hy_import *im, struct hy_str v)
{
    size_t n = 0;
    for (size_t i = 0; i < v.n;) {
        char c[4];
        size_t m = hy_utf8_put(hy_utf8_next(v, &i), c);
        if (n + m > VALUE_SHOWN_MAX) {
            memcpy(im->value + n, "...", 3);
            n += 3;
            break;
        }
        memcpy(im->value + n, c, m);
        n += m;
    }
    return hy_str_make(im->value, n);
}

/* The header of a column, or its number. */
static struct hy_str column_name(struct hy_import *im, size_t at)
{
    if (at < im->columns.n && im->columns.items[at].header.n)
        return im->columns.items[at].header;
    int n = snprintf(im->column, sizeof im->column, "%zu", at + 1);
    return hy_str_make(im->column, (size_t)n);
}

static void refuse(struct hy_import *im, const struct hy_csv_row *row, size_t column,
                   struct hy_import_row *ret)
{
    *ret = (struct hy_import_row){
        .kind = HY_IMPORT_REFUSED,
        .line = row->line,
        .reason = hy_str_of(im->reason),
    };
    if (column != SIZE_MAX)
        ret->column = column_name(im, column);
    if (column < row->n_fields)
        ret->value = shorten(im, row->fields[column]);
}

static void refuse_fault(struct hy_import *im, const struct hy_csv_row *row,
                         struct hy_import_row *ret)
{
    snprintf(im->reason, sizeof im->reason, "%s", hy_csv_fault_text(row->fault));
    refuse(im, row, row->n_fields ? row->n_fields - 1 : SIZE_MAX, ret);
}

/* ---- rows ---- */

static bool is_space(struct hy_str s, size_t *ret_n)
{
    *ret_n = 1;
    if (s.n && strchr(" \t\r\n", s.p[0]))
        return s.p[0] != 0;
    *ret_n = 3;
    return hy_str_starts(s, HY_STR("\u3000"));
}

static struct hy_str trim(struct hy_str s)
{
    size_t n;
    while (is_space(s, &n))
        s = hy_str_slice(s, n, s.n);
    for (;;) {
        if (s.n && strchr(" \t\r\n", s.p[s.n - 1]) && s.p[s.n - 1])
            s.n--;
        else if (hy_str_ends(s, HY_STR("\u3000")))
            s.n -= 3;
        else
            return s;
    }
}

/* What hy_csv_put did to a value that looks like a formula, undone. */
static struct hy_str unescape(struct hy_str s)
{
    return s.n > 1 && s.p[0] == '\'' && strchr("=+-@", s.p[1]) && s.p[1] ? hy_str_slice(s, 1, s.n)
                                                                         : s;
}

static bool is_empty(const struct hy_csv_row *row)
{
    for (size_t i = 0; i < row->n_fields; i++)
        if (trim(row->fields[i]).n)
            return false;
    return true;
}

static void ask(struct domain_flags *f, struct hy_str domain)
{
    char meant[HY_DOMAIN_MAX + 1] = "";
    if (hy_address_suggest(domain, meant) || strlen(meant) >= sizeof f->meant)
        meant[0] = 0;
    strcpy(f->meant, meant);
    f->is_disposable = hy_address_is_disposable(domain);
}

static const struct domain_flags *flags_of(struct hy_import *im, struct hy_str domain)
{
    uint32_t h = 2166136261u; /* FNV-1a: a cache slot, not a table that could be made slow */
    if (domain.n >= sizeof im->domains[0].domain) {
        ask(&im->long_domain, domain);
        return &im->long_domain;
    }
    for (size_t i = 0; i < domain.n; i++)
        h = (h ^ (unsigned char)domain.p[i]) * 16777619u;
    struct domain_flags *f = &im->domains[(h ^ h >> 16) & (DOMAINS - 1)];
    if (!hy_str_eq(hy_str_of(f->domain), domain)) {
        ask(f, domain);
        memcpy(f->domain, domain.p, domain.n);
        f->domain[domain.n] = 0;
    }
    return f;
}

/* No address, but an id by which the lead is known. */
static bool has_id_alone(const struct hy_import *im, const struct hy_csv_row *row)
{
    size_t at = im->columns.email;
    if (!im->columns.has_ids || (at < row->n_fields && trim(row->fields[at]).n))
        return false;
    for (size_t i = 0; i < row->n_fields && i < im->columns.n; i++)
        if (im->columns.items[i].is_id && unescape(trim(row->fields[i])).n)
            return true;
    return false;
}

/* The address; false when the row is refused. */
static bool read_address(struct hy_import *im, const struct hy_csv_row *row,
                         struct hy_import_row *ret)
{
    enum hy_address_reason why = HY_ADDRESS_EMPTY;
    size_t at = im->columns.email;
    struct hy_str field = at < row->n_fields ? unescape(trim(row->fields[at])) : HY_STR("");
    if (hy_address_parse(field, &im->options.rules, &im->address, &why) == HY_OK)
        return true;
    if (why == HY_ADDRESS_NOT_UTF8)
        snprintf(im->reason, sizeof im->reason, "bytes that are not %s text",
                 hy_charset_name(hy_import_charset(im)));
    else
        snprintf(im->reason, sizeof im->reason, "%s", hy_address_reason_text(why));
    refuse(im, row, at, ret);
    ret->address_reason = why;
    return false;
}

/* Makes *v what is kept of it; false: it cannot be kept, im->reason says why. */
static bool check_value(struct hy_import *im, size_t column, struct hy_str *v)
{
    enum hy_attr_type type = im->types[column];
    if (memchr(v->p, 0, v->n))
        snprintf(im->reason, sizeof im->reason, "a zero byte");
    else if (!hy_str_is_utf8(*v))
        snprintf(im->reason, sizeof im->reason, "bytes that are not %s text",
                 hy_charset_name(hy_import_charset(im)));
    else if (type != HY_ATTR_TEXT && hy_attr_type_read(type, *v, im->typed[column], v) != HY_OK)
        snprintf(im->reason, sizeof im->reason, "not %s", hy_attr_type_wants(type));
    else
        return true;
    return false;
}

static bool read_attrs(struct hy_import *im, const struct hy_csv_row *row,
                       struct hy_import_row *ret, size_t *ret_n)
{
    size_t n = 0;
    for (size_t i = 0; i < row->n_fields && i < im->columns.n; i++) {
        if (i == im->columns.email || im->columns.items[i].attr.n == 0)
            continue;
        struct hy_str v = unescape(trim(row->fields[i]));
        if (v.n == 0)
            continue;
        if (!check_value(im, i, &v)) {
            refuse(im, row, i, ret);
            return false;
        }
        im->attrs[n++] = (struct hy_import_attr){(uint16_t)i, v};
    }
    *ret_n = n;
    return true;
}

/* As many fields as the header. */
static bool has_right_width(struct hy_import *im, const struct hy_csv_row *row,
                            struct hy_import_row *ret)
{
    size_t n = row->n_fields, want = im->columns.n;
    while (im->options.allow_ragged && n > want && trim(row->fields[n - 1]).n == 0)
        n--;
    if (n == want || (n < want && im->options.allow_ragged))
        return true;
    snprintf(im->reason, sizeof im->reason,
             n > want ? "the row has %zu fields, the header has %zu: a value with a delimiter or "
                        "line end in it needs quotes"
                      : "the row has %zu fields, the header has %zu",
             row->n_fields, want);
    refuse(im, row, SIZE_MAX, ret);
    if (row->n_fields)
        ret->value = shorten(im, row->fields[0]);
    return false;
}

static void read_row(struct hy_import *im, const struct hy_csv_row *row, struct hy_import_row *ret)
{
    size_t n_attrs = 0;
    bool has_address = true;
    if (row->fault) {
        refuse_fault(im, row, ret);
        return;
    }
    if (!has_right_width(im, row, ret))
        return;
    has_address = !has_id_alone(im, row);
    if ((has_address && !read_address(im, row, ret)) || !read_attrs(im, row, ret, &n_attrs))
        return;
    if (!has_address) {
        *ret = (struct hy_import_row){
            .kind = HY_IMPORT_LEAD, .line = row->line, .attrs = im->attrs, .n_attrs = n_attrs};
        return;
    }
    const struct domain_flags *flags = flags_of(im, hy_address_domain(&im->address));
    *ret = (struct hy_import_row){
        .kind = HY_IMPORT_LEAD,
        .line = row->line,
        .address = &im->address,
        .attrs = im->attrs,
        .n_attrs = n_attrs,
        .suggestion = hy_str_of(flags->meant),
        .is_disposable = flags->is_disposable,
    };
}

static void find_types(struct hy_import *im)
{
    for (size_t c = 0; c < im->columns.n; c++)
        for (size_t i = 0; i < im->options.n_types; i++)
            if (hy_str_eq(im->columns.items[c].attr, im->options.types[i].attr))
                im->types[c] = im->options.types[i].type;
}

/* A row with an address in it is no header. */
static bool looks_like_header(const struct hy_csv_row *row)
{
    for (size_t i = 0; i < row->n_fields; i++) {
        struct hy_address a;
        enum hy_address_reason why;
        if (hy_address_parse(trim(row->fields[i]), NULL, &a, &why) == HY_OK)
            return false;
    }
    return true;
}

/* Reads the first row that counts; *ret_is_data when it is no header and must be read as data. */
static int read_header(struct hy_import *im, const struct hy_csv_row *row, bool *ret_is_data,
                       struct hy_diag *diag)
{
    if (row->fault)
        return hy_fail(diag, HY_EINVAL, "line %llu, the header: %s", (unsigned long long)row->line,
                       hy_csv_fault_text(row->fault));
    bool has_header = im->options.header == HY_IMPORT_HEADER_YES ||
                      (im->options.header == HY_IMPORT_HEADER_AUTO && looks_like_header(row));
    int err =
        hy_columns_make(&im->columns, row, has_header, im->options.map, im->options.n_map, diag);
    if (err)
        return err;
    im->has_columns = true;
    find_types(im);
    *ret_is_data = !has_header;
    return HY_OK;
}

int hy_import_next(struct hy_import *im, struct hy_import_row *ret, struct hy_diag *diag)
{
    for (;;) {
        struct hy_csv_row row;
        int err = hy_csv_next(im->csv, &row);
        if (err)
            return err;
        if (row.fault == HY_CSV_OK && is_empty(&row))
            continue;
        bool is_data = true;
        if (!im->has_columns)
            err = read_header(im, &row, &is_data, diag);
        if (err)
            return err;
        if (!is_data)
            continue;
        read_row(im, &row, ret);
        return HY_OK;
    }
}
