/* Companies as somebody follows them who keeps up to date what is true of their members: which of
 * them changed, when each is to be looked at again, and how far its members were gone through.
 * Nothing is noted until somebody watches. All of it belongs to the writer's transaction. */
#pragma once
#include "hayauma/store/company.h"

/* From here on, what changes of companies (record, points) is noted. */
HY_MUST_USE int hy_company_watch(struct hy_txn *t);
HY_MUST_USE int hy_company_is_watched(struct hy_txn *t, bool *ret);
/* Nobody does any more: forgets up to `max` of what was noted. HY_EMORE: there is more of it. */
HY_MUST_USE int hy_company_unwatch(struct hy_txn *t, size_t max);

/* Takes the next that changed, or is due at or before `now_s`, away. HY_ENOTFOUND. */
HY_MUST_USE int hy_company_watch_take(struct hy_txn *t, uint32_t now_s, hy_company_no *ret);

/* What was found when it was looked at last. */
struct hy_company_seen {
    uint64_t print; /* of what was true of it, as the watcher counts; 0: never looked at */
    uint32_t due_s; /* when it is due; 0: never */
};
/* One that was never looked at has zeros. */
HY_MUST_USE int hy_company_seen_get(struct hy_txn *t, hy_company_no no,
                                    struct hy_company_seen *ret);
/* Zeros: forgets it. */
HY_MUST_USE int hy_company_seen_put(struct hy_txn *t, hy_company_no no,
                                    const struct hy_company_seen *seen);

/* All its members are to be gone through; when that is being done, it goes on, and comes to those
 * that are behind it once more. */
HY_MUST_USE int hy_company_round_begin(struct hy_txn *t, hy_company_no no);
/* The next members of the company > `after` (or the first again) that is gone through: up to `max`,
 * at times none. *ret_no is which. HY_ENOTFOUND: all are done. */
HY_MUST_USE int hy_company_round_next(struct hy_txn *t, hy_company_no after, hy_lead_no *ret_leads,
                                      size_t max, size_t *ret_n, hy_company_no *ret_no);
