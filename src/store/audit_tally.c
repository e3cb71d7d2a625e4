/* The audit of what is counted of campaigns: by hour and by link it is what the log has and what
 * went from it, and people are in the sets exactly when the log says that they did it. */
#include <inttypes.h>
#include <stdlib.h>

#include "activity.h"
#include "audit_priv.h"
#include "campaign_tally.h"

enum { CAMPAIGNS_MAX = 65536 };

struct counted {
    hy_id campaign;
    uint64_t in_log[HY_TALLY_COLUMNS], gone[HY_TALLY_COLUMNS];
};

struct tallies {
    struct counted *items; /* by campaign */
    size_t n, room;
    bool is_cut; /* more campaigns than are looked at */
};

static const char *const columns[HY_TALLY_COLUMNS] = {
    "opens by people", "opens by machines", "other opens", "clicks by people", "clicks by machines",
    "other clicks",    "unsubscribes",      "complaints",  "replies",          "late bounces",
};

static int add(struct tallies *all, hy_id campaign)
{
    if (all->n == all->room) {
        size_t room = all->room ? 2 * all->room : 64;
        struct counted *items = reallocarray(all->items, room, sizeof *items);
        if (!items)
            return HY_ENOMEM;
        all->items = items;
        all->room = room;
    }
    all->items[all->n++] = (struct counted){.campaign = campaign};
    return 0;
}

