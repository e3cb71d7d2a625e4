/* Who is in a segment, found from scratch: every condition by itself as a set of leads (tags, lists
 * and segments are sets already; all attributes by one walk over the leads; all activities by one
 * over their log), then joined. */
#pragma once
#include "hayauma/react/facts.h"

struct roaring_bitmap_s;

struct hy_segment_search {
    struct hy_facts_options facts;
    hy_wall_ms now;
    bool wants_due;                  /* the moments at which leads are to be looked at again, too */
    bool (*is_cancelled)(void *ctx); /* asked now and then; may be NULL */
    void *ctx;
};

struct hy_segment_found {
    struct roaring_bitmap_s *leads;
    uint64_t *due; /* ascending: second (hy_segment_due_at) << 32 | lead */
    size_t n_due;
};

/* Answers by the transaction's snapshot. The caller frees *ret. HY_ECANCELED; HY_ELIMIT with a note
 * (more activities, or moments, than memory is given for); HY_ENOMEM, HY_ECORRUPT, HY_EVERSION. Any
 * thread; about 5 s of it for 10 million leads. */
HY_MUST_USE int hy_segment_find_all(struct hy_txn *t, const struct hy_segment_node *tree,
                                    const struct hy_segment_search *o, struct hy_segment_found *ret,
                                    struct hy_diag *diag);
void hy_segment_found_free(struct hy_segment_found *f);
