/* The life of a message: from a lead to its rows, from a row to its attempts. No index is kept for
 * this: a row is found by bisection in each campaign, attempts are a chain. */
#pragma once
#include "hayauma/store/attempt.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/queue.h"

/* Calls `each` for every campaign that has a row for the lead, the oldest first, until it returns
 * non-zero, which is then the answer. Views live for the length of the call. About 10 us a
 * campaign. */
HY_MUST_USE int hy_explain_lead(struct hy_txn *t, hy_domain_no domain, hy_lead_no lead,
                                int (*each)(void *ctx, const struct hy_campaign *c,
                                            const struct hy_queue_row *row),
                                void *ctx);
/* The row's attempts, the newest first. *ret_trimmed: older ones were there and have been trimmed.
 */
HY_MUST_USE int hy_explain_attempts(struct hy_txn *t, const struct hy_queue_row *row,
                                    int (*each)(void *ctx, const struct hy_attempt *a), void *ctx,
                                    bool *ret_trimmed);
