/* Leads on their way to sales: one entry for each hand-off of a lead that entered a threshold, put
 * in the transaction in which it entered, gone in the one in which it is known to have arrived. */
#pragma once
#include "hayauma/store/env.h"
#include "hayauma/store/score.h"

enum { HY_HANDOFF_WHY_MAX = 200, HY_HANDOFF_FAILED = UINT32_MAX };

struct hy_handoff {
    uint32_t due_s; /* when it is tried (again); HY_HANDOFF_FAILED: not by itself */
    hy_id id;       /* the same for every try */
    hy_lead_no lead;
    hy_wall_ms entered;
    uint32_t tries;
    struct hy_str name, threshold; /* of the hand-off, of the threshold: views */
    struct hy_str why;             /* the last try failed: a view */
};

/* The first behind `after` (zeroed: of all), by due time and id; only due_s and id of `after` are
 * read. HY_ENOTFOUND. */
HY_MUST_USE int hy_handoff_next(struct hy_txn *t, const struct hy_handoff *after,
                                struct hy_handoff *ret);
/* It has arrived, or is nobody's any more. HY_ENOTFOUND. The writer's transaction. */
int hy_handoff_done(struct hy_txn *t, const struct hy_handoff *h);
/* Is tried again at a second, or not (HY_HANDOFF_FAILED); counts the try, unless `why` is empty:
 * then a person asked for it, and the count begins anew. HY_ENOTFOUND. The writer's transaction. */
int hy_handoff_again(struct hy_txn *t, const struct hy_handoff *h, uint32_t due_s,
                     struct hy_str why);
/* How many wait, and how many have failed. */
HY_MUST_USE int hy_handoff_count(struct hy_txn *t, uint64_t *ret_pending, uint64_t *ret_failed);
