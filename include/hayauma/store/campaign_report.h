/* What became of a campaign, domain by domain, with the reasons: read from its rows, and from the
 * attempts of those that were not delivered at once. */
#pragma once
#include "hayauma/bounce/reason.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/env.h"

struct hy_domain_report {
    hy_domain_no domain;
    uint64_t by_state[HY_RCPT_STATES];
    uint64_t attempts;
    uint64_t tried;                        /* rows with an attempt, whatever became of it */
    uint64_t refusals[HY_BOUNCE_REASONS];  /* rows that bounced or expired, by the last reason */
    uint64_t deferrals[HY_BOUNCE_REASONS]; /* attempts that were put off, by reason */
    uint64_t forgotten;                    /* rows whose attempts were trimmed: in no reason */
};

/* When rows ended: told of each that was delivered, bounced or expired by an attempt. */
struct hy_report_ends {
    void (*ended)(void *ctx, enum hy_rcpt_state state, hy_lead_no lead, hy_wall_ms at);
    void *ctx;
};

/* The first domain behind `after` (0: the first) that has rows. Reads all of its blocks, and
 * the attempts of rows that were not delivered at the first. `ends` may be NULL. HY_ENOTFOUND
 * behind the last. */
HY_MUST_USE int hy_campaign_report_next(struct hy_txn *t, hy_id campaign, hy_domain_no after,
                                        const struct hy_report_ends *ends,
                                        struct hy_domain_report *ret);
