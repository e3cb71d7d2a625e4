/* A campaign: an audience and a template, and how far it has come. */
#pragma once
#include <stdint.h>

#include "hayauma/base/clock.h"
#include "hayauma/model/id.h"
#include "hayauma/model/recipient.h"

enum hy_campaign_state {
    HY_CAMPAIGN_DRAFT = 0,     /* created, nothing queued */
    HY_CAMPAIGN_SCHEDULED = 1, /* starts at start_at */
    HY_CAMPAIGN_QUEUEING = 2,  /* rows are being made; those made are being sent */
    HY_CAMPAIGN_RUNNING = 3,   /* all rows exist */
    HY_CAMPAIGN_PAUSED = 4,    /* nothing new is sent; what is on the wire ends */
    HY_CAMPAIGN_CANCELLED = 5, /* pending rows are being, or have been, marked cancelled */
    HY_CAMPAIGN_DONE = 6,      /* no row is pending */
};
const char *hy_campaign_state_name(enum hy_campaign_state s);

/* The ledger of D14. At every commit:
 * queued = delivered + bounced + expired + suppressed + cancelled + pending,
 * pending = fresh + deferred + held. */
struct hy_ledger {
    uint64_t queued; /* rows ever made */
    uint64_t by_state[HY_RCPT_STATES];
    uint64_t attempts;        /* all attempts, of all rows */
    uint64_t resent_in_doubt; /* rows sent again although an earlier attempt was in doubt: the only
                                 possible duplicates */
};
uint64_t hy_ledger_pending(const struct hy_ledger *l);
/* The right side of the equation; equal to l->queued in a sound store. */
uint64_t hy_ledger_sum(const struct hy_ledger *l);
