/* Conditions on companies: each company is asked once, for all its members; leads of none are told
 * by no value. */
#include "search.h"

static bool is_of_company(const struct search_leaf *l)
{
    return l->node->kind == HY_SEGMENT_COMPARE && l->fact == FACT_COMPANY;
}

static struct hy_str more(void *ctx)
{
    return fact_company_more(ctx);
}

/* All its members are looked at again then. */
static int due_members(struct search *s, const roaring_bitmap_t *members, hy_wall_ms at)
{
    roaring_uint32_iterator_t i;
    int err = HY_OK;
    roaring_init_iterator(members, &i);
    for (; i.has_value && !err; roaring_advance_uint32_iterator(&i))
        err = search_due(s, i.current_value, at);
    return err;
}

static int look_leaf(struct search *s, struct search_leaf *l, struct fact_company *c,
                     roaring_bitmap_t **members)
{
    const struct hy_segment_facts ask = {
        .ctx = c, .more = more, .now = s->o->now, .zone = s->o->facts.zone};
    struct hy_str value;
    int err = fact_company_value(s->t, c, l->node->name, s->o->now, &value);
    if (err)
        return err;
    hy_wall_ms changes = s->o->wants_due
                             ? hy_segment_age_changes(l->node, value, s->o->now, s->o->facts.zone)
                             : INT64_MAX;
    bool is_flipped = hy_segment_compares_all(l->node, value, &ask) != l->rest;
    if (!is_flipped && changes == INT64_MAX)
        return HY_OK;
    if (!*members)
        err = hy_lead_set_load(s->t, hy_company_members(c->no), members);
    if (!err && is_flipped)
        roaring_bitmap_or_inplace(l->set, *members);
    return err || changes == INT64_MAX ? err : due_members(s, *members, changes);
}

static int look(struct search *s, struct fact_company *c)
{
    roaring_bitmap_t *members = NULL;
    int err = HY_OK;
    for (size_t i = 0; i < s->n && !err; i++)
        if (is_of_company(&s->leaves[i]))
            err = look_leaf(s, &s->leaves[i], c, &members);
    if (members)
        roaring_bitmap_free(members);
    return err ? err : search_step(s);
}

static bool plan(struct search *s)
{
    bool is_any = false;
    for (size_t i = 0; i < s->n; i++)
        if (is_of_company(&s->leaves[i])) {
            s->leaves[i].rest = search_says(s, &s->leaves[i], HY_STR(""));
            is_any = true;
        }
    return is_any;
}

int search_companies(struct search *s)
{
    struct fact_company c = {.no = 0};
    struct hy_company_record r = {.no = 0};
    int err = HY_OK;
    if (!plan(s))
        return HY_OK;
    while (!err && (err = hy_company_next(s->t, r.no, &r)) == HY_OK) {
        err = fact_company_read(s->t, r.no, &c);
        if (!err)
            err = look(s, &c);
    }
    fact_company_free(&c);
    return err == HY_ENOTFOUND ? HY_OK : err;
}
