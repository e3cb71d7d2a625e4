/* The audit: recounts everything from the rows themselves and compares it with the ledgers, the due
 * index, the logs of attempts, endings and activities and the lists, in one snapshot. Reads only;
 * may run beside the daemon. */
#pragma once
#include "hayauma/store/campaign.h"

struct hy_audit_campaign {
    struct hy_campaign campaign;
    struct hy_ledger ledger;  /* as the store has it */
    struct hy_ledger counted; /* from the rows; resent_in_doubt is not in them and copied */
    uint64_t blocks, domains;
    bool holds; /* the equation of the ledger holds, and both agree */
};

struct hy_audit_sink {
    /* A campaign was counted, or a spool (then `campaign` has no more than id, a name for people
     * and state, and `counted` has the rows that were trimmed, too); strings are views for the
     * length of the call. NULL = not wanted. */
    void (*campaign)(void *ctx, const struct hy_audit_campaign *c);
    /* Something does not fit: one line for a person. At most HY_AUDIT_PROBLEMS_MAX calls. */
    void (*problem)(void *ctx, const char *text);
    void *ctx;
};

enum { HY_AUDIT_PROBLEMS_MAX = 1000 };

struct hy_audit_report {
    uint64_t campaigns, spools, blocks, rows;
    uint64_t due_entries, attempts, activities, endings;
    uint64_t lists, members;
    uint64_t suppressions;
    uint64_t problems; /* all of them, also those past the maximum told */
};

/* 0 when it could be walked to the end, with or without problems: see ret->problems. Holds a
 * snapshot for about a second per million rows. Any thread. */
HY_MUST_USE int hy_audit(struct hy_env *env, const struct hy_audit_sink *sink,
                         struct hy_audit_report *ret);
