/* The company of a lead whose record is being written. */
#include "company_choice.h"

int hy_company_choice_begin(struct hy_txn *t, struct company_choice *c)
{
    int err = hy_company_attr(t, &c->attr);
    c->has_attr = err == 0;
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_company_any_domain(struct hy_txn *t, bool *ret)
{
    static const char prefix = COMPANY_DOMAIN;
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_COMPANIES, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_str_make(&prefix, 1));
    hy_cursor_close(&c);
    if (!err || err == HY_ENOTFOUND)
        *ret = !err;
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Where the attribute is, or would be. */
static size_t place_of(const struct company_choice *c, const struct attr_set *s)
{
    size_t at = 0;
    while (at < s->n && s->a[at].no < c->attr)
        at++;
    return at;
}

static struct hy_str value_of(const struct company_choice *c, const struct attr_set *s)
{
    size_t at = place_of(c, s);
    return at < s->n && s->a[at].no == c->attr ? s->a[at].value : HY_STR("");
}

int hy_company_choice_spell(struct hy_txn *t, struct company_choice *c, struct attr_set *attrs)
{
    hy_company_no no;
    struct hy_str value = c->has_attr ? value_of(c, attrs) : HY_STR(""), name;
    if (value.n == 0)
        return 0;
    int err = hy_company_named(t, value, c->room, &no, &name);
    if (!err)
        attrs->a[place_of(c, attrs)].value = name;
    return err == HY_ENOTFOUND ? 0 : err;
}

static int join_by_domain(struct hy_txn *t, struct company_choice *c, struct attr_set *after,
                          hy_company_no by_domain)
{
    struct hy_company_record r;
    int err = after->n < HY_ATTR_MAX ? hy_company_read(t, by_domain, &r) : HY_ENOTFOUND;
    if (err)
        return err == HY_ENOTFOUND ? 0 : err;
    memcpy(c->room, r.name.p, r.name.n);
    struct hy_str name = hy_str_make(c->room, r.name.n);
    err = c->has_attr ? 0 : hy_attr_intern(t, HY_STR(HY_COMPANY_ATTRIBUTE), &c->attr);
    if (err)
        return err == HY_ELIMIT ? 0 : err; /* no room for the name of the attribute */
    c->has_attr = c->is_meant = true;
    c->no = by_domain;
    size_t at = place_of(c, after);
    memmove(after->a + at + 1, after->a + at, (after->n - at) * sizeof *after->a);
    after->a[at] = (struct hy_lead_attr){c->attr, name};
    after->n++;
    return 0;
}

int hy_company_choose(struct hy_txn *t, struct company_choice *c, const struct attr_set *before,
                      struct attr_set *after, hy_company_no by_domain)
{
    struct hy_str was = c->has_attr && before ? value_of(c, before) : HY_STR("");
    struct hy_str is = c->has_attr ? value_of(c, after) : HY_STR(""), name;
    c->is_meant = false;
    if (is.n == 0 && was.n == 0)
        return by_domain ? join_by_domain(t, c, after, by_domain) : 0;
    if (hy_str_eq(is, was))
        return 0;
    c->is_meant = true;
    c->no = 0;
    if (is.n == 0)
        return 0;
    int err = hy_company_intern(t, is, c->room, &c->no, &name);
    if (!err)
        after->a[place_of(c, after)].value = name;
    return err;
}
