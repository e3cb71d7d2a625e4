#include "hayauma/store/commerce.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "hayauma/store/cart.h"
#include "hayauma/store/erase.h"
#include "hayauma/store/merge.h"
#include "spools.h"

TestSuite(commerce, .init = case_open, .fini = case_close);

static void did(enum hy_activity_kind kind, hy_lead_no lead, hy_wall_ms at, const char *meta)
{
    struct hy_txn t;
    struct hy_activity a = {.kind = kind, .lead = lead, .at = at, .meta = hy_str_of(meta)};
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_activity_put(&t, &a), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static void order(hy_lead_no lead, hy_wall_ms at, const char *meta)
{
    did(HY_ACTIVITY_ORDER, lead, at, meta);
}

static void cart(hy_lead_no lead, hy_wall_ms at, const char *meta)
{
    did(HY_ACTIVITY_CART, lead, at, meta);
}

/* "open 1500 2000", what it is, its amount and when it changed; "" when there is none. */
static const char *cart_is(const char *id, char out[64])
{
    struct hy_txn t;
    struct hy_cart c;
    out[0] = '\0';
    cr_assert_eq(hy_txn_read(env, &t), 0);
    if (hy_cart_get(&t, hy_str_of(id), &c) == 0)
        snprintf(out, 64, "%s %lld %lld%s%.*s", hy_cart_state_name(c.state),
                 (long long)c.amount_milli / 1000, (long long)c.changed, c.order.n ? " by " : "",
                 HY_STR_ARG(c.order));
    hy_txn_end(&t);
    return out;
}

static struct hy_customer customer(hy_lead_no lead)
{
    struct hy_txn t;
    struct hy_customer c;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_customer_read(&t, lead, &c), 0);
    hy_txn_end(&t);
    return c;
}

Test(commerce, a_change_of_an_order_corrects_what_was_known)
{
    hy_lead_no lead = case_lead("taro@one.test"), other = case_lead("jiro@one.test");
    order(lead, 1000,
          "{\"order\":\"A-1\",\"amount\":5000,\"currency\":\"JPY\",\"status\":\"placed\"}");
    order(lead, 3000, "{\"order\":\"A-2\",\"amount\":12.345,\"currency\":\"usd\"}");
    order(lead, 4000, "{\"order\":\"A-3\",\"amount\":700,\"currency\":\"JPY\"}");
    struct hy_customer c = customer(lead);
    cr_expect_eq(c.orders, 3);
    cr_expect_eq(c.first, 1000);
    cr_expect_eq(c.last, 4000);
    cr_assert_eq(c.n_sums, 2);
    cr_expect_str_eq(c.sums[0].currency, "JPY");
    cr_expect_eq(c.sums[0].amount_milli, 5700000);
    cr_expect_str_eq(c.sums[1].currency, "USD");
    cr_expect_eq(c.sums[1].amount_milli, 12345);
    order(lead, 5000, "{\"order\":\"A-1\",\"amount\":4000,\"currency\":\"JPY\"}");
    order(lead, 6000, "{\"order\":\"A-3\",\"status\":\"refunded\"}");
    c = customer(lead);
    cr_expect_eq(c.orders, 2);
    cr_expect_eq(c.refunded, 1);
    cr_expect_eq(c.sums[0].amount_milli, 4000000);
    cr_expect_eq(c.first, 1000, "it was placed when it was first told of");
    cr_expect_eq(c.last, 3000);
    order(other, 7000, "{\"order\":\"A-1\",\"amount\":4000,\"currency\":\"JPY\"}");
    cr_expect_eq(customer(lead).orders, 1);
    cr_expect_eq(customer(other).sums[0].amount_milli, 4000000, "it is another's");
}

