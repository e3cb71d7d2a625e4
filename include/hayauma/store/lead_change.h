/* What changed of leads besides what they do: attributes, tags, groups, lists. A log like the
 * others (ids of the same source), so that segments and scores can follow it; trimmed with them. */
#pragma once
#include "hayauma/model/id.h"
#include "hayauma/model/lead.h"
#include "hayauma/store/env.h"

/* Stored: bits, never renumber. */
enum hy_lead_what {
    HY_LEAD_ATTRIBUTES = 1,
    HY_LEAD_TAGS = 2,
    HY_LEAD_GROUPS = 4,
    HY_LEAD_LISTS = 8,
    HY_LEAD_ADDRESSES = 16, /* its address, status, external ids ... */
    HY_LEAD_MERGED = 32,    /* another became part of it, or was taken out again */
    HY_LEAD_ERASED = 64,    /* it is gone */
    HY_LEAD_CREATED = 128,
};

enum { HY_LEAD_CHANGE_MAX = 10000 }; /* leads of a record */

/* Notes that `n` leads (ascending, each once) changed; more than HY_LEAD_CHANGE_MAX take several
 * records. The writer's transaction. HY_EINVAL: nothing changed, or they do not ascend. */
int hy_lead_changed(struct hy_txn *t, uint8_t what, const hy_lead_no *leads, size_t n);

struct hy_lead_change {
    hy_id id;
    uint8_t what;
    uint32_t n;           /* leads */
    struct hy_str packed; /* a view that dies with the transaction: hy_lead_change_leads */
};
/* The first with an id greater than `after`; *damaged (may be NULL) is raised by the records that
 * were passed over because they could not be read. HY_ENOTFOUND. */
HY_MUST_USE int hy_lead_change_next(struct hy_txn *t, hy_id after, struct hy_lead_change *ret,
                                    uint64_t *damaged);
/* All its leads, ascending, to `out`, which has room for c->n (at most HY_LEAD_CHANGE_MAX). */
void hy_lead_change_leads(const struct hy_lead_change *c, hy_lead_no *out);
/* The newest one; 0: there is none. */
HY_MUST_USE int hy_lead_change_newest(struct hy_txn *t, hy_id *ret);
