#include "hayauma/store/product.h"

#include <criterion/criterion.h>

#include "case.h"
#include "hayauma/store/commerce.h"
#include "spools.h"

TestSuite(product, .init = case_open, .fini = case_close);

static void take(struct hy_product_told *x, enum hy_product_field f, const char *text)
{
    const char *why = hy_product_take(x, f, hy_str_of(text));
    cr_assert_null(why, "%s: %s", text, why);
}

static enum hy_product_did tell(const struct hy_product_told *x, hy_wall_ms now)
{
    struct hy_txn t;
    enum hy_product_did did = HY_PRODUCT_SAME;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_product_tell(&t, x, now, &did), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return did;
}

static struct hy_product_told kettle(const char *name)
{
    struct hy_product_told x = {.p.price_milli = -1};
    take(&x, HY_PRODUCT_SKU, "T-1");
    take(&x, HY_PRODUCT_NAME, name);
    take(&x, HY_PRODUCT_CATEGORY, "kitchen");
    return x;
}

Test(product, what_is_not_said_stays_and_what_is_known_is_no_change)
{
    struct hy_txn t;
    struct hy_product p;
    struct hy_product_told x = kettle("Kettle"), price = {.p.price_milli = -1};
    take(&price, HY_PRODUCT_SKU, "T-1");
    take(&price, HY_PRODUCT_PRICE, "1,234.5");
    take(&price, HY_PRODUCT_STOCK, "12");
    cr_expect_eq(tell(&x, 1000), HY_PRODUCT_ADDED);
    cr_expect_eq(tell(&x, 2000), HY_PRODUCT_SAME);
    cr_expect_eq(tell(&price, 3000), HY_PRODUCT_CHANGED);
    cr_expect_eq(tell(&x, 4000), HY_PRODUCT_SAME);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_product_get(&t, HY_STR("T-1"), &p), 0);
    cr_expect(hy_str_eq(p.name, HY_STR("Kettle")));
    cr_expect_eq(p.price_milli, 1234500);
    cr_expect_eq(p.stock, HY_STOCK_COUNTED);
    cr_expect_eq(p.quantity, 12);
    cr_expect_eq(p.changed, 3000);
    hy_txn_end(&t);
}

Test(product, they_are_walked_in_order_of_their_skus_and_can_be_deleted)
{
    static const char *const skus[] = {"b", "a", "ab", "c"};
    struct hy_txn t;
    struct hy_product p = {.price_milli = -1};
    for (size_t i = 0; i < 4; i++) {
        struct hy_product_told x = {.p.price_milli = -1};
        take(&x, HY_PRODUCT_SKU, skus[i]);
        cr_expect_eq(tell(&x, 1), HY_PRODUCT_ADDED);
    }
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_expect_eq(hy_product_delete(&t, HY_STR("b")), 0);
    cr_expect_eq(hy_product_delete(&t, HY_STR("b")), HY_ENOTFOUND);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    static const char *const want[] = {"a", "ab", "c"};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(hy_product_next(&t, p.sku, &p), 0);
        cr_expect(hy_str_eq(p.sku, hy_str_of(want[i])));
        cr_expect_eq(p.price_milli, -1);
    }
    cr_expect_eq(hy_product_next(&t, p.sku, &p), HY_ENOTFOUND);
    hy_txn_end(&t);
}

Test(product, a_field_that_cannot_be_is_refused_in_words)
{
    static char long_sku[HY_PURCHASE_PRODUCT_MAX + 2];
    memset(long_sku, 'x', sizeof long_sku - 1);
    const struct {
        enum hy_product_field field;
        const char *text;
    } bad[] = {
        {HY_PRODUCT_SKU, ""},          {HY_PRODUCT_SKU, long_sku},
        {HY_PRODUCT_NAME, "a\nb"},     {HY_PRODUCT_NAME, "\xff"},
        {HY_PRODUCT_PRICE, "-5"},      {HY_PRODUCT_PRICE, "five"},
        {HY_PRODUCT_CURRENCY, "YENS"}, {HY_PRODUCT_URL, "javascript:alert(1)"},
        {HY_PRODUCT_IMAGE, "a.png"},   {HY_PRODUCT_URL, "https://a.example/a b"},
        {HY_PRODUCT_STOCK, "some"},    {HY_PRODUCT_STOCK, "-"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hy_product_told x = {.p.price_milli = -1};
        cr_expect_not_null(hy_product_take(&x, bad[i].field, hy_str_of(bad[i].text)), "%s",
                           bad[i].text);
        cr_expect_eq(x.said, 0);
    }
}

Test(product, stock_is_read_as_shops_write_it)
{
    const struct {
        const char *text, *want;
    } cases[] = {{"In Stock", "in"},
                 {"在庫あり", "in"},
                 {"sold out", "out"},
                 {"0", "out"},
                 {"-3", "out"},
                 {"007", "7"},
                 {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[HY_DECIMAL_MAX];
        struct hy_product_told x = {.p.price_milli = -1};
        take(&x, HY_PRODUCT_STOCK, cases[i].text);
        cr_expect_str_eq(hy_product_stock_text(&x.p, text), cases[i].want);
    }
}

static void order(const char *meta)
{
    struct hy_txn t;
    struct hy_activity a = {.kind = HY_ACTIVITY_ORDER,
                            .lead = case_lead("taro@one.test"),
                            .at = 1000,
                            .meta = hy_str_of(meta)};
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_activity_put(&t, &a), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static void check_item(const char *id, size_t at, const char *name, const char *category)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    struct hy_purchase p;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_purchase_get(&t, hy_str_of(id), &p), 0);
    cr_assert_eq(hy_purchase_items(&p, items), 0);
    cr_assert_lt(at, p.n_items);
    cr_expect(hy_str_eq(items[at].name, hy_str_of(name)), "%.*s", HY_STR_ARG(items[at].name));
    cr_expect(hy_str_eq(items[at].category, hy_str_of(category)));
    hy_txn_end(&t);
}

Test(product, an_order_takes_name_and_category_as_they_were_when_it_was_placed)
{
    struct hy_product_told x = kettle("Kettle"), later = kettle("Kettle II");
    tell(&x, 1);
    order("{\"order\":\"A-1\",\"items\":[{\"product\":\"T-1\",\"price\":5},{\"product\":\"C-1\"},"
          "{\"product\":\"T-1\",\"name\":\"Pot\"}]}");
    tell(&later, 2);
    check_item("A-1", 0, "Kettle", "kitchen");
    check_item("A-1", 1, "", "");
    check_item("A-1", 2, "Pot", "kitchen");
    order("{\"order\":\"A-1\",\"items\":[{\"product\":\"T-1\",\"price\":6}]}");
    check_item("A-1", 0, "Kettle", "kitchen");
    order("{\"order\":\"A-2\",\"items\":[{\"product\":\"T-1\"}]}");
    check_item("A-2", 0, "Kettle II", "kitchen");
    cr_expect_eq(store_problems(env), 0);
}
