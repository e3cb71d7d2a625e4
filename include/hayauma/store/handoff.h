/* Leads on their way to sales: one entry for each hand-off of a lead that entered a threshold, put
 * in the transaction in which it entered, gone in the one in which it is known to have arrived.
 * Each hand-off of the rules has a lane of its own, so that who takes nothing holds up nobody
 * else. */
#pragma once
#include "hayauma/store/env.h"
#include "hayauma/store/score.h"

enum { HY_HANDOFF_WHY_MAX = 200, HY_HANDOFF_FAILED = UINT32_MAX };

struct hy_handoff {
    uint16_t lane;  /* the number of the hand-off, 1.. */
    uint32_t due_s; /* when it is tried (again); HY_HANDOFF_FAILED: not by itself */
    hy_id id;       /* the same for every try */
    hy_lead_no lead;
    hy_wall_ms entered;
    uint32_t tries;
    struct hy_str name, threshold; /* of the hand-off, of the threshold: views */
    struct hy_str why;             /* the last try failed: a view */
};

/* The first behind `after` (zeroed: of all), by lane, due time and id: nothing else of `after` is
 * read. Damaged entries are passed over, by all of these. HY_ENOTFOUND. */
HY_MUST_USE int hy_handoff_next(struct hy_txn *t, const struct hy_handoff *after,
                                struct hy_handoff *ret);
/* The first lane > `after` that has entries. HY_ENOTFOUND. */
HY_MUST_USE int hy_handoff_next_lane(struct hy_txn *t, uint16_t after, uint16_t *ret);
/* It has arrived, or is nobody's any more. HY_ENOTFOUND. The writer's transaction. */
int hy_handoff_done(struct hy_txn *t, const struct hy_handoff *h);
/* Is tried again at a second, or not (HY_HANDOFF_FAILED); counts the try, unless `why` is empty:
 * then a person asked for it, and the count begins anew. HY_ENOTFOUND. The writer's transaction. */
int hy_handoff_again(struct hy_txn *t, const struct hy_handoff *h, uint32_t due_s,
                     struct hy_str why);
/* Gives entries of a store that knew no lanes their lane. HY_EMORE: there are others. The writer's
 * transaction. */
HY_MUST_USE int hy_handoff_move_old(struct hy_txn *t);
/* How many entries cannot be read; `each` (may be NULL) gets their keys. Goes through all. */
HY_MUST_USE int hy_handoff_damaged(struct hy_txn *t, void (*each)(void *ctx, struct hy_str key),
                                   void *ctx, uint64_t *ret_n);
/* How many wait, damaged ones among them, and how many have failed. */
HY_MUST_USE int hy_handoff_count(struct hy_txn *t, uint64_t *ret_pending, uint64_t *ret_failed);
