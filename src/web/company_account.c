/* A company as an account: what its people did last, bought and are worth together, and which
 * companies are hot. Nothing of that is kept: it is read from the members, as many as there is time
 * for. */
#include <stdlib.h>

#include "call.h"
#include "hayauma/store/commerce.h"
#include "hayauma/store/company_visit.h"
#include "hayauma/web/companies.h"
#include "hayauma/web/order_json.h"
#include "points.h"

enum { AT_ONCE = 256, CURRENCIES = 32, REASONS = 3 };

static json_t *points_json(int64_t milli)
{
    return json_real((double)milli / 1000);
}

static void set_email(struct hy_txn *t, hy_lead_no lead, json_t *o)
{
    struct hy_str address;
    hy_domain_no domain;
    bool has = hy_lead_address(t, lead, &address, &domain) == 0 && address.n;
    json_object_set_new(o, "email", has ? web_text_json(address) : json_null());
}

/* Goes through the members, HY_COMPANY_ACCOUNT_MAX at most, until `each` answers other than 0.
 * *ret_looked: how many those were. */
static int walk(struct hy_txn *t, hy_company_no no,
                int (*each)(void *ctx, struct hy_txn *t, hy_lead_no lead), void *ctx,
                uint64_t *ret_looked)
{
    hy_lead_no leads[AT_ONCE], after = 0;
    size_t n = AT_ONCE;
    int err = 0;
    *ret_looked = 0;
    while (!err && n == AT_ONCE && *ret_looked < HY_COMPANY_ACCOUNT_MAX) {
        uint64_t left = HY_COMPANY_ACCOUNT_MAX - *ret_looked;
        err = hy_lead_set_next(t, hy_company_members(no), after, leads,
                               left < AT_ONCE ? (size_t)left : AT_ONCE, &n);
        for (size_t i = 0; i < n && !err; i++)
            err = each(ctx, t, leads[i]);
        after = n ? leads[n - 1] : after;
        *ret_looked += n;
    }
    return err;
}

/* ---- the account ---- */

struct entry {
    hy_id id;
    hy_lead_no lead;
};

struct account {
    struct entry newest[HY_COMPANY_TIMELINE_MAX]; /* ascending by id */
    size_t n;
    bool is_cut; /* there are older ones */
    uint64_t orders, customers;
    struct {
        char currency[4];
        uint64_t orders;
        int64_t milli;
    } sums[CURRENCIES]; /* further currencies are counted in `orders` alone */
    size_t n_sums;
};

/* Whether it is among the newest. */
static bool keep(struct account *a, struct entry e)
{
    size_t at = a->n;
    bool is_full = a->n == HY_COMPANY_TIMELINE_MAX;
    if (is_full) {
        a->is_cut = true;
        if (e.id <= a->newest[0].id)
            return false;
        memmove(a->newest, a->newest + 1, --a->n * sizeof e);
        at = a->n;
    }
    while (at > 0 && a->newest[at - 1].id > e.id)
        at--;
    memmove(a->newest + at + 1, a->newest + at, (a->n++ - at) * sizeof e);
    a->newest[at] = e;
    return true;
}

static int gather_done(struct account *a, struct hy_txn *t, hy_lead_no lead)
{
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    struct hy_activity found;
    hy_id before = 0;
    int err;
    while ((err = hy_activity_prev_of(t, &who, before, &found)) == 0) {
        before = found.id;
        if (!keep(a, (struct entry){found.id, lead}))
            return 0;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

static void add_sum(struct account *a, const char *currency, uint64_t orders, int64_t milli)
{
    size_t i = 0;
    while (i < a->n_sums && strcmp(a->sums[i].currency, currency) != 0)
        i++;
    if (i == CURRENCIES)
        return;
    if (i == a->n_sums)
        memcpy(a->sums[a->n_sums++].currency, currency, sizeof a->sums[i].currency);
    a->sums[i].orders += orders;
    if (__builtin_add_overflow(a->sums[i].milli, milli, &a->sums[i].milli))
        a->sums[i].milli = milli < 0 ? INT64_MIN : INT64_MAX;
}

static int gather_bought(struct account *a, struct hy_txn *t, hy_lead_no lead)
{
    struct hy_customer c;
    int err = hy_customer_read(t, lead, &c);
    if (err || !c.orders)
        return err;
    a->customers++;
    a->orders += c.orders;
    for (size_t i = 0; i < c.n_sums; i++)
        add_sum(a, c.sums[i].currency, c.sums[i].orders, c.sums[i].amount_milli);
    return 0;
}

static int gather(void *ctx, struct hy_txn *t, hy_lead_no lead)
{
    int err = gather_done(ctx, t, lead);
    return err ? err : gather_bought(ctx, t, lead);
}

static json_t *timeline_json(const struct account *a, struct hy_txn *t)
{
    json_t *list = json_array();
    struct hy_activity found;
    for (size_t i = a->n; i-- > 0;) {
        if (hy_activity_get(t, a->newest[i].id, &found) != 0)
            continue;
        json_t *o = points_activity_json(t, &found);
        json_object_set_new(o, "lead", json_integer(a->newest[i].lead));
        set_email(t, a->newest[i].lead, o);
        json_array_append_new(list, o);
    }
    return list;
}

/* What people did who are not known, from its network. */
static int gather_visits(struct hy_txn *t, hy_company_no no, json_t **ret)
{
    hy_id ids[HY_COMPANY_VISITS_MAX];
    struct hy_company_record c;
    struct hy_activity found;
    size_t n = 0;
    char id[HY_ID_TEXT_MAX];
    int err = hy_company_read(t, no, &c);
    if (!err)
        err = hy_company_visits(t, &c, ids, &n);
    if (err)
        return err;
    *ret = json_array();
    for (size_t i = 0; i < n; i++) {
        if (hy_activity_get(t, ids[i], &found) != 0 || found.lead)
            continue;
        json_t *o = points_activity_json(t, &found);
        json_object_set_new(o, "visitor", json_string(hy_id_format(found.visitor, id)));
        json_array_append_new(*ret, o);
    }
    return 0;
}

static json_t *bought_json(const struct account *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->n_sums; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:o}", "currency", a->sums[i].currency,
                                              "orders", (json_int_t)a->sums[i].orders, "amount",
                                              hy_money_json(a->sums[i].milli)));
    return list;
}

