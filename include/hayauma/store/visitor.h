/* Visitors of the site, known by a random number that a browser keeps, and how they become leads.
 *
 * A visitor becomes a lead by proof only: the signed token of a mail link (HY_TOKEN_VISIT), or the
 * word of an application with a token of the API. Then the number is an identity of the lead, and
 * what the visitor did before becomes the lead's: those records get its number and
 * HY_ACTIVITY_JOINED, and one IDENTIFY tells of it (its `link`: how many they are). They count when
 * that IDENTIFY is read, and not at their own place in the log; so each of them counts once,
 * whether the log was read before or after. An address that somebody typed into a form is a claim:
 * an IDENTIFY with an address and without a lead. */
#pragma once
#include "hayauma/store/activity.h"

enum {
    HY_VISITOR_JOINED_MAX = 1000, /* activities that become the lead's; older ones do not */
    HY_VISITOR_LOOKED_MAX = 4000, /* records that are looked at for them, newest first */
};

/* Notes what a visitor did (a->visitor is not 0): hy_activity_put, with the lead when the visitor
 * is known. With a->lead the visitor is proven to be that lead, and joined to it; what it did
 * within `back_ms` before goes along. A number that is another lead's already stands for somebody
 * else at the same browser: what is noted then goes by a number made of both, which a->visitor
 * becomes. A claim stays nobody's, and so does what is said of a lead that is gone. Errors as
 * hy_activity_put's. The writer's transaction. */
HY_MUST_USE int hy_visitor_put(struct hy_txn *t, struct hy_activity *a, int64_t back_ms);

/* What became the lead's by this IDENTIFY, oldest first; `each` may write. What `each` answers but
 * 0 ends the walk and is the answer. Records that were erased or trimmed since are passed over. */
HY_MUST_USE int hy_visitor_joined(struct hy_txn *t, const struct hy_activity *identify,
                                  int (*each)(void *ctx, const struct hy_activity *a), void *ctx);
