/* Counting who came from which company: one walk through the activity log from a moment on. What is
 * told apart (visits, visitors, leads) is kept as hashes in tables of a fixed size; what does not
 * fit is left out, and said. */
#include "hayauma/web/visitors_json.h"

#include <stdlib.h>

#include "hayauma/base/hash.h"
#include "hayauma/base/tally.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/lead.h"

enum { STEP = 4096 /* activities a snapshot */, DAY_MS = 86400 * 1000 };

struct company {
    json_t *name, *domain; /* domain NULL: not known */
    uint64_t pages, visits, visitors, n_leads;
    hy_wall_ms first, last;
    hy_lead_no leads[HY_VISITORS_LEADS_MAX];
};

struct count {
    const struct hy_visitors_ask *ask;
    struct company *companies;
    size_t n, cap;
    json_t *places; /* name -> place in companies */
    struct hy_tally kept;
    size_t n_kept;
    bool is_cut;
};

static void count_free(struct count *c)
{
    for (size_t i = 0; i < c->n; i++) {
        json_decref(c->companies[i].name);
        json_decref(c->companies[i].domain);
    }
    free(c->companies);
    json_decref(c->places);
    hy_tally_free(&c->kept);
}

/* Whether a company has not had it yet. */
static bool is_new(struct count *c, size_t company, char what, uint64_t who, int64_t day)
{
    const uint64_t all[] = {company, (uint64_t)what, who, (uint64_t)day};
    uint64_t key = hy_siphash(hy_hash_process_key(), all, sizeof all);
    if (hy_tally_count(&c->kept, key))
        return false;
    if (c->n_kept == HY_VISITORS_KEPT_MAX) {
        c->is_cut = true;
        return false;
    }
    c->n_kept++;
    hy_tally_add(&c->kept, key);
    return true;
}

static int grow(struct count *c)
{
    if (c->n < c->cap)
        return HY_OK;
    size_t cap = c->cap ? c->cap * 2 : 64;
    struct company *all = reallocarray(c->companies, cap, sizeof *all);
    if (!all)
        return HY_ENOMEM;
    c->companies = all;
    c->cap = cap;
    return HY_OK;
}

/* SIZE_MAX in *ret: there is no more room for another. */
static int place_of(struct count *c, json_t *name, size_t *ret)
{
    json_t *known = json_object_get(c->places, json_string_value(name));
    if (known || c->n == HY_VISITORS_FOUND_MAX) {
        c->is_cut |= !known;
        *ret = known ? (size_t)json_integer_value(known) : SIZE_MAX;
        return HY_OK;
    }
    int err = grow(c);
    if (err == HY_OK && json_object_set_new(c->places, json_string_value(name),
                                            json_integer((json_int_t)c->n)) != 0)
        err = HY_ENOMEM;
    if (err != HY_OK)
        return err;
    c->companies[c->n] = (struct company){.name = json_incref(name)};
    *ret = c->n++;
    return HY_OK;
}

static void note(struct count *c, size_t at, const json_t *meta, const struct hy_activity *a)
{
    struct company *x = &c->companies[at];
    json_t *domain = json_object_get(meta, "company_domain");
    if (!x->domain && json_is_string(domain))
        x->domain = json_incref(domain);
    if (x->first == 0 || a->at < x->first)
        x->first = a->at;
    if (a->at > x->last)
        x->last = a->at;
    x->pages += a->kind == HY_ACTIVITY_PAGE_VIEW;
    x->visitors += is_new(c, at, 'v', a->visitor, 0);
    x->visits += is_new(c, at, 'd', a->visitor, a->at / DAY_MS);
    if (a->lead && is_new(c, at, 'l', a->lead, 0)) {
        if (x->n_leads < HY_VISITORS_LEADS_MAX)
            x->leads[x->n_leads] = a->lead;
        x->n_leads++;
    }
}

static int look(struct count *c, const struct hy_activity *a)
{
    size_t at = SIZE_MAX;
    if (!a->visitor || a->meta.n == 0)
        return HY_OK;
    json_t *meta = json_loadb(a->meta.p, a->meta.n, 0, NULL);
    json_t *name = json_object_get(meta, "company");
    int err = json_is_string(name) ? place_of(c, name, &at) : HY_OK;
    if (err == HY_OK && at != SIZE_MAX)
        note(c, at, meta, a);
    json_decref(meta);
    return err;
}

