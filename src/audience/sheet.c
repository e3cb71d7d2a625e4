/* Rows of a file by known fields: by explicit mapping first, then by what stands above the columns.
 */
#include "hayauma/audience/sheet.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/arena.h"
#include "header.h"

enum { NO_COLUMN = -1, TEXT_MAX = 1 << 20, SHOWN_MAX = 200 };

struct hy_sheet {
    struct hy_charset_reader *charset;
    struct hy_csv *csv;
    const struct hy_sheet_field *fields;
    size_t n_fields;
    struct hy_arena arena; /* the mapping, the headers */
    struct hy_import_map *map;
    size_t n_map;
    bool keeps_rest;
    bool has_heads;
    struct hy_sheet_head *heads;
    struct hy_str *folded;
    bool *is_mapped;
    struct hy_str *rest;
    size_t n_heads;
    int column_of[HY_SHEET_FIELDS_MAX];
    char shown[HY_SHEET_SHOWN_MAX];
};

static int field_named(const struct hy_sheet *s, struct hy_str name)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (hy_str_ieq(name, hy_str_of(s->fields[i].name)))
            return (int)i;
    return NO_COLUMN;
}

static int copy_map(struct hy_sheet *s, const struct hy_sheet_options *o, struct hy_diag *diag)
{
    s->map = hy_arena_zalloc(&s->arena, (o->n_map + 1) * sizeof *s->map);
    for (size_t i = 0; s->map && i < o->n_map; i++) {
        struct hy_str to = o->map[i].attr;
        if (!s->keeps_rest && !hy_str_eq(to, HY_STR("-")) && field_named(s, to) == NO_COLUMN) {
            struct hy_buf names HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(4096);
            for (size_t k = 0; k < s->n_fields; k++)
                hy_buf_printf(&names, " %s", s->fields[k].name);
            return hy_fail(diag, HY_EINVAL, "there is no field '%.*s'; there are:%s",
                           HY_STR_ARG(to), hy_buf_cstr(&names));
        }
        s->map[i].column = hy_arena_str(&s->arena, o->map[i].column);
        s->map[i].attr = hy_arena_str(&s->arena, to);
        if (!s->map[i].column.p || !s->map[i].attr.p)
            return HY_ENOMEM;
        s->n_map++;
    }
    return s->map ? HY_OK : HY_ENOMEM;
}

int hy_sheet_new(const struct hy_sheet_options *o, struct hy_sheet **ret, struct hy_diag *diag)
{
    struct hy_sheet *s = calloc(1, sizeof *s);
    const struct hy_csv_options csv = {0};
    if (!s)
        return HY_ENOMEM;
    s->arena = HY_ARENA_INIT(TEXT_MAX * 4);
    s->fields = o->fields;
    s->n_fields = o->n_fields;
    s->keeps_rest = o->keeps_rest;
    int err = copy_map(s, o, diag);
    if (!err)
        err = hy_charset_reader_new(o->charset, &s->charset);
    if (!err)
        err = hy_csv_new(&csv, &s->csv);
    if (err) {
        hy_sheet_free(s);
        return err;
    }
    *ret = s;
    return HY_OK;
}

void hy_sheet_free(struct hy_sheet *s)
{
    if (!s)
        return;
    hy_csv_free(s->csv);
    hy_charset_reader_free(s->charset);
    hy_arena_free(&s->arena);
    free(s);
}

int hy_sheet_feed(struct hy_sheet *s, struct hy_str bytes)
{
    return hy_charset_read(s->charset, bytes, false, hy_csv_input(s->csv));
}

int hy_sheet_end(struct hy_sheet *s)
{
    int err = hy_charset_read(s->charset, (struct hy_str){0}, true, hy_csv_input(s->csv));
    hy_csv_end(s->csv);
    return err;
}

/* ---- columns ---- */

static int find_folded(const struct hy_sheet *s, struct hy_str folded)
{
    for (size_t i = 0; i < s->n_heads && folded.n; i++)
        if (hy_str_eq(s->folded[i], folded))
            return (int)i;
    return NO_COLUMN;
}

/* The column that a mapping means: by its header, or a number from 1. */
static int find_mapped(const struct hy_sheet *s, struct hy_str column)
{
    char folded[HY_HEADER_MAX];
    uint64_t number = 0;
    for (size_t i = 0; i < s->n_heads; i++)
        if (hy_str_eq(s->heads[i].head, column))
            return (int)i;
    int at = find_folded(s, hy_str_make(folded, hy_header_fold(column, folded)));
    if (at == NO_COLUMN && hy_str_to_u64(column, s->n_heads, &number) == HY_OK && number > 0)
        at = (int)number - 1;
    return at;
}

