/* CSV and TSV (RFC 4180 and what spreadsheets really write), row by row out of a stream. Pure. */
#pragma once
#include "hayauma/base/buf.h"

enum {
    HY_CSV_COLUMNS_MAX = 1024,
    HY_CSV_FIELD_MAX = 65535,            /* bytes of one field, after unquoting */
    HY_CSV_ROW_MAX = 1024 * 1024,        /* bytes of one row as written */
    HY_CSV_INPUT_MAX = 16 * 1024 * 1024, /* text appended and not yet read */
};

enum hy_csv_fault {
    HY_CSV_OK = 0,
    HY_CSV_UNCLOSED, /* a quote that opens in this line does not close */
    HY_CSV_STRAY,    /* text behind a closing quote */
    HY_CSV_LONG_FIELD,
    HY_CSV_LONG_ROW,
    HY_CSV_MANY_COLUMNS,
};
const char *hy_csv_fault_text(enum hy_csv_fault f);

/* One row. The views live until the next call on the reader. */
struct hy_csv_row {
    uint64_t line;               /* physical line where it starts, from 1 */
    enum hy_csv_fault fault;     /* then fields holds what was read before the fault, the last one
                                    being the field at fault as it stands in the file, cut short */
    const struct hy_str *fields; /* unquoted; a quoted line end is kept as written */
    size_t n_fields;             /* 1.. */
};

struct hy_csv_options {
    char delimiter;       /* 0 = found out from the first lines among , tab ; | or a "sep=;" line */
    size_t row_max_bytes; /* 0 = HY_CSV_ROW_MAX, which is also the most */
    size_t columns_max;   /* 0 = HY_CSV_COLUMNS_MAX, which is also the most */
};

struct hy_csv;
/* HY_ENOMEM; HY_EINVAL: the delimiter is a quote, a line end or no ASCII. */
HY_MUST_USE int hy_csv_new(const struct hy_csv_options *o, struct hy_csv **ret);
void hy_csv_free(struct hy_csv *c);
/* The buffer to append text to (UTF-8, see charset.h); asking for it makes earlier rows invalid. */
struct hy_buf *hy_csv_input(struct hy_csv *c);
/* No more text will come: the last row may lack its line end. */
void hy_csv_end(struct hy_csv *c);
/* The next row (RFC 4180; also: LF or CR alone as line ends, blanks around quotes, quotes inside an
 * unquoted field as they are); empty lines are skipped. HY_EMORE: append text, or after hy_csv_end
 * there is none left. A row with a fault is returned as a row, and reading goes on at the next
 * physical line, so one missing quote does not swallow the rest. */
HY_MUST_USE int hy_csv_next(struct hy_csv *c, struct hy_csv_row *ret);
/* The delimiter in use, 0 when not known yet. */
char hy_csv_delimiter(const struct hy_csv *c);

/* Appends one field, quoted where it must be. With `safe` a value that a spreadsheet would run as
 * a formula (it starts with = + - @ tab or CR, or their full-width forms) gets a ' in front. */
void hy_csv_put(struct hy_buf *out, struct hy_str value, bool first, bool safe);
