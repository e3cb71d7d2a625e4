#include "hayauma/track/order_rows.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/track/order.h"

static const hy_wall_ms now = 1795348800000; /* 2026-11-22T12:00:00Z */

static struct hy_arena arena;
static struct hy_diag diag;
static struct hy_zone *zone;

static void set_up(void)
{
    arena = HY_ARENA_INIT(8 << 20);
    cr_assert_eq(hy_zone_find(HY_STR("Asia/Tokyo"), &zone), HY_OK);
}
static void tear_down(void)
{
    hy_zone_free(zone);
    hy_arena_free(&arena);
}
TestSuite(order_rows, .init = set_up, .fini = tear_down);

/* "line who {meta}" of an order, "line !column: reason (value)" of a line that was refused. */
static int read_all(const char *text, const char *map, size_t step, struct hy_buf *out)
{
    struct hy_import_map one[4];
    struct hy_order_word words[] = {{HY_STR("予約"), 0}, {HY_STR("済"), HY_PURCHASE_PLACED}};
    struct hy_order_rows_options o = {.zone = zone,
                                      .map = one,
                                      .words = words,
                                      .n_words = 2,
                                      .currency = "JPY",
                                      .system = HY_STR("shop")};
    struct hy_order_rows *r = NULL;
    struct hy_order_row row;
    struct hy_str rest = hy_str_of(text), maps = hy_str_of(map), piece;
    int err = HY_EMORE;
    bool is_last = false;
    while (maps.n && hy_str_split(&maps, ',', &piece)) {
        size_t eq = hy_str_find(piece, '=', 0);
        one[o.n_map++] = (struct hy_import_map){hy_str_slice(piece, 0, eq),
                                                hy_str_slice(piece, eq + 1, piece.n)};
    }
    diag.text[0] = '\0';
    hy_buf_reset(out);
    err = hy_order_rows_new(&o, &r, &diag);
    if (err)
        return err;
    err = HY_EMORE;
    while (err == HY_EMORE && !is_last) {
        is_last = rest.n == 0;
        cr_assert_eq(is_last ? hy_order_rows_end(r)
                             : hy_order_rows_feed(r, hy_str_slice(rest, 0, step)),
                     HY_OK);
        rest = hy_str_slice(rest, step, rest.n);
        while ((err = hy_order_rows_next(r, now, &arena, &row, &diag)) == HY_OK) {
            hy_buf_printf(out, "%s%llu ", out->len ? "|" : "", (unsigned long long)row.line);
            if (row.reason.n) {
                hy_buf_printf(out, "!%.*s: %.*s (%.*s)", HY_STR_ARG(row.column),
                              HY_STR_ARG(row.reason), HY_STR_ARG(row.value));
                continue;
            }
            hy_buf_printf(out, "%s%.*s ", row.is_left_out ? "-" : "", HY_STR_ARG(row.who));
            hy_order_write(out, &row.order, hy_purchase_state_name(row.order.state));
        }
    }
    hy_order_rows_free(r);
    return err;
}

static void check(const char *text, const char *map, const char *want)
{
    struct hy_buf got HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 20);
    for (size_t step = 1; step < 1000; step += 499) {
        cr_expect_eq(read_all(text, map, step, &got), HY_EMORE, "%s", diag.text);
        cr_expect_str_eq(hy_buf_cstr(&got), want, "pieces of %zu:\n%s\nwant\n%s", step,
                         hy_buf_cstr(&got), want);
    }
}

