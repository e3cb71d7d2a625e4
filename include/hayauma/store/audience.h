/* What the queue is made from: leads of some lists, by domain. The lead tables implement it
 * (lists.h); tests bring their own. */
#pragma once
#include "hayauma/model/lead.h"
#include "hayauma/store/env.h"

struct hy_audience_lead {
    hy_lead_no lead;
    enum hy_lead_status status;
};

/* Where to go on: the first lead wanted is the one behind `lead` in `domain`, or in a later domain.
 * {0, 0} is the beginning. */
struct hy_audience_pos {
    hy_domain_no domain;
    hy_lead_no lead;
};

struct hy_audience {
    /* Up to `max` leads that follow `pos`, all of one domain, each once, ascending; domains ascend
     * from call to call. Sets *ret_domain and *ret_n (>= 1), or HY_ENOTFOUND when there are no
     * more. Keeps no state between calls but caches: it may be asked for any place. Writer thread.
     */
    int (*next)(void *ctx, struct hy_txn *t, struct hy_audience_pos pos, hy_domain_no *ret_domain,
                struct hy_audience_lead *ret_leads, size_t max, size_t *ret_n);
    void *ctx;
};
