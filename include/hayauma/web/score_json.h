/* Points of leads as JSON: one shape for the API and the control socket. */
#pragma once
#include <jansson.h>

#include "hayauma/store/score.h"

enum {
    HY_SCORE_ENTRIES_MAX = 5000, /* of an explanation */
    HY_SCORE_HOT_MAX = 5000,     /* leads of a list */
};

/* The whole of a lead's points: {"lead", "email", "name" ..., "score", "groups": [{"group",
 * "points", "grade"}], "thresholds": [{"name", "from", "until", "is_over", "since", "is_closed"}],
 * "entries": the newest `limit` of the ledger, "entries_left_out", "sales": what sales told}.
 * HY_ENOTFOUND: there is no such lead. */
HY_MUST_USE int hy_score_explain_json(struct hy_txn *t, const struct hy_score_plan *plan,
                                      hy_lead_no lead, hy_wall_ms now, unsigned limit,
                                      json_t **ret);

/* Leads over a threshold (an index into the plan's), the highest score first, at most `limit`:
 * {"threshold", "over": how many, "leads": [{"lead", "email", "name", "company", "phone", "owner",
 * "score", "grades", "since", "reasons", "last", "sales"}]}. Those that sales closed are left out
 * unless `with_closed`. Reads each lead that is over: 2 us. */
struct hy_score_hot {
    size_t threshold;
    unsigned limit;
    bool with_closed;
};
/* One of its "leads". HY_ENOTFOUND: the lead is gone. */
HY_MUST_USE int hy_score_hot_row_json(struct hy_txn *t, const struct hy_score_plan *plan,
                                      size_t threshold, hy_lead_no lead, hy_wall_ms now,
                                      json_t **ret);
HY_MUST_USE int hy_score_hot_json(struct hy_txn *t, const struct hy_score_plan *plan,
                                  const struct hy_score_hot *of, hy_wall_ms now, json_t **ret);
