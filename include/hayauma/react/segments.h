/* Segments kept up to date: what a lead does, what changes of it and the mere passing of time move
 * it into segments and out of them, in the transaction in which it takes effect. A new segment is
 * found from scratch (react/segment_build.h).
 *
 * All of this belongs to the writer's transaction. */
#pragma once
#include <stdatomic.h>

#include "hayauma/react/facts.h"
#include "hayauma/store/segments.h"

/* The segments of a store, read into memory: which of them is concerned by what. It follows changes
 * of them by itself. */
struct hy_segments;

/* Counts since the start; any thread. */
struct hy_segments_meter {
    _Atomic uint64_t looks;   /* leads looked at, each segment for itself */
    _Atomic uint64_t steps;   /* activities that were read for it */
    _Atomic uint64_t put_off; /* looks that were put off, since they took too long before */
    _Atomic uint64_t entered; /* and what came of it */
    _Atomic uint64_t left;
};
/* What `o` points to, and the meter (may be NULL), must outlive it. HY_ENOMEM. */
HY_MUST_USE int hy_segments_new(const struct hy_facts_options *o, struct hy_segments_meter *meter,
                                struct hy_segments **ret);
void hy_segments_free(struct hy_segments *s);

/* What happens is noted first, and looked at behind it, each lead once however much it did: whoever
 * notes calls hy_segments_look() before the transaction ends, and now and then before. */

/* For whom it failed; who is passed over, since it did so before. */
struct hy_segments_fault {
    hy_lead_no skip, failed; /* 0: nobody */
};
/* Looks at all leads noted so far. A lead that did so much that looking takes long is looked at
 * some seconds later (hy_segments_due). `f` may be NULL. */
HY_MUST_USE int hy_segments_look(struct hy_txn *t, struct hy_segments *s,
                                 struct hy_segments_fault *f);

/* An activity counts, or counts no more; `score_changed`: so did the lead's score. */
HY_MUST_USE int hy_segments_note(struct hy_txn *t, struct hy_segments *s,
                                 const struct hy_activity *a, bool score_changed);
/* A lead's attributes, tags ... changed: bits of enum hy_lead_what; or its score. */
HY_MUST_USE int hy_segments_lead(struct hy_txn *t, struct hy_segments *s, hy_lead_no lead,
                                 unsigned what, bool score_changed);
/* Looks at leads whose moment has come by `now`, and at mail that campaigns sent, `max` at most or
 * until the writer should go on to others. *ret_more: there are others. */
HY_MUST_USE int hy_segments_due(struct hy_txn *t, struct hy_segments *s, hy_wall_ms now,
                                unsigned max, struct hy_segments_fault *f, bool *ret_more);

/* Looks at one lead in one segment, as it is now, without telling anybody: what the building of a
 * segment ends with. HY_ENOTFOUND: there is no such segment. */
HY_MUST_USE int hy_segments_settle(struct hy_txn *t, struct hy_segments *s, hy_segment_no no,
                                   hy_lead_no lead);
