/* How the scores of leads changed by what they did with a campaign: the points that its activities
 * gave, as the ledger has them, before they fade. */
#include "ctl_common.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/score.h"
#include "report.h"

/* Who may have got points by it; each lead is looked at in the first set that it is in. */
static const enum hy_lead_set_deed deeds[] = {
    HY_LEAD_SET_OPENED,     HY_LEAD_SET_CLICKED, HY_LEAD_SET_UNSUBSCRIBED,
    HY_LEAD_SET_COMPLAINED, HY_LEAD_SET_REPLIED, HY_LEAD_SET_BOUNCED,
};
enum { DEEDS = sizeof deeds / sizeof *deeds };

struct change {
    double points;
    uint64_t leads, entries, looked;
};

static struct hy_lead_set set_of(const struct report *r, size_t i)
{
    return (struct hy_lead_set){
        .kind = HY_LEAD_SET_CAMPAIGN, .no = r->c.id, .what = (uint8_t)deeds[i]};
}

static int look_at_lead(struct report *r, hy_lead_no lead, struct change *x)
{
    struct hy_score_place at = {.n = 0};
    struct hy_score_item item;
    struct hy_activity a;
    uint64_t before = x->entries;
    int err;
    while ((err = hy_score_ledger_next(r->t, lead, &at, &item)) == HY_OK) {
        if (item.kind != HY_SCORE_GIVEN || item.activity <= r->c.id ||
            hy_activity_get(r->t, item.activity, &a) != HY_OK || a.campaign != r->c.id)
            continue;
        x->points += item.points;
        x->entries++;
    }
    x->leads += x->entries > before;
    if (++x->looked % 10000 == 0 && r->wish->progress)
        r->wish->progress(r->wish->ctx, "scores", x->looked);
    return err == HY_ENOTFOUND ? report_is_over(r) ? HY_ECANCELED : HY_OK : err;
}

static int was_before(struct report *r, size_t set, hy_lead_no lead, bool *ret)
{
    int err = HY_OK;
    *ret = false;
    for (size_t i = 0; i < set && !err && !*ret; i++)
        err = hy_lead_set_has(r->t, set_of(r, i), lead, ret);
    return err;
}

static int look_at_set(struct report *r, size_t set, struct change *x)
{
    hy_lead_no leads[512], after = 0;
    size_t n = 512;
    int err = HY_OK;
    while (err == HY_OK && n == 512) {
        err = hy_lead_set_next(r->t, set_of(r, set), after, leads, 512, &n);
        for (size_t i = 0; err == HY_OK && i < n; i++) {
            bool is_done;
            err = was_before(r, set, leads[i], &is_done);
            if (err == HY_OK && !is_done)
                err = look_at_lead(r, leads[i], x);
        }
        after = n ? leads[n - 1] : after;
    }
    return err;
}

int report_score_put(struct report *r)
{
    struct change x = {.points = 0};
    uint64_t n = 0;
    int err = hy_table_count(r->t, HY_TABLE_SCORE_LEDGER, &n);
    for (size_t i = 0; err == HY_OK && n && i < DEEDS; i++)
        err = look_at_set(r, i, &x);
    json_t *o = json_object();
    json_object_set_new(o, "points", json_real(x.points));
    json_object_set_new(o, "mean", json_real(x.leads ? x.points / (double)x.leads : 0));
    ctl_set_count(o, "leads", x.leads);
    ctl_set_count(o, "entries", x.entries);
    json_object_set_new(r->o, "score", o);
    return err;
}