Test(order_rows, are_read_as_the_usual_shops_write_them)
{
    check("order,email,at,amount\nA-1,a@x.test,2026-11-01T09:00:00+09:00,\"5,000\"\n", "",
          "2 a@x.test {\"order\":\"A-1\",\"amount\":5000,\"currency\":\"JPY\",\"status\":"
          "\"placed\",\"placed\":\"2026-11-01T00:00:00.000Z\"}");
    /* Shopify: what is of the order stands in the first of its lines */
    check("Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,"
          "Lineitem price,Lineitem sku,Cancelled at\n"
          "#1001,a@x.test,paid,USD,30.50,2026-11-01 09:00:00 +0900,2,Tea,10.25,T-1,\n"
          "#1001,a@x.test,,,,,1,Cup,10.00,C-1,\n"
          "#1002,b@x.test,paid,USD,10.25,2026-11-02 09:00:00 +0900,1,Tea,10.25,T-1,"
          "2026-11-03 09:00:00 +0900\n",
          "",
          "2 a@x.test {\"order\":\"#1001\",\"amount\":30.5,\"currency\":\"USD\",\"status\":"
          "\"placed\",\"placed\":\"2026-11-01T00:00:00.000Z\",\"items\":[{\"quantity\":2,"
          "\"product\":\"T-1\",\"name\":\"Tea\",\"price\":10.25},{\"quantity\":1,\"product\":"
          "\"C-1\",\"name\":\"Cup\",\"price\":10}]}|4 b@x.test {\"order\":\"#1002\",\"amount\":"
          "10.25,\"currency\":\"USD\",\"status\":\"cancelled\",\"placed\":"
          "\"2026-11-02T00:00:00.000Z\",\"items\":[{\"quantity\":1,\"product\":\"T-1\",\"name\":"
          "\"Tea\",\"price\":10.25}]}");
    /* EC-CUBE and its kin: the same in each line, local times, words in Japanese */
    check("注文番号,注文日時,対応状況,メールアドレス,商品コード,商品名,単価,個数,支払合計\n"
          "7,2026/11/01 9:00,注文取消し,a@x.test,T-1,茶,￥500,2,\"1,500円\"\n"
          "7,2026/11/01 9:00,注文取消し,a@x.test,C-1,碗,500,1,\"1,500円\"\n",
          "",
          "2 a@x.test {\"order\":\"7\",\"amount\":1500,\"currency\":\"JPY\",\"status\":"
          "\"cancelled\",\"placed\":\"2026-11-01T00:00:00.000Z\",\"items\":[{\"quantity\":2,"
          "\"product\":\"T-1\",\"name\":\"茶\",\"price\":500},{\"quantity\":1,\"product\":"
          "\"C-1\",\"name\":\"碗\",\"price\":500}]}");
    /* columns of one's own; the amount is that of the items */
    check("no;who;day;what;each\n9;17;20261101;T-1;12.345\n",
          "no=order,who=customer,day=at,each=price",
          "2 shop:17 {\"order\":\"9\",\"amount\":12.345,\"currency\":\"JPY\",\"status\":"
          "\"placed\",\"placed\":\"2026-10-31T15:00:00.000Z\",\"items\":[{\"quantity\":1,"
          "\"price\":12.345}]}");
    check(
        "order,email,at,amount,status\n1,a@x.test,2026-11-01,5,予約\n2,a@x.test,2026-11-01,5,済\n",
        "",
        "2 -a@x.test {\"order\":\"1\",\"amount\":5,\"currency\":\"JPY\",\"status\":\"?\","
        "\"placed\":\"2026-10-31T15:00:00.000Z\"}|3 a@x.test {\"order\":\"2\",\"amount\":5,"
        "\"currency\":\"JPY\",\"status\":\"placed\",\"placed\":\"2026-10-31T15:00:00.000Z\"}");
}

