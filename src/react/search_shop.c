/* Conditions on carts and orders: by those leads that have some; of all others they say what they
 * say of nothing. */
#include "hayauma/store/cart.h"
#include "hayauma/store/lead_alias.h"
#include "search.h"

static bool is_of(const struct search_leaf *l, bool is_cart)
{
    return l->node->kind == HY_SEGMENT_COMPARE && l->fact == FACT_SHOP &&
           fact_shop_is_cart(l->given) == is_cart;
}

static bool plan(struct search *s, bool is_cart)
{
    char room[FACT_ROOM];
    bool is_any = false;
    for (size_t i = 0; i < s->n; i++) {
        struct search_leaf *l = &s->leaves[i];
        if (!is_of(l, is_cart))
            continue;
        l->rest = search_says(s, l, fact_shop_value(&fact_shop_none, l->given, room));
        is_any = true;
    }
    return is_any;
}

/* What all leaves say of the lead; a part of another is asked as that. */
static int look(struct search *s, hy_lead_no lead, bool is_cart)
{
    struct fact_shop shop = {.is_cart_read = false};
    char room[FACT_ROOM];
    int err = hy_lead_kept(s->t, lead, &lead);
    for (size_t i = 0; i < s->n && !err; i++) {
        struct search_leaf *l = &s->leaves[i];
        if (!is_of(l, is_cart))
            continue;
        err = fact_shop_read(s->t, lead, l->given, &shop);
        if (!err)
            err = search_value(s, l, lead, fact_shop_value(&shop, l->given, room));
    }
    return err ? err : search_step(s);
}

static int walk_carts(struct search *s)
{
    struct hy_cart c, *after = NULL;
    int err;
    while ((err = hy_cart_next_open(s->t, after, &c)) == HY_OK) {
        after = &c;
        err = c.lead ? look(s, c.lead, true) : HY_OK;
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int walk_customers(struct search *s)
{
    hy_lead_no lead = 0;
    int err;
    while ((err = hy_customer_next(s->t, lead, &lead)) == HY_OK) {
        err = look(s, lead, false);
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int search_shop(struct search *s)
{
    int err = plan(s, true) ? walk_carts(s) : HY_OK;
    if (!err && plan(s, false))
        err = walk_customers(s);
    return err;
}
