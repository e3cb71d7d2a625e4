/* All leads one behind the other, by number: records as they lie, for who asks the same of each. */
#pragma once
#include "hayauma/model/id.h"
#include "hayauma/model/lead.h"
#include "hayauma/store/env.h"

struct hy_lead_scan {
    struct hy_cursor cursor;
    hy_lead_no no; /* where it stands; views die with the transaction */
    hy_id created;
    enum hy_lead_status status;
    hy_domain_no domain;
    struct hy_str address;
    struct hy_str attrs; /* packed: hy_lead_scan_attr takes them off */
};
/* Stands before the first lead with a number >= `from`. To be closed before the transaction ends.
 */
HY_MUST_USE int hy_lead_scan_open(struct hy_txn *t, hy_lead_no from, struct hy_lead_scan *ret);
void hy_lead_scan_close(struct hy_lead_scan *s);
/* HY_ENOTFOUND behind the last; HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_lead_scan_next(struct hy_lead_scan *s);
/* The next attribute, ascending by number. HY_ENOTFOUND at the end, HY_ECORRUPT. */
HY_MUST_USE int hy_lead_scan_attr(struct hy_lead_scan *s, struct hy_lead_attr *ret);
