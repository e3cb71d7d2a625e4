/* Names in a segment that nothing in the store has, and what may have been meant. */
#include "hayauma/react/segment_unknown.h"

#include <stdio.h>

#include "facts_priv.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/lead.h"
#include "segment_plan.h"

enum { NEAR_LOOKS = 2000 }; /* names that are compared; the rest is left out */

const char *hy_segment_unknown_text(enum hy_segment_unknown_what what)
{
    static const char *const texts[] = {
        [HY_SEGMENT_UNKNOWN_ATTRIBUTE] = "attribute",
        [HY_SEGMENT_UNKNOWN_SCORE] = "score",
        [HY_SEGMENT_UNKNOWN_TAG] = "tag",
        [HY_SEGMENT_UNKNOWN_GROUP] = "group",
        [HY_SEGMENT_UNKNOWN_CAMPAIGN] = "campaign",
    };
    return texts[what];
}

struct search {
    struct hy_txn *t;
    const struct hy_score_plan *plan;
    struct hy_segment_unknown *all;
    size_t n;
};

/* ---- what is near ---- */

/* Offers a name; the nearest so far stays. */
static void offer(struct hy_segment_unknown *u, struct hy_str name)
{
    char text[HY_SEGMENT_NEAR_MAX + 1];
    if (name.n == 0 || name.n > HY_SEGMENT_NEAR_MAX)
        return;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    const char *const both[] = {u->near, text};
    const char *best = hy_str_nearest(u->name, both, 2);
    if (best == text)
        memcpy(u->near, text, name.n + 1);
}

static void offer_prefixed(struct hy_segment_unknown *u, const char *prefix, struct hy_str name)
{
    char text[HY_SEGMENT_NEAR_MAX + 1];
    int n = snprintf(text, sizeof text, "%s%.*s", prefix, HY_STR_ARG(name));
    if (n > 0 && (size_t)n < sizeof text)
        offer(u, hy_str_make(text, (size_t)n));
}

/* Companies have attributes of the same names. */
static int offer_attributes(struct hy_txn *t, struct hy_segment_unknown *u)
{
    static const char *const own[] = {"created", "email",         "email_domain", "mail_status",
                                      "score",   "company.score", "company.name", "company.domain"};
    const char *prefix = fact_name_of(u->name) == FACT_COMPANY ? "company." : "";
    size_t n = 0;
    int err = hy_attr_count(t, &n);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        offer(u, hy_str_of(own[i]));
    for (size_t i = 0; i < n && i < NEAR_LOOKS && !err; i++) {
        struct hy_str name;
        err = hy_attr_name(t, (hy_attr_no)i, &name);
        if (!err)
            offer_prefixed(u, prefix, name);
    }
    return err;
}

static void offer_groups(const struct hy_score_plan *plan, struct hy_segment_unknown *u)
{
    offer(u, HY_STR("score"));
    for (size_t i = 0; plan && i < plan->n_groups; i++)
        offer_prefixed(u, "score.", plan->groups[i].name);
}

