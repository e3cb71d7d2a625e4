/* From a lead to its rows and from a row to its attempts. */
#include "hayauma/store/explain.h"

int hy_explain_lead(struct hy_txn *t, hy_domain_no domain, hy_lead_no lead,
                    int (*each)(void *ctx, const struct hy_campaign *c,
                                const struct hy_queue_row *row),
                    void *ctx)
{
    struct hy_campaign c = {0};
    int err;
    while ((err = hy_campaign_next(t, c.id, &c)) == 0) {
        struct hy_queue_row row;
        err = hy_queue_find(t, c.id, domain, lead, &row);
        if (err == HY_ENOTFOUND)
            continue;
        if (!err)
            err = each(ctx, &c, &row);
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_explain_attempts(struct hy_txn *t, const struct hy_queue_row *row,
                        int (*each)(void *ctx, const struct hy_attempt *a), void *ctx,
                        bool *ret_trimmed)
{
    struct hy_attempt a;
    hy_id floor = 0;
    int err = hy_attempt_floor(t, &floor);
    for (hy_id at = row->last_attempt; at != 0 && !err; at = a.previous) {
        err = hy_attempt_get(t, at, &a);
        if (err == HY_ENOTFOUND && at < floor) {
            *ret_trimmed = true;
            return 0;
        }
        if (err == HY_ENOTFOUND || (!err && a.previous >= at))
            return HY_ECORRUPT;
        if (!err)
            err = each(ctx, &a);
    }
    if (!err)
        *ret_trimmed = false;
    return err;
}
