/* Scores kept, given anew, and tried. */
#include "hayauma/react/scores.h"

#include <math.h>
#include <stdlib.h>

#include "hayauma/store/lead_change.h"

/* An activity for a rule. */
struct tried {
    size_t rule;
    hy_wall_ms at;
    hy_id id;
    int32_t points;
};

struct hy_scorer {
    const struct hy_score_plan *plan;
    struct hy_deed *deed;
    struct hy_facts *facts;
    struct tried *tried; /* of the lead at hand */
    size_t n, cap;
};

int hy_scorer_new(const struct hy_scorer_options *o, struct hy_scorer **ret)
{
    struct hy_scorer *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->plan = o->plan;
    int err = hy_deed_new(&s->deed);
    if (err == HY_OK)
        err = hy_facts_new(&(struct hy_facts_options){.plan = o->plan, .zone = o->zone}, &s->facts);
    if (err == HY_OK)
        *ret = s;
    else
        hy_scorer_free(s);
    return err;
}

void hy_scorer_free(struct hy_scorer *s)
{
    if (!s)
        return;
    hy_facts_free(s->facts);
    hy_deed_free(s->deed);
    free(s->tried);
    free(s);
}

/* What filters ask it for; NULL: it does not count. */
static const struct hy_segment_deed *deed_of(void *ctx, struct hy_txn *t,
                                             const struct hy_activity *a)
{
    struct hy_scorer *s = ctx;
    const struct hy_segment_deed *deed = hy_deed_of(s->deed, t, a);
    return hy_deed_counts(s->deed, a) ? deed : NULL;
}

/* ---- kept ---- */

int hy_scorer_note(struct hy_scorer *s, struct hy_txn *t, const struct hy_activity *a, int sign,
                   bool *ret_changed)
{
    const struct hy_segment_deed *deed = sign > 0 ? deed_of(s, t, a) : NULL;
    if (ret_changed)
        *ret_changed = false;
    if (sign > 0 && !deed)
        return HY_OK;
    return hy_scores_note(t, s->plan, a, deed, sign, ret_changed);
}

int hy_scorer_redo(struct hy_scorer *s, struct hy_txn *t, hy_lead_no lead, bool is_silent,
                   bool *ret_changed)
{
    int err = hy_facts_of(s->facts, t, lead, t->now);
    if (err == HY_ENOTFOUND) /* it is gone */
        return hy_scores_erase(t, lead);
    if (err != HY_OK)
        return err;
    struct hy_score_past past = {
        .ctx = s, .deed = deed_of, .facts = hy_facts_ask(s->facts), .is_silent = is_silent};
    err = hy_scores_redo(t, s->plan, lead, &past, ret_changed);
    return err == HY_OK ? hy_facts_err(s->facts) : err;
}

int hy_scorer_lead(struct hy_scorer *s, struct hy_txn *t, hy_lead_no lead, unsigned what,
                   bool *ret_changed)
{
    if (what & (HY_LEAD_MERGED | HY_LEAD_ERASED))
        return hy_scorer_redo(s, t, lead, false, ret_changed);
    int err = hy_facts_of(s->facts, t, lead, t->now);
    if (err == HY_ENOTFOUND)
        return hy_scores_erase(t, lead);
    if (err == HY_OK)
        err = hy_scores_review(t, s->plan, lead, hy_facts_ask(s->facts), ret_changed);
    return err == HY_OK ? hy_facts_err(s->facts) : err;
}

/* ---- tried ---- */

static int add(struct hy_scorer *s, struct tried one)
{
    if (s->n == HY_SCORER_DEEDS_MAX)
        return HY_ELIMIT;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        struct tried *all = realloc(s->tried, cap * sizeof *all);
        if (!all)
            return HY_ENOMEM;
        s->tried = all;
        s->cap = cap;
    }
    s->tried[s->n++] = one;
    return HY_OK;
}

static int add_matches(struct hy_scorer *s, const struct hy_activity *a,
                       const struct hy_segment_deed *deed)
{
    int err = HY_OK;
    for (size_t i = 0; i < s->plan->n_rules && err == HY_OK; i++) {
        const struct hy_segment_node *on = s->plan->rules[i].on;
        if (on && on->did == a->kind && hy_segment_matches(on, deed))
            err = add(s, (struct tried){.rule = i, .at = hy_deed_moment(a), .id = a->id});
    }
    return err;
}

