/* All conditions on attributes by one walk over the leads, and those on scores by one over who has
 * points. */
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_scan.h"
#include "hayauma/store/score.h"
#include "search.h"

/* The leaves by what they look at. */
struct plan {
    struct search_leaf *by_attr[HY_ATTR_MAX];
    struct search_leaf *by_fact;
    bool is_any;
};

bool search_says(const struct search *s, const struct search_leaf *l, struct hy_str value)
{
    return hy_segment_compares(l->node, value, s->o->now, s->o->facts.zone);
}

static int plan_leaf(struct search *s, struct plan *p, struct search_leaf *l)
{
    hy_attr_no no;
    l->fact = fact_name_of(l->node->name);
    l->is_score = fact_is_score(s->o->facts.plan, l->node->name, &l->group);
    l->given = hy_segment_given_of(l->node->name);
    if (l->fact == FACT_SHOP || l->fact == FACT_COMPANY) /* they are told by other walks */
        return HY_OK;
    l->rest = search_says(s, l, l->is_score ? HY_STR("0.000") : HY_STR(""));
    if (l->is_score)
        return HY_OK;
    p->is_any = true;
    if (l->fact != FACT_NONE && l->fact != FACT_SCORE) {
        l->next = p->by_fact;
        p->by_fact = l;
        return HY_OK;
    }
    int err = hy_attr_find(s->t, l->node->name, &no);
    if (err)
        return err == HY_ENOTFOUND ? HY_OK : err; /* nobody has it */
    l->next = p->by_attr[no];
    p->by_attr[no] = l;
    return HY_OK;
}

int search_value(struct search *s, struct search_leaf *l, hy_lead_no lead, struct hy_str value)
{
    if (search_says(s, l, value) != l->rest)
        search_flip(l, lead);
    if (!s->o->wants_due)
        return HY_OK;
    return search_due(s, lead, hy_segment_age_changes(l->node, value, s->o->now, s->o->facts.zone));
}

/* Leads that were made together say the same of their making. */
static int look_created(struct search *s, struct search_leaf *l, const struct hy_lead_scan *at)
{
    char room[FACT_ROOM];
    if (at->created != l->created) {
        struct hy_str v = fact_value(l->fact, at->created, at->address, at->status, room);
        l->created = at->created;
        l->is_true = search_says(s, l, v);
        l->changes = hy_segment_age_changes(l->node, v, s->o->now, s->o->facts.zone);
    }
    if (l->is_true != l->rest)
        search_flip(l, at->no);
    return s->o->wants_due ? search_due(s, at->no, l->changes) : HY_OK;
}

static int look_at_lead(struct search *s, const struct plan *p, struct hy_lead_scan *at)
{
    struct hy_lead_attr a;
    char room[FACT_ROOM];
    int err = HY_OK;
    for (struct search_leaf *l = p->by_fact; l && !err; l = l->next)
        err = l->fact == FACT_CREATED
                  ? look_created(s, l, at)
                  : search_value(s, l, at->no,
                                 fact_value(l->fact, at->created, at->address, at->status, room));
    while (!err && (err = hy_lead_scan_attr(at, &a)) == HY_OK)
        for (struct search_leaf *l = p->by_attr[a.no]; l && !err; l = l->next)
            err = search_value(s, l, at->no, a.value);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int walk(struct search *s, const struct plan *p)
{
    struct hy_lead_scan at;
    int err = hy_lead_scan_open(s->t, 1, &at);
    while (!err && (err = hy_lead_scan_next(&at)) == HY_OK) {
        err = look_at_lead(s, p, &at);
        if (!err)
            err = search_step(s);
    }
    hy_lead_scan_close(&at);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- scores ---- */

static int look_score(struct search *s, struct search_leaf *l, hy_lead_no lead)
{
    struct hy_score_sum sums[HY_SCORE_SUMS_MAX];
    char room[FACT_ROOM];
    size_t n;
    int err = hy_score_sums(s->t, lead, l->group, sums, &n);
    if (err)
        return err;
    if (search_says(s, l, fact_score(hy_score_total_milli(sums, n, s->o->now), room)) != l->rest)
        search_flip(l, lead);
    return s->o->wants_due ? search_due(s, lead, fact_score_stays(l->node, sums, n, s->o->now))
                           : HY_OK;
}

static int walk_scores(struct search *s)
{
    hy_lead_no lead = 0;
    int err = HY_OK;
    bool is_any = false;
    for (size_t i = 0; i < s->n; i++)
        is_any = is_any || s->leaves[i].is_score;
    while (is_any && !err && (err = hy_score_lead_next(s->t, lead, &lead)) == HY_OK) {
        for (size_t i = 0; i < s->n && !err; i++)
            if (s->leaves[i].is_score)
                err = look_score(s, &s->leaves[i], lead);
        if (!err)
            err = search_step(s);
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int search_attributes(struct search *s)
{
    struct plan p = {0};
    int err = HY_OK;
    for (size_t i = 0; i < s->n && !err; i++)
        if (s->leaves[i].node->kind == HY_SEGMENT_COMPARE)
            err = plan_leaf(s, &p, &s->leaves[i]);
    if (!err && p.is_any)
        err = walk(s, &p);
    if (!err)
        err = walk_scores(s);
    if (!err)
        err = search_shop(s);
    return err ? err : search_companies(s);
}
