/* The promise of the due index, under load: a reader that only goes forward gives each deferral out
 * exactly once, while the writer commits new ones. */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "case.h"
#include "hayauma/base/list.h"

enum { ROWS = 1200, ROUNDS_S = 3 };

static struct hy_writer *writer;

static void setup(void)
{
    struct hy_writer_options o = {.commit_interval_ms = 3};
    case_open();
    cr_assert_eq(hy_writer_start(env, &o, &writer), 0);
}

static void teardown(void)
{
    hy_writer_stop(writer);
    case_close();
}

TestSuite(due, .init = setup, .fini = teardown);

static _Atomic int applied, stale, delivered;

static void settled(struct hy_write_req *r, int err)
{
    struct hy_settle *s = hy_container_of(r, struct hy_settle, req);
    atomic_fetch_add(err == 0 && s->result == HY_SETTLE_APPLIED ? &applied : &stale, 1);
    atomic_fetch_add(&delivered, s->state == HY_RCPT_DELIVERED);
    free(s);
}

static void submit(const struct hy_rcpt_ref *ref, enum hy_rcpt_state state)
{
    struct hy_settle *s = malloc(sizeof *s);
    cr_assert_not_null(s);
    *s = settle_of(ref, state, 0); /* due as soon as may be */
    s->req.done = settled;
    cr_assert_eq(hy_writer_submit(writer, &s->req), 0);
}

static uint32_t now_s(void)
{
    return (uint32_t)(hy_clock_wall_ms() / 1000);
}

/* Gives out what is due behind *at; how many rows. */
static size_t read_on(struct hy_due *at, enum hy_rcpt_state next)
{
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_txn t;
    size_t n, all = 0;
    uint32_t upto = hy_due_horizon(env, now_s());
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (hy_due_next(&t, at, upto) == 0) {
        cr_assert_eq(hy_queue_read_due(&t, at, rows, &n), 0);
        for (size_t i = 0; i < n; i++)
            submit(&rows[i].ref, next);
        all += n;
    }
    hy_txn_end(&t);
    return all;
}

Test(due, every_deferral_is_given_out_exactly_once)
{
    static struct hy_queue_row rows[ROWS];
    struct people p = {.n_domains = 3, .per_domain = ROWS / 3};
    struct hy_due at = {0};
    struct hy_enqueue_job job;
    size_t given = 0;
    struct hy_txn t;
    struct hy_campaign c = {.name = HY_STR("c")};
    hy_writer_stop(writer); /* its thread is the only one that may write */
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_campaign_create(&t, &c, HY_STR("")), 0);
    cr_assert_eq(hy_campaign_move(&t, c.id, HY_CAMPAIGN_QUEUEING), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(
        hy_writer_start(env, &(struct hy_writer_options){.commit_interval_ms = 3}, &writer), 0);
    cr_assert_eq(hy_enqueue_job_init(&job, c.id, people_audience(&p)), 0);
    cr_assert_eq(hy_writer_run(writer, &job.req), 0);
    hy_enqueue_job_free(&job);
    cr_assert_eq(read_all_fresh(env, c.id, rows, ROWS), ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        submit(&rows[i].ref, HY_RCPT_DEFERRED);
        if (i % 20 == 0)
            given += read_on(&at, HY_RCPT_DEFERRED);
    }
    /* A busy machine gets more time for its rounds. */
    for (uint32_t end = now_s() + ROUNDS_S;
         now_s() < end || (given <= 2 * ROWS && now_s() < end + 30); usleep(300))
        given += read_on(&at, HY_RCPT_DEFERRED);
    for (int i = 0; i < 20000 && atomic_load(&delivered) < ROWS; i++, usleep(500))
        given += read_on(&at, HY_RCPT_DELIVERED);
    cr_assert_eq(atomic_load(&delivered), ROWS, "%d of %d: some were passed by", delivered, ROWS);
    cr_assert_eq(atomic_load(&stale), 0, "some were given out twice");
    cr_assert_eq((size_t)atomic_load(&applied), ROWS + given);
    cr_assert_gt(given, 2 * ROWS);
    for (int i = 0; i < 100 && campaign_state(env, c.id) != HY_CAMPAIGN_DONE; i++)
        usleep(1000);
    cr_assert_eq(campaign_state(env, c.id), HY_CAMPAIGN_DONE);
    struct hy_campaign_progress end = campaign_progress(env, c.id);
    cr_assert_eq(hy_ledger_sum(&end.ledger), ROWS);
}
