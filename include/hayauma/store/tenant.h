/* What tenants have handed in: the table "tenants", written with each message in its transaction.
 */
#pragma once
#include "hayauma/model/campaign.h"
#include "hayauma/shape/day.h"
#include "hayauma/shape/tenant.h"
#include "hayauma/store/env.h"

/* Messages of applications; campaigns are not in it. */
struct hy_tenant_used {
    uint64_t messages, rcpts, bytes; /* ever */
    hy_wall_ms last;                 /* when the last was taken; 0 = never */
    struct hy_day_count day;         /* recipients */
};

/* All zeroes when it has handed nothing in yet. HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_tenant_used(struct hy_txn *t, uint32_t tenant, struct hy_tenant_used *ret);
/* Recipients of its messages that are not over. */
HY_MUST_USE int hy_tenant_queued(struct hy_txn *t, uint32_t tenant, uint64_t *ret);

/* Whether a message, which fits into the quota by itself (hy_quota_fits), fits now. HY_EQUOTA with
 * the verdict. Reads only; the writer's transaction. */
HY_MUST_USE int hy_tenant_ask(struct hy_txn *t, uint32_t tenant, const struct hy_tenant_quota *q,
                              uint32_t n_rcpts, struct hy_quota_verdict *ret);
/* Counts a message that was stored. The writer's transaction. */
HY_MUST_USE int hy_tenant_count(struct hy_txn *t, uint32_t tenant, uint32_t n_rcpts,
                                uint64_t bytes);

/* Until when its contact was told of its mail. HY_ENOTFOUND: never. */
HY_MUST_USE int hy_tenant_reported(struct hy_txn *t, uint32_t tenant, hy_wall_ms *ret);
/* The writer's transaction. */
HY_MUST_USE int hy_tenant_report_mark(struct hy_txn *t, uint32_t tenant, hy_wall_ms until);

/* How its mail stands: ready messages, and campaigns. */
struct hy_tenant_sums {
    struct hy_ledger messages, campaigns;
    uint64_t n_campaigns;
};
/* Adds up the ledgers of all that have anything, by number; looks at every spool and campaign.
 * `each` is called until it returns non-zero, which is then the answer. HY_ENOMEM; HY_ELIMIT: they
 * are more than HY_TENANTS_MAX. Any transaction. */
typedef int hy_tenant_each_fn(void *ctx, uint32_t tenant, const struct hy_tenant_sums *sums);
HY_MUST_USE int hy_tenant_each(struct hy_txn *t, hy_tenant_each_fn *each, void *ctx);
