/* A file of suppressed addresses (CSV or TSV, any charset that lists of leads may have): bytes in,
 * checked rows out. Pure. */
#pragma once
#include "hayauma/audience/charset.h"
#include "hayauma/audience/csv.h"
#include "hayauma/base/clock.h"
#include "hayauma/mail/address.h"

/* Columns by the names in the first line, in any order; one of the first two must be there. A file
 * whose first line names none of them has addresses in its first column. */
enum hy_suppress_column {
    HY_SUPPRESS_COL_ADDRESS, /* address, email ...: an address, or @domain */
    HY_SUPPRESS_COL_HASH,    /* where only the hash is kept */
    HY_SUPPRESS_COL_SCOPE,
    HY_SUPPRESS_COL_TENANT,
    HY_SUPPRESS_COL_STREAM,
    HY_SUPPRESS_COL_LIST,
    HY_SUPPRESS_COL_REASON,
    HY_SUPPRESS_COL_CREATED,
    HY_SUPPRESS_COL_EXPIRES,
    HY_SUPPRESS_COL_SOURCE,
    HY_SUPPRESS_COL_BY,
    HY_SUPPRESS_COLS,
};
const char *hy_suppress_column_name(enum hy_suppress_column c); /* as an export writes it */

enum { HY_SUPPRESS_ROW_VALUE_MAX = 1024 };

/* One row. Views live until the next call. */
struct hy_suppress_row {
    uint64_t line; /* physical line where it starts, from 1 */

    /* refused, when `reason` is not empty: */
    struct hy_str column; /* at fault; empty: the whole row */
    struct hy_str reason; /* for people */
    struct hy_str value;  /* shortened */

    struct hy_str what; /* address in wire form, or @domain; empty: there is only a hash */
    struct hy_str values[HY_SUPPRESS_COLS]; /* trimmed, UTF-8, without control characters */
    hy_wall_ms created, expires;            /* 0: not said */
};

struct hy_suppress_rows;
/* `charset` and `delimiter` may be AUTO and 0. HY_ENOMEM, HY_EUNSUPPORTED, HY_EINVAL. */
HY_MUST_USE int hy_suppress_rows_new(enum hy_charset charset, char delimiter,
                                     struct hy_suppress_rows **ret);
void hy_suppress_rows_free(struct hy_suppress_rows *r);
/* The next bytes of the file, any number; hy_suppress_rows_end when there are no more. HY_ENOMEM.
 */
HY_MUST_USE int hy_suppress_rows_feed(struct hy_suppress_rows *r, struct hy_str bytes);
HY_MUST_USE int hy_suppress_rows_end(struct hy_suppress_rows *r);
/* The next row; HY_EMORE: feed more, or after the end it is done. */
HY_MUST_USE int hy_suppress_rows_next(struct hy_suppress_rows *r, struct hy_suppress_row *ret);