/* A slice; *at moves behind what was read. HY_ENOTFOUND: that was the last. */
static int walk(struct count *c, struct hy_txn *t, hy_id *at, uint64_t *looked)
{
    struct hy_activity a;
    int err = HY_OK;
    for (unsigned i = 0; i < STEP && err == HY_OK; i++) {
        err = hy_activity_next(t, *at, &a, NULL);
        if (err != HY_OK)
            break;
        *at = a.id;
        ++*looked;
        err = look(c, &a);
    }
    return err;
}

static int count_all(struct count *c, struct hy_env *env)
{
    hy_wall_ms now = hy_clock_wall_ms(), since = c->ask->since > 0 ? c->ask->since : 0;
    hy_id at = hy_id_floor(since < now ? since : now); /* an id has no room for the far future */
    uint64_t looked = 0;
    struct hy_txn t = {0};
    int err = hy_txn_read(env, &t);
    while (err == HY_OK) {
        err = walk(c, &t, &at, &looked);
        hy_txn_park(&t);
        if (err == HY_OK && c->ask->is_cancelled && c->ask->is_cancelled(c->ask->ctx))
            err = HY_ECANCELED;
        if (err == HY_OK && looked >= HY_VISITORS_LOOKED_MAX) {
            c->is_cut = true;
            break;
        }
        if (err == HY_OK)
            err = hy_txn_renew(&t);
    }
    hy_txn_end(&t);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int by_last(const void *a, const void *b)
{
    const struct company *x = a, *y = b;
    return (x->last < y->last) - (x->last > y->last);
}

static void put_lead(struct hy_txn *t, hy_lead_no no, json_t *out)
{
    struct hy_str address;
    hy_domain_no domain;
    if (hy_lead_address(t, no, &address, &domain) != HY_OK)
        return; /* erased meanwhile */
    json_t *lead = json_pack("{s:I}", "lead", (json_int_t)no);
    if (address.n)
        json_object_set_new(lead, "email", json_stringn(address.p, address.n));
    json_array_append_new(out, lead);
}

static json_t *company_json(struct hy_txn *t, const struct company *x)
{
    char first[32], last[32];
    json_t *leads = json_array();
    for (size_t i = 0; i < x->n_leads && i < HY_VISITORS_LEADS_MAX; i++)
        put_lead(t, x->leads[i], leads);
    return json_pack("{s:O,s:O*,s:I,s:I,s:I,s:s,s:s,s:I,s:o}", "company", x->name, "domain",
                     x->domain, "pages", (json_int_t)x->pages, "visits", (json_int_t)x->visits,
                     "visitors", (json_int_t)x->visitors, "first", hy_wall_format(x->first, first),
                     "last", hy_wall_format(x->last, last), "known", (json_int_t)x->n_leads,
                     "leads", leads);
}

static int put_all(struct count *c, struct hy_env *env, json_t *o)
{
    struct hy_txn t = {0};
    json_t *all = json_array();
    int err = hy_txn_read(env, &t);
    if (c->n)
        qsort(c->companies, c->n, sizeof *c->companies, by_last);
    for (size_t i = 0; i < c->n && i < c->ask->limit && err == HY_OK; i++)
        if (json_array_append_new(all, company_json(&t, &c->companies[i])) != 0)
            err = HY_ENOMEM;
    hy_txn_end(&t);
    json_object_set_new(o, "companies", all);
    json_object_set_new(o, "found", json_integer((json_int_t)c->n));
    json_object_set_new(o, "complete", json_boolean(!c->is_cut));
    return err;
}

int hy_visitors_json(struct hy_env *env, const struct hy_visitors_ask *ask, json_t *o)
{
    struct count c = {.ask = ask, .places = json_object()};
    int err = c.places ? hy_tally_init(&c.kept, HY_VISITORS_KEPT_MAX) : HY_ENOMEM;
    if (err == HY_OK)
        err = count_all(&c, env);
    if (err == HY_OK)
        err = put_all(&c, env, o);
    count_free(&c);
    return err;
}
