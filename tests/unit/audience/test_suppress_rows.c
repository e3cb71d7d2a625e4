#include "hayauma/audience/suppress_rows.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct want {
    const char *text; /* the file */
    const char *rows; /* "line what reason|..." : what is "-" for none, reason "-" when taken */
};

/* Reads the file in pieces of `step` bytes. */
static void read_all(const char *text, size_t step, char *out, size_t cap)
{
    struct hy_suppress_rows *r = NULL;
    struct hy_suppress_row row;
    struct hy_str rest = hy_str_of(text);
    size_t n = 0;
    int err = HY_EMORE;
    out[0] = '\0';
    cr_assert_eq(hy_suppress_rows_new(HY_CHARSET_AUTO, 0, &r), HY_OK);
    while (err == HY_EMORE) {
        bool last = rest.n == 0;
        if (last)
            cr_assert_eq(hy_suppress_rows_end(r), HY_OK);
        else
            cr_assert_eq(hy_suppress_rows_feed(r, hy_str_slice(rest, 0, step)), HY_OK);
        rest = hy_str_slice(rest, step, rest.n);
        while ((err = hy_suppress_rows_next(r, &row)) == HY_OK)
            n += (size_t)snprintf(
                out + n, cap - n, "%s%llu %.*s %.*s", n ? "|" : "", (unsigned long long)row.line,
                row.what.n ? (int)row.what.n : 1, row.what.n ? row.what.p : "-",
                row.reason.n ? (int)row.column.n : 1, row.reason.n ? row.column.p : "-");
        if (last)
            break;
    }
    hy_suppress_rows_free(r);
}

Test(suppress_rows, are_taken_whatever_the_columns_and_refused_one_by_one)
{
    static const struct want cases[] = {
        {"a@x.test\nB@X.test\n", "1 a@x.test -|2 B@x.test -"},
        {"email,reason\na@x.test,complaint\n@X.test,\n", "2 a@x.test -|3 @x.test -"},
        {"Reason;Address\nmanual;a@x.test\n", "2 a@x.test -"},
        {"address\nno address\na@x.test\n\n@\n", "2 - address|3 a@x.test -|5 - address"},
        {"address,expires\na@x.test,tomorrow\nb@x.test,2030-01-01T00:00:00Z\n",
         "2 a@x.test expires|3 b@x.test -"},
        {"address,source\na@x.test,\"two\nlines\"\n", "2 - source"},
        {"address,source\n'@x.test,x\n", "2 @x.test -"},
        {"address,hash\n,h1:00:11\n,\n", "2 - -|3 - address"},
        {"address,source\na@x.test\n", "2 - "}, /* a field is missing: the whole row */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t step = 1; step < 200; step += 63) {
            char got[512];
            read_all(cases[i].text, step, got, sizeof got);
            cr_expect_str_eq(got, cases[i].rows, "case %zu in pieces of %zu", i, step);
        }
    }
}

Test(suppress_rows, say_what_stands_in_each_column)
{
    struct hy_suppress_rows *r = NULL;
    struct hy_suppress_row row;
    cr_assert_eq(hy_suppress_rows_new(HY_CHARSET_AUTO, 0, &r), HY_OK);
    cr_assert_eq(hy_suppress_rows_feed(
                     r, HY_STR("address,scope,list,created,expires,source,by\n"
                               "\"Taro <Taro@Example.JP>\",list,会員,2026-01-02T03:04:05.678Z,"
                               "2030-01-01T00:00:00+09:00,\" '=1+1 \",web\n")),
                 HY_OK);
    cr_assert_eq(hy_suppress_rows_end(r), HY_OK);
    cr_assert_eq(hy_suppress_rows_next(r, &row), HY_OK);
    cr_expect_eq(row.reason.n, 0);
    cr_expect(hy_str_eq(row.what, HY_STR("Taro@example.jp")));
    cr_expect(hy_str_eq(row.values[HY_SUPPRESS_COL_LIST], HY_STR("会員")));
    cr_expect(hy_str_eq(row.values[HY_SUPPRESS_COL_SOURCE], HY_STR("=1+1")));
    cr_expect_eq(row.created, 1767323045678);
    cr_expect_eq(row.expires, 1893423600000);
    cr_expect_eq(hy_suppress_rows_next(r, &row), HY_EMORE);
    hy_suppress_rows_free(r);
}
