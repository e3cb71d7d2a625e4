/* Segments as JSON: one shape for the API and the control socket. docs/guides/segments.md says what
 * people see. */
#pragma once
#include <jansson.h>

#include "hayauma/react/segment_edit.h"
#include "hayauma/react/segment_search.h"

enum { HY_SEGMENT_SAMPLE_MAX = 100, HY_SEGMENT_PAGE_MAX = 1000, HY_SEGMENT_PAGE_BYTES = 1 << 20 };

/* {"name", "state", "count", "announce", "expression", "tree", "created", "changed", "by", "note"
 * (of a broken one), "unknown": [{"what", "name", "near" (or null)}] (names that nothing has:
 * react/segment_unknown.h, which says what `plan` is)}; NULL when out of memory. */
json_t *hy_segment_json(struct hy_txn *t, const struct hy_segment *s,
                        const struct hy_score_plan *plan);
/* {"segments": [...], "next": for the next page; null: there is none}: those with
 * numbers > `after` in their order, without their trees; `limit` of them (0: all), or as many as
 * have HY_SEGMENT_PAGE_BYTES of words. */
HY_MUST_USE int hy_segments_json(struct hy_txn *t, hy_segment_no after, size_t limit, json_t **ret);
/* A page of its leads behind number `after`: {"leads": [...], "next": for the next page; null:
 * there is none}. */
HY_MUST_USE int hy_segment_members_json(struct hy_txn *t, hy_segment_no no, hy_lead_no after,
                                        size_t limit, json_t **ret);

/* Some of its leads, from all over, `n` at most: {"count", "sample": [...]}. */
HY_MUST_USE int hy_segment_sample_json(struct hy_txn *t, hy_segment_no no, size_t n, json_t **ret);

struct hy_segment_count {
    struct hy_str expression; /* words or JSON */
    size_t sample;            /* leads to show, at most HY_SEGMENT_SAMPLE_MAX */
    struct hy_segment_search search;
};
/* How many leads an expression means that nobody has stored, and some of them, from all over:
 * {"count", "of", "ms", "expression", "tree", "unknown", "sample": [...]}. As hy_segment_check()
 * and hy_segment_find_all(). */
HY_MUST_USE int hy_segment_count_json(struct hy_txn *t, const struct hy_segment_count *c,
                                      json_t **ret, struct hy_diag *diag);
