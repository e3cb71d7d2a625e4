/* What is known of the company that a lead belongs to. */
#include "facts_priv.h"

void fact_company_free(struct fact_company *c)
{
    hy_buf_free(&c->text);
    c->text = (struct hy_buf){0};
}

int fact_company_read(struct hy_txn *t, hy_company_no no, struct fact_company *c)
{
    fact_company_free(c);
    c->is_read = true;
    c->no = 0;
    c->has_sums = false;
    c->next = SIZE_MAX;
    int err = no ? hy_company_copy(t, no, &c->text, &c->record) : HY_ENOTFOUND;
    if (!err)
        c->no = no;
    return err == HY_ENOTFOUND ? HY_OK : err; /* its members are on their way to another */
}

int fact_company_of(struct hy_txn *t, hy_lead_no lead, struct fact_company *c)
{
    hy_company_no no = 0;
    int err = hy_company_of(t, lead, &no);
    return err ? err : fact_company_read(t, no, c);
}

int fact_company_sums(struct hy_txn *t, struct fact_company *c)
{
    if (c->has_sums || !c->no)
        return HY_OK;
    int err = hy_company_sums(t, c->no, c->sums, &c->n_sums);
    c->has_sums = !err;
    return err;
}

static int score(struct hy_txn *t, struct fact_company *c, hy_wall_ms now, struct hy_str *ret)
{
    int err = fact_company_sums(t, c);
    if (!err)
        *ret = fact_score(hy_score_total_milli(c->sums, c->n_sums, now), c->room);
    return err;
}

static int attribute(struct hy_txn *t, const struct fact_company *c, struct hy_str name,
                     struct hy_str *ret)
{
    hy_attr_no no;
    int err = hy_attr_find(t, hy_segment_company_attribute(name), &no);
    for (size_t i = 0; i < c->record.n_attrs && !err; i++)
        if (c->record.attrs[i].no == no)
            *ret = c->record.attrs[i].value;
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int fact_company_value(struct hy_txn *t, struct fact_company *c, struct hy_str name, hy_wall_ms now,
                       struct hy_str *ret)
{
    *ret = HY_STR("");
    c->next = SIZE_MAX;
    if (!c->no)
        return HY_OK;
    switch (hy_segment_given_of(name)) {
    case HY_SEGMENT_COMPANY_SCORE:
        return score(t, c, now, ret);
    case HY_SEGMENT_COMPANY_NAME:
        *ret = c->record.name;
        return HY_OK;
    case HY_SEGMENT_COMPANY_DOMAIN:
        c->next = 0;
        *ret = fact_company_more(c);
        return HY_OK;
    default:
        return attribute(t, c, name, ret);
    }
}

struct hy_str fact_company_more(struct fact_company *c)
{
    return c->next < c->record.n_domains ? c->record.domains[c->next++] : HY_STR("");
}

hy_wall_ms fact_company_stays(struct hy_txn *t, struct fact_company *c,
                              const struct hy_segment_node *n, hy_wall_ms now)
{
    if (!c->no || hy_segment_given_of(n->name) != HY_SEGMENT_COMPANY_SCORE ||
        fact_company_sums(t, c) != HY_OK)
        return INT64_MAX;
    return fact_score_stays(n, c->sums, c->n_sums, now);
}
