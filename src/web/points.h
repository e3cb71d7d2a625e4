/* What lists of leads by their points share. */
#pragma once
#include <jansson.h>

#include "hayauma/store/score.h"

/* ---- the best of many: best.c, pure ---- */

struct web_place {
    int64_t milli; /* points */
    uint32_t no;   /* of equals the least is first */
};
/* The best so far; when there are `max`, the least of them is the root of a heap. The room is the
 * caller's. */
struct web_best {
    struct web_place *places;
    size_t n, max;
};
void web_best_offer(struct web_best *b, struct web_place p);
/* The best first; nothing is offered any more. */
void web_best_sort(struct web_best *b);

/* ---- score_json.c ---- */

/* The rules that gave a lead the most: [{"rule", "points", "times"}]. */
json_t *points_reasons_json(struct hy_txn *t, hy_lead_no lead, hy_wall_ms now);
/* What it was, in a few words: {"at", "kind", "text", "url", "source", "campaign"}. */
json_t *points_activity_json(struct hy_txn *t, const struct hy_activity *a);
/* That of what the lead did last, but for what was noted because of it; null. */
json_t *points_last_json(struct hy_txn *t, hy_lead_no lead);
