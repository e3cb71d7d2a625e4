/* Rows of a file as activities. A fault costs its own row, which says where and why. */
#include "hayauma/track/told_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hayauma/base/hash.h"

enum {
    SHOWN_MAX = 200,
    HEAD_MAX = 100, /* bytes of the name of a column */
    HEADS_BYTES = 256 << 10,
    REF_MAX = 40,
};

/* Fields that a column may be; "meta" is made of columns. */
static const char *const fields[] = {"kind",    "lead",    "email", "external_id", "line_id",
                                     "phone",   "visitor", "at",    "name",        "url",
                                     "percent", "source",  "id"};
enum { FIELDS = sizeof fields / sizeof *fields, DETAIL = -1 };
/* What people write above the columns that say whose a row is. */
static const struct {
    const char *head, *field;
} aliases[] = {{"address", "email"},
               {"e-mail", "email"},
               {"mail", "email"},
               {"メールアドレス", "email"},
               {"電話番号", "phone"}};

struct column {
    struct hy_str head;
    int field; /* of `fields`; DETAIL */
    bool is_typed;
};

struct hy_told_rows {
    struct hy_charset_reader *charset;
    struct hy_csv *csv;
    json_t *given;
    bool has_columns;
    struct column *columns;
    size_t n_columns;
    struct hy_arena heads; /* their names */
};

int hy_told_rows_new(enum hy_charset charset, const json_t *given, struct hy_told_rows **ret)
{
    struct hy_told_rows *r = calloc(1, sizeof *r);
    const struct hy_csv_options csv = {0};
    if (!r)
        return HY_ENOMEM;
    r->heads = HY_ARENA_INIT(HEADS_BYTES);
    r->given = given ? json_deep_copy(given) : json_object();
    int err = r->given ? hy_charset_reader_new(charset, &r->charset) : HY_ENOMEM;
    if (!err)
        err = hy_csv_new(&csv, &r->csv);
    if (err) {
        hy_told_rows_free(r);
        return err;
    }
    *ret = r;
    return HY_OK;
}

void hy_told_rows_free(struct hy_told_rows *r)
{
    if (!r)
        return;
    hy_csv_free(r->csv);
    hy_charset_reader_free(r->charset);
    json_decref(r->given);
    hy_arena_free(&r->heads);
    free(r);
}

int hy_told_rows_feed(struct hy_told_rows *r, struct hy_str bytes)
{
    return hy_charset_read(r->charset, bytes, false, hy_csv_input(r->csv));
}

int hy_told_rows_end(struct hy_told_rows *r)
{
    int err = hy_charset_read(r->charset, (struct hy_str){0}, true, hy_csv_input(r->csv));
    hy_csv_end(r->csv);
    return err;
}

/* ---- columns ---- */

static int field_named(struct hy_str head)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (hy_str_ieq(head, hy_str_of(aliases[i].head)))
            head = hy_str_of(aliases[i].field);
    for (int i = 0; i < (int)FIELDS; i++)
        if (hy_str_ieq(head, hy_str_of(fields[i])))
            return i;
    return DETAIL;
}

static bool is_clean(struct hy_str s)
{
    if (!hy_str_is_utf8(s))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 32 || s.p[i] == 127)
            return false;
    return true;
}

static int take_column(struct hy_told_rows *r, struct column *c, size_t no, struct hy_str head,
                       struct hy_diag *diag)
{
    char made[32];
    head = hy_str_trim(head);
    if (head.n > HEAD_MAX || !is_clean(head))
        return hy_fail(diag, HY_EINVAL,
                       "the first line must name the columns: number %zu is no name of one",
                       no + 1);
    c->field = field_named(head);
    if (c->field != DETAIL && json_object_get(r->given, fields[c->field]))
        c->field = DETAIL; /* it is said for all rows */
    if (c->field == DETAIL && hy_str_starts(head, HY_STR("meta."))) {
        head = hy_str_slice(head, 5, head.n);
        c->is_typed = true;
    }
    if (head.n == 0) {
        snprintf(made, sizeof made, "column %zu", no + 1);
        head = hy_str_of(made);
    }
    c->head = hy_arena_str(&r->heads, head);
    return c->head.p ? HY_OK : HY_ENOMEM;
}

