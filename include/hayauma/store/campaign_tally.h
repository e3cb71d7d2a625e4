/* What people and machines did with a campaign, counted as it happens, so that a report needs no
 * scan: by hour, by link, and who did it (sets of leads, store/lead_set.h). The counts move in the
 * transaction that notes or judges an activity; they outlive its record and go with the campaign.
 *
 * Reading: any thread with a transaction. The store moves the counts itself: hy_activity_put and
 * hy_activity_judge are all there is to call. */
#pragma once
#include "hayauma/model/activity.h"
#include "hayauma/store/env.h"
#include "hayauma/store/lead_set.h"

/* Who opened or clicked. Stored, as a place in a record: never renumber. */
enum hy_tally_who { HY_TALLY_HUMAN, HY_TALLY_MACHINE, HY_TALLY_UNKNOWN, HY_TALLY_WHO };
/* By an activity's flags. */
enum hy_tally_who hy_tally_who(uint8_t flags);

/* What is counted. Stored, as a place in a record: never renumber; new ones at the end. */
enum hy_tally_column {
    HY_TALLY_OPENS = 0, /* and HY_TALLY_OPENS + enum hy_tally_who */
    HY_TALLY_CLICKS = HY_TALLY_OPENS + HY_TALLY_WHO,
    HY_TALLY_UNSUBSCRIBES = HY_TALLY_CLICKS + HY_TALLY_WHO,
    HY_TALLY_COMPLAINTS,
    HY_TALLY_REPLIES,
    HY_TALLY_LATE_BOUNCES,
    HY_TALLY_COLUMNS,
};
/* The column of an activity; HY_TALLY_COLUMNS: none. */
enum hy_tally_column hy_tally_column_of(const struct hy_activity *a);

struct hy_tally_hour {
    uint32_t hour; /* since 1970, in UTC: when it happened */
    uint64_t n[HY_TALLY_COLUMNS];
};
/* The first hour >= `from` in which something happened. HY_ENOTFOUND behind the last. */
HY_MUST_USE int hy_campaign_tally_hour(struct hy_txn *t, hy_id campaign, uint32_t from,
                                       struct hy_tally_hour *ret);

enum { HY_TALLY_LINK_MAX = 4095 }; /* clicks on what is none of 1.. this count for link 0 */
struct hy_tally_link {
    uint32_t link;
    uint64_t clicks[HY_TALLY_WHO];
    struct hy_lead_set people; /* leads of whom a person clicked */
    uint64_t n_people;
};
/* The first link >= `from` that was clicked. HY_ENOTFOUND behind the last. */
HY_MUST_USE int hy_campaign_tally_link(struct hy_txn *t, hy_id campaign, uint32_t from,
                                       struct hy_tally_link *ret);

/* How much of what is counted has no record any more: trimmed, or erased with its lead. All 0 while
 * the log has everything. */
HY_MUST_USE int hy_campaign_tally_gone(struct hy_txn *t, hy_id campaign,
                                       uint64_t ret[HY_TALLY_COLUMNS]);
