#include <criterion/criterion.h>

#include "case.h"
#include "hayauma/store/lead_change.h"
#include "hayauma/store/retention.h"
#include "spools.h"

TestSuite(lead_change, .init = case_open, .fini = case_close);

Test(lead_change, is_read_in_the_order_in_which_it_was_noted)
{
    static const hy_lead_no some[] = {3, 4, 90000, UINT32_MAX}, one[] = {7};
    struct hy_txn t;
    struct hy_lead_change c;
    hy_lead_no out[4] = {0};
    uint64_t damaged = 0;
    hy_id newest = 1;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_lead_change_newest(&t, &newest), HY_OK);
    cr_expect_eq(newest, 0);
    cr_assert_eq(hy_lead_changed(&t, HY_LEAD_TAGS | HY_LEAD_CREATED, some, 4), HY_OK);
    cr_assert_eq(hy_lead_changed(&t, HY_LEAD_LISTS, one, 1), HY_OK);
    cr_assert_eq(hy_lead_changed(&t, HY_LEAD_LISTS, one, 0), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);

    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_lead_change_next(&t, 0, &c, &damaged), HY_OK);
    cr_expect_eq(c.what, HY_LEAD_TAGS | HY_LEAD_CREATED);
    cr_assert_eq(c.n, 4);
    hy_lead_change_leads(&c, out);
    cr_expect_arr_eq(out, some, sizeof some);
    cr_assert_eq(hy_lead_change_next(&t, c.id, &c, &damaged), HY_OK);
    cr_expect_eq(c.what, HY_LEAD_LISTS);
    cr_assert_eq(hy_lead_change_newest(&t, &newest), HY_OK);
    cr_expect_eq(newest, c.id);
    cr_expect_eq(hy_lead_change_next(&t, c.id, &c, &damaged), HY_ENOTFOUND);
    cr_expect_eq(damaged, 0);
    hy_txn_end(&t);
}

Test(lead_change, refuses_what_no_reader_could_follow)
{
    static const hy_lead_no twice[] = {3, 3}, back[] = {4, 3}, none[] = {0}, good[] = {1};
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_expect_eq(hy_lead_changed(&t, HY_LEAD_TAGS, twice, 2), HY_EINVAL);
    cr_expect_eq(hy_lead_changed(&t, HY_LEAD_TAGS, back, 2), HY_EINVAL);
    cr_expect_eq(hy_lead_changed(&t, HY_LEAD_TAGS, none, 1), HY_EINVAL);
    cr_expect_eq(hy_lead_changed(&t, 0, good, 1), HY_EINVAL);
    cr_expect_eq(t.writes, 0);
    hy_txn_end(&t);
}

Test(lead_change, of_many_leads_takes_several_records_and_all_are_trimmed)
{
    enum { N = HY_LEAD_CHANGE_MAX * 2 + 1 };
    static hy_lead_no leads[N], out[HY_LEAD_CHANGE_MAX];
    struct hy_txn t;
    struct hy_lead_change c = {0};
    uint32_t seen = 0;
    for (uint32_t i = 0; i < N; i++)
        leads[i] = 5 + 3 * i;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_lead_changed(&t, HY_LEAD_ATTRIBUTES, leads, N), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    while (hy_lead_change_next(&t, c.id, &c, NULL) == HY_OK) {
        hy_lead_change_leads(&c, out);
        for (uint32_t i = 0; i < c.n; i++)
            cr_assert_eq(out[i], leads[seen++]);
    }
    cr_expect_eq(seen, N);
    hy_txn_end(&t);

    struct hy_trim_job j;
    hy_trim_job_init(&j, hy_clock_wall_ms() + 1000);
    cr_assert_eq(run_request(env, &j.req), HY_OK);
    cr_expect_eq(store_entries(env, HY_TABLE_LEAD_CHANGES), 0);
}

Test(lead_change, a_record_that_is_damaged_is_passed_over_and_counted)
{
    static const uint8_t bad[][12] = {
        {1, 2, 0, 0, 2, 0, 0, 0, 5},       /* says two leads, has one */
        {1, 2, 0, 0, 1, 0, 0, 0, 5, 6},    /* says one, has two */
        {1, 2, 0, 0, 2, 0, 0, 0, 5, 0},    /* the same twice */
        {1, 2, 0, 0, 0xff, 0xff, 0xff, 1}, /* far too many */
        {9, 2, 0, 0, 1, 0, 0, 0, 5},       /* of a newer program */
    };
    static const size_t sizes[] = {9, 10, 10, 8, 9};
    static const hy_lead_no good[] = {1};
    struct hy_txn t;
    struct hy_lead_change c;
    uint64_t damaged = 0;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    for (size_t i = 0; i < 5; i++) {
        uint8_t key[8];
        hy_put_be64(key, hy_txn_new_id(&t));
        cr_assert_eq(hy_put(&t, HY_TABLE_LEAD_CHANGES, hy_str_make(key, 8),
                            hy_str_make(bad[i], sizes[i]), HY_PUT_SET),
                     HY_OK);
    }
    cr_assert_eq(hy_lead_changed(&t, HY_LEAD_TAGS, good, 1), HY_OK);
    cr_assert_eq(hy_lead_change_next(&t, 0, &c, &damaged), HY_OK);
    cr_expect_eq(damaged, 5);
    cr_expect_eq(c.n, 1);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
}
