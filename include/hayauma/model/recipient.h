/* A queue row: one recipient of one campaign. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "hayauma/model/id.h"
#include "hayauma/model/lead.h"

/* Stored in rows: never renumber. A row that a lane has in its hands keeps its stored state; only
 * the in-flight table knows. */
enum hy_rcpt_state {
    HY_RCPT_FRESH = 0,    /* pending: never attempted */
    HY_RCPT_DEFERRED = 1, /* pending: due again at its time */
    HY_RCPT_HELD = 2,     /* pending: in doubt after a crash and the policy is "hold" */
    HY_RCPT_DELIVERED = 3,
    HY_RCPT_BOUNCED = 4,
    HY_RCPT_EXPIRED = 5,    /* deferred until its time was over */
    HY_RCPT_SUPPRESSED = 6, /* not sent: the lead is unsubscribed, dead, ... */
    HY_RCPT_CANCELLED = 7,  /* not sent: the campaign was cancelled */
    HY_RCPT_STATES = 8,
};
const char *hy_rcpt_state_name(enum hy_rcpt_state s);
static inline bool hy_rcpt_is_final(enum hy_rcpt_state s)
{
    return s >= HY_RCPT_DELIVERED;
}

/* Names one row. */
struct hy_rcpt_ref {
    hy_id campaign;
    hy_domain_no domain;
    uint32_t block;    /* which block of (campaign, domain) */
    uint16_t slot;     /* which row of the block */
    uint16_t attempts; /* attempts so far: a snapshot from when it was read */
    hy_lead_no lead;
};
