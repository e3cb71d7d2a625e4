/* Activities in a file (CSV or TSV, any charset that lists of leads may have): the visitors of a
 * fair, answers to a survey. Bytes in, checked activities out. Pure. */
#pragma once
#include "hayauma/audience/charset.h"
#include "hayauma/audience/csv.h"
#include "hayauma/track/told.h"

/* Columns have the names of the fields of an activity (told.h); one of lead, email, external_id,
 * line_id, phone and visitor must be there. All others are details, under their own names: "meta.X"
 * is X, and a number where it looks like one. */
struct hy_told_rows;

/* `given` (may be NULL) is an object of fields that all rows have: a column of such a name is a
 * detail. HY_ENOMEM, HY_EUNSUPPORTED. */
HY_MUST_USE int hy_told_rows_new(enum hy_charset charset, const json_t *given,
                                 struct hy_told_rows **ret);
void hy_told_rows_free(struct hy_told_rows *r);
/* The next bytes of the file, any number; hy_told_rows_end when there are no more. HY_ENOMEM. */
HY_MUST_USE int hy_told_rows_feed(struct hy_told_rows *r, struct hy_str bytes);
HY_MUST_USE int hy_told_rows_end(struct hy_told_rows *r);

/* One row. */
struct hy_told_row {
    uint64_t line; /* physical line where it starts, from 1 */

    /* refused, when `reason` is not empty; these live in the arena: */
    struct hy_str column; /* at fault; empty: the whole row */
    struct hy_str reason; /* for people */
    struct hy_str value;  /* shortened */

    json_t *object;      /* the caller's to give back; NULL when refused */
    struct hy_told told; /* views of the object, the arena. `ref` is never empty: without a column
                            for it, a digest of the row, so that a file is noted once */
};
/* The next row; HY_EMORE: feed more, or after the end it is done. HY_EINVAL with a note: the first
 * line makes no sense, and nothing of the file can be read. HY_ENOMEM. */
HY_MUST_USE int hy_told_rows_next(struct hy_told_rows *r, hy_wall_ms now, struct hy_arena *arena,
                                  struct hy_told_row *ret, struct hy_diag *diag);
/* The column that says whose a row is, as the file names it. */
struct hy_str hy_told_rows_column(const struct hy_told_rows *r, enum hy_told_by by);
