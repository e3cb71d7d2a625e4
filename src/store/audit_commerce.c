/* The audit of orders, carts and products: each record can be read; orders and carts are found
 * where the lead, and of an open cart its time, say; and no entry leads nowhere. */
#include <inttypes.h>

#include "audit_priv.h"
#include "hayauma/store/cart.h"
#include "hayauma/store/product.h"

struct counting {
    struct audit *a;
    uint64_t linked, wanted; /* entries that are there, and that there should be */
};

/* Damage is told, and what stands behind it is looked at all the same. */
static bool is_bad(struct counting *n, int err)
{
    if (n->a->t.err == HY_ECORRUPT || n->a->t.err == HY_EVERSION)
        n->a->t.err = 0;
    return err != 0;
}

static void check_order(struct counting *n, struct hy_str id)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    struct hy_purchase p;
    if (is_bad(n, hy_purchase_get(&n->a->t, id, &p)) || hy_purchase_items(&p, items) != 0)
        hy_audit_problem(n->a, "the order %.*s cannot be read", HY_STR_ARG(id));
    else
        n->wanted += p.lead ? 1u : 0u;
}

static void check_order_entry(struct counting *n, struct hy_str key)
{
    struct hy_purchase p;
    struct hy_str id = hy_str_slice(key, 13, key.n);
    n->linked++;
    if (is_bad(n, hy_purchase_get(&n->a->t, id, &p)) || p.lead != hy_get_be32(key.p + 1) ||
        (uint64_t)p.placed != hy_get_be64(key.p + 5))
        hy_audit_problem(n->a, "lead %" PRIu32 " has the order %.*s, which is not so",
                         hy_get_be32(key.p + 1), HY_STR_ARG(id));
}

static void check_cart(struct counting *n, struct hy_str id)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    struct hy_cart c;
    if (is_bad(n, hy_cart_get(&n->a->t, id, &c)) || hy_cart_items(&c, items) != 0)
        hy_audit_problem(n->a, "the cart %.*s cannot be read", HY_STR_ARG(id));
    else
        n->wanted += (c.lead ? 1u : 0u) + (c.state == HY_CART_OPEN ? 1u : 0u);
}

static void check_cart_entry(struct counting *n, struct hy_str key)
{
    struct hy_cart c;
    bool is_time = key.p[0] == 't';
    struct hy_str id = hy_str_slice(key, is_time ? 9 : 5, key.n);
    bool is_so = !is_bad(n, hy_cart_get(&n->a->t, id, &c));
    n->linked++;
    if (is_so && is_time)
        is_so = c.state == HY_CART_OPEN && (uint64_t)c.changed == hy_get_be64(key.p + 1);
    else if (is_so)
        is_so = c.lead == hy_get_be32(key.p + 1);
    if (!is_so)
        hy_audit_problem(n->a, "the cart %.*s stands where it does not belong", HY_STR_ARG(id));
}

static int check_table(struct audit *a, enum hy_table table, const char *what,
                       void (*check)(struct counting *n, struct hy_str key))
{
    struct counting n = {.a = a};
    struct hy_cursor c;
    int err = hy_cursor_open(&a->t, table, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c))
        check(&n, c.key);
    hy_cursor_close(&c);
    if (n.linked != n.wanted)
        hy_audit_problem(a, "%s have %" PRIu64 " entries by lead and time, %" PRIu64 " are wanted",
                         what, n.linked, n.wanted);
    return err == HY_ENOTFOUND ? 0 : err;
}

static void check_commerce_row(struct counting *n, struct hy_str key)
{
    if (key.p[0] == 'o')
        check_order(n, hy_str_slice(key, 1, key.n));
    else if (key.p[0] == 'l' && key.n > 13)
        check_order_entry(n, key);
    else
        hy_audit_problem(n->a, "the table of orders has a record that is none");
}

static void check_cart_row(struct counting *n, struct hy_str key)
{
    if (key.p[0] == 'c')
        check_cart(n, hy_str_slice(key, 1, key.n));
    else if ((key.p[0] == 'l' && key.n > 5) || (key.p[0] == 't' && key.n > 9))
        check_cart_entry(n, key);
    else
        hy_audit_problem(n->a, "the table of carts has a record that is none");
}

static void check_product_row(struct counting *n, struct hy_str key)
{
    struct hy_product p;
    if (is_bad(n, hy_product_get(&n->a->t, key, &p)))
        hy_audit_problem(n->a, "the product %.*s cannot be read", HY_STR_ARG(key));
}

int hy_audit_commerce(struct audit *a)
{
    int err = check_table(a, HY_TABLE_COMMERCE, "orders", check_commerce_row);
    if (!err)
        err = check_table(a, HY_TABLE_CARTS, "carts", check_cart_row);
    return err ? err : check_table(a, HY_TABLE_PRODUCTS, "products", check_product_row);
}
