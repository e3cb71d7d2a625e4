/* Points of leads as JSON. */
#include "hayauma/web/score_json.h"

#include <stdlib.h>

#include "hayauma/store/campaign.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/track/verdict.h"
#include "points.h"

enum {
    REASONS = 3,
    LEDGER_MAX = 200000, /* entries looked at for an explanation */
    SALES_MAX = 20,
    SEEN_MAX = 2000, /* activities looked at for those of sales */
};

/* ---- pieces ---- */

static json_t *text(struct hy_str s)
{
    json_t *j = s.n ? json_stringn(s.p, s.n) : json_null();
    return j ? j : json_string("(not UTF-8)");
}

static json_t *time_json(hy_wall_ms at)
{
    char room[32];
    return at ? json_string(hy_wall_format(at, room)) : json_null();
}

static json_t *points(double p)
{
    double milli = p * 1000;
    return json_real((double)(int64_t)(milli + (milli < 0 ? -0.5 : 0.5)) / 1000);
}

static json_t *points_milli(int64_t milli)
{
    return json_real((double)milli / 1000);
}

/* Who it is, as far as the usual attributes say. */
static int put_lead(struct hy_txn *t, hy_lead_no no, json_t *o)
{
    static const char *const names[] = {"name", "company", "phone", "owner"};
    struct hy_lead_attr *attrs = malloc(HY_ATTR_MAX * sizeof *attrs);
    struct hy_lead_view lead;
    int err = attrs ? hy_lead_read(t, no, attrs, HY_ATTR_MAX, &lead) : HY_ENOMEM;
    if (err == HY_OK) {
        json_object_set_new(o, "lead", json_integer(no));
        json_object_set_new(o, "email", text(lead.address));
    }
    for (size_t i = 0; i < sizeof names / sizeof *names && err == HY_OK; i++) {
        hy_attr_no attr;
        struct hy_str value = {0};
        if (hy_attr_find(t, hy_str_of(names[i]), &attr) == HY_OK)
            for (size_t k = 0; k < lead.n_attrs; k++)
                if (lead.attrs[k].no == attr)
                    value = lead.attrs[k].value;
        json_object_set_new(o, names[i], text(value));
    }
    free(attrs);
    return err;
}

