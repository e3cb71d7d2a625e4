#include "hayauma/model/order.h"

#include <criterion/criterion.h>

Test(order, amounts_are_decimal_text_and_exact)
{
    static const struct {
        const char *text;
        int err;
        int64_t milli;
        const char *back;
    } cases[] = {
        {"5000", HY_OK, 5000000, "5000"},
        {"0", HY_OK, 0, "0"},
        {"12.3", HY_OK, 12300, "12.3"},
        {"12.345", HY_OK, 12345, "12.345"},
        {"12.3450", HY_OK, 12345, "12.345"},
        {"0.10", HY_OK, 100, "0.1"},
        {"9000000000000", HY_OK, 9000000000000000, "9000000000000"},
        {"9000000000000.001", HY_ELIMIT, 0, NULL},
        {"99999999999999999999", HY_ELIMIT, 0, NULL},
        {"12.3456", HY_EINVAL, 0, NULL},
        {"", HY_EPARSE, 0, NULL},
        {".5", HY_EPARSE, 0, NULL},
        {"5.", HY_EPARSE, 0, NULL},
        {"1.2.3", HY_EPARSE, 0, NULL},
        {"-1", HY_EPARSE, 0, NULL},
        {"1e3", HY_EPARSE, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[HY_DECIMAL_MAX];
        int64_t milli = 0;
        cr_expect_eq(hy_decimal_read(hy_str_of(cases[i].text), &milli), cases[i].err, "%s",
                     cases[i].text);
        cr_expect_eq(milli, cases[i].milli, "%s", cases[i].text);
        if (cases[i].back)
            cr_expect_str_eq(hy_decimal_text(milli, text), cases[i].back);
    }
    char text[HY_DECIMAL_MAX];
    cr_expect_str_eq(hy_decimal_text(-1500, text), "-1.5");
}

Test(order, an_amount_of_items_is_known_when_all_have_prices)
{
    struct hy_order_item items[] = {{.quantity_milli = 2000, .price_milli = 1500},
                                    {.quantity_milli = 500, .price_milli = 3}};
    cr_expect_eq(hy_order_items_amount(items, 2), 3001);
    items[1].price_milli = -1;
    cr_expect_eq(hy_order_items_amount(items, 2), -1);
    cr_expect_eq(hy_order_items_amount(items, 0), -1);
    items[0] = (struct hy_order_item){.quantity_milli = INT64_MAX, .price_milli = 2};
    cr_expect_eq(hy_order_items_amount(items, 1), -1);
}

Test(order, a_currency_is_three_letters)
{
    char code[4];
    hy_currency_read(HY_STR("jpy"), code);
    cr_expect_str_eq(code, "JPY");
    hy_currency_read(HY_STR("J1Y"), code);
    cr_expect_str_eq(code, "");
    hy_currency_read(HY_STR("YENS"), code);
    cr_expect_str_eq(code, "");
}
