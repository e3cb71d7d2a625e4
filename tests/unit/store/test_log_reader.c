#include <criterion/criterion.h>
#include <unistd.h>

#include "case.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/log_reader.h"
#include "hayauma/store/retention.h"

TestSuite(log_reader, .init = case_open, .fini = case_close);

static void put(struct hy_log_reader r)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_log_reader_put(&t, &r), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static hy_id note(void)
{
    struct hy_activity a = {.kind = HY_ACTIVITY_OPEN, .lead = 1};
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_activity_put(&t, &a), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return a.id;
}

static uint64_t activities(void)
{
    struct hy_txn t;
    uint64_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_table_count(&t, HY_TABLE_ACTIVITIES, &n), 0);
    hy_txn_end(&t);
    return n;
}

static void trim(hy_wall_ms before, hy_wall_ms unread_before)
{
    struct hy_trim_job job;
    hy_trim_job_init(&job, before);
    job.unread_before = job.activities_unread_before = unread_before;
    cr_assert_eq(run_request(env, &job.req), 0);
}

Test(log_reader, keeps_its_place_and_its_state)
{
    struct hy_log_reader r;
    struct hy_txn t;
    put((struct hy_log_reader){HY_STR("file:all"), 12, true, HY_STR("at=3")});
    put((struct hy_log_reader){HY_STR("webhook:crm"), 5, false, HY_STR("")});
    put((struct hy_log_reader){HY_STR("file:all"), 13, true, HY_STR("longer than before")});
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_log_reader_get(&t, HY_STR("file:all"), &r), 0);
    cr_assert_eq(r.cursor, 13);
    cr_assert(r.holds);
    cr_assert(hy_str_eq(r.state, HY_STR("longer than before")));
    cr_assert_eq(hy_log_reader_get(&t, HY_STR("file"), &r), HY_ENOTFOUND);
    cr_assert_eq(hy_log_reader_next(&t, HY_STR(""), &r), 0);
    cr_assert(hy_str_eq(r.name, HY_STR("file:all")));
    cr_assert_eq(hy_log_reader_next(&t, r.name, &r), 0);
    cr_assert(hy_str_eq(r.name, HY_STR("webhook:crm")));
    cr_assert_not(r.holds);
    cr_assert_eq(hy_log_reader_next(&t, r.name, &r), HY_ENOTFOUND);
    hy_txn_end(&t);
}

Test(log_reader, names_states_and_their_number_have_limits)
{
    static const char big[HY_LOG_READER_STATE_MAX + 1];
    struct hy_log_reader r = {HY_STR("x"), 0, true, hy_str_make(big, sizeof big)};
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_log_reader_put(&t, &r), HY_ELIMIT);
    r = (struct hy_log_reader){.name = HY_STR("")};
    cr_assert_eq(hy_log_reader_put(&t, &r), HY_EINVAL);
    r.name = hy_str_make(big, HY_LOG_READER_NAME_MAX + 1);
    cr_assert_eq(hy_log_reader_put(&t, &r), HY_EINVAL);
    uint16_t i;
    r.name = hy_str_make(&i, sizeof i);
    for (i = 0; i < HY_LOG_READERS_MAX; i++)
        cr_assert_eq(hy_log_reader_put(&t, &r), 0);
    i = 7;
    cr_assert_eq(hy_log_reader_put(&t, &r), 0, "one that is there");
    r.name = HY_STR("one more");
    cr_assert_eq(hy_log_reader_put(&t, &r), HY_ELIMIT);
    cr_assert_eq(hy_log_reader_del(&t, hy_str_make(&(uint16_t){3}, 2)), 0);
    cr_assert_eq(hy_log_reader_put(&t, &r), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

Test(log_reader, what_it_has_not_read_is_kept_within_the_limit)
{
    hy_wall_ms start = hy_clock_wall_ms() - 1;
    hy_id first = note();
    note();
    usleep(3000);
    hy_wall_ms later = hy_clock_wall_ms() + 1000;
    put((struct hy_log_reader){HY_STR("a"), first, true, HY_STR("")});
    put((struct hy_log_reader){HY_STR("b"), UINT64_MAX, true, HY_STR("")});
    trim(later, start);
    cr_assert_eq(activities(), 1, "what both have read is gone");
    trim(later, start);
    cr_assert_eq(activities(), 1);
    trim(later, later);
    cr_assert_eq(activities(), 0, "older than the limit");
}

Test(log_reader, one_that_does_not_hold_keeps_nothing)
{
    hy_wall_ms start = hy_clock_wall_ms() - 1;
    hy_id first = note();
    note();
    put((struct hy_log_reader){HY_STR("a"), first, false, HY_STR("")});
    trim(hy_clock_wall_ms() + 1000, start);
    cr_assert_eq(activities(), 0);
}

Test(log_reader, nothing_younger_than_the_retention_goes_for_having_been_read)
{
    hy_wall_ms start = hy_clock_wall_ms() - 1;
    note();
    put((struct hy_log_reader){HY_STR("a"), UINT64_MAX, true, HY_STR("")});
    trim(start, start);
    cr_assert_eq(activities(), 1);
}
