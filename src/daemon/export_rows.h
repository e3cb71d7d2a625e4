/* A table of the store as CSV on a client's descriptor: some thousand rows a snapshot, so that a
 * slow reader holds no old pages. */
#pragma once
#include "ctl_common.h"
#include "hayauma/audience/csv.h"

struct export_rows {
    /* Puts the cells of the row that follows; HY_ENOTFOUND: there is none. */
    int (*put)(struct export_rows *e, struct hy_txn *t);
    struct hy_buf out;
    uint64_t rows;
    bool is_safe; /* cells that a spreadsheet would run get a ' */
};

/* Reads the argument "safe". The heads of columns are put next, to e->out. `row_bytes`: the most
 * that one row takes. */
HY_MUST_USE int export_rows_begin(struct export_rows *e, const struct ctl_task *k, size_t row_bytes,
                                  struct hy_diag *diag);
/* Writes all of it (unless `err` says that it cannot begin) and ends; "rows" says how many. Errors
 * as write_out has them, and those of e->put. */
HY_MUST_USE int export_rows(struct export_rows *e, struct ctl_task *k, int err, json_t *o);