static int apply_map(struct hy_sheet *s, struct hy_diag *diag)
{
    for (size_t i = 0; i < s->n_map; i++) {
        int at = find_mapped(s, s->map[i].column), field = field_named(s, s->map[i].attr);
        if (at == NO_COLUMN)
            return hy_fail(diag, HY_EINVAL, "the file has no column \"%.*s\"",
                           HY_STR_ARG(s->map[i].column));
        s->is_mapped[at] = true;
        if (field == NO_COLUMN) {
            s->heads[at].is_rest = !hy_str_eq(s->map[i].attr, HY_STR("-"));
            s->heads[at].field = s->heads[at].is_rest ? s->map[i].attr.p : "";
            continue;
        }
        if (s->column_of[field] != NO_COLUMN)
            return hy_fail(diag, HY_EINVAL, "two columns are mapped to \"%.*s\"",
                           HY_STR_ARG(s->map[i].attr));
        s->column_of[field] = at;
    }
    return HY_OK;
}

/* The first of a field's headers that the file has. */
static int find_head(const struct hy_sheet *s, const char *heads)
{
    struct hy_str rest = hy_str_of(heads), word;
    while (hy_str_split(&rest, ' ', &word)) {
        size_t and = hy_str_find(word, '&', 0);
        bool has =
            and == SIZE_MAX || find_folded(s, hy_str_slice(word, and+1, word.n)) != NO_COLUMN;
        int at = has ? find_folded(s, hy_str_slice(word, 0, and)) : NO_COLUMN;
        if (at != NO_COLUMN && !s->is_mapped[at])
            return at;
    }
    return NO_COLUMN;
}

static int copy_heads(struct hy_sheet *s, const struct hy_csv_row *row)
{
    size_t n = row->n_fields;
    s->heads = hy_arena_zalloc(&s->arena, n * sizeof *s->heads);
    s->folded = hy_arena_zalloc(&s->arena, n * sizeof *s->folded);
    s->is_mapped = hy_arena_zalloc(&s->arena, n * sizeof *s->is_mapped);
    s->rest = hy_arena_zalloc(&s->arena, n * sizeof *s->rest);
    if (!s->heads || !s->folded || !s->is_mapped || !s->rest)
        return HY_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        char folded[HY_HEADER_MAX], shown[HY_SHEET_SHOWN_MAX];
        struct hy_str head = hy_sheet_shown(hy_str_trim(row->fields[i]), shown);
        s->heads[i] = (struct hy_sheet_head){hy_arena_str(&s->arena, head), "", false};
        s->folded[i] =
            hy_arena_str(&s->arena, hy_str_make(folded, hy_header_fold(row->fields[i], folded)));
        if (!s->heads[i].head.p || !s->folded[i].p)
            return HY_ENOMEM;
    }
    s->n_heads = n;
    return HY_OK;
}

/* What is no field goes by its own name, the first of a name. */
static int name_rest(struct hy_sheet *s, struct hy_diag *diag)
{
    for (size_t i = 0; i < s->n_heads; i++) {
        char name[HY_ATTR_NAME_MAX + 8];
        struct hy_sheet_head *h = &s->heads[i];
        struct hy_str said = h->is_rest ? hy_str_of(h->field) : h->head;
        bool is_full = hy_str_starts(said, HY_STR(HY_SHEET_REST));
        if (!h->is_rest && (s->is_mapped[i] || said.n == 0))
            continue;
        if (is_full)
            said = hy_str_slice(said, strlen(HY_SHEET_REST), said.n);
        if (is_full || h->is_rest)
            snprintf(name, sizeof name, "%.*s", HY_STR_ARG(said));
        else
            hy_import_attr_name(said, name);
        h->field = hy_arena_str(&s->arena, hy_str_of(name)).p;
        h->is_rest = h->field && h->field[0];
        for (size_t k = 0; k < i && h->is_rest; k++)
            if (s->heads[k].is_rest && strcmp(s->heads[k].field, h->field) == 0)
                return hy_fail(diag, HY_EINVAL,
                               "two columns are \"%s\": leave one out by mapping it to -",
                               h->field);
        if (!h->field)
            return HY_ENOMEM;
    }
    return HY_OK;
}

static int take_heads(struct hy_sheet *s, const struct hy_csv_row *row, struct hy_diag *diag)
{
    if (row->fault != HY_CSV_OK)
        return hy_fail(diag, HY_EINVAL, "line %llu: %s", (unsigned long long)row->line,
                       hy_csv_fault_text(row->fault));
    for (size_t i = 0; i < s->n_fields; i++)
        s->column_of[i] = NO_COLUMN;
    int err = copy_heads(s, row);
    if (!err)
        err = apply_map(s, diag);
    for (size_t i = 0; i < s->n_fields && !err; i++) {
        if (s->column_of[i] == NO_COLUMN)
            s->column_of[i] = find_head(s, s->fields[i].heads);
        if (s->column_of[i] == NO_COLUMN)
            continue;
        s->is_mapped[s->column_of[i]] = true;
        s->heads[s->column_of[i]].field = s->fields[i].name;
    }
    if (!err && s->keeps_rest)
        err = name_rest(s, diag);
    s->has_heads = !err;
    return err;
}