static int gather(struct hy_scorer *s, struct hy_txn *t, hy_lead_no lead)
{
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    struct hy_activity a = {0};
    int err;
    s->n = 0;
    while ((err = hy_activity_next_of(t, &who, a.id, &a)) == HY_OK) {
        const struct hy_segment_deed *deed = deed_of(s, t, &a);
        err = deed ? add_matches(s, &a, deed) : HY_OK;
        if (err != HY_OK)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int in_order(const void *a, const void *b)
{
    const struct tried *x = a, *y = b;
    if (x->rule != y->rule)
        return x->rule < y->rule ? -1 : 1;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* What trimmed activities gave by a rule. */
struct carried {
    int64_t points;
    hy_wall_ms last;
};

static size_t group_of(const struct hy_score_plan *plan, struct hy_str name)
{
    size_t i = 0;
    while (i < plan->n_groups && !hy_str_eq(plan->groups[i].name, name))
        i++;
    return i;
}

struct sum {
    hy_wall_ms now;
    double total, groups[HY_SCORE_GROUPS_MAX + 1]; /* the last: of groups that are gone */
};

static void add_worth(struct sum *sum, size_t group, double worth)
{
    sum->total += worth;
    sum->groups[group] += worth;
}

/* Adds what is carried of all rules to the sum; *ret is what it is of one. */
static int add_carried(struct hy_scorer *s, struct hy_txn *t, hy_lead_no lead, struct sum *sum,
                       struct carried *by_rule)
{
    struct hy_score_place at = {0};
    struct hy_score_item item;
    int err;
    while ((err = hy_score_ledger_next(t, lead, &at, &item)) == HY_OK) {
        if (item.kind != HY_SCORE_CARRIED)
            continue;
        add_worth(sum, group_of(s->plan, item.group), hy_score_item_worth(&item, sum->now));
        for (size_t i = 0; i < s->plan->n_rules; i++)
            if (hy_str_eq(s->plan->rules[i].name, item.rule)) {
                by_rule[i].points += item.given;
                by_rule[i].last = item.at > by_rule[i].last ? item.at : by_rule[i].last;
            }
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* The activities [from, to) of one rule, in order. */
static void fold(struct hy_scorer *s, size_t from, size_t to, const struct carried *carried,
                 struct sum *sum)
{
    const struct hy_score_rule *r = &s->plan->rules[s->tried[from].rule];
    hy_wall_ms per = r->is_first_only ? INT64_MAX : (hy_wall_ms)r->most_per_s * 1000;
    int64_t given = 0;
    for (size_t i = from, tail = from; i < to; i++) {
        struct tried *e = &s->tried[i];
        for (; tail < i && per != INT64_MAX && s->tried[tail].at <= e->at - per; tail++)
            given -= s->tried[tail].points;
        bool has_carried = carried->points && (r->is_first_only || carried->last > e->at - per);
        int64_t before = given + (has_carried ? carried->points : 0);
        struct hy_score_entry earlier = {.at = e->at, .points = (int32_t)before};
        e->points = hy_score_grant(r, &earlier, before != 0, e->at);
        given += e->points;
        add_worth(sum, r->group, hy_score_worth(e->points, r->half_life_s, e->at, sum->now));
    }
}

static int add_all(struct hy_scorer *s, struct hy_txn *t, hy_lead_no lead, struct sum *sum)
{
    struct carried carried[HY_SCORE_RULES_MAX];
    memset(carried, 0, s->plan->n_rules * sizeof *carried);
    int err = add_carried(s, t, lead, sum, carried);
    if (err == HY_OK)
        err = gather(s, t, lead);
    if (err != HY_OK)
        return err;
    if (s->n)
        qsort(s->tried, s->n, sizeof *s->tried, in_order);
    for (size_t from = 0, to; from < s->n; from = to) {
        for (to = from + 1; to < s->n && s->tried[to].rule == s->tried[from].rule;)
            to++;
        fold(s, from, to, &carried[s->tried[from].rule], sum);
    }
    for (size_t i = 0; i < s->plan->n_rules; i++) {
        const struct hy_score_rule *r = &s->plan->rules[i];
        if (r->when && hy_segment_is_true(r->when, hy_facts_ask(s->facts)))
            add_worth(sum, r->group, r->points);
    }
    return hy_facts_err(s->facts);
}

int hy_scorer_try(struct hy_scorer *s, struct hy_txn *t, hy_lead_no lead, hy_wall_ms now,
                  struct hy_score_tried *ret)
{
    struct sum sum = {.now = now};
    int err = hy_facts_of(s->facts, t, lead, now);
    if (err == HY_OK)
        err = add_all(s, t, lead, &sum);
    if (err != HY_OK)
        return err;
    ret->total_milli = llround(sum.total * 1000);
    for (size_t i = 0; i < s->plan->n_groups; i++)
        ret->groups[i] = llround(sum.groups[i] * 1000);
    return HY_OK;
}
