/* What is known of a lead's open cart and of its orders. */
#include "facts_priv.h"
#include "hayauma/store/cart.h"

static int64_t pieces_of(const struct hy_cart *c)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    int64_t sum = 0;
    if (hy_cart_items(c, items) != 0)
        return 0;
    for (size_t i = 0; i < c->n_items; i++)
        if (items[i].quantity_milli <= HY_PURCHASE_AMOUNT_MAX - sum)
            sum += items[i].quantity_milli;
    return sum;
}

static int keep_newest(void *ctx, const struct hy_cart *c)
{
    struct fact_shop *s = ctx;
    if (c->state != HY_CART_OPEN || (s->has_cart && c->changed < s->changed))
        return 0;
    s->has_cart = true;
    s->value_milli = c->amount_milli;
    s->pieces_milli = pieces_of(c);
    s->opened = c->opened;
    s->changed = c->changed;
    return 0;
}

bool fact_shop_is_cart(enum hy_segment_given g)
{
    return g >= HY_SEGMENT_CART_VALUE && g <= HY_SEGMENT_CART_CHANGED;
}

int fact_shop_read(struct hy_txn *t, hy_lead_no lead, enum hy_segment_given g, struct fact_shop *s)
{
    bool *is_read = fact_shop_is_cart(g) ? &s->is_cart_read : &s->is_customer_read;
    if (*is_read)
        return HY_OK;
    *is_read = true;
    s->has_cart = fact_shop_is_cart(g) ? false : s->has_cart;
    return fact_shop_is_cart(g) ? hy_cart_each(t, lead, keep_newest, s)
                                : hy_customer_read(t, lead, &s->customer);
}

/* In the currency of most of its orders. */
static int64_t total(const struct hy_customer *c)
{
    size_t most = 0;
    for (size_t i = 1; i < c->n_sums; i++)
        if (c->sums[i].orders > c->sums[most].orders)
            most = i;
    return c->n_sums ? c->sums[most].amount_milli : 0;
}

static struct hy_str number(int64_t milli, char room[FACT_ROOM])
{
    return milli < 0 ? HY_STR("") : hy_str_of(hy_decimal_text(milli, room));
}

static struct hy_str moment(hy_wall_ms at, char room[FACT_ROOM])
{
    return at ? hy_str_of(hy_wall_format(at, room)) : HY_STR("");
}

static struct hy_str of_cart(const struct fact_shop *s, enum hy_segment_given g,
                             char room[FACT_ROOM])
{
    if (!s->has_cart)
        return HY_STR("");
    switch (g) {
    case HY_SEGMENT_CART_VALUE:
        return number(s->value_milli, room);
    case HY_SEGMENT_CART_PIECES:
        return number(s->pieces_milli, room);
    case HY_SEGMENT_CART_OPENED:
        return moment(s->opened, room);
    default:
        return moment(s->changed, room);
    }
}

struct hy_str fact_shop_value(const struct fact_shop *s, enum hy_segment_given g,
                              char room[FACT_ROOM])
{
    switch (g) {
    case HY_SEGMENT_ORDERS_COUNT:
        return number((int64_t)s->customer.orders * 1000, room);
    case HY_SEGMENT_ORDERS_TOTAL:
        return number(total(&s->customer), room);
    case HY_SEGMENT_ORDERS_FIRST:
        return moment(s->customer.first, room);
    case HY_SEGMENT_ORDERS_LAST:
        return moment(s->customer.last, room);
    default:
        return of_cart(s, g, room);
    }
}

const struct fact_shop fact_shop_none = {.is_cart_read = true, .is_customer_read = true};
