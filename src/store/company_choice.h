/* The company of a lead whose record is being written: from its attribute, or from the domain of
 * its address. */
#pragma once
#include "company_priv.h"

struct company_choice {
    hy_attr_no attr;
    bool has_attr;    /* it has a number: some lead has, or had, it */
    bool is_meant;    /* the lead belongs to `no` from now on */
    hy_company_no no; /* 0: to none */
    char room[HY_COMPANY_NAME_MAX];
};

/* Once for a transaction, before the others. */
HY_MUST_USE int hy_company_choice_begin(struct hy_txn *t, struct company_choice *c);
/* Writes the attribute as the company that has that name is written, when there is one. */
HY_MUST_USE int hy_company_choice_spell(struct hy_txn *t, struct company_choice *c,
                                        struct attr_set *attrs);
/* `after` is about to be stored in place of `before` (NULL: of a new lead): the attribute in it
 * becomes the company's name, which is made when there is none; without one, and none before, it
 * becomes that of `by_domain` (0: none). */
HY_MUST_USE int hy_company_choose(struct hy_txn *t, struct company_choice *c,
                                  const struct attr_set *before, struct attr_set *after,
                                  hy_company_no by_domain);
/* Once the record is stored. */
static inline int hy_company_chosen(struct hy_txn *t, const struct company_choice *c,
                                    hy_lead_no lead)
{
    return c->is_meant ? hy_company_follow(t, lead, c->no) : 0;
}
/* Whether some company has a domain. */
HY_MUST_USE int hy_company_any_domain(struct hy_txn *t, bool *ret);
