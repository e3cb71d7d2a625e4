/* The companies of a crowd: what is asked of them, and what happens to them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "crowd.h"
#include "hayauma/store/company.h"

enum { FIRMS = 12 };
static const char *const industries[] = {"IT", "Retail", "Food"};

static unsigned below(struct hy_rng *r, unsigned n)
{
    return (unsigned)hy_rng_below(r, n);
}

int crowd_company_leaf(struct hy_rng *r, const char *time, char *out, size_t n)
{
    switch (below(r, 6)) {
    case 0:
    case 1:
        return snprintf(out, n, "company.score %s %u", below(r, 2) ? ">=" : "<", below(r, 300));
    case 2:
        return snprintf(out, n, "company.industry %s \"%s\"",
                        below(r, 2) ? "=" : "!=", industries[below(r, 3)]);
    case 3:
        return snprintf(out, n, "company.founded %s %s", below(r, 2) ? "within" : "older than",
                        time);
    case 4:
        return snprintf(out, n, "company.domain %s \"f%u.test\"",
                        below(r, 2) ? "=" : "!=", below(r, FIRMS));
    default:
        return snprintf(out, n, "company.name %s", below(r, 2) ? "contains \"new\"" : "is not set");
    }
}

const char *crowd_firm(struct hy_rng *r, char out[16])
{
    snprintf(out, 16, below(r, 6) ? "Firm %u" : "", below(r, FIRMS));
    return out;
}

static void change(struct crowd *c, struct hy_txn *t, hy_company_no no, unsigned firm)
{
    char name[16], domain[16], founded[32];
    struct hy_diag diag = {0};
    snprintf(name, sizeof name, "Firm %u%s", firm, below(&c->rng, 2) ? " new" : "");
    snprintf(domain, sizeof domain, "f%u.test", below(&c->rng, FIRMS));
    hy_wall_format(c->now - (hy_wall_ms)hy_rng_below(&c->rng, 10 * 86400000u), founded);
    const struct hy_lead_edit_attr attrs[] = {
        {HY_STR("industry"),
         below(&c->rng, 4) ? hy_str_of(industries[below(&c->rng, 3)]) : HY_STR("")},
        {HY_STR("founded"), hy_str_of(founded)}};
    const struct hy_company_part part = {HY_COMPANY_DOMAIN, below(&c->rng, 3) == 0,
                                         hy_str_of(domain)};
    struct hy_company_edit e = {.no = no,
                                .name = below(&c->rng, 3) ? HY_STR("") : hy_str_of(name),
                                .parts = &part,
                                .attrs = attrs,
                                .n_parts = below(&c->rng, 2),
                                .n_attrs = below(&c->rng, 3)};
    struct hy_company_edit_result done;
    int err = hy_company_edit(t, &e, &done, &diag);
    cr_assert(!err || err == HY_EEXIST || err == HY_EINVAL || err == HY_ENOTFOUND, "%s: %s",
              hy_err_name(err), diag.text);
}

void crowd_companies_change(struct crowd *c, struct hy_txn *t)
{
    struct hy_diag diag = {0};
    char name[16];
    hy_company_no no = 0, into = 0;
    hy_id newest = 0;
    unsigned firm = below(&c->rng, FIRMS);
    snprintf(name, sizeof name, "Firm %u", firm);
    if (hy_company_find(t, hy_str_of(name), &no) != 0)
        return;
    cr_assert_eq(hy_lead_change_newest(t, &newest), 0);
    if (below(&c->rng, 10) == 0) {
        snprintf(name, sizeof name, "Firm %u", below(&c->rng, FIRMS));
        if (below(&c->rng, 2) && hy_company_find(t, hy_str_of(name), &into) != 0)
            into = 0;
        int err = hy_company_drop(t, no, into, &diag);
        cr_assert(!err || err == HY_EINVAL || err == HY_ELIMIT, "%s", diag.text);
    } else {
        change(c, t, no, firm);
    }
    crowd_follow_changes(c, t, newest);
}

void crowd_companies_work(struct crowd *c, struct hy_txn *t)
{
    hy_id newest = 0;
    cr_assert_eq(hy_lead_change_newest(t, &newest), 0);
    cr_assert_eq(hy_company_work(t), 0);
    crowd_follow_changes(c, t, newest);
}

/* ---- points ---- */

static const struct hy_segment_node click = {
    .kind = HY_SEGMENT_DID, .op = HY_SEGMENT_GE, .did = HY_ACTIVITY_CLICK, .count = 1};
static const struct hy_segment_node form = {
    .kind = HY_SEGMENT_DID, .op = HY_SEGMENT_GE, .did = HY_ACTIVITY_FORM_POST, .count = 1};
static const struct hy_score_group groups[] = {{.name = {"engagement", 10}}};
static const struct hy_score_rule rules[] = {
    {.name = {"click", 5}, .on = &click, .points = 5, .half_life_s = 3 * 3600, .print = 1},
    {.name = {"form", 4}, .on = &form, .points = 3, .half_life_s = 86400, .print = 2},
};
const struct hy_score_plan crowd_plan = {
    .groups = groups, .n_groups = 1, .rules = rules, .n_rules = 2};