static int offer_labels(struct hy_txn *t, enum hy_label_kind kind, struct hy_segment_unknown *u)
{
    struct hy_label l = {0};
    int err = HY_OK;
    for (unsigned n = 0; n < NEAR_LOOKS && !err; n++) {
        err = hy_label_next(t, kind, l.no, &l);
        if (!err)
            offer(u, l.name);
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int offer_campaigns(struct hy_txn *t, struct hy_segment_unknown *u)
{
    struct hy_campaign c = {0};
    int err = HY_OK;
    for (unsigned n = 0; n < NEAR_LOOKS && !err; n++) {
        err = hy_campaign_next(t, c.id, &c);
        if (!err)
            offer(u, c.name);
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int find_near(const struct search *s, struct hy_segment_unknown *u)
{
    switch (u->what) {
    case HY_SEGMENT_UNKNOWN_ATTRIBUTE:
        return offer_attributes(s->t, u);
    case HY_SEGMENT_UNKNOWN_SCORE:
        if (s->plan)
            offer_groups(s->plan, u);
        return HY_OK;
    case HY_SEGMENT_UNKNOWN_TAG:
        return offer_labels(s->t, HY_LABEL_TAG, u);
    case HY_SEGMENT_UNKNOWN_GROUP:
        return offer_labels(s->t, HY_LABEL_GROUP, u);
    case HY_SEGMENT_UNKNOWN_CAMPAIGN:
        return offer_campaigns(s->t, u);
    }
    return HY_OK;
}

/* ---- what there is ---- */

static int note(struct search *s, enum hy_segment_unknown_what what, struct hy_str name)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->all[i].what == what && hy_str_eq(s->all[i].name, name))
            return HY_OK;
    if (s->n == HY_SEGMENT_UNKNOWN_MAX)
        return HY_OK;
    struct hy_segment_unknown *u = &s->all[s->n++];
    *u = (struct hy_segment_unknown){.what = what, .name = name};
    return find_near(s, u);
}

/* An attribute of the name of a score is one, where there are no rules for points. */
static int look_attribute(struct search *s, struct hy_str name)
{
    enum fact_name is = fact_name_of(name);
    struct hy_str group;
    hy_attr_no no;
    if (is == FACT_SCORE && fact_is_score(s->plan, name, &group))
        return HY_OK;
    bool is_companys = hy_segment_given_of(name) == HY_SEGMENT_COMPANY_ATTRIBUTE;
    if (is != FACT_NONE && is != FACT_SCORE && !is_companys)
        return HY_OK;
    int err = hy_attr_find(s->t, is_companys ? hy_segment_company_attribute(name) : name, &no);
    if (err != HY_ENOTFOUND)
        return err;
    return note(s, is == FACT_SCORE ? HY_SEGMENT_UNKNOWN_SCORE : HY_SEGMENT_UNKNOWN_ATTRIBUTE,
                name);
}

static int look_member(struct search *s, const struct hy_segment_node *leaf)
{
    bool is_tag = leaf->group == HY_SEGMENT_TAG;
    hy_label_no no;
    if (!is_tag && leaf->group != HY_SEGMENT_GROUP)
        return HY_OK; /* lists and segments must be there */
    int err = hy_label_find(s->t, is_tag ? HY_LABEL_TAG : HY_LABEL_GROUP, leaf->name, &no);
    if (err != HY_ENOTFOUND)
        return err;
    return note(s, is_tag ? HY_SEGMENT_UNKNOWN_TAG : HY_SEGMENT_UNKNOWN_GROUP, leaf->name);
}

/* Filters do not mind the case of letters. */
static int has_campaign(struct hy_txn *t, struct hy_str name, bool *ret)
{
    struct hy_campaign c = {0};
    int err = HY_OK;
    *ret = false;
    while (!*ret && (err = hy_campaign_next(t, c.id, &c)) == HY_OK)
        *ret = hy_str_ieq(c.name, name);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int look_deed(struct search *s, const struct hy_segment_node *leaf)
{
    int err = HY_OK;
    for (size_t i = 0; i < leaf->n_filters && !err; i++) {
        const struct hy_segment_filter *f = &leaf->filters[i];
        bool has = false;
        if (!hy_str_ieq(f->key, HY_STR("campaign")) || f->op != HY_SEGMENT_EQ ||
            f->value.kind != HY_SEGMENT_TEXT || hy_str_find(f->value.text, '*', 0) != SIZE_MAX)
            continue;
        err = has_campaign(s->t, f->value.text, &has);
        if (!err && !has)
            err = note(s, HY_SEGMENT_UNKNOWN_CAMPAIGN, f->value.text);
    }
    return err;
}

static int look(void *ctx, const struct hy_segment_node *leaf)
{
    struct search *s = ctx;
    switch (leaf->kind) {
    case HY_SEGMENT_COMPARE:
        return look_attribute(s, leaf->name);
    case HY_SEGMENT_MEMBER:
        return look_member(s, leaf);
    case HY_SEGMENT_DID:
        return look_deed(s, leaf);
    default:
        return HY_OK;
    }
}

int hy_segment_unknown(struct hy_txn *t, const struct hy_segment_node *tree,
                       const struct hy_score_plan *plan,
                       struct hy_segment_unknown ret[HY_SEGMENT_UNKNOWN_MAX], size_t *ret_n)
{
    struct search s = {.t = t, .plan = plan, .all = ret};
    int err = segment_leaves(tree, look, &s);
    if (!err)
        *ret_n = s.n;
    return err;
}
