/* The timeline: messages handed in, attempts, endings and activities, four logs read as one in the
 * order of their ids, which is the order in which they were committed. Reading on behind an id
 * finds all that came later and nothing twice. */
#pragma once
#include "hayauma/store/activity.h"
#include "hayauma/store/attempt.h"
#include "hayauma/store/ending.h"
#include "hayauma/store/spool.h"

enum hy_moment_kind {
    HY_MOMENT_MESSAGE,
    HY_MOMENT_ATTEMPT,
    HY_MOMENT_ACTIVITY,
    HY_MOMENT_ENDING,
    HY_MOMENT_KINDS
};

struct hy_moment {
    hy_id id;
    enum hy_moment_kind kind;
    union { /* all strings are views that die with the transaction */
        struct hy_spool_message message;
        struct hy_attempt attempt;
        struct hy_activity activity;
        struct hy_ending ending;
    } of;
};

struct hy_timeline {
    struct hy_cursor logs[HY_MOMENT_KINDS];
    hy_id heads[HY_MOMENT_KINDS]; /* the next of each; UINT64_MAX: it is at its end */
    hy_id after;                  /* all that was read is at or before it */
    struct hy_ending_reader rows; /* of the record of endings that is being read */
    uint64_t damaged;             /* records passed over because they could not be read */
};

/* Stands before the first moment behind `after`. The caller closes it before the transaction ends.
 */
HY_MUST_USE int hy_timeline_open(struct hy_txn *t, hy_id after, struct hy_timeline *ret);
/* The same of some logs only: a bit for each enum hy_moment_kind. */
HY_MUST_USE int hy_timeline_open_some(struct hy_txn *t, hy_id after, unsigned logs,
                                      struct hy_timeline *ret);
void hy_timeline_close(struct hy_timeline *l);
/* HY_ENOTFOUND: there is none (yet). Records that cannot be read are passed over and counted;
 * the rows of one of endings are one moment each. */
HY_MUST_USE int hy_timeline_next(struct hy_timeline *l, struct hy_moment *ret);

/* How many moments are behind `after`, `max` at most; what is not decoded counts, too. */
HY_MUST_USE int hy_timeline_count(struct hy_txn *t, hy_id after, uint64_t max, uint64_t *ret);
enum { HY_TIMELINE_BACK_MAX = 1000 };
/* The id behind which the newest `n` (1..HY_TIMELINE_BACK_MAX) moments are; 0 when there are no
 * more than that. */
HY_MUST_USE int hy_timeline_back(struct hy_txn *t, unsigned n, hy_id *ret_after);
/* The newest moment that is committed; 0: there is none. */
HY_MUST_USE int hy_timeline_newest(struct hy_txn *t, hy_id *ret);
