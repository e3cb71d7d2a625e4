/* The progress record of a campaign: state, ledger and cursor in one small value that is rewritten
 * in place. A write transaction keeps those it touches in memory and writes them once, at its
 * commit. */
#pragma once
#include "hayauma/store/campaign.h"

struct hy_progress {
    enum hy_campaign_state state;
    hy_wall_ms started, ended;
    struct hy_campaign_progress p;
};

/* In a write transaction: the record in the cache, good until the next hy_progress_edit or the end
 * of the transaction; changes are stored with the commit. HY_ENOTFOUND, HY_ECORRUPT (sticks). */
HY_MUST_USE int hy_progress_edit(struct hy_txn *t, hy_id campaign, struct hy_progress **ret);
/* A copy, in any transaction. */
HY_MUST_USE int hy_progress_get(struct hy_txn *t, hy_id campaign, struct hy_progress *ret);
/* A new one; HY_EEXIST. */
HY_MUST_USE int hy_progress_create(struct hy_txn *t, hy_id campaign, const struct hy_progress *p);
/* DONE, when all rows exist, none is pending and it is RUNNING or QUEUEING. */
void hy_progress_finish(struct hy_progress *p, hy_wall_ms now);
/* Moves along the state machine and stamps; HY_EINVAL when `to` may not follow. */
HY_MUST_USE int hy_progress_move(struct hy_progress *p, enum hy_campaign_state to, hy_wall_ms now);

/* Called by commit (stores what was edited) and by every end (forgets it). */
void hy_progress_flush(struct hy_txn *t);
void hy_progress_forget(struct hy_env *env);