/* 9e15 thousandths are the most of one order: a thousand and some of them are more than 63 bits. */
Test(commerce, a_sum_that_is_too_large_stays_the_largest)
{
    enum { ORDERS = 1030 };
    hy_lead_no lead = case_lead("taro@one.test");
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (unsigned i = 0; i < ORDERS; i++) {
        char meta[96];
        snprintf(meta, sizeof meta,
                 "{\"order\":\"A-%u\",\"amount\":9000000000000,\"currency\":\"JPY\"}", i);
        struct hy_activity a = {
            .kind = HY_ACTIVITY_ORDER, .lead = lead, .at = 1000, .meta = hy_str_of(meta)};
        cr_assert_eq(hy_activity_put(&t, &a), 0);
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    struct hy_customer c = customer(lead);
    cr_expect_eq(c.orders, ORDERS);
    cr_expect_eq(c.sums[0].amount_milli, INT64_MAX);
}

/* The record as version 1 had it: neither items nor the activity that told of it. */
Test(commerce, records_of_version_1_are_read_and_made_new)
{
    uint8_t old[34] = {1, 1, 'J', 'P', 'Y', 0, 0, 0, 0, 0, 0x40, 0x4b, 0x4c, 0};
    struct hy_txn t;
    struct hy_purchase p;
    hy_lead_no lead = case_lead("taro@one.test");
    hy_put_le32(old + 6, lead);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(
        hy_put(&t, HY_TABLE_COMMERCE, HY_STR("oA"), hy_str_make(old, sizeof old), HY_PUT_NEW), 0);
    cr_assert_eq(hy_purchase_get(&t, HY_STR("A"), &p), 0);
    cr_expect_eq(p.lead, lead);
    cr_expect_eq(p.amount_milli, 5000000);
    cr_expect_str_eq(p.currency, "JPY");
    cr_expect_eq(p.n_items, 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    order(lead, 3000,
          "{\"order\":\"A\",\"items\":[{\"product\":\"T\",\"quantity\":2,\"price\":\"1.5\"}]}");
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_purchase_get(&t, HY_STR("A"), &p), 0);
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    cr_assert_eq(p.n_items, 1);
    cr_assert_eq(hy_purchase_items(&p, items), 0);
    cr_expect(hy_str_eq(items[0].product, HY_STR("T")));
    cr_expect_eq(items[0].quantity_milli, 2000);
    cr_expect_eq(items[0].price_milli, 1500);
    cr_expect_eq(p.amount_milli, 5000000, "what is left out stays");
    cr_expect(p.told > 0);
    hy_txn_end(&t);
}

Test(commerce, what_tells_of_no_order_is_none)
{
    static const char *const metas[] = {
        "",
        "{}",
        "no json",
        "{\"order\":7}",
        "{\"order\":\"\"}",
        "{\"order\":\"A\",\"amount\":-1}",
        "{\"order\":\"A\",\"amount\":\"five\"}",
        "{\"order\":\"A\",\"amount\":1e300}",
        "{\"order\":\"A\",\"status\":\"lost\"}",
        "{\"order\":\"A\",\"currency\":\"YENS\"}",
    };
    hy_lead_no lead = case_lead("taro@one.test");
    for (size_t i = 0; i < sizeof metas / sizeof *metas; i++) {
        order(lead, 1000, metas[i]);
        cr_expect_eq(store_entries(env, HY_TABLE_COMMERCE), 0, "%s", metas[i]);
    }
    order(0, 1000, "{\"order\":\"B\",\"amount\":1}");
    struct hy_purchase p;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_purchase_get(&t, HY_STR("B"), &p), 0, "whose it is may come later");
    hy_txn_end(&t);
    order(lead, 2000, "{\"order\":\"B\",\"amount\":1}");
    cr_expect_eq(customer(lead).orders, 1);
}

Test(commerce, orders_follow_a_merge_and_go_with_an_erasure)
{
    hy_lead_no a = case_lead("taro@one.test"), b = case_lead("jiro@one.test"), next = 0;
    struct hy_merged m;
    struct hy_diag diag;
    struct hy_erase_job j;
    struct hy_txn t;
    order(a, 1000, "{\"order\":\"A\",\"amount\":1}");
    order(b, 2000, "{\"order\":\"B\",\"amount\":2}");
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_merge(&t, a, b, HY_STR("test"), &m, &diag), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(customer(a).sums[0].amount_milli, 3000);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_customer_next(&t, 0, &next), 0);
    cr_expect_eq(next, a);
    cr_assert_eq(hy_customer_next(&t, a, &next), 0);
    cr_expect_eq(next, b);
    cr_expect_eq(hy_customer_next(&t, b, &next), HY_ENOTFOUND);
    hy_txn_end(&t);
    hy_erase_job_init(&j, a, HY_STR("test"));
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_expect_eq(store_entries(env, HY_TABLE_COMMERCE), 0);
}

