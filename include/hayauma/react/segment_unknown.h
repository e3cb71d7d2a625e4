/* Names in a segment that nothing in the store has: a slip of the finger, or something to come. The
 * segment is no fault by it, and is kept up to date as any other. */
#pragma once
#include "hayauma/audience/segment.h"
#include "hayauma/store/env.h"

struct hy_score_plan;

enum { HY_SEGMENT_UNKNOWN_MAX = 16, HY_SEGMENT_NEAR_MAX = 40 };

enum hy_segment_unknown_what {
    HY_SEGMENT_UNKNOWN_ATTRIBUTE, /* no lead ever had it */
    HY_SEGMENT_UNKNOWN_SCORE,     /* there are no rules for points, or no such group of them */
    HY_SEGMENT_UNKNOWN_TAG,
    HY_SEGMENT_UNKNOWN_GROUP,
    HY_SEGMENT_UNKNOWN_CAMPAIGN,
};
/* "attribute", "score" ... */
const char *hy_segment_unknown_text(enum hy_segment_unknown_what what);

struct hy_segment_unknown {
    enum hy_segment_unknown_what what;
    struct hy_str name;                 /* the tree's */
    char near[HY_SEGMENT_NEAR_MAX + 1]; /* what may have been meant; empty: nothing is near */
};

/* Those of a tree in its order, each once, HY_SEGMENT_UNKNOWN_MAX at most. `plan`: the rules for
 * points; NULL: there are none. HY_ENOMEM, and what reading the store fails with. Any thread. */
HY_MUST_USE int hy_segment_unknown(struct hy_txn *t, const struct hy_segment_node *tree,
                                   const struct hy_score_plan *plan,
                                   struct hy_segment_unknown ret[HY_SEGMENT_UNKNOWN_MAX],
                                   size_t *ret_n);
