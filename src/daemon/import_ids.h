/* Rows of an import with ids in them: the leads are looked for by id and by address, one by one; a
 * row whose id and address are of two leads is refused. The job's thread only. */
#pragma once
#include "hayauma/store/lead_edit.h"
#include "import_priv.h"

struct import_ids;

struct import_ids_options {
    struct hy_env *env;
    struct hy_writer *writer;
    const struct hy_lead_upsert *how; /* must outlive it */
    bool moves_addresses;             /* a lead known by its id gets the row's address */
    bool only_look;                   /* store nothing */
};

/* Whether columns hold ids. */
bool import_ids_any(const struct hy_import_column *columns, size_t n_columns);
/* With a note HY_EPARSE: what stands after "ext:" names no system, or HY_EINVAL: too many columns.
 * HY_ENOMEM. The columns must outlive it. */
HY_MUST_USE int import_ids_open(const struct import_ids_options *o,
                                const struct hy_import_column *columns, size_t n_columns,
                                struct import_ids **ret, struct hy_diag *diag);
void import_ids_close(struct import_ids *x);
/* Keeps a copy of the row. HY_EMORE: the batch is full, flush it and add the row again. */
HY_MUST_USE int import_ids_add(struct import_ids *x, const struct hy_import_row *row);
/* Stores the batch; refused rows and doubts go to the report and are counted in *p. HY_EBUSY: the
 * writer is behind, wait and try again. */
HY_MUST_USE int import_ids_flush(struct import_ids *x, struct import_report *report,
                                 struct hy_import_progress *p);
/* The first line that is not committed; UINT64_MAX: all are. */
uint64_t import_ids_line(const struct import_ids *x);