static int read_campaigns(struct audit *a, struct tallies *all)
{
    hy_id id = 0;
    int err;
    while ((err = hy_campaign_tally_next(&a->t, id, &id)) == 0) {
        if (all->n == CAMPAIGNS_MAX) {
            all->is_cut = true;
            return 0;
        }
        err = add(all, id);
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

static int by_campaign(const void *x, const void *y)
{
    const struct counted *a = x, *b = y;
    return a->campaign < b->campaign ? -1 : a->campaign > b->campaign;
}

static struct counted *find(const struct tallies *all, hy_id campaign)
{
    const struct counted wanted = {.campaign = campaign};
    return all->n ? bsearch(&wanted, all->items, all->n, sizeof wanted, by_campaign) : NULL;
}

static void check_member(struct audit *a, const struct hy_activity *x, enum hy_lead_set_deed deed)
{
    const struct hy_lead_set set = {
        .kind = HY_LEAD_SET_CAMPAIGN, .no = x->campaign, .what = (uint8_t)deed};
    bool has = false;
    if (x->lead && (hy_lead_set_has(&a->t, set, x->lead, &has) != 0 || !has))
        hy_audit_problem(a, "activity %" PRIx64 ": lead %" PRIu32 " is missing among those who %s",
                         x->id, x->lead, x->kind == HY_ACTIVITY_OPEN ? "opened" : "clicked");
}

static void check_hit(struct audit *a, const struct hy_activity *x)
{
    bool is_open = x->kind == HY_ACTIVITY_OPEN;
    if (!is_open && x->kind != HY_ACTIVITY_CLICK)
        return;
    check_member(a, x, is_open ? HY_LEAD_SET_OPENED_ANY : HY_LEAD_SET_CLICKED_ANY);
    if (hy_tally_who(x->flags) == HY_TALLY_HUMAN)
        check_member(a, x, is_open ? HY_LEAD_SET_OPENED : HY_LEAD_SET_CLICKED);
}

static int read_log(struct audit *a, struct tallies *all, hy_id since)
{
    struct hy_activity x;
    int err;
    for (hy_id at = since - 1; (err = hy_activity_next(&a->t, at, &x, NULL)) == 0; at = x.id) {
        enum hy_tally_column column = hy_tally_column_of(&x);
        struct counted *c = column == HY_TALLY_COLUMNS ? NULL : find(all, x.campaign);
        if (!c)
            continue;
        c->in_log[column]++;
        check_hit(a, &x);
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* ---- one campaign ---- */

static int sum_hours(struct audit *a, hy_id campaign, uint64_t sum[HY_TALLY_COLUMNS])
{
    struct hy_tally_hour h;
    int err;
    for (uint32_t at = 0; (err = hy_campaign_tally_hour(&a->t, campaign, at, &h)) == 0;
         at = h.hour + 1)
        for (unsigned i = 0; i < HY_TALLY_COLUMNS; i++)
            sum[i] += h.n[i];
    return err == HY_ENOTFOUND ? 0 : err;
}

static int sum_links(struct audit *a, hy_id campaign, uint64_t sum[HY_TALLY_WHO])
{
    struct hy_tally_link l;
    int err;
    for (uint32_t at = 0; (err = hy_campaign_tally_link(&a->t, campaign, at, &l)) == 0;
         at = l.link + 1)
        for (unsigned i = 0; i < HY_TALLY_WHO; i++)
            sum[i] += l.clicks[i];
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Everybody among the people has a trace in the log, where it has all that is counted. */
static int check_people(struct audit *a, const struct counted *c, enum hy_lead_set_deed deed)
{
    const struct hy_lead_set set = {
        .kind = HY_LEAD_SET_CAMPAIGN, .no = c->campaign, .what = (uint8_t)deed};
    bool is_open = deed == HY_LEAD_SET_OPENED;
    struct hy_activity like = {.campaign = c->campaign,
                               .kind = is_open ? HY_ACTIVITY_OPEN : HY_ACTIVITY_CLICK};
    hy_lead_no leads[512];
    size_t n = sizeof leads / sizeof *leads;
    while (n == sizeof leads / sizeof *leads) {
        int err = hy_lead_set_next(&a->t, set, like.lead, leads, sizeof leads / sizeof *leads, &n);
        for (size_t i = 0; !err && i < n; i++) {
            struct tally_traces traces = {.any = false};
            like.lead = leads[i];
            err = hy_campaign_tally_trace(&a->t, &like, &traces);
            if (!err && !traces.any && !traces.is_cut)
                hy_audit_problem(a,
                                 "campaign %" PRIx64 ": lead %" PRIu32
                                 " is among the people who %s, but did not",
                                 c->campaign, like.lead, is_open ? "opened" : "clicked");
        }
        if (err)
            return err;
    }
    return 0;
}

static int check_campaign(struct audit *a, struct counted *c)
{
    uint64_t hours[HY_TALLY_COLUMNS] = {0}, links[HY_TALLY_WHO] = {0};
    int err = hy_campaign_tally_gone(&a->t, c->campaign, c->gone);
    if (!err)
        err = sum_hours(a, c->campaign, hours);
    if (!err)
        err = sum_links(a, c->campaign, links);
    for (unsigned i = 0; !err && i < HY_TALLY_COLUMNS; i++)
        if (hours[i] != c->in_log[i] + c->gone[i])
            hy_audit_problem(a,
                             "campaign %" PRIx64 " counts %" PRIu64 " %s, the log has %" PRIu64
                             " and %" PRIu64 " went from it",
                             c->campaign, hours[i], columns[i], c->in_log[i], c->gone[i]);
    for (unsigned i = 0; !err && i < HY_TALLY_WHO; i++)
        if (links[i] != hours[HY_TALLY_CLICKS + i])
            hy_audit_problem(
                a, "campaign %" PRIx64 ": %s by link are %" PRIu64 ", by hour %" PRIu64,
                c->campaign, columns[HY_TALLY_CLICKS + i], links[i], hours[HY_TALLY_CLICKS + i]);
    if (!err && c->gone[HY_TALLY_OPENS + HY_TALLY_HUMAN] == 0)
        err = check_people(a, c, HY_LEAD_SET_OPENED);
    if (!err && c->gone[HY_TALLY_CLICKS + HY_TALLY_HUMAN] == 0)
        err = check_people(a, c, HY_LEAD_SET_CLICKED);
    return err;
}

int hy_audit_tallies(struct audit *a)
{
    struct tallies all = {.items = NULL};
    hy_id since = 0;
    int err = hy_campaign_tally_since(&a->t, &since);
    if (!err && since)
        err = read_campaigns(a, &all);
    if (!err && since)
        err = read_log(a, &all, since);
    for (size_t i = 0; !err && i < all.n; i++)
        err = check_campaign(a, &all.items[i]);
    if (!err && all.is_cut)
        hy_audit_problem(a,
                         "more than %d campaigns were opened or clicked: the others were not "
                         "looked at",
                         CAMPAIGNS_MAX);
    free(all.items);
    return err;
}
