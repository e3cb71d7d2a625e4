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
enum { HY_DUPLICATE_PAIRS = 2 << 20 }; /* 32 MiB */
struct hy_duplicates_ask {
    /* A group. Another answer than 0 ends it, and is its answer. */
    int (*each)(void *ctx, const struct hy_duplicates *x);
    /* NULL, or whether to go on, asked every few thousand leads: `seen` of about `of` were looked
     * at, each as often as there are goes. */
    bool (*go_on)(void *ctx, uint64_t seen, uint64_t of);
    void *ctx;
    size_t pairs_max; /* mailboxes and numbers that are compared at once, 16 bytes each; 0:
                         HY_DUPLICATE_PAIRS */
};
/* Finds groups of leads. Those that were merged already are not told. Goes through all leads, and
 * again for each HY_DUPLICATE_PAIRS mailboxes and numbers. HY_ENOMEM; HY_ECANCELED: it was not to
 * go on. Any thread with a transaction. */
HY_MUST_USE int hy_duplicates_each(struct hy_txn *t, const struct hy_duplicates_ask *ask);