Test(commerce, levels_are_quintiles_and_equal_values_are_equal)
{
    struct hy_rfm all[10], one;
    struct hy_rfm_cuts cuts;
    uint8_t levels[3];
    for (unsigned i = 0; i < 10; i++)
        all[i] = (struct hy_rfm){
            .last = (int64_t)i * 100, .orders = i < 7 ? 1 : i, .amount_milli = 50 - (int64_t)i};
    hy_rfm_cut(all, 10, &cuts);
    one = (struct hy_rfm){.last = 0, .orders = 1, .amount_milli = 50};
    hy_rfm_levels(&cuts, &one, levels);
    cr_expect(levels[0] == 1 && levels[1] == 4 && levels[2] == 5, "%u%u%u", levels[0], levels[1],
              levels[2]);
    one = (struct hy_rfm){.last = 900, .orders = 9, .amount_milli = 41};
    hy_rfm_levels(&cuts, &one, levels);
    cr_expect(levels[0] == 5 && levels[1] == 5 && levels[2] == 1, "%u%u%u", levels[0], levels[1],
              levels[2]);
    one = (struct hy_rfm){.last = 199, .orders = 0, .amount_milli = 0};
    hy_rfm_levels(&cuts, &one, levels);
    cr_expect(levels[0] == 1 && levels[1] == 1 && levels[2] == 1);
    hy_rfm_cut(all, 0, &cuts);
}

Test(commerce, a_cart_stands_as_it_was_last_told_until_an_order_closes_it)
{
    hy_lead_no lead = case_lead("taro@one.test"), other = case_lead("jiro@one.test");
    char is[64];
    cart(lead, 1000, "{\"cart\":\"c1\",\"amount\":5,\"items\":[{\"product\":\"T\"}]}");
    cart(lead, 2000,
         "{\"cart\":\"c1\",\"items\":[{\"product\":\"T\",\"quantity\":2,\"price\":3}]}");
    cr_expect_str_eq(cart_is("c1", is), "open 6 2000");
    cart(lead, 1500, "{\"cart\":\"c1\",\"amount\":9}");
    cr_expect_str_eq(cart_is("c1", is), "open 6 2000", "what came before is no news");
    cart(lead, 2500, "{\"cart\":\"c2\",\"amount\":7}");
    cart(other, 2500, "{\"cart\":\"c3\",\"amount\":7}");
    cart(lead, 2600, "{\"cart\":\"c4\",\"status\":\"emptied\"}");
    cart(lead, 9000, "{\"cart\":\"c5\",\"amount\":1}");
    order(lead, 3000, "{\"order\":\"A\",\"status\":\"cancelled\"}");
    cr_expect_str_eq(cart_is("c1", is), "open 6 2000");
    order(lead, 3000, "{\"order\":\"B\",\"cart\":\"c1\"}");
    cr_expect_str_eq(cart_is("c1", is), "ordered 6 2000 by B");
    cr_expect_str_eq(cart_is("c2", is), "open 7 2500", "the order was of another cart");
    order(lead, 4000, "{\"order\":\"C\"}");
    cr_expect_str_eq(cart_is("c2", is), "ordered 7 2500 by C");
    cr_expect_str_eq(cart_is("c3", is), "open 7 2500", "it is another's");
    cr_expect_str_eq(cart_is("c4", is), "emptied 0 2600");
    cr_expect_str_eq(cart_is("c5", is), "open 1 9000", "it was changed after the order");
    cart(lead, 3500, "{\"cart\":\"c6\",\"amount\":1}");
    cr_expect_str_eq(cart_is("c6", is), "ordered 1 3500 by C", "the order came first");
    cart(lead, 2800, "{\"cart\":\"c1\",\"amount\":8}");
    cr_expect_str_eq(cart_is("c1", is), "ordered 6 2000 by B");
    cart(lead, 9500, "{\"cart\":\"c1\",\"amount\":8}");
    cr_expect_str_eq(cart_is("c1", is), "open 8 9500", "a new one of the same name");
    cart(lead, 9500, "{\"cart\":7}");
    cart(lead, 9500, "{\"cart\":\"c7\",\"status\":\"lost\"}");
    cr_expect_str_eq(cart_is("c7", is), "");

    struct hy_txn t;
    struct hy_cart c;
    const struct hy_cart *after = NULL;
    char open[64] = "";
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (hy_cart_next_open(&t, after, &c) == 0) {
        strncat(open, " ", sizeof open - strlen(open) - 1);
        strncat(open, c.id.p, c.id.n);
        after = &c;
    }
    hy_txn_end(&t);
    cr_expect_str_eq(open, " c3 c5 c1");
}

