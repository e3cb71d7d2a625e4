/* Noting what applications and files tell of leads (track/told.h): the lead is found, or made, and
 * what was told before is not noted again. */
#pragma once
#include "hayauma/store/env.h"
#include "hayauma/track/told.h"

struct hy_told_how {
    struct hy_str source; /* of activities that name none: "api shop" */
    struct hy_str by;     /* who makes leads: likewise */
    bool makes_leads;     /* of addresses and identities that nobody has */
    int64_t back_ms;      /* how far back a visitor's doings become the lead's */
};

enum hy_told_did {
    HY_TOLD_NOTED,
    HY_TOLD_DUPLICATE, /* its ref is known: ret->id and ret->lead are those of then */
    HY_TOLD_NO_LEAD,   /* nobody has that; nothing was noted */
    HY_TOLD_BAD_WHO,   /* it is no address, no number ...: diag says why */
};
struct hy_told_result {
    enum hy_told_did did;
    hy_id id;
    hy_lead_no lead; /* 0: nobody's yet */
    bool is_new;     /* the lead was made */
};

/* The lead that it names. HY_ENOTFOUND; HY_EPARSE with a note: there can be none of that name. Any
 * thread with a transaction. */
HY_MUST_USE int hy_told_find_lead(struct hy_txn *t, const struct hy_told *x, hy_lead_no *ret,
                                  struct hy_diag *diag);

/* 0 with *ret, also when nothing was noted; another error fails the transaction. The writer's
 * transaction. */
HY_MUST_USE int hy_told_put(struct hy_txn *t, const struct hy_told *x,
                            const struct hy_told_how *how, struct hy_told_result *ret,
                            struct hy_diag *diag);
