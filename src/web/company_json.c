/* Companies as JSON. */
#include "call.h"
#include "hayauma/store/score.h"
#include "hayauma/web/companies.h"
#include "leads.h"

static json_t *texts(const struct hy_str *a, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, web_text_json(a[i]));
    return list;
}

static int attributes(struct hy_txn *t, const struct hy_company_record *c, json_t *o)
{
    for (size_t i = 0; i < c->n_attrs; i++) {
        struct hy_str name;
        int err = hy_attr_name(t, c->attrs[i].no, &name);
        if (err)
            return err == HY_ENOTFOUND ? HY_ECORRUPT : err;
        if (json_object_setn_new(o, name.p, name.n, web_text_json(c->attrs[i].value)) != 0)
            return HY_ENOMEM;
    }
    return 0;
}

static int record_json(struct hy_txn *t, const struct hy_company_record *c, json_t **ret)
{
    char created[32], changed[32];
    int64_t milli = 0;
    uint64_t n = 0;
    json_t *attrs = json_object();
    int err = attributes(t, c, attrs);
    if (!err)
        err = hy_lead_set_count(t, hy_company_members(c->no), &n);
    if (!err)
        err = hy_company_score(t, c->no, hy_clock_wall_ms(), &milli);
    json_t *o = json_pack("{s:f, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:s, s:s}", "score",
                          (double)milli / 1000, "company", (json_int_t)c->no, "name",
                          web_text_json(c->name), "aliases", texts(c->aliases, c->n_aliases),
                          "domains", texts(c->domains, c->n_domains), "ids",
                          texts(c->ids, c->n_ids), "attributes", attrs, "leads", (json_int_t)n,
                          "created", hy_wall_format(hy_id_time(c->created), created), "changed",
                          hy_wall_format(c->changed, changed));
    if (err || !o) {
        json_decref(o);
        return err ? err : HY_ENOMEM;
    }
    *ret = o;
    return 0;
}

int hy_company_json(struct hy_txn *t, hy_company_no no, json_t **ret)
{
    struct hy_company_record c;
    int err = hy_company_read(t, no, &c);
    return err ? err : record_json(t, &c, ret);
}

/* ---- pages ---- */

/* Whether it has the text in a name, compared as names are, or in a domain. */
static bool is_meant(const struct hy_company_record *c, struct hy_str part)
{
    char key[HY_COMPANY_KEY_MAX];
    size_t n = 0;
    if (part.n == 0)
        return true;
    for (size_t i = 0; i <= c->n_aliases; i++) {
        struct hy_str name = i ? c->aliases[i - 1] : c->name;
        if (hy_company_fold(name, key, &n) == 0 &&
            hy_str_find_str(hy_str_make(key, n), part, 0) != SIZE_MAX)
            return true;
    }
    for (size_t i = 0; i < c->n_domains; i++)
        if (hy_str_find_str(c->domains[i], part, 0) != SIZE_MAX)
            return true;
    return false;
}

int hy_companies_json(struct hy_txn *t, const struct hy_company_search *s, json_t **ret)
{
    struct hy_company_record c = {.no = s->after};
    char part[HY_COMPANY_KEY_MAX];
    size_t n = 0, walked = 0;
    json_t *list = json_array(), *o;
    int err = s->text.n && hy_company_fold(s->text, part, &n) != 0 ? HY_EINVAL : 0;
    while (!err && json_array_size(list) < s->limit && walked < HY_COMPANY_WALKED_MAX) {
        err = hy_company_next(t, c.no, &c);
        walked++;
        if (err || !is_meant(&c, hy_str_make(part, n)))
            continue;
        err = record_json(t, &c, &o);
        if (!err)
            json_array_append_new(list, o);
    }
    if (err && err != HY_ENOTFOUND) {
        json_decref(list);
        return err;
    }
    *ret =
        json_pack("{s:o, s:o}", "companies", list, "after", err ? json_null() : json_integer(c.no));
    return *ret ? 0 : HY_ENOMEM;
}

static int set_score(struct hy_txn *t, hy_lead_no lead, hy_wall_ms now, json_t *o)
{
    struct hy_score_sum sums[HY_SCORE_SUMS_MAX];
    size_t n = 0;
    int err = hy_score_sums(t, lead, HY_STR(""), sums, &n);
    if (!err)
        json_object_set_new(o, "score",
                            json_real((double)hy_score_total_milli(sums, n, now) / 1000));
    return err;
}

static int add_lead(struct hy_txn *t, hy_lead_no lead, hy_wall_ms now, json_t *list)
{
    json_t *o = NULL;
    int err = lead_json_short(t, lead, &o);
    if (!err)
        err = set_score(t, lead, now, o);
    if (err)
        json_decref(o);
    else
        json_array_append_new(list, o);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_company_leads_json(struct hy_txn *t, hy_company_no no, hy_lead_no after, size_t limit,
                          hy_wall_ms now, json_t **ret)
{
    hy_lead_no leads[HY_COMPANY_PAGE_MAX];
    json_t *list = json_array();
    size_t n = 0;
    limit = limit < HY_COMPANY_PAGE_MAX ? limit : HY_COMPANY_PAGE_MAX;
    int err = hy_lead_set_next(t, hy_company_members(no), after, leads, limit, &n);
    for (size_t i = 0; i < n && !err; i++)
        err = add_lead(t, leads[i], now, list);
    if (err) {
        json_decref(list);
        return err;
    }
    *ret = json_pack("{s:o, s:o}", "leads", list, "after",
                     n && n == limit ? json_integer(leads[n - 1]) : json_null());
    return *ret ? 0 : HY_ENOMEM;
}
