/* Reports: rows are counted by the heads of their blocks; only those that needed more than one
 * attempt, or were not delivered, are looked at one by one. */
#include "hayauma/store/campaign_report.h"

#include "hayauma/store/attempt.h"
#include "walk.h"

static uint8_t reason_of(const struct hy_attempt *a)
{
    return a->outcome.reason < HY_BOUNCE_REASONS ? a->outcome.reason : HY_BOUNCE_UNDEFINED;
}

/* Follows the attempts of a row from the last to the first. */
static int read_attempts(struct hy_txn *t, const uint8_t *row, struct hy_domain_report *r)
{
    enum hy_rcpt_state state = row_state(row);
    struct hy_attempt a;
    for (hy_id at = row_last(row); at != 0; at = a.previous) {
        int err = hy_attempt_get(t, at, &a);
        if (err == HY_ENOTFOUND) {
            r->forgotten++;
            return 0;
        }
        if (err || a.previous >= at)
            return err ? err : HY_ECORRUPT;
        if (a.state == HY_RCPT_DEFERRED)
            r->deferrals[reason_of(&a)]++;
        else if (at == row_last(row) && (state == HY_RCPT_BOUNCED || state == HY_RCPT_EXPIRED))
            r->refusals[reason_of(&a)]++;
    }
    return 0;
}

static void tell_end(const struct hy_report_ends *ends, const uint8_t *row)
{
    enum hy_rcpt_state s = row_state(row);
    if (s == HY_RCPT_DELIVERED || s == HY_RCPT_BOUNCED || s == HY_RCPT_EXPIRED)
        ends->ended(ends->ctx, s, row_lead(row), hy_id_time(row_last(row)));
}

static int add_block(struct hy_txn *t, const uint8_t *b, const struct hy_report_ends *ends,
                     struct hy_domain_report *r)
{
    for (int s = 0; s < HY_RCPT_STATES; s++)
        r->by_state[s] += block_of_state(b, (enum hy_rcpt_state)s);
    for (unsigned i = 0; i < block_count(b); i++) {
        const uint8_t *row = block_row(b, i);
        r->attempts += row_attempts(row);
        r->tried += row_attempts(row) > 0;
        if (ends && row_last(row) != 0)
            tell_end(ends, row);
        if (row_last(row) == 0 || (row_state(row) == HY_RCPT_DELIVERED && row_attempts(row) <= 1))
            continue;
        int err = read_attempts(t, row, r);
        if (err)
            return err;
    }
    return 0;
}

int hy_campaign_report_next(struct hy_txn *t, hy_id campaign, hy_domain_no after,
                            const struct hy_report_ends *ends, struct hy_domain_report *ret)
{
    struct hy_block_walk w;
    struct hy_domain_report r = {0};
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_walk_from(t, (struct hy_block_key){campaign, after + 1, 0}, 0, &w);
    while (!err && (!r.domain || w.k.domain == r.domain)) {
        r.domain = w.k.domain;
        err = add_block(t, w.b, ends, &r);
        if (!err)
            err = hy_walk_next(&w);
    }
    hy_walk_close(&w);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (r.domain == 0)
        return HY_ENOTFOUND;
    *ret = r;
    return 0;
}
