/* The activity log: what happened to leads and messages besides the attempts, in the order in which
 * it was noted. Ids are of the same source as those of attempts and messages, so that the logs can
 * be read as one (store/timeline.h).
 *
 * Records are found by time, by lead, by ready message, by visitor of the site, and, when neither
 * lead nor message is known, by address.
 * What belongs to a campaign is counted by kind, reason and domain. */
#pragma once
#include "hayauma/model/activity.h"
#include "hayauma/store/env.h"

/* Appends; sets a->id, and a->at when it is 0. The writer's transaction. HY_EINVAL: a kind that is
 * none or is told from other logs only; HY_ELIMIT: address, url, meta or ref are too long. Nothing
 * was written then. */
HY_MUST_USE int hy_activity_put(struct hy_txn *t, struct hy_activity *a);

enum { HY_ACTIVITY_JUDGED = HY_ACTIVITY_MACHINE | HY_ACTIVITY_HUMAN | HY_ACTIVITY_COUNTED };
/* What is thought of an OPEN or CLICK from now on: those of its flags that HY_ACTIVITY_JUDGED has,
 * and its reason, of enum hy_verdict_reason. What is counted of its campaign moves with them. The
 * writer's transaction, its views die. HY_ENOTFOUND, HY_EINVAL: another kind; HY_ECORRUPT,
 * HY_EVERSION. */
HY_MUST_USE int hy_activity_judge(struct hy_txn *t, hy_id id, uint8_t flags, uint8_t reason);

/* Views die with the transaction. HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_activity_get(struct hy_txn *t, hy_id id, struct hy_activity *ret);
/* The first readable one with an id greater than `after`; *damaged (may be NULL) is raised by the
 * records that were passed over because they could not be read. HY_ENOTFOUND. */
HY_MUST_USE int hy_activity_next(struct hy_txn *t, hy_id after, struct hy_activity *ret,
                                 uint64_t *damaged);

/* What an activity is found by. */
enum hy_activity_by {
    HY_ACTIVITY_BY_LEAD,
    HY_ACTIVITY_BY_MESSAGE,
    HY_ACTIVITY_BY_VISITOR,
    HY_ACTIVITY_BY_REF,
    HY_ACTIVITY_BY_ADDRESS
};
struct hy_activity_who {
    enum hy_activity_by by;
    hy_lead_no lead;
    uint8_t kind;   /* by lead: what it did of this kind, found without reading the rest; 0: any */
    bool is_number; /* by lead: under this number alone, not what was merged into it */
    hy_id message;
    uint64_t visitor;
    struct hy_str ref;
    struct hy_str address; /* wire form, in any case of letters */
};
/* The newest one before `before` (0: of all). HY_ENOTFOUND. Entries whose record was trimmed are
 * passed over. By lead: also what was noted of leads that were merged into it, under their numbers.
 * By address: only activities that name neither lead nor message. */
HY_MUST_USE int hy_activity_prev_of(struct hy_txn *t, const struct hy_activity_who *who,
                                    hy_id before, struct hy_activity *ret);
/* The oldest one behind `after`, likewise. */
HY_MUST_USE int hy_activity_next_of(struct hy_txn *t, const struct hy_activity_who *who,
                                    hy_id after, struct hy_activity *ret);

/* ---- counts of a campaign ---- */

struct hy_activity_count {
    enum hy_activity_kind kind;
    uint8_t reason;
    uint8_t flags;       /* with which they were noted */
    hy_domain_no domain; /* 0: not known, or of a ready message */
    uint64_t n;
};
/* Calls `each` by kind, reason, flags, domain; what it returns but 0 ends the walk and is the
 * answer. Counts outlive the records; they go with the campaign. */
HY_MUST_USE int hy_activity_counts(struct hy_txn *t, hy_id campaign,
                                   int (*each)(void *ctx, const struct hy_activity_count *n),
                                   void *ctx);
