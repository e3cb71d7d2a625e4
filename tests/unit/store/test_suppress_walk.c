/* The whole of the suppression list: walked, grown, audited. */
#include "suppress_case.h"

#include <criterion/criterion.h>
#include <stdio.h>

TestSuite(suppress_walk, .init = case_open, .fini = case_close);

static int count_entry(void *ctx, const struct hy_suppress_entry *e)
{
    (void)e;
    ++*(int *)ctx;
    return 0;
}

static int stop_at_once(void *ctx, const struct hy_suppress_entry *e)
{
    (void)e;
    ++*(int *)ctx;
    return 1;
}

Test(suppress_walk, a_walk_gets_past_rows_that_are_no_entries_however_few_it_looks_at)
{
    struct hy_txn t = case_write();
    char address[64];
    for (int i = 0; i < 60; i++) {
        snprintf(address, sizeof address, "user%d@x.test", i);
        cr_assert_eq(hy_suppress_soft(&t, hy_str_of(address), (uint32_t)i % 3, HY_STR("450"), NULL),
                     0);
        cr_assert_eq(hy_suppress_soft(&t, hy_str_of(address), 7, HY_STR("450"), NULL), 0);
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    for (int i = 0; i < 60; i += 20) {
        snprintf(address, sizeof address, "user%d@x.test", i);
        suppress_put(address, HY_SUPPRESS_TENANT, 1, 0, HY_SUPPRESS_MANUAL);
        suppress_put(address, HY_SUPPRESS_TENANT, 2, 0, HY_SUPPRESS_COMPLAINT);
    }
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (size_t rows = 1; rows < 9; rows++) {
        struct hy_suppress_key at = {0};
        int found = 0, err = 0, steps = 0;
        for (; !err && steps < 1000; steps++)
            err = hy_suppress_walk(&t, &at, rows, count_entry, &found);
        cr_expect_eq(err, HY_ENOTFOUND, "%zu rows at a time", rows);
        cr_expect_eq(found, 6, "%zu rows at a time: %d", rows, found);
    }
    struct hy_suppress_key at = {0};
    int found = 0, err;
    while ((err = hy_suppress_walk(&t, &at, 1000, stop_at_once, &found)) == 1)
        ;
    cr_expect_eq(err, HY_ENOTFOUND);
    cr_expect_eq(found, 6, "each is seen once where the caller stops: %d", found);
    hy_txn_end(&t);
}

Test(suppress_walk, ten_thousand_entries_are_found_and_walked_after_the_filter_grew)
{
    enum { N = 10000 };
    char address[64];
    for (int i = 0; i < N;) {
        struct hy_txn t = case_write();
        for (int end = i + 1000; i < end; i++) {
            snprintf(address, sizeof address, "user%d@d%d.test", i, i % 77);
            struct hy_suppress_entry e =
                suppress_entry_of(address, HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_IMPORTED);
            cr_assert_eq(hy_suppress_put(&t, &e, NULL), 0);
        }
        cr_assert_eq(hy_txn_commit(&t), 0);
    }
    int strangers = 0;
    for (int i = 0; i < N; i++) {
        snprintf(address, sizeof address, "user%d@d%d.test", i, i % 77);
        cr_assert_eq(suppress_find_for(address, 0, HY_STREAM_MARKETING), HY_SUPPRESS_IMPORTED, "%s",
                     address);
        snprintf(address, sizeof address, "stranger%d@d%d.test", i, i % 77);
        strangers += hy_suppress_may_have(env, hy_str_of(address));
    }
    cr_expect_lt(strangers, N / 20, "%d of %d strangers pass the filter", strangers, (int)N);
    struct hy_txn t;
    struct hy_suppress_key at = {0};
    int n = 0, err = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (!err)
        err = hy_suppress_walk(&t, &at, 777, count_entry, &n);
    cr_expect_eq(err, HY_ENOTFOUND);
    hy_txn_end(&t);
    cr_expect_eq(n, N);
    cr_expect_eq(case_problems(), 0);
}

Test(suppress_walk, the_audit_finds_what_does_not_fit)
{
    struct hy_suppress_entry e =
        suppress_entry_of("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL);
    e.expires = hy_clock_wall_ms() + DAY;
    suppress_put_entry(&e);
    cr_expect_eq(case_problems(), 0);
    struct hy_txn t = case_write();
    struct hy_cursor c;
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_SUPPRESS_EXPIRY, &c), 0);
    cr_assert_eq(hy_cursor_first(&c), 0);
    cr_assert_eq(hy_cursor_delete(&c), 0);
    hy_cursor_close(&c);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(case_problems(), 2, "an entry without its end, and the number of ends");
    t = case_write();
    hy_put(&t, HY_TABLE_SUPPRESSIONS, HY_STR("0123456789abcdefe"), HY_STR("\x01xxx"), HY_PUT_SET);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(case_problems(), 3);
}
