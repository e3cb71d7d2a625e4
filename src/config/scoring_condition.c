/* Conditions of scoring rules: which may be asked, and what tells one rule from another. */
#include "hayauma/base/hash.h"
#include "scoring_priv.h"

enum { PRINT_MAX = 1 << 20 };

static bool is_each(const struct hy_segment_node *n)
{
    return n->kind == HY_SEGMENT_DID && n->op == HY_SEGMENT_GE && n->count == 1 && !n->within_s &&
           !n->since.text.n && !n->before.text.n;
}

/* What is true of a lead must change with the lead, for it is looked at then: not with the time,
 * nor with other scores. NULL: all of it does. */
static const char *unsteady(const struct hy_segment_node *n)
{
    const char *why = NULL;
    for (size_t i = 0; i < n->n_items && !why; i++)
        why = unsteady(n->items[i]);
    if (n->kind == HY_SEGMENT_MEMBER && n->group == HY_SEGMENT_SEGMENT)
        return "when: cannot ask for a segment";
    if (n->kind == HY_SEGMENT_DID)
        return "when: cannot ask for what the lead did: a rule with 'on' gives points for that";
    if (n->kind != HY_SEGMENT_COMPARE)
        return why;
    if (n->op == HY_SEGMENT_WITHIN || n->op == HY_SEGMENT_OLDER)
        return "when: cannot ask for a time that passes";
    if (hy_str_eq(n->name, HY_STR("score")) || hy_str_starts(n->name, HY_STR("score.")))
        return "when: cannot ask for the score itself";
    if (hy_segment_given_of(n->name) >= HY_SEGMENT_COMPANY_SCORE)
        return "when: cannot ask for the company's record";
    if (hy_segment_given_of(n->name) != HY_SEGMENT_GIVEN_NONE)
        return "when: cannot ask for carts and orders: a rule with 'on' gives points for those";
    return NULL;
}

/* Deliveries and refusals are no activities of the lead. */
static bool is_of_mail(const struct hy_segment_node *n)
{
    return n->did == HY_ACTIVITY_DELIVERED || n->did == HY_ACTIVITY_BOUNCED;
}

const char *scoring_condition_fault(const struct hy_segment_node *n, bool is_on)
{
    if (!is_on)
        return unsteady(n);
    if (!is_each(n))
        return "on: must be one activity without a time or a number, such as "
               "clicked(url: \"*pricing*\")";
    if (!is_of_mail(n))
        return NULL;
    return n->did == HY_ACTIVITY_BOUNCED
               ? "on: points are for what leads do, not for bounces"
               : "on: points are for what leads do, not for mail they received";
}

int scoring_make_print(struct hy_str group, struct hy_score_rule *r)
{
    struct hy_buf text = HY_BUF_INIT(PRINT_MAX);
    hy_segment_put(&text, r->on ? r->on : r->when);
    hy_buf_printf(&text, "\n%d %d %d %d %u %u %.*s", r->on != NULL, r->points, r->is_first_only,
                  r->most, r->most_per_s, r->half_life_s, HY_STR_ARG(group));
    struct hy_str all = hy_buf_str(&text);
    static const struct hy_hash_key key;
    r->print = (uint32_t)hy_siphash(&key, all.p, all.n);
    int err = text.err;
    hy_buf_free(&text);
    return err;
}