/* No name may stand for two: which of them would it be? */
static int check_twice(const struct hy_told_rows *r, size_t no, struct hy_diag *diag)
{
    const struct column *c = &r->columns[no];
    for (size_t i = 0; i < no; i++) {
        const struct column *b = &r->columns[i];
        if (b->field == c->field && (c->field != DETAIL || hy_str_eq(b->head, c->head)))
            return hy_fail(diag, HY_EINVAL, "two columns are '%.*s': numbers %zu and %zu",
                           HY_STR_ARG(c->head), i + 1, no + 1);
    }
    return HY_OK;
}

static int take_header(struct hy_told_rows *r, const struct hy_csv_row *row, struct hy_diag *diag)
{
    bool names_who = false;
    int err = HY_OK;
    if (row->fault != HY_CSV_OK)
        return hy_fail(diag, HY_EINVAL, "line %llu: %s", (unsigned long long)row->line,
                       hy_csv_fault_text(row->fault));
    r->columns = hy_arena_zalloc(&r->heads, row->n_fields * sizeof *r->columns);
    if (!r->columns)
        return HY_ENOMEM;
    for (size_t i = 0; i < row->n_fields && err == HY_OK; i++) {
        err = take_column(r, &r->columns[i], i, row->fields[i], diag);
        if (err == HY_OK)
            err = check_twice(r, i, diag);
        int f = r->columns[i].field;
        names_who = names_who || (f >= 1 && f <= 6);
    }
    r->n_columns = row->n_fields;
    r->has_columns = true;
    if (err == HY_OK && !names_who)
        err = hy_fail(diag, HY_EINVAL,
                      "the first line names no column 'email', 'lead', 'external_id', 'line_id', "
                      "'phone' or 'visitor': whose are these rows?");
    return err;
}

struct hy_str hy_told_rows_column(const struct hy_told_rows *r, enum hy_told_by by)
{
    struct hy_str name = hy_str_of(hy_told_by_name(by));
    for (size_t i = 0; i < r->n_columns; i++)
        if (r->columns[i].field != DETAIL &&
            hy_str_eq(hy_str_of(fields[r->columns[i].field]), name))
            return r->columns[i].head;
    return name;
}

/* ---- rows ---- */

struct reading {
    struct hy_told_rows *rows;
    struct hy_arena *arena;
    struct hy_told_row *row;
};

/* At most SHOWN_MAX bytes, whole characters; what is no text shows as U+FFFD. */
static struct hy_str shorten(struct hy_arena *arena, struct hy_str v)
{
    char shown[SHOWN_MAX + 8];
    size_t n = 0;
    for (size_t i = 0; i < v.n && n < SHOWN_MAX;)
        n += hy_utf8_put(hy_utf8_next(v, &i), shown + n);
    return hy_arena_str(arena, hy_str_make(shown, n));
}

/* HY_EINVAL, or HY_ENOMEM. */
static int refuse(struct reading *g, struct hy_str column, const char *reason, struct hy_str value)
{
    g->row->column = hy_arena_str(g->arena, column);
    g->row->reason = hy_arena_str(g->arena, hy_str_of(reason));
    g->row->value = shorten(g->arena, value);
    return g->row->reason.p ? HY_EINVAL : HY_ENOMEM;
}

/* A cell of "meta.X": 5000 is a number there, and true is true. */
static json_t *typed(struct hy_str v)
{
    json_t *x = json_loadb(v.p, v.n, JSON_DECODE_ANY, NULL);
    if (json_is_number(x) || json_is_boolean(x))
        return x;
    json_decref(x);
    return json_stringn(v.p, v.n);
}

/* Numbers are numbers where an activity has them; what is none is told by who reads it. */
static json_t *value_of(const struct column *c, struct hy_str v)
{
    uint64_t n;
    bool is_number = c->field != DETAIL && (strcmp(fields[c->field], "lead") == 0 ||
                                            strcmp(fields[c->field], "percent") == 0);
    if (is_number && hy_str_to_u64(v, UINT32_MAX, &n) == HY_OK)
        return json_integer((json_int_t)n);
    return c->is_typed ? typed(v) : json_stringn(v.p, v.n);
}