Test(commerce, carts_are_bounded_follow_a_merge_and_go_with_an_erasure)
{
    hy_lead_no a = case_lead("taro@one.test"), b = case_lead("jiro@one.test");
    struct hy_merged m;
    struct hy_diag diag;
    struct hy_erase_job j;
    struct hy_txn t;
    char meta[64], is[64];
    for (int i = 0; i < HY_CARTS_OF_LEAD + 3; i++) {
        snprintf(meta, sizeof meta, "{\"cart\":\"c%d\",\"amount\":1}", i);
        cart(a, 1000 + i, meta);
    }
    cr_expect_str_eq(cart_is("c2", is), "");
    cr_expect_str_eq(cart_is("c3", is), "open 1 1003");
    cart(b, 500, "{\"cart\":\"b\",\"amount\":1}");
    cart(0, 500, "{\"cart\":\"nobody\",\"amount\":1}");
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_merge(&t, a, b, HY_STR("test"), &m, &diag), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cart(a, 600, "{\"cart\":\"b\",\"amount\":2}");
    cr_assert_eq(hy_txn_read(env, &t), 0);
    struct hy_cart c;
    cr_assert_eq(hy_cart_get(&t, HY_STR("b"), &c), 0);
    cr_expect_eq(c.lead, b, "it can be taken apart again");
    hy_txn_end(&t);
    order(a, 9000, "{\"order\":\"A\"}");
    cr_expect_str_eq(cart_is("b", is), "ordered 2 600 by A", "those of the parts, too");
    hy_erase_job_init(&j, a, HY_STR("test"));
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_expect_eq(store_entries(env, HY_TABLE_CARTS), 2, "nobody's is left: itself, and its time");
}

