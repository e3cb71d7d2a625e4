/* Who opened and clicked a campaign and what else they did, and how that was in the campaigns
 * before it. */
#include "ctl_common.h"
#include "report.h"

enum { PREVIOUS = 5 };

static const struct {
    const char *name;
    enum hy_lead_set_deed deed;
} deeds[] = {
    {"opened", HY_LEAD_SET_OPENED},
    {"opened_any", HY_LEAD_SET_OPENED_ANY},
    {"clicked", HY_LEAD_SET_CLICKED},
    {"clicked_any", HY_LEAD_SET_CLICKED_ANY},
    {"unsubscribed", HY_LEAD_SET_UNSUBSCRIBED},
    {"complained", HY_LEAD_SET_COMPLAINED},
    {"replied", HY_LEAD_SET_REPLIED},
    {"bounced_late", HY_LEAD_SET_BOUNCED},
};

static int put_people(struct hy_txn *t, hy_id campaign, json_t *o)
{
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        const struct hy_lead_set set = {
            .kind = HY_LEAD_SET_CAMPAIGN, .no = campaign, .what = (uint8_t)deeds[i].deed};
        uint64_t n = 0;
        int err = hy_lead_set_count(t, set, &n);
        if (err != HY_OK)
            return err;
        ctl_set_count(o, deeds[i].name, n);
    }
    return HY_OK;
}

/* The last ones of the same tenant that were sent before it, oldest first. */
static int find_previous(const struct report *r, hy_id ret[PREVIOUS], size_t *ret_n)
{
    struct hy_campaign c = {.id = 0};
    hy_wall_ms before = r->c.started ? r->c.started : r->c.created;
    size_t n = 0;
    int err;
    while ((err = hy_campaign_next(r->t, c.id, &c)) == HY_OK) {
        if (c.id == r->c.id || c.tenant != r->c.tenant || !c.started || c.started > before)
            continue;
        if (n == PREVIOUS)
            memmove(ret, ret + 1, (PREVIOUS - 1) * sizeof *ret);
        ret[n < PREVIOUS ? n++ : PREVIOUS - 1] = c.id;
    }
    *ret_n = n;
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int put_previous_one(const struct report *r, hy_id id, json_t *all)
{
    struct hy_campaign c;
    struct hy_campaign_progress p;
    int err = hy_campaign_get(r->t, id, &c);
    if (err == HY_OK)
        err = hy_campaign_progress(r->t, id, &p);
    if (err != HY_OK)
        return err;
    json_t *o = json_object(), *people = json_object();
    json_object_set_new(o, "name", ctl_text_json(c.name));
    report_set_time(o, "started", c.started, r->zone);
    ctl_set_count(o, "delivered", p.ledger.by_state[HY_RCPT_DELIVERED]);
    ctl_set_count(o, "bounced", p.ledger.by_state[HY_RCPT_BOUNCED]);
    err = put_people(r->t, id, people);
    json_object_set_new(o, "people", people);
    json_array_append_new(all, o);
    return err;
}

static int put_previous(struct report *r)
{
    hy_id ids[PREVIOUS];
    size_t n = 0;
    json_t *all = json_array();
    int err = find_previous(r, ids, &n);
    for (size_t i = 0; err == HY_OK && i < n; i++)
        err = put_previous_one(r, ids[i], all);
    json_object_set_new(r->o, "previous", all);
    return err;
}

int report_people_put(struct report *r)
{
    json_t *people = json_object();
    int err = put_people(r->t, r->c.id, people);
    json_object_set_new(r->o, "people", people);
    return err == HY_OK ? put_previous(r) : err;
}