static int take_cell(struct reading *g, const struct column *c, struct hy_str v, json_t *o,
                     json_t *meta)
{
    v = hy_str_trim(v);
    /* what an export put before a value that a spreadsheet would run */
    if (v.n > 1 && v.p[0] == '\'' && strchr("=+-@", v.p[1]))
        v = hy_str_slice(v, 1, v.n);
    if (v.n == 0)
        return HY_OK;
    if (!hy_str_is_utf8(v))
        return refuse(g, c->head, "bytes that mean nothing in the file's charset", v);
    json_t *x = value_of(c, v);
    int err = c->field != DETAIL ? json_object_set_new(o, fields[c->field], x)
                                 : json_object_setn_new(meta, c->head.p, c->head.n, x);
    return err ? HY_ENOMEM : HY_OK;
}

static int take_cells(struct reading *g, const struct hy_csv_row *csv, json_t *o)
{
    const struct hy_told_rows *r = g->rows;
    json_t *meta = json_object();
    int err = HY_OK;
    if (csv->fault != HY_CSV_OK)
        err = refuse(g, HY_STR(""), hy_csv_fault_text(csv->fault), csv->fields[csv->n_fields - 1]);
    else if (csv->n_fields != r->n_columns)
        err = refuse(g, HY_STR(""), "another number of fields than the first line", csv->fields[0]);
    for (size_t i = 0; i < r->n_columns && err == HY_OK; i++)
        err = take_cell(g, &r->columns[i], csv->fields[i], o, meta);
    if (err == HY_OK && json_object_size(meta))
        err = json_object_set(o, "meta", meta) ? HY_ENOMEM : HY_OK;
    json_decref(meta);
    return err;
}

/* Rows without a name of their own are known by all that they say. */
static int name_row(json_t *o)
{
    static const struct hy_hash_key keys[2] = {{0x61637469, 1}, {0x76697479, 2}};
    char name[REF_MAX];
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return HY_ENOMEM;
    size_t n = strlen(text);
    snprintf(name, sizeof name, "row:%016llx%016llx",
             (unsigned long long)hy_siphash(&keys[0], text, n),
             (unsigned long long)hy_siphash(&keys[1], text, n));
    free(text);
    return json_object_set_new(o, "id", json_string(name)) ? HY_ENOMEM : HY_OK;
}

/* The column of a field that is wrong, and what stands there. */
static int tell(struct reading *g, const struct hy_csv_row *csv, const struct hy_told_fault *fault)
{
    const struct hy_told_rows *r = g->rows;
    for (size_t i = 0; i < r->n_columns; i++)
        if (r->columns[i].field != DETAIL && strcmp(fields[r->columns[i].field], fault->field) == 0)
            return refuse(g, r->columns[i].head, fault->message, csv->fields[i]);
    return refuse(g, hy_str_of(fault->field), fault->message, HY_STR(""));
}

static int take_row(struct reading *g, const struct hy_csv_row *csv, hy_wall_ms now)
{
    struct hy_told_fault fault;
    json_t *o = json_deep_copy(g->rows->given);
    int err = o ? take_cells(g, csv, o) : HY_ENOMEM;
    if (err == HY_OK && !json_object_get(o, "id"))
        err = name_row(o);
    if (err == HY_OK) {
        err = hy_told_read(o, now, g->arena, &g->row->told, &fault);
        if (err == HY_EINVAL)
            err = tell(g, csv, &fault);
    }
    if (err == HY_OK)
        g->row->object = o;
    else
        json_decref(o);
    return err == HY_EINVAL ? HY_OK : err;
}

int hy_told_rows_next(struct hy_told_rows *r, hy_wall_ms now, struct hy_arena *arena,
                      struct hy_told_row *ret, struct hy_diag *diag)
{
    struct hy_csv_row csv;
    int err = hy_csv_next(r->csv, &csv);
    if (!err && !r->has_columns) {
        err = take_header(r, &csv, diag);
        if (!err)
            err = hy_csv_next(r->csv, &csv);
    }
    if (err)
        return err;
    struct hy_told_row row = {.line = csv.line};
    struct reading g = {.rows = r, .arena = arena, .row = &row};
    err = take_row(&g, &csv, now);
    if (err == HY_OK)
        *ret = row;
    return err;
}
