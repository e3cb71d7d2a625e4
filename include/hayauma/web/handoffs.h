/* Leads on their way to sales, told and tried again: one shape for the API and the control socket.
 * docs/guides/scoring.md says what people see. */
#pragma once
#include <jansson.h>

#include "hayauma/store/handoff.h"
#include "hayauma/store/writer.h"

enum { HY_HANDOFF_PAGE_MAX = 1000, HY_HANDOFF_RETRIES_MAX = 10000, HY_HANDOFF_PLACE_MAX = 48 };

enum hy_handoff_state { HY_HANDOFF_ANY, HY_HANDOFF_WAITS, HY_HANDOFF_GIVEN_UP };
/* "waits", "failed". HY_EPARSE. */
HY_MUST_USE int hy_handoff_state_read(struct hy_str text, enum hy_handoff_state *ret);

struct hy_handoff_search {
    enum hy_handoff_state state;
    struct hy_handoff after; /* lane, due time and id: behind which to go on; zeroed: all */
    size_t limit;            /* 1..HY_HANDOFF_PAGE_MAX */
};
/* {"pending", "failed" (how many of all), "handoffs": [{"id", "name", "threshold", "lead", "email",
 * "entered", "state", "due", "tries", "why"}], "after": what hy_handoff_place_read takes for the
 * next page; null: there is none}. Any thread with a transaction, as the next. */
HY_MUST_USE int hy_handoffs_json(struct hy_txn *t, const struct hy_handoff_search *s, json_t **ret);
/* HY_EPARSE. Pure. */
HY_MUST_USE int hy_handoff_place_read(struct hy_str text, struct hy_handoff *ret);
/* Goes through all of them. HY_ENOTFOUND. */
HY_MUST_USE int hy_handoff_find(struct hy_txn *t, hy_id id, struct hy_handoff *ret);

struct hy_handoff_retry {
    struct hy_write_req req;
    struct hy_handoff one; /* as it was found; id 0: all that have failed for good */
    uint64_t n;            /* how many are tried again now, at most HY_HANDOFF_RETRIES_MAX */
};
/* Its request, apart from who waits for it. HY_ENOTFOUND: that one is on its way at this moment. */
void hy_handoff_retry_init(struct hy_handoff_retry *r);
