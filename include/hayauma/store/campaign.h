/* Campaigns in the store: what a person made (record, template bundle) and how far it is (ledger).
 */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/model/campaign.h"
#include "hayauma/store/env.h"

enum {
    HY_CAMPAIGN_NAME_MAX = 128,        /* bytes of UTF-8, unique over the store, no control chars */
    HY_CAMPAIGN_LISTS_MAX = 32,        /* lists an audience is the union of */
    HY_CAMPAIGN_SETTINGS_MAX = 65536,  /* bytes of the settings blob */
    HY_CAMPAIGN_NOTE_MAX = 400,        /* bytes of why it was paused */
    HY_CAMPAIGN_BUNDLE_MAX = 64 << 20, /* bytes of the template bundle */
};

/* What paused a campaign by itself. Stored: never renumber. */
enum hy_campaign_brake {
    HY_BRAKE_NONE = 0, /* it is not paused, or a person did it */
    HY_BRAKE_BOUNCES = 1,
    HY_BRAKE_COMPLAINTS = 2,
    HY_BRAKE_UNSENDABLE = 3, /* what it needs is gone */
    HY_BRAKE_STALE = 4,      /* its start was missed */
    HY_BRAKE_OTHER = 5,      /* paused by an older version, which kept no number */
    HY_BRAKES,
};
const char *hy_campaign_brake_name(enum hy_campaign_brake b); /* "bounces" ...; "" = none */

/* The slow half of a campaign. Strings are views. */
struct hy_campaign {
    hy_id id;
    enum hy_campaign_state state;
    struct hy_str name;
    uint32_t tenant;              /* whose it is; 0: the installation's */
    hy_wall_ms created, start_at; /* start_at: when SCHEDULED (0 = none) */
    hy_wall_ms started, ended;    /* first QUEUEING; DONE or CANCELLED; 0 = not yet */
    uint32_t n_lists;
    hy_list_no lists[HY_CAMPAIGN_LISTS_MAX];
    uint64_t bundle_bytes;  /* size of the template bundle, 0 = none */
    struct hy_str settings; /* opaque to the store */
    enum hy_campaign_brake brake;
    struct hy_str note; /* why hayauma paused it by itself; empty otherwise */
};

/* The fast half: moved by every settle, in the settle's transaction. */
struct hy_campaign_progress {
    struct hy_ledger ledger;
    bool queued_all;     /* every row of the audience exists */
    bool cancelled_all;  /* after a cancel: no pending row is left */
    hy_domain_no domain; /* the last row made, or cancelled: where its long job goes on */
    hy_lead_no lead;
    uint32_t block;
    hy_wall_ms first_attempt, last_attempt; /* 0 = none */
};

/* What may follow what; the same state is no move. Any thread. */
bool hy_campaign_may_become(enum hy_campaign_state from, enum hy_campaign_state to);
/* Whether the feeder may take rows: QUEUEING or RUNNING. */
static inline bool hy_campaign_sends(enum hy_campaign_state s)
{
    return s == HY_CAMPAIGN_QUEUEING || s == HY_CAMPAIGN_RUNNING;
}

/* ---- reading; views die with the transaction ---- */
HY_MUST_USE int hy_campaign_get(struct hy_txn *t, hy_id id, struct hy_campaign *ret);
HY_MUST_USE int hy_campaign_find(struct hy_txn *t, struct hy_str name, hy_id *ret_id);
/* The first campaign with an id greater than `after` (0: the oldest); HY_ENOTFOUND at the end. */
HY_MUST_USE int hy_campaign_next(struct hy_txn *t, hy_id after, struct hy_campaign *ret);
/* Whether a campaign of the tenant goes to the list. Looks at campaigns until it finds one. */
HY_MUST_USE int hy_campaign_reaches(struct hy_txn *t, uint32_t tenant, hy_list_no list, bool *ret);
HY_MUST_USE int hy_campaign_progress(struct hy_txn *t, hy_id id, struct hy_campaign_progress *ret);
/* The whole template bundle, appended to `out`. */
HY_MUST_USE int hy_campaign_bundle(struct hy_txn *t, hy_id id, struct hy_buf *out);

/* ---- writing: write transactions only ---- */
/* A new DRAFT; c->id, state, created are set by it (c->id on success), `bundle` is stored in
 * pieces. HY_EEXIST: the name is taken. HY_EINVAL, HY_ELIMIT: c's fields. */
HY_MUST_USE int hy_campaign_create(struct hy_txn *t, struct hy_campaign *c, struct hy_str bundle);
/* Moves to `to` and stamps started/ended. HY_EINVAL when that may not follow, HY_ENOTFOUND. */
HY_MUST_USE int hy_campaign_move(struct hy_txn *t, hy_id id, enum hy_campaign_state to);
/* Moves to PAUSED with a reason that people read; it goes with the next resume. What is PAUSED
 * already only gets the reason. As hy_campaign_move. */
HY_MUST_USE int hy_campaign_hold(struct hy_txn *t, hy_id id, enum hy_campaign_brake brake,
                                 struct hy_str why);
/* From PAUSED back to QUEUEING, RUNNING or DONE, whichever its progress says. */
HY_MUST_USE int hy_campaign_resume(struct hy_txn *t, hy_id id, enum hy_campaign_state *ret_state);
/* Replaces the settings blob and start_at, in DRAFT or SCHEDULED only. */
HY_MUST_USE int hy_campaign_edit(struct hy_txn *t, hy_id id, struct hy_str settings,
                                 hy_wall_ms start_at);