/* As hy_visitor_joined gives it. */
static void give(enum hy_activity_kind kind, hy_lead_no lead, const char *meta)
{
    struct hy_txn t;
    struct hy_activity a = {.kind = kind, .lead = lead, .meta = hy_str_of(meta)};
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_cart_give(&t, &a), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

Test(commerce, it_does_not_matter_whether_an_order_or_the_cart_before_it_is_told_first)
{
    hy_lead_no lead = case_lead("taro@one.test"), part = case_lead("taro@two.test");
    struct hy_merged m;
    struct hy_diag diag;
    struct hy_txn t;
    char is[64];
    order(lead, 5000, "{\"order\":\"A\",\"cart\":\"c1\"}");
    cart(lead, 4000, "{\"cart\":\"c1\",\"amount\":1}");
    cr_expect_str_eq(cart_is("c1", is), "ordered 1 4000 by A");
    cart(lead, 4000, "{\"cart\":\"c2\",\"amount\":1}");
    cr_expect_str_eq(cart_is("c2", is), "open 1 4000", "the order is of another cart");
    order(part, 6000, "{\"order\":\"B\"}");
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_merge(&t, lead, part, HY_STR("test"), &m, &diag), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    order(lead, 7000, "{\"order\":\"C\",\"status\":\"cancelled\"}");
    cart(lead, 5500, "{\"cart\":\"c3\",\"amount\":1}");
    cr_expect_str_eq(cart_is("c3", is), "ordered 1 5500 by B", "of a part, behind a cancelled one");
    cart(lead, 6500, "{\"cart\":\"c4\",\"amount\":1}");
    cr_expect_str_eq(cart_is("c4", is), "open 1 6500");
}

Test(commerce, a_cart_told_late_looks_at_the_newest_orders_alone)
{
    hy_lead_no lead = case_lead("taro@one.test"), next = case_lead("jiro@one.test");
    char meta[64], is[64];
    order(next, 1, "{\"order\":\"of another\"}");
    order(lead, 1000, "{\"order\":\"stands\"}");
    for (int i = 0; i < HY_PURCHASES_LOOKED_AT - 1; i++) {
        snprintf(meta, sizeof meta, "{\"order\":\"o%d\",\"status\":\"cancelled\"}", i);
        order(lead, 2000 + i, meta);
    }
    cart(lead, 900, "{\"cart\":\"c1\",\"amount\":1}");
    cr_expect_str_eq(cart_is("c1", is), "ordered 1 900 by stands");
    order(lead, 3000, "{\"order\":\"one more\",\"status\":\"cancelled\"}");
    cart(lead, 900, "{\"cart\":\"c2\",\"amount\":1}");
    cr_expect_str_eq(cart_is("c2", is), "open 1 900");
}

Test(commerce, an_order_closes_the_carts_of_all_parts_of_a_person)
{
    hy_lead_no leads[3] = {case_lead("a@one.test"), case_lead("b@one.test"),
                           case_lead("c@one.test")};
    struct hy_merged m;
    struct hy_diag diag;
    struct hy_txn t;
    struct hy_cart c;
    char meta[64];
    for (int i = 0; i < 3 * HY_CARTS_OF_LEAD; i++) {
        snprintf(meta, sizeof meta, "{\"cart\":\"c%d\",\"amount\":1}", i);
        cart(leads[i % 3], 1000 + i, meta);
    }
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_merge(&t, leads[0], leads[1], HY_STR("test"), &m, &diag), 0);
    cr_assert_eq(hy_lead_merge(&t, leads[0], leads[2], HY_STR("test"), &m, &diag), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    order(leads[0], 9000, "{\"order\":\"A\"}");
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_cart_next_open(&t, NULL, &c), HY_ENOTFOUND);
    hy_txn_end(&t);
}

Test(commerce, what_a_visitor_ordered_closes_its_carts_when_it_becomes_known)
{
    hy_lead_no lead = case_lead("taro@one.test");
    char is[64];
    cart(0, 1000, "{\"cart\":\"c1\",\"amount\":1}");
    cart(0, 3000, "{\"cart\":\"c2\",\"amount\":1}");
    order(0, 2000, "{\"order\":\"A\"}");
    give(HY_ACTIVITY_CART, lead, "{\"cart\":\"c1\"}");
    give(HY_ACTIVITY_ORDER, lead, "{\"order\":\"A\"}");
    give(HY_ACTIVITY_CART, lead, "{\"cart\":\"c2\"}");
    cr_expect_str_eq(cart_is("c1", is), "ordered 1 1000 by A");
    cr_expect_str_eq(cart_is("c2", is), "open 1 3000");
    cart(0, 1500, "{\"cart\":\"c3\",\"amount\":1}");
    give(HY_ACTIVITY_CART, lead, "{\"cart\":\"c3\"}");
    cr_expect_str_eq(cart_is("c3", is), "ordered 1 1500 by A", "the order was the lead's already");
}

Test(commerce, many_orders_are_forgotten_in_slices)
{
    hy_lead_no lead = case_lead("taro@one.test");
    struct hy_txn t = case_write();
    unsigned slices = 0;
    int err = HY_EMORE;
    for (int i = 0; i < 1000; i++) {
        char meta[64];
        snprintf(meta, sizeof meta, "{\"order\":\"o%d\"}", i);
        struct hy_activity a = {.kind = HY_ACTIVITY_ORDER, .lead = lead, .meta = hy_str_of(meta)};
        cr_assert_eq(hy_activity_put(&t, &a), 0);
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    for (; err == HY_EMORE; slices++) {
        t = case_write();
        t.yield_at = t.yield_by = 1;
        err = hy_purchase_forget(&t, lead);
        cr_assert_eq(hy_txn_commit(&t), 0);
    }
    cr_expect_eq(err, 0);
    cr_expect_gt(slices, 10);
    cr_expect_eq(store_entries(env, HY_TABLE_COMMERCE), 0);
}