/* What each of a page of leads did last. */
static void add_last(struct hy_txn *t, json_t *leads)
{
    json_t *o;
    size_t i;
    json_array_foreach(leads, i, o)
    {
        json_int_t lead = json_integer_value(json_object_get(o, "lead"));
        json_object_set_new(o, "last", points_last_json(t, (hy_lead_no)lead));
    }
}

int hy_company_account_json(struct hy_txn *t, hy_company_no no, size_t limit, hy_wall_ms now,
                            json_t **ret)
{
    struct account *a = calloc(1, sizeof *a);
    json_t *page = NULL, *visits = NULL;
    uint64_t looked = 0, members = 0;
    int err = a ? hy_company_leads_json(t, no, 0, limit, now, &page) : HY_ENOMEM;
    if (!err)
        err = hy_lead_set_count(t, hy_company_members(no), &members);
    if (!err)
        err = walk(t, no, gather, a, &looked);
    if (!err)
        err = gather_visits(t, no, &visits);
    if (!err) {
        add_last(t, json_object_get(page, "leads"));
        *ret = json_pack("{s:O, s:o, s:b, s:o, s:I, s:I, s:o, s:I}", "members",
                         json_object_get(page, "leads"), "timeline", timeline_json(a, t), "older",
                         a->is_cut, "visits", visits, "customers", (json_int_t)a->customers,
                         "orders", (json_int_t)a->orders, "values", bought_json(a), "left_out",
                         (json_int_t)(members > looked ? members - looked : 0));
        err = *ret ? 0 : HY_ENOMEM;
    }
    json_decref(page);
    free(a);
    return err;
}

/* ---- those with the most points ---- */

struct members {
    struct web_best best;
    hy_wall_ms now;
};

static int offer_member(void *ctx, struct hy_txn *t, hy_lead_no lead)
{
    struct members *m = ctx;
    struct hy_score_sum sums[HY_SCORE_SUMS_MAX];
    size_t n = 0;
    int err = hy_score_sums(t, lead, HY_STR(""), sums, &n);
    int64_t milli = err ? 0 : hy_score_total_milli(sums, n, m->now);
    if (milli > 0)
        web_best_offer(&m->best, (struct web_place){milli, lead});
    return err;
}

static int put_reasons(struct hy_txn *t, hy_company_no no, hy_wall_ms now, json_t *o)
{
    struct web_place places[REASONS];
    struct members m = {{.places = places, .max = REASONS}, now};
    uint64_t looked = 0, members = 0;
    json_t *list = json_array();
    int err = walk(t, no, offer_member, &m, &looked);
    if (!err)
        err = hy_lead_set_count(t, hy_company_members(no), &members);
    web_best_sort(&m.best);
    for (size_t i = 0; i < m.best.n && !err; i++) {
        json_t *lead = json_pack("{s:I, s:o, s:o}", "lead", (json_int_t)places[i].no, "score",
                                 points_json(places[i].milli), "reasons",
                                 points_reasons_json(t, places[i].no, now));
        set_email(t, places[i].no, lead);
        json_array_append_new(list, lead);
    }
    json_object_set_new(o, "leads", json_integer((json_int_t)members));
    json_object_set_new(o, "reasons", list);
    json_object_set_new(o, "left_out",
                        json_integer((json_int_t)(members > looked ? members - looked : 0)));
    return err;
}

static int add_hot(struct hy_txn *t, struct web_place place, hy_wall_ms now, json_t *list)
{
    struct hy_company_record c;
    int err = hy_company_read(t, place.no, &c);
    if (err)
        return err == HY_ENOTFOUND ? 0 : err;
    json_t *o = json_pack("{s:I, s:o, s:o}", "company", (json_int_t)place.no, "name",
                          web_text_json(c.name), "score", points_json(place.milli));
    json_array_append_new(list, o);
    return put_reasons(t, place.no, now, o);
}

static int find_hot(struct hy_txn *t, hy_wall_ms now, struct web_best *b, uint64_t *ret_scored)
{
    hy_company_no no = 0;
    int err;
    while ((err = hy_company_scored_next(t, no, &no)) == 0) {
        int64_t milli = 0;
        err = hy_company_score(t, no, now, &milli);
        if (err)
            return err;
        if (milli <= 0)
            continue;
        ++*ret_scored;
        web_best_offer(b, (struct web_place){milli, no});
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_company_hot_json(struct hy_txn *t, size_t limit, hy_wall_ms now, json_t **ret)
{
    struct web_place places[HY_COMPANY_HOT_MAX];
    struct web_best b = {places, .max = limit < HY_COMPANY_HOT_MAX ? limit : HY_COMPANY_HOT_MAX};
    uint64_t scored = 0;
    json_t *list = json_array();
    int err = find_hot(t, now, &b, &scored);
    web_best_sort(&b);
    for (size_t i = 0; i < b.n && !err; i++)
        err = add_hot(t, places[i], now, list);
    if (err) {
        json_decref(list);
        return err;
    }
    *ret = json_pack("{s:o, s:I}", "companies", list, "scored", (json_int_t)scored);
    return *ret ? 0 : HY_ENOMEM;
}
