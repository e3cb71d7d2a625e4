/* Mail that a lead was sent: no index of it is kept, since the rows of a campaign are in the order
 * of domains and leads, so that the one of a lead is found by halving. */
#include "facts_priv.h"
#include "hayauma/store/attempt.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/queue.h"

int fact_campaign_of(struct hy_txn *t, const struct hy_segment_node *did, hy_id *ret)
{
    for (size_t i = 0; i < did->n_filters; i++) {
        const struct hy_segment_filter *f = &did->filters[i];
        if (hy_str_ieq(f->key, HY_STR("campaign")) && f->op == HY_SEGMENT_EQ &&
            f->value.kind == HY_SEGMENT_TEXT && hy_str_find(f->value.text, '*', 0) == SIZE_MAX) {
            hy_id id;
            int err = hy_campaign_find(t, f->value.text, &id);
            if (err == HY_ENOTFOUND)
                break; /* perhaps in other letters */
            if (!err)
                *ret = id;
            return err;
        }
    }
    *ret = 0;
    return HY_OK;
}

int fact_of_row(struct hy_txn *t, enum hy_activity_kind did, enum hy_rcpt_state state,
                hy_id last_attempt, hy_id campaign, struct hy_activity *ret)
{
    enum hy_rcpt_state wanted = did == HY_ACTIVITY_DELIVERED ? HY_RCPT_DELIVERED : HY_RCPT_BOUNCED;
    struct hy_attempt attempt;
    if (state != wanted || !last_attempt)
        return HY_ENOTFOUND;
    *ret = (struct hy_activity){
        .id = last_attempt, .kind = did, .at = hy_id_time(last_attempt), .campaign = campaign};
    if (did == HY_ACTIVITY_BOUNCED && hy_attempt_get(t, last_attempt, &attempt) == HY_OK)
        ret->reason = attempt.outcome.reason;
    return HY_OK;
}

static int look(const struct fact_mail *m, hy_id campaign)
{
    struct hy_queue_row row;
    struct hy_activity a;
    int err = hy_queue_find(m->t, campaign, m->domain, m->lead, &row);
    if (!err)
        err = fact_of_row(m->t, m->did->did, row.state, row.last_attempt, campaign, &a);
    if (err)
        return err == HY_ENOTFOUND ? HY_OK : err;
    if (a.at >= m->from && a.at < m->until &&
        hy_segment_matches(m->did, hy_deed_of(m->deed, m->t, &a)))
        m->each(m->ctx, a.at);
    return HY_OK;
}

/* Whether anything of it can have been sent in the window. */
static bool is_near(const struct hy_campaign *c, const struct fact_mail *m)
{
    return c->started && c->started < m->until && (!c->ended || c->ended >= m->from);
}

int fact_mail_of(const struct fact_mail *m)
{
    struct hy_campaign c = {0};
    hy_id only = 0;
    if (!m->domain)
        return HY_OK; /* has no address */
    int err = fact_campaign_of(m->t, m->did, &only);
    if (err || only)
        return err ? err : look(m, only);
    while (!err && (err = hy_campaign_next(m->t, c.id, &c)) == HY_OK)
        if (is_near(&c, m))
            err = look(m, c.id);
    return err == HY_ENOTFOUND ? HY_OK : err;
}
