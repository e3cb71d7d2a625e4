/* Scores kept by what leads do and are, given anew, and tried: a plan with what it asks of the
 * store. One thread. */
#pragma once
#include "hayauma/react/facts.h"
#include "hayauma/store/score.h"

struct hy_scorer;
struct hy_scorer_options {
    const struct hy_score_plan *plan; /* outlives it, and so does the zone */
    const struct hy_zone *zone;       /* in which days begin; NULL: UTC */
};
/* HY_ENOMEM. */
HY_MUST_USE int hy_scorer_new(const struct hy_scorer_options *o, struct hy_scorer **ret);
void hy_scorer_free(struct hy_scorer *s); /* NULL is fine */

/* ---- the writer's transaction; *ret_changed (may be NULL): the points of the lead did -------- */

/* An activity takes effect (sign 1), or its effect is taken back (-1). */
HY_MUST_USE int hy_scorer_note(struct hy_scorer *s, struct hy_txn *t, const struct hy_activity *a,
                               int sign, bool *ret_changed);
/* A lead changed: `what` of enum hy_lead_what. HY_EMORE as hy_scorer_redo(). */
HY_MUST_USE int hy_scorer_lead(struct hy_scorer *s, struct hy_txn *t, hy_lead_no lead,
                               unsigned what, bool *ret_changed);
/* All of a lead's points anew; silently: without activities of thresholds and without handing it
 * over. HY_EMORE: the transaction should end before it is done; another call goes on. */
HY_MUST_USE int hy_scorer_redo(struct hy_scorer *s, struct hy_txn *t, hy_lead_no lead,
                               bool is_silent, bool *ret_changed);

/* ---- any transaction ------------------------------------------------------------------------- */

enum { HY_SCORER_DEEDS_MAX = 1000000 }; /* activities of a lead that are tried */

struct hy_score_tried {
    int64_t total_milli;
    int64_t groups[HY_SCORE_GROUPS_MAX];
};
/* What hy_scorer_redo() would make of a lead's points, without storing anything. HY_ELIMIT: it did
 * too much; HY_ENOTFOUND: there is no such lead. */
HY_MUST_USE int hy_scorer_try(struct hy_scorer *s, struct hy_txn *t, hy_lead_no lead,
                              hy_wall_ms now, struct hy_score_tried *ret);