json_t *points_reasons_json(struct hy_txn *t, hy_lead_no lead, hy_wall_ms now)
{
    struct hy_score_reason why[REASONS];
    json_t *all = json_array();
    size_t n = 0;
    if (hy_score_reasons(t, lead, now, why, REASONS, &n) != HY_OK)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();
        json_object_set_new(o, "rule", text(why[i].rule));
        json_object_set_new(o, "points", points(why[i].worth));
        json_object_set_new(o, "times", json_integer(why[i].times));
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *grade_json(const struct hy_score_plan *plan, const struct hy_score *s, size_t group)
{
    for (size_t i = 0; i < plan->n_grades; i++)
        if (plan->grades[i].group == group && s->grades[i] < plan->grades[i].n)
            return text(plan->grades[i].names[s->grades[i]]);
    return json_null();
}

json_t *points_activity_json(struct hy_txn *t, const struct hy_activity *a)
{
    struct hy_campaign c;
    json_t *o = json_object();
    json_object_set_new(o, "at", time_json(a->at));
    json_object_set_new(o, "kind", json_string(hy_activity_kind_name(a->kind)));
    json_object_set_new(o, "text", text(a->text));
    json_object_set_new(o, "url", text(a->url));
    json_object_set_new(o, "source", text(a->source));
    bool has_name = a->campaign && hy_campaign_get(t, a->campaign, &c) == HY_OK;
    json_object_set_new(o, "campaign", has_name ? text(c.name) : json_null());
    return o;
}

static bool is_own(const struct hy_activity *a) /* noted because of others */
{
    return a->kind == HY_ACTIVITY_SCORE_REACHED || a->kind == HY_ACTIVITY_SCORE_LEFT ||
           a->kind == HY_ACTIVITY_SEGMENT_ENTERED || a->kind == HY_ACTIVITY_SEGMENT_LEFT;
}

json_t *points_last_json(struct hy_txn *t, hy_lead_no lead)
{
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    struct hy_activity a;
    hy_id before = 0;
    for (int i = 0; i < 100 && hy_activity_prev_of(t, &who, before, &a) == HY_OK; i++) {
        before = a.id;
        if (!is_own(&a))
            return points_activity_json(t, &a);
    }
    return json_null();
}

static json_t *sales_json(struct hy_txn *t, hy_lead_no lead, size_t max)
{
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    struct hy_activity a;
    json_t *all = json_array();
    hy_id before = 0;
    for (int i = 0; i < SEEN_MAX && json_array_size(all) < max &&
                    hy_activity_prev_of(t, &who, before, &a) == HY_OK;
         i++) {
        before = a.id;
        if (a.kind != HY_ACTIVITY_SALES)
            continue;
        json_t *o = json_object(), *meta = json_loadb(a.meta.p ? a.meta.p : "", a.meta.n, 0, NULL);
        json_object_set_new(o, "at", time_json(a.at));
        json_object_set_new(o, "result", text(a.text));
        json_object_set_new(o, "by", text(a.source));
        json_object_set_new(o, "meta", meta ? meta : json_null());
        json_array_append_new(all, o);
    }
    return all;
}

/* ---- one lead ---- */

static json_t *groups_json(const struct hy_score_plan *plan, const struct hy_score *s)
{
    json_t *all = json_array();
    for (size_t i = 0; i < plan->n_groups; i++) {
        json_t *o = json_object();
        json_object_set_new(o, "group", text(plan->groups[i].name));
        json_object_set_new(o, "points", points_milli(s->groups[i]));
        json_object_set_new(o, "grade", grade_json(plan, s, i));
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *thresholds_json(const struct hy_score_plan *plan, const struct hy_score *s)
{
    json_t *all = json_array();
    for (size_t i = 0; i < plan->n_thresholds; i++) {
        json_t *o = json_object();
        json_object_set_new(o, "name", text(plan->thresholds[i].name));
        json_object_set_new(o, "from", json_integer(plan->thresholds[i].from));
        json_object_set_new(o, "until", json_integer(plan->thresholds[i].until));
        json_object_set_new(o, "is_over", json_boolean(s->thresholds[i].is_over));
        json_object_set_new(o, "since", time_json(s->thresholds[i].since));
        json_object_set_new(o, "is_closed", json_boolean(s->thresholds[i].is_closed));
        json_array_append_new(all, o);
    }
    return all;
}

/* Why it counts no more, or in part. */
static const char *why_of(const struct hy_score_item *i, const struct hy_activity *a)
{
    bool is_hit = a && (a->kind == HY_ACTIVITY_OPEN || a->kind == HY_ACTIVITY_CLICK);
    if (i->kind == HY_SCORE_WITHDRAWN && is_hit && hy_verdict_reason_name(a->reason)[0])
        return hy_verdict_reason_name(a->reason);
    if (i->kind == HY_SCORE_WITHDRAWN)
        return "withdrawn";
    return i->kind == HY_SCORE_GIVEN && (int32_t)i->points != i->wanted ? "limit" : "";
}

static json_t *entry_json(struct hy_txn *t, const struct hy_score_item *i, hy_wall_ms now)
{
    static const char *const kinds[] = {
        [HY_SCORE_GIVEN] = "given",
        [HY_SCORE_CARRIED] = "carried",
        [HY_SCORE_WITHDRAWN] = "withdrawn",
    };
    char id[HY_ID_TEXT_MAX];
    struct hy_activity a;
    bool has_activity = i->activity && hy_activity_get(t, i->activity, &a) == HY_OK;
    const char *why = why_of(i, has_activity ? &a : NULL);
    json_t *o = json_object();
    json_object_set_new(o, "rule", text(i->rule));
    json_object_set_new(o, "group", text(i->group));
    json_object_set_new(o, "kind", json_string(kinds[i->kind]));
    json_object_set_new(o, "at", time_json(i->at));
    json_object_set_new(o, "points", points(i->points));
    json_object_set_new(o, "worth", points(hy_score_item_worth(i, now)));
    json_object_set_new(o, "of", json_integer(i->wanted));
    json_object_set_new(o, "times", json_integer(i->n));
    json_object_set_new(o, "half_life_s", json_integer(i->half_life_s));
    json_object_set_new(o, "withdrawn", time_json(i->withdrawn));
    json_object_set_new(o, "why", why[0] ? json_string(why) : json_null());
    json_object_set_new(o, "id",
                        i->activity ? json_string(hy_id_format(i->activity, id)) : json_null());
    json_object_set_new(o, "activity", has_activity ? points_activity_json(t, &a) : json_null());
    return o;
}

struct ledger {
    struct hy_score_item *items;
    size_t n, cap;
    uint64_t left_out;
};

static int read_ledger(struct hy_txn *t, hy_lead_no lead, struct ledger *l)
{
    struct hy_score_place at = {0};
    struct hy_score_item item;
    int err;
    while ((err = hy_score_ledger_next(t, lead, &at, &item)) == HY_OK) {
        if (l->n == LEDGER_MAX) {
            l->left_out++;
            continue;
        }
        if (l->n == l->cap) {
            size_t cap = l->cap ? l->cap * 2 : 64;
            struct hy_score_item *items = realloc(l->items, cap * sizeof *items);
            if (!items)
                return HY_ENOMEM;
            l->items = items;
            l->cap = cap;
        }
        l->items[l->n++] = item;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int by_time(const void *a, const void *b)
{
    const struct hy_score_item *x = a, *y = b;
    return x->at != y->at ? (x->at < y->at ? 1 : -1)
                          : (x->activity < y->activity) - (x->activity > y->activity);
}

static int put_entries(struct hy_txn *t, hy_lead_no lead, hy_wall_ms now, unsigned limit, json_t *o)
{
    struct ledger l = {0};
    json_t *all = json_array();
    int err = read_ledger(t, lead, &l);
    if (l.n)
        qsort(l.items, l.n, sizeof *l.items, by_time);
    for (size_t i = 0; i < l.n && i < limit && err == HY_OK; i++)
        json_array_append_new(all, entry_json(t, &l.items[i], now));
    if (l.n > limit)
        l.left_out += l.n - limit;
    json_object_set_new(o, "entries", all);
    json_object_set_new(o, "entries_left_out", json_integer((json_int_t)l.left_out));
    free(l.items);
    return err;
}

int hy_score_explain_json(struct hy_txn *t, const struct hy_score_plan *plan, hy_lead_no lead,
                          hy_wall_ms now, unsigned limit, json_t **ret)
{
    struct hy_score s;
    json_t *o = json_object();
    int err = put_lead(t, lead, o);
    if (err == HY_OK)
        err = hy_score_read(t, plan, lead, now, &s);
    if (err == HY_OK) {
        json_object_set_new(o, "score", points_milli(s.total_milli));
        json_object_set_new(o, "groups", groups_json(plan, &s));
        json_object_set_new(o, "thresholds", thresholds_json(plan, &s));
        err = put_entries(t, lead, now, limit, o);
    }
    if (err == HY_OK) {
        json_object_set_new(o, "sales", sales_json(t, lead, SALES_MAX));
        *ret = o;
    } else {
        json_decref(o);
    }
    return err;
}

/* ---- leads over a threshold ---- */

static int find_best(struct hy_txn *t, const struct hy_score_plan *plan,
                     const struct hy_score_hot *of, hy_wall_ms now, uint64_t *over,
                     struct web_best *b)
{
    struct hy_lead_set set = {.kind = HY_LEAD_SET_THRESHOLD};
    hy_lead_no leads[256], after = 0;
    uint32_t no = 0;
    size_t n = 256;
    int err = hy_score_threshold_no(t, plan->thresholds[of->threshold].name, &no);
    if (err == HY_ENOTFOUND)
        return HY_OK;
    set.no = no;
    while (err == HY_OK && n == 256) {
        err = hy_lead_set_next(t, set, after, leads, 256, &n);
        for (size_t i = 0; i < n && err == HY_OK; i++) {
            struct hy_score s;
            after = leads[i];
            err = hy_score_read(t, plan, leads[i], now, &s);
            if (err != HY_OK || (s.thresholds[of->threshold].is_closed && !of->with_closed))
                continue;
            ++*over;
            web_best_offer(b, (struct web_place){s.total_milli, leads[i]});
        }
    }
    return err;
}

int hy_score_hot_row_json(struct hy_txn *t, const struct hy_score_plan *plan, size_t threshold,
                          hy_lead_no lead, hy_wall_ms now, json_t **ret)
{
    struct hy_score s;
    json_t *o = json_object(), *grades = json_object();
    int err = put_lead(t, lead, o);
    if (err == HY_OK)
        err = hy_score_read(t, plan, lead, now, &s);
    if (err != HY_OK) {
        json_decref(grades);
        json_decref(o);
        return err;
    }
    for (size_t i = 0; i < plan->n_groups; i++)
        json_object_setn_new(grades, plan->groups[i].name.p, plan->groups[i].name.n,
                             grade_json(plan, &s, i));
    json_t *sales = sales_json(t, lead, 1);
    json_object_set_new(o, "score", points_milli(s.total_milli));
    json_object_set_new(o, "grades", grades);
    json_object_set_new(o, "since", time_json(s.thresholds[threshold].since));
    json_object_set_new(o, "reasons", points_reasons_json(t, lead, now));
    json_object_set_new(o, "last", points_last_json(t, lead));
    json_object_set(o, "sales", json_array_size(sales) ? json_array_get(sales, 0) : json_null());
    json_decref(sales);
    *ret = o;
    return HY_OK;
}

int hy_score_hot_json(struct hy_txn *t, const struct hy_score_plan *plan,
                      const struct hy_score_hot *of, hy_wall_ms now, json_t **ret)
{
    struct web_best b = {.max = of->limit < HY_SCORE_HOT_MAX ? of->limit : HY_SCORE_HOT_MAX};
    uint64_t over = 0;
    b.places = calloc(b.max + 1, sizeof *b.places);
    int err = b.places ? find_best(t, plan, of, now, &over, &b) : HY_ENOMEM;
    if (err == HY_OK) {
        json_t *o = json_object(), *all = json_array();
        web_best_sort(&b);
        for (size_t i = 0; i < b.n; i++) {
            json_t *row = NULL;
            if (hy_score_hot_row_json(t, plan, of->threshold, b.places[i].no, now, &row) == HY_OK)
                json_array_append_new(all, row);
        }
        json_object_set_new(o, "threshold", text(plan->thresholds[of->threshold].name));
        json_object_set_new(o, "over", json_integer((json_int_t)over));
        json_object_set_new(o, "leads", all);
        *ret = o;
    }
    free(b.places);
    return err;
}
