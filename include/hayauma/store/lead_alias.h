/* Leads that turned out to be one person: of a merge one lead is kept, the other becomes a part of
 * it. What was noted of a part stays filed under its number, so that nothing is rewritten and the
 * merge can be undone; readers of a lead read its parts as well. Parts may have parts.
 *
 * Any thread with a transaction. About the cost of one look while there are merged leads, and of
 * none while there are not. */
#pragma once
#include "hayauma/model/lead.h"
#include "hayauma/store/env.h"

enum { HY_LEAD_PARTS_MAX = 64 }; /* of one person, itself included */

/* The lead that stands for the person: `lead` itself unless it was merged into another. HY_ECORRUPT
 * (a ring). */
HY_MUST_USE int hy_lead_kept(struct hy_txn *t, hy_lead_no lead, hy_lead_no *ret);
/* `lead`, and all that was merged into it, into those, and so on; `lead` comes first. */
HY_MUST_USE int hy_lead_parts(struct hy_txn *t, hy_lead_no lead,
                              hy_lead_no parts[HY_LEAD_PARTS_MAX], size_t *ret_n);