bool hy_sheet_has(const struct hy_sheet *s, size_t field)
{
    return s->has_heads && s->column_of[field] != NO_COLUMN;
}

struct hy_str hy_sheet_column(const struct hy_sheet *s, size_t field)
{
    return hy_sheet_has(s, field) ? s->heads[s->column_of[field]].head
                                  : hy_str_of(s->fields[field].name);
}

size_t hy_sheet_heads(const struct hy_sheet *s, const struct hy_sheet_head **ret)
{
    *ret = s->heads;
    return s->has_heads ? s->n_heads : 0;
}

bool hy_sheet_is_head(const struct hy_sheet_field *fields, size_t n, struct hy_str head)
{
    char room[HY_HEADER_MAX];
    struct hy_str folded = hy_str_make(room, hy_header_fold(head, room)), rest, word;
    for (size_t i = 0; i < n; i++)
        for (rest = hy_str_of(fields[i].heads); hy_str_split(&rest, ' ', &word);)
            if (hy_str_eq(hy_str_slice(word, 0, hy_str_find(word, '&', 0)), folded))
                return true;
    return false;
}

/* ---- rows ---- */

struct hy_str hy_sheet_shown(struct hy_str v, char room[HY_SHEET_SHOWN_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < v.n && n < SHOWN_MAX;) {
        uint32_t c = hy_utf8_next(v, &i);
        n += hy_utf8_put(c < 0x20 || c == 0x7f ? ' ' : c, room + n);
    }
    return hy_str_make(room, n);
}

static void refuse(struct hy_sheet *s, struct hy_sheet_row *row, struct hy_str column,
                   const char *reason, struct hy_str value)
{
    if (row->reason.n)
        return; /* the first fault counts */
    row->column = column;
    row->reason = hy_str_of(reason);
    row->value = hy_sheet_shown(value, s->shown);
}

/* The value as it is meant; empty at a fault, of which the row then tells. */
static struct hy_str clean(struct hy_sheet *s, struct hy_sheet_row *row, struct hy_str column,
                           struct hy_str v)
{
    v = hy_str_trim(v);
    /* what an export put before a value that a spreadsheet would run */
    if (v.n > 1 && v.p[0] == '\'' && strchr("=+-@", v.p[1]))
        v = hy_str_slice(v, 1, v.n);
    if (v.n > HY_SHEET_VALUE_MAX)
        refuse(s, row, column, "the value is too long", v);
    else if (!hy_str_is_utf8(v))
        refuse(s, row, column, "bytes that mean nothing in the file's charset", v);
    else
        return v;
    return HY_STR("");
}

static void take_values(struct hy_sheet *s, struct hy_sheet_row *row, size_t n_good)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (s->column_of[i] != NO_COLUMN && (size_t)s->column_of[i] < n_good)
            row->values[i] = clean(s, row, hy_sheet_column(s, i), row->cells[s->column_of[i]]);
    for (size_t i = 0; i < s->n_heads && s->keeps_rest; i++)
        s->rest[i] = s->heads[i].is_rest && i < n_good
                         ? clean(s, row, s->heads[i].head, row->cells[i])
                         : HY_STR("");
    row->rest = s->rest;
}

int hy_sheet_next(struct hy_sheet *s, struct hy_sheet_row *ret, struct hy_diag *diag)
{
    struct hy_csv_row csv;
    int err = hy_csv_next(s->csv, &csv);
    if (!err && !s->has_heads) {
        err = take_heads(s, &csv, diag);
        if (!err)
            err = hy_csv_next(s->csv, &csv);
    }
    if (err)
        return err;
    struct hy_sheet_row row = {.line = csv.line, .cells = csv.fields, .n_cells = csv.n_fields};
    if (csv.fault != HY_CSV_OK)
        refuse(s, &row, HY_STR(""), hy_csv_fault_text(csv.fault), csv.fields[csv.n_fields - 1]);
    else if (csv.n_fields != s->n_heads)
        refuse(s, &row, HY_STR(""), "another number of fields than the first line", csv.fields[0]);
    size_t n_good = csv.fault ? csv.n_fields - 1 : csv.n_fields;
    take_values(s, &row, n_good);
    *ret = row;
    return HY_OK;
}
