/* How the counts of campaigns move; for the activity log, retention and the audit. All of these in
 * the writer's transaction; activities of ready messages, and of no campaign, change nothing. */
#pragma once
#include "hayauma/store/campaign_tally.h"

/* An activity was noted. */
HY_MUST_USE int hy_campaign_tally_put(struct hy_txn *t, const struct hy_activity *a);
/* An open or click, `a` as it was, has other flags from now on. A lead leaves "by a person" when no
 * other hit of a person is left. */
HY_MUST_USE int hy_campaign_tally_judge(struct hy_txn *t, const struct hy_activity *a,
                                        uint8_t flags);
/* The record of an activity goes. */
HY_MUST_USE int hy_campaign_tally_lose(struct hy_txn *t, const struct hy_activity *a);
/* Deletes all of a campaign, in slices: HY_EMORE until it is done. */
HY_MUST_USE int hy_campaign_tally_drop(struct hy_txn *t, hy_id campaign);

/* ---- for the audit; reading ---- */

/* Activities with ids from here on are counted: those before are of a version that did not. 0: none
 * was counted yet. */
HY_MUST_USE int hy_campaign_tally_since(struct hy_txn *t, hy_id *ret);
/* The first campaign behind `after` of which anything is counted. HY_ENOTFOUND. */
HY_MUST_USE int hy_campaign_tally_next(struct hy_txn *t, hy_id after, hy_id *ret);

enum { TALLY_LOOKS_MAX = 4096 };
/* What the log has of a lead: whether a person opened, or clicked, whatever and that link. Looks at
 * the lead's latest TALLY_LOOKS_MAX activities. */
struct tally_traces {
    bool any, of_link;
    bool is_cut; /* there are more than were looked at */
};
/* Traces like the open or click `like`, itself left out. */
HY_MUST_USE int hy_campaign_tally_trace(struct hy_txn *t, const struct hy_activity *like,
                                        struct tally_traces *ret);
