#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon.h"
#include "fixture.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/retention.h"

/* As much of a daemon as upkeep works on, with one campaign whose two rows were delivered. */
struct bed {
    struct store_dir dir;
    struct hy_config config;
    struct hy_daemon d;
    hy_id campaign;
};

static void bed_open(struct bed *b)
{
    struct people p = {.n_domains = 1, .per_domain = 2};
    struct hy_queue_row rows[2];
    b->dir = store_dir_make();
    b->d.env = store_open(&b->dir);
    b->d.config = &b->config;
    b->campaign = campaign_queue(b->d.env, "c", &p);
    cr_assert_eq(read_all_fresh(b->d.env, b->campaign, rows, 2), 2);
    for (int i = 0; i < 2; i++) {
        struct hy_settle s = settle_of(&rows[i].ref, HY_RCPT_DELIVERED, 0);
        cr_assert_eq(settle_now(b->d.env, &s), HY_SETTLE_APPLIED);
    }
    cr_assert_eq(hy_writer_start(b->d.env, &(struct hy_writer_options){0}, &b->d.writer), HY_OK);
}

static void bed_close(struct bed *b)
{
    if (b->d.writer)
        hy_writer_stop(b->d.writer);
    hy_env_close(b->d.env);
    store_dir_remove(&b->dir);
}

static size_t entries(struct bed *b, enum hy_table table)
{
    struct hy_env_stats s;
    cr_assert_eq(hy_env_stats(b->d.env, &s), HY_OK);
    return s.entries[table];
}

static void start(struct bed *b)
{
    struct hy_diag diag = {""};
    cr_assert_eq(upkeep_start(&b->d, &diag), HY_OK, "%s", diag.text);
}

/* Ends with every job done: the writer applies what is queued. */
static void trim_and_end(struct bed *b, hy_us kept_us)
{
    b->config.store.log_retention_us = kept_us;
    start(b);
    upkeep_tick(&b->d);
    hy_writer_stop(b->d.writer);
    b->d.writer = NULL;
}

Test(upkeep, forgets_attempts_older_than_the_log_is_kept)
{
    static struct bed b;
    bed_open(&b);
    cr_assert_eq(entries(&b, HY_TABLE_ATTEMPTS), 2);
    usleep(5000);
    trim_and_end(&b, HY_US_PER_MS);
    cr_assert_eq(entries(&b, HY_TABLE_ATTEMPTS), 0);
    cr_assert_eq(campaign_progress(b.d.env, b.campaign).ledger.attempts, 2, "the books stay");
    bed_close(&b);
}

Test(upkeep, keeps_attempts_that_are_younger_and_all_when_told_for_ever)
{
    static const struct {
        const char *name;
        hy_us kept_us;
    } cases[] = {{"an hour", 3600 * HY_US_PER_SEC}, {"for ever", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct bed b;
        b = (struct bed){0};
        bed_open(&b);
        usleep(5000);
        trim_and_end(&b, cases[i].kept_us);
        cr_assert_eq(entries(&b, HY_TABLE_ATTEMPTS), 2, "%s: got %zu, want 2", cases[i].name,
                     entries(&b, HY_TABLE_ATTEMPTS));
        bed_close(&b);
    }
}

Test(upkeep, keeps_what_people_did_for_longer_than_attempts)
{
    static const struct {
        hy_us log_us, activity_us;
        size_t attempts, activities;
    } cases[] = {
        {HY_US_PER_MS, 3600 * HY_US_PER_SEC, 0, 1},
        {HY_US_PER_MS, 0, 0, 1},
        {0, HY_US_PER_MS, 2, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_activity a = {.kind = HY_ACTIVITY_ORDER, .lead = 1};
        struct hy_txn t;
        static struct bed b;
        b = (struct bed){0};
        bed_open(&b);
        hy_writer_stop(b.d.writer);
        cr_assert_eq(hy_txn_write(b.d.env, &t), HY_OK);
        cr_assert_eq(hy_activity_put(&t, &a), HY_OK);
        cr_assert_eq(hy_txn_commit(&t), HY_OK);
        cr_assert_eq(hy_writer_start(b.d.env, &(struct hy_writer_options){0}, &b.d.writer), HY_OK);
        usleep(5000);
        b.config.store.activity_retention_us = cases[i].activity_us;
        trim_and_end(&b, cases[i].log_us);
        cr_expect_eq(entries(&b, HY_TABLE_ATTEMPTS), cases[i].attempts, "case %zu", i);
        cr_expect_eq(entries(&b, HY_TABLE_ACTIVITIES), cases[i].activities, "case %zu", i);
        bed_close(&b);
    }
}

static void drop_half(struct bed *b)
{
    struct hy_drop_job job;
    struct hy_txn t;
    hy_drop_job_init(&job, b->campaign);
    cr_assert_eq(hy_txn_write(b->d.env, &t), HY_OK);
    t.yield_at = 1;
    cr_assert_eq(job.req.apply(&job.req, &t), HY_EMORE);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
}

Test(upkeep, ends_a_drop_that_a_stop_interrupted)
{
    static struct bed b;
    bed_open(&b);
    hy_writer_stop(b.d.writer);
    drop_half(&b);
    cr_assert_eq(entries(&b, HY_TABLE_LEDGERS), 1, "half dropped");
    cr_assert_eq(hy_writer_start(b.d.env, &(struct hy_writer_options){0}, &b.d.writer), HY_OK);
    start(&b);
    hy_writer_stop(b.d.writer);
    b.d.writer = NULL;
    cr_assert_eq(entries(&b, HY_TABLE_LEDGERS), 0);
    cr_assert_eq(entries(&b, HY_TABLE_QUEUE), 0);
    bed_close(&b);
}
