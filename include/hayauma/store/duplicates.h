/* Leads that may be one person: their addresses reach the same mailbox, or they have the same
 * telephone number. */
#pragma once
#include "hayauma/model/lead.h"
#include "hayauma/store/env.h"

enum hy_duplicate_by {
    /* what is behind a + of the local part (RFC 5233) does not count; nor do dots at gmail.com */
    HY_DUPLICATE_MAILBOX,
    HY_DUPLICATE_PHONE, /* the attribute "phone": its digits, +81 as 0 */
};
const char *hy_duplicate_name(enum hy_duplicate_by by); /* "mailbox", "phone" */

enum { HY_DUPLICATES_MAX = 16 }; /* leads of one group; others of it are left out */
struct hy_duplicates {
    enum hy_duplicate_by by;
    struct hy_str value; /* of the first: its address, or its number as it stands there */
    hy_lead_no leads[HY_DUPLICATES_MAX];
    size_t n; /* 2.. */
};
/* Calls `each` for groups of leads until it answers other than 0, which is then the answer. Leads
 * that were merged already are not told. Goes through all leads: 16 bytes of memory for each.
 * HY_ENOMEM. Any thread with a transaction. */
HY_MUST_USE int hy_duplicates_each(struct hy_txn *t,
                                   int (*each)(void *ctx, const struct hy_duplicates *x),
                                   void *ctx);
