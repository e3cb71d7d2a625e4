/* Rows of a file of suppressed addresses. A fault costs its own row, which says where and why. */
#include "hayauma/audience/suppress_rows.h"

#include <stdlib.h>

enum { SHOWN_MAX = 200, NO_COLUMN = -1 };

struct hy_suppress_rows {
    struct hy_charset_reader *charset;
    struct hy_csv *csv;
    bool has_columns;
    int column_of[HY_SUPPRESS_COLS]; /* of the file; NO_COLUMN */
    size_t n_columns;
    struct hy_address address;
    char shown[SHOWN_MAX + 8];
};

static const char *const names[HY_SUPPRESS_COLS][5] = {
    [HY_SUPPRESS_COL_ADDRESS] = {"address", "email", "e-mail", "recipient", "メールアドレス"},
    [HY_SUPPRESS_COL_HASH] = {"hash"},
    [HY_SUPPRESS_COL_SCOPE] = {"scope"},
    [HY_SUPPRESS_COL_TENANT] = {"tenant"},
    [HY_SUPPRESS_COL_STREAM] = {"stream"},
    [HY_SUPPRESS_COL_LIST] = {"list"},
    [HY_SUPPRESS_COL_REASON] = {"reason"},
    [HY_SUPPRESS_COL_CREATED] = {"created", "created_at"},
    [HY_SUPPRESS_COL_EXPIRES] = {"expires", "expires_at"},
    [HY_SUPPRESS_COL_SOURCE] = {"source"},
    [HY_SUPPRESS_COL_BY] = {"by"},
};

const char *hy_suppress_column_name(enum hy_suppress_column c)
{
    return (unsigned)c < HY_SUPPRESS_COLS ? names[c][0] : "?";
}

int hy_suppress_rows_new(enum hy_charset charset, char delimiter, struct hy_suppress_rows **ret)
{
    struct hy_suppress_rows *r = calloc(1, sizeof *r);
    const struct hy_csv_options csv = {.delimiter = delimiter};
    if (!r)
        return HY_ENOMEM;
    int err = hy_charset_reader_new(charset, &r->charset);
    if (!err)
        err = hy_csv_new(&csv, &r->csv);
    if (err) {
        hy_suppress_rows_free(r);
        return err;
    }
    *ret = r;
    return HY_OK;
}

void hy_suppress_rows_free(struct hy_suppress_rows *r)
{
    if (!r)
        return;
    hy_csv_free(r->csv);
    hy_charset_reader_free(r->charset);
    free(r);
}

int hy_suppress_rows_feed(struct hy_suppress_rows *r, struct hy_str bytes)
{
    return hy_charset_read(r->charset, bytes, false, hy_csv_input(r->csv));
}

int hy_suppress_rows_end(struct hy_suppress_rows *r)
{
    int err = hy_charset_read(r->charset, (struct hy_str){0}, true, hy_csv_input(r->csv));
    hy_csv_end(r->csv);
    return err;
}

/* ---- columns ---- */

static int column_named(struct hy_str header)
{
    header = hy_str_trim(header);
    for (int c = 0; c < HY_SUPPRESS_COLS; c++)
        for (size_t i = 0; i < sizeof names[c] / sizeof *names[c] && names[c][i]; i++)
            if (hy_str_ieq(header, hy_str_of(names[c][i])))
                return c;
    return NO_COLUMN;
}

/* True: the row was the line of names. */
static bool take_header(struct hy_suppress_rows *r, const struct hy_csv_row *row)
{
    for (int c = 0; c < HY_SUPPRESS_COLS; c++)
        r->column_of[c] = NO_COLUMN;
    r->has_columns = true;
    r->n_columns = row->n_fields;
    for (size_t i = 0; i < row->n_fields; i++) {
        int c = column_named(row->fields[i]);
        if (c != NO_COLUMN && r->column_of[c] == NO_COLUMN)
            r->column_of[c] = (int)i;
    }
    if (r->column_of[HY_SUPPRESS_COL_ADDRESS] != NO_COLUMN ||
        r->column_of[HY_SUPPRESS_COL_HASH] != NO_COLUMN)
        return true;
    for (int c = 0; c < HY_SUPPRESS_COLS; c++)
        r->column_of[c] = NO_COLUMN;
    r->column_of[HY_SUPPRESS_COL_ADDRESS] = 0;
    return false;
}

/* ---- values ---- */

/* At most SHOWN_MAX bytes, whole characters; what is no text shows as U+FFFD. */
static struct hy_str shorten(struct hy_suppress_rows *r, struct hy_str v)
{
    size_t n = 0;
    for (size_t i = 0; i < v.n && n < SHOWN_MAX;) {
        char c[4];
        size_t m = hy_utf8_put(hy_utf8_next(v, &i), c);
        memcpy(r->shown + n, c, m);
        n += m;
    }
    return hy_str_make(r->shown, n);
}