Test(order_rows, a_line_at_fault_refuses_its_order_and_no_other)
{
    static const char head[] = "order,email,at,amount,sku,price,quantity\n";
    static const struct {
        const char *lines, *want;
    } cases[] = {
        {"1,a@x.test,2026-11-01,10,T,5,1\n1,a@x.test,2026-11-01,10,C,five,1\n",
         "2 !: line 3 of the same order is refused (1)|3 !price: no amount like 5000, 1,234.50 or "
         "¥5,000, at most three digits behind the point (five)"},
        {"1,a@x.test,2026-11-01,10,T,5,1\n1,b@x.test,,,C,5,1\n",
         "2 !: line 3 of the same order is refused (1)|3 !email: line 2 says something else of the "
         "same order (b@x.test)"},
        {"1,a@x.test,2026-13-01,10,T,5,1\n1,,,,C,5,1\n",
         "2 !at: no time like 2026-12-01T09:00:00+09:00 or 2026-12-01 09:00 (2026-13-01)|3 !: line "
         "2 of the same order is refused (1)"},
        {"1,,2026-11-01,10,T,5,1\n", "2 !email: it is not said whose the order is ()"},
        {"1,a@x.test,2027-11-01,10,T,5,1\n", "2 !at: more than ten minutes ahead (2027-11-01)"},
        {"1,a@x.test,2026-11-01,-10,T,5,1\n", "2 !amount: no amount like 5000, 1,234.50 or ¥5,000, "
                                              "at most three digits behind the point "
                                              "(-10)"},
        {"1,a@x.test,2026-11-01,\"1,00\",T,5,1\n", "2 !amount: no amount like 5000, 1,234.50 or "
                                                   "¥5,000, at most three digits behind the point "
                                                   "(1,00)"},
        {"1,a@x.test,2026-11-01,,T,,1\n",
         "2 !amount: neither the amount nor the prices of all items ()"},
        {",a@x.test,2026-11-01,5,T,5,1\n", "2 !order: there is no order number ()"},
        /* whose was the line in the middle? */
        {"1,a@x.test,2026-11-01,5,T,5,1\n,\n2,a@x.test,2026-11-01,5,T,5,1\n",
         "2 !: line 3 of the same order is refused (1)|3 !: another number of fields than the "
         "first "
         "line ()|4 !: a line before it cannot be read and may be of this order (2)"},
        {"1,a@x.test,2026-11-01,5,T,5,1\n,\n1,a@x.test,2026-11-01,5,C,5,1\n",
         "2 !: line 3 of the same order is refused (1)|3 !: another number of fields than the "
         "first "
         "line ()|4 !: a line before it cannot be read and may be of this order (1)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf text HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 16);
        hy_buf_printf(&text, "%s%s", head, cases[i].lines);
        check(hy_buf_cstr(&text), "", cases[i].want);
    }
    check(
        "order,email,at,amount\n1,a@x.test,2026-11-01,x\n2,a@x.test,2026-11-01\n", "",
        "2 !amount: no amount like 5000, 1,234.50 or ¥5,000, at most three digits behind the point "
        "(x)|3 !: another number of fields than the first line (2)");
    check("order,email,at,amount,status\n1,a@x.test,2026-11-01,5,lost\n", "",
          "2 !status: what does this word mean? --status WORD=placed, cancelled, refunded or skip "
          "(lost)");
}

Test(order_rows, of_more_lines_than_an_order_may_have_are_refused_one_by_one)
{
    struct hy_buf text HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 20);
    struct hy_buf got HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 20);
    size_t lines = 0;
    hy_buf_add_lit(&text, "order,email,at,sku,price\n");
    for (int i = 0; i < 300; i++)
        hy_buf_add_lit(&text, "1,a@x.test,2026-11-01,T,5\n");
    hy_buf_add_lit(&text, "2,a@x.test,2026-11-01,T,5\n");
    cr_assert_eq(read_all(hy_buf_cstr(&text), "", 1000, &got), HY_EMORE, "%s", diag.text);
    for (const char *p = hy_buf_cstr(&got); (p = strchr(p, '!')); p++)
        lines++;
    cr_expect_eq(lines, 300);
    cr_expect(strstr(hy_buf_cstr(&got), "|302 a@x.test {\"order\":\"2\""), "%s",
              hy_buf_cstr(&got) + got.len - 200);
}

Test(order_rows, without_the_columns_that_matter_nothing_is_read)
{
    static const struct {
        const char *text, *map, *why;
    } cases[] = {
        {"email,at,amount\na@x.test,2026-11-01,5\n", "", "order number"},
        {"order,email,amount\n1,a@x.test,5\n", "", "when an order was placed"},
        {"order,at,amount\n1,2026-11-01,5\n", "", "whose an order is"},
        {"order,email,at\n1,a@x.test,2026-11-01\n", "x=amount", "no column \"x\""},
        {"order,email,at\n1,a@x.test,2026-11-01\n", "at=when", "no field 'when'"},
        {"order,email,at\n1,a@x.test,2026-11-01\n", "at=order,order=order", "two columns"},
    };
    struct hy_buf got HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 16);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(read_all(cases[i].text, cases[i].map, 7, &got), HY_EINVAL, "%zu", i);
        cr_expect(strstr(diag.text, cases[i].why), "%zu: %s", i, diag.text);
    }
}
