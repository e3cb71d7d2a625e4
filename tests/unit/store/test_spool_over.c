#include "case.h"
#include "spools.h"

#include <criterion/criterion.h>

#include "hayauma/store/inflight.h"

TestSuite(spool_over, .init = case_open, .fini = case_close);

Test(spool_over, the_floor_follows_what_is_sent)
{
    struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org")};
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_spool_message m = {0};
    struct hy_txn t;
    uint32_t at = 0, floor = 0;
    for (int i = 0; i < 20; i++) {
        m = spool_message_to(rcpts, 1);
        spool_put_ok(env, &m);
        cr_assert_eq(spool_fresh(env, m.spool, &at, rows, HY_QUEUE_BLOCK_ROWS), 1);
        spool_settle(env, &rows[0].ref, i % 2 ? HY_RCPT_DELIVERED : HY_RCPT_DEFERRED);
    }
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_spool_floor(&t, m.spool, &floor), 0);
    hy_txn_end(&t);
    cr_assert_eq(floor, 19, "only the newest had not been sent when it came: %u", floor);
    cr_assert_eq(store_problems(env), 0);
}

Test(spool_over, deferred_rows_come_back_by_the_due_index)
{
    struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org"), spool_to("b@example.org")};
    struct hy_spool_message m = spool_message_to(rcpts, 2);
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_due due = {0};
    struct hy_txn t;
    uint32_t at = 0;
    size_t n = 0;
    spool_put_ok(env, &m);
    cr_assert_eq(spool_fresh(env, m.spool, &at, rows, HY_QUEUE_BLOCK_ROWS), 2);
    spool_settle(env, &rows[1].ref, HY_RCPT_DEFERRED);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_due_next(&t, &due, UINT32_MAX), 0);
    cr_assert_eq(due.campaign, m.spool);
    cr_assert_eq(due.domain, rows[1].ref.domain);
    cr_assert_eq(hy_queue_read_due(&t, &due, rows, &n), 0);
    hy_txn_end(&t);
    cr_assert_eq(n, 1);
    cr_assert_eq(rows[0].ref.lead, 2);
    cr_assert_eq(rows[0].ref.attempts, 1);
}

Test(spool_over, what_is_over_and_old_is_forgotten_and_the_ledger_still_holds)
{
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_spool_message m = {0};
    uint32_t at = 0;
    for (int i = 0; i < 6; i++) {
        struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org"), spool_to("b@example.com")};
        m = spool_message_to(rcpts, 2);
        spool_put_ok(env, &m);
        cr_assert_eq(spool_fresh(env, m.spool, &at, rows, HY_QUEUE_BLOCK_ROWS), 2);
        spool_settle(env, &rows[0].ref, HY_RCPT_DELIVERED);
        spool_settle(env, &rows[1].ref, i == 2 ? HY_RCPT_DEFERRED : HY_RCPT_DELIVERED);
    }
    struct hy_spool_trim_job j;
    hy_spool_trim_job_init(&j, hy_clock_wall_ms() + 3600 * 1000);
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_MESSAGES), 1, "the pending one stays");
    cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_BLOCKS), 2);
    cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_INDEX), 3);
    cr_assert_eq(campaign_progress(env, m.spool).ledger.queued, 12);
    cr_assert_eq(store_problems(env), 0);

    hy_spool_trim_job_init(&j, 1);
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_MESSAGES), 1);
}

/* One slice, as short as can be, kept or lost with its transaction. */
static int trim_slice(struct hy_spool_trim_job *j, bool is_kept)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    t.yield_at = 1;
    int err = j->req.apply(&j->req, &t);
    cr_assert(err == 0 || err == HY_EMORE);
    if (!is_kept) {
        hy_txn_end(&t);
        return HY_EMORE;
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    if (err == HY_EMORE)
        j->req.slice(&j->req);
    return err;
}

Test(spool_over, forgetting_goes_on_behind_the_messages_it_passed_over)
{
    enum { N = 20 };
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_spool_message m = {0};
    uint32_t at = 0;
    for (int i = 0; i < N; i++) {
        struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org")};
        m = spool_message_to(rcpts, 1);
        spool_put_ok(env, &m);
        cr_assert_eq(spool_fresh(env, m.spool, &at, rows, HY_QUEUE_BLOCK_ROWS), 1);
        spool_settle(env, &rows[0].ref, i % 4 == 3 ? HY_RCPT_DELIVERED : HY_RCPT_DEFERRED);
    }
    struct hy_spool_trim_job j;
    int slices = 0;
    hy_spool_trim_job_init(&j, hy_clock_wall_ms() + 3600 * 1000);
    cr_assert_eq(trim_slice(&j, true), HY_EMORE, "it yields though nothing was to be forgotten");
    cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_MESSAGES), N);
    for (int i = 0; i < N; i++)
        trim_slice(&j, false);
    for (; trim_slice(&j, true) == HY_EMORE; slices++)
        cr_assert_lt(slices, N, "each slice begins behind the one before");
    cr_assert_eq(slices, N - 1);
    cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_MESSAGES), N / 4 * 3);
    cr_assert_eq(store_problems(env), 0);
}

Test(spool_over, a_row_held_in_doubt_can_be_decided_upon)
{
    struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org")};
    struct hy_spool_message m = spool_message_to(rcpts, 1);
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_sweep_job j;
    uint32_t at = 0;
    spool_put_ok(env, &m);
    cr_assert_eq(spool_fresh(env, m.spool, &at, rows, HY_QUEUE_BLOCK_ROWS), 1);
    spool_settle(env, &rows[0].ref, HY_RCPT_HELD);
    cr_assert_neq(store_entries(env, HY_TABLE_SPOOL_CONTENTS), 0);
    hy_sweep_job_init(&j, m.spool, HY_SWEEP_HELD_DELIVERED);
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_CONTENTS), 0);
    cr_assert_eq(store_problems(env), 0);
}

Test(spool_over, recovery_settles_what_the_in_flight_table_says)
{
    struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org"), spool_to("b@example.org")};
    struct hy_spool_message m = spool_message_to(rcpts, 2);
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_inflight *f;
    struct hy_diag diag;
    struct hy_recovery rec;
    uint32_t at = 0;
    spool_put_ok(env, &m);
    cr_assert_eq(spool_fresh(env, m.spool, &at, rows, HY_QUEUE_BLOCK_ROWS), 2);
    cr_assert_eq(hy_inflight_open(dir.path, 16, 1, &f, &diag), 0);
    uint32_t a = hy_inflight_claim(f, 0), b = hy_inflight_claim(f, 0);
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_DELIVERED, 0);
    hy_inflight_dot(f, a, &rows[0].ref, 1700000000000);
    hy_inflight_answered(f, a, &s.attempt);
    hy_inflight_dot(f, b, &rows[1].ref, 1700000000000);
    cr_assert_eq(hy_recover(env, f, HY_DOUBT_RESEND, &rec), 0);
    cr_assert_eq(rec.applied, 1);
    cr_assert_eq(rec.in_doubt, 1);
    cr_assert_eq(row_now(env, &rows[0].ref).state, HY_RCPT_DELIVERED);
    cr_assert_eq(row_now(env, &rows[1].ref).state, HY_RCPT_DEFERRED);
    hy_inflight_close(f);
    cr_assert_eq(store_problems(env), 0);
}
