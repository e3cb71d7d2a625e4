/* Activities of some kinds one behind the other, in the order in which they were noted; those of
 * other kinds are passed over without being read. */
#pragma once
#include "hayauma/store/activity.h"

struct hy_activity_scan {
    struct hy_cursor cursor;
    hy_id after;                    /* stands behind this one */
    bool wanted[HY_ACTIVITY_KINDS]; /* by kind */
    uint64_t passed;                /* records seen, of any kind */
    uint64_t damaged;               /* records that could not be read and were passed over */
};
/* Stands before the first with an id greater than `after`; wanted is the caller's to set. To be
 * closed before the transaction ends. */
HY_MUST_USE int hy_activity_scan_open(struct hy_txn *t, hy_id after, struct hy_activity_scan *ret);
void hy_activity_scan_close(struct hy_activity_scan *s);
/* Looks at up to `max` records for the next wanted one; strings are views. HY_ENOTFOUND: the end;
 * HY_EMORE: none among these. */
HY_MUST_USE int hy_activity_scan_next(struct hy_activity_scan *s, unsigned max,
                                      struct hy_activity *ret);