static void refuse(struct hy_suppress_rows *r, struct hy_suppress_row *row, int column,
                   const char *reason, struct hy_str value)
{
    if (row->reason.n)
        return; /* the first fault counts */
    row->column = column == NO_COLUMN
                      ? HY_STR("")
                      : hy_str_of(hy_suppress_column_name((enum hy_suppress_column)column));
    row->reason = hy_str_of(reason);
    row->value = shorten(r, value);
}

static bool has_control(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 32 || s.p[i] == 127)
            return true;
    return false;
}

static void take_value(struct hy_suppress_rows *r, struct hy_suppress_row *row, int c,
                       struct hy_str v)
{
    v = hy_str_trim(v);
    /* what an export put before a value that a spreadsheet would run */
    if (v.n > 1 && v.p[0] == '\'' && strchr("=+-@", v.p[1]))
        v = hy_str_slice(v, 1, v.n);
    if (v.n > HY_SUPPRESS_ROW_VALUE_MAX)
        refuse(r, row, c, "the value is too long", v);
    else if (!hy_str_is_utf8(v))
        refuse(r, row, c, "bytes that mean nothing in the file's charset", v);
    else if (has_control(v))
        refuse(r, row, c, "control characters", v);
    else
        row->values[c] = v;
}

static void take_time(struct hy_suppress_rows *r, struct hy_suppress_row *row, int c,
                      hy_wall_ms *ret)
{
    struct hy_str v = row->values[c];
    if (v.n && hy_wall_parse(v, ret) != HY_OK)
        refuse(r, row, c, "no time with its zone, such as 2026-12-01T09:00:00+09:00", v);
}

static void take_what(struct hy_suppress_rows *r, struct hy_suppress_row *row)
{
    static const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    struct hy_str v = row->values[HY_SUPPRESS_COL_ADDRESS];
    enum hy_address_reason why = HY_ADDRESS_OK;
    char probe[HY_ADDRESS_MAX + 2];
    bool is_domain = v.n && v.p[0] == '@' && v.n <= HY_ADDRESS_MAX;
    if (v.n == 0) {
        if (row->values[HY_SUPPRESS_COL_HASH].n == 0)
            refuse(r, row, HY_SUPPRESS_COL_ADDRESS, hy_address_reason_text(HY_ADDRESS_EMPTY), v);
        return;
    }
    if (is_domain) {
        probe[0] = 'x';
        memcpy(probe + 1, v.p, v.n);
        v = hy_str_make(probe, v.n + 1);
    }
    if (hy_address_parse(v, &rules, &r->address, &why) != HY_OK) {
        refuse(r, row, HY_SUPPRESS_COL_ADDRESS, hy_address_reason_text(why),
               row->values[HY_SUPPRESS_COL_ADDRESS]);
        return;
    }
    row->what = hy_address_wire(&r->address);
    if (is_domain)
        row->what = hy_str_slice(row->what, r->address.at, row->what.n);
}

static void take_row(struct hy_suppress_rows *r, const struct hy_csv_row *csv,
                     struct hy_suppress_row *row)
{
    if (csv->fault != HY_CSV_OK)
        refuse(r, row, NO_COLUMN, hy_csv_fault_text(csv->fault), csv->fields[csv->n_fields - 1]);
    else if (csv->n_fields != r->n_columns && r->n_columns > 1)
        refuse(r, row, NO_COLUMN, "another number of fields than the first line", csv->fields[0]);
    for (int c = 0; c < HY_SUPPRESS_COLS; c++)
        if (r->column_of[c] != NO_COLUMN && (size_t)r->column_of[c] < csv->n_fields)
            take_value(r, row, c, csv->fields[r->column_of[c]]);
    if (!row->reason.n)
        take_what(r, row);
    take_time(r, row, HY_SUPPRESS_COL_CREATED, &row->created);
    take_time(r, row, HY_SUPPRESS_COL_EXPIRES, &row->expires);
}

int hy_suppress_rows_next(struct hy_suppress_rows *r, struct hy_suppress_row *ret)
{
    struct hy_csv_row csv;
    int err = hy_csv_next(r->csv, &csv);
    if (!err && !r->has_columns && take_header(r, &csv))
        err = hy_csv_next(r->csv, &csv);
    if (err)
        return err;
    *ret = (struct hy_suppress_row){.line = csv.line};
    take_row(r, &csv, ret);
    return HY_OK;
}
