/* Two leads that are one person: one is kept, the other becomes a part of it, and can be taken out
 * again.
 *
 * The kept lead's values win; what it lacks, the other's fill in. It gets the other's tags, groups,
 * lists and identities, the other's address as a further one, and is read together with what was
 * noted of the other (lead_alias.h). The other's record stays, so that mail on its way finds its
 * address, but is on no list and has no tag. Suppressions stay with their addresses. */
#pragma once
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/writer.h"

struct hy_merged {
    hy_lead_no kept, part;
    uint32_t attributes, labels, lists, identities; /* that the kept one got, or gave back */
};

/* HY_ENOTFOUND: one of them is not there; HY_EINVAL: they are the same, or `part` is a part
 * already; HY_ELIMIT: more parts, labels or identities than a lead may have. With a note; nothing
 * was written then. Writes a MERGED activity and a change of both. The writer's transaction. */
HY_MUST_USE int hy_lead_merge(struct hy_txn *t, hy_lead_no kept, hy_lead_no part, struct hy_str by,
                              struct hy_merged *ret, struct hy_diag *diag);
/* Makes `part` a lead of its own again, with all that it had then; the kept one gives back what it
 * got by merging and did not change since. HY_ENOTFOUND: it is no part of another. As above. */
HY_MUST_USE int hy_lead_unmerge(struct hy_txn *t, hy_lead_no part, struct hy_str by,
                                struct hy_merged *ret, struct hy_diag *diag);

/* The same as a request to the writer. */
struct hy_merge_job {
    struct hy_write_req req; /* first; done is the caller's */
    hy_lead_no kept, part;   /* kept 0: part is taken out */
    struct hy_str by;        /* lives until done */
    struct hy_merged did;
    struct hy_diag diag; /* why not */
};
void hy_merge_job_init(struct hy_merge_job *j, hy_lead_no kept, hy_lead_no part, struct hy_str by);

/* The lead that people mean: a number is that lead, also when it is a part of another; all else as
 * hy_lead_resolve. HY_ENOTFOUND, HY_EPARSE; with a note. Any thread with a transaction. */
HY_MUST_USE int hy_merge_find(struct hy_txn *t, struct hy_str text, hy_lead_no *ret,
                              struct hy_diag *diag);
/* The part that people mean: by its number, or by the address that it had. HY_ENOTFOUND with a note
 * that tells the numbers of the parts there are. As above. */
HY_MUST_USE int hy_merge_find_part(struct hy_txn *t, struct hy_str text, hy_lead_no *ret,
                                   struct hy_diag *diag);

/* A person gets a mail of a campaign once, whatever rows its parts have: the row of the lead that
 * is kept, or else of the part that was merged first. 0: this row may be sent; HY_EEXIST: another
 * part's is (*ret_instead), or was. Any thread with a transaction. */
HY_MUST_USE int hy_merge_may_mail(struct hy_txn *t, hy_id campaign, hy_lead_no lead,
                                  hy_lead_no *ret_instead);
