#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "case.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/explain.h"
#include "hayauma/store/retention.h"

static struct hy_queue_row rows[1200];
static hy_id campaign;

static void setup(void)
{
    const struct people p = {.n_domains = 2, .per_domain = 600};
    cr_assert_eq(case_open_queued(p, &campaign, rows, 1200), 1200);
}

TestSuite(retention, .init = setup, .fini = case_close);

static void deliver_all(void)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (int i = 0; i < 1200; i++) {
        struct hy_settle s = settle_of(&rows[i].ref, HY_RCPT_DELIVERED, 0);
        cr_assert_eq(hy_settle_apply(&t, &s), 0);
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static uint64_t entries(enum hy_table table)
{
    struct hy_txn t;
    uint64_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_table_count(&t, table, &n), 0);
    hy_txn_end(&t);
    return n;
}

static uint64_t problems(struct hy_env *of)
{
    struct hy_audit_sink sink = {0};
    struct hy_audit_report r;
    cr_assert_eq(hy_audit(of, &sink, &r), 0);
    return r.problems;
}

static int ignore_attempt(void *ctx, const struct hy_attempt *a)
{
    (void)a;
    ++*(int *)ctx;
    return 0;
}

Test(retention, trims_old_attempts_and_leaves_the_accounts_alone)
{
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_DEFERRED, 0);
    struct hy_trim_job job;
    struct hy_txn t;
    int n = 0;
    bool trimmed = false;
    settle_now(env, &s);
    usleep(3000);
    hy_wall_ms cut = hy_clock_wall_ms();
    usleep(3000);
    rows[0].ref.attempts = 1;
    deliver_all();
    cr_assert_eq(entries(HY_TABLE_ATTEMPTS), 1201);
    hy_trim_job_init(&job, cut);
    cr_assert_eq(run_request(env, &job.req), 0);
    cr_assert_eq(entries(HY_TABLE_ATTEMPTS), 1200);
    struct hy_queue_row row = row_now(env, &rows[0].ref);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_explain_attempts(&t, &row, ignore_attempt, &n, &trimmed), 0);
    hy_txn_end(&t);
    cr_assert_eq(n, 1);
    cr_assert(trimmed);
    cr_assert_eq(problems(env), 0);

    hy_trim_job_init(&job, hy_clock_wall_ms() + 1000);
    cr_assert_eq(run_request(env, &job.req), 0);
    cr_assert_eq(entries(HY_TABLE_ATTEMPTS), 0);
    cr_assert_eq(problems(env), 0);
    cr_assert_eq(campaign_progress(env, campaign).ledger.attempts, 1201);
}

Test(retention, drops_a_finished_campaign_and_only_that)
{
    struct people p = {.n_domains = 2, .per_domain = 3};
    struct hy_drop_job job;
    struct hy_txn t;
    struct hy_campaign c;
    hy_id id, other = campaign_queue(env, "other", &p);
    hy_drop_job_init(&job, campaign);
    cr_assert_eq(run_request(env, &job.req), HY_EINVAL, "it runs");
    deliver_all();
    hy_drop_job_init(&job, campaign);
    cr_assert_eq(run_request(env, &job.req), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_campaign_get(&t, campaign, &c), HY_ENOTFOUND);
    cr_assert_eq(hy_campaign_find(&t, HY_STR("c"), &id), HY_ENOTFOUND);
    cr_assert_eq(hy_campaign_get(&t, other, &c), 0);
    hy_txn_end(&t);
    cr_assert_eq(entries(HY_TABLE_QUEUE), 2);
    cr_assert_eq(entries(HY_TABLE_LEDGERS), 1);
    cr_assert_eq(entries(HY_TABLE_BUNDLES), 1);
    cr_assert_eq(problems(env), 0);
    cr_assert_eq(run_request(env, &job.req), HY_ENOTFOUND);
}

Test(retention, a_drop_that_was_interrupted_is_found_and_ended)
{
    struct hy_drop_job job;
    struct hy_txn t;
    hy_id id = 0;
    deliver_all();
    hy_drop_job_init(&job, campaign);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    t.yield_at = 1;
    cr_assert_eq(job.req.apply(&job.req, &t), HY_EMORE);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(problems(env), 0, "half dropped is no damage");
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_drop_unfinished(&t, 0, &id), 0);
    hy_txn_end(&t);
    cr_assert_eq(id, campaign);
    hy_drop_job_init(&job, id);
    cr_assert_eq(run_request(env, &job.req), 0);
    cr_assert_eq(entries(HY_TABLE_QUEUE), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_drop_unfinished(&t, 0, &id), HY_ENOTFOUND);
    hy_txn_end(&t);
}

Test(retention, a_backup_is_a_data_directory_with_everything_of_its_moment)
{
    struct hy_env *copy;
    struct hy_diag diag = {0};
    char path[128];
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_DELIVERED, 0);
    settle_now(env, &s);
    snprintf(path, sizeof path, "%s/backup", dir.path);
    cr_assert_eq(hy_backup(env, NULL, path, &diag), 0, "%s", diag.text);
    deliver_all();
    struct hy_env_options o = {.data_dir = path, .node = 7, .map_bytes = 64 << 20};
    cr_assert_eq(hy_env_open(&o, &copy, &diag), 0, "%s", diag.text);
    cr_assert_eq(problems(copy), 0);
    cr_assert_eq(campaign_progress(copy, campaign).ledger.by_state[HY_RCPT_DELIVERED], 1);
    cr_assert_eq(campaign_progress(copy, campaign).ledger.by_state[HY_RCPT_FRESH], 1199);
    cr_assert_arr_eq(hy_env_secret(copy), hy_env_secret(env), HY_STORE_SECRET_LEN);
    hy_env_close(copy);
    cr_assert_eq(hy_backup(env, NULL, path, &diag), HY_EEXIST);
}

Test(retention, a_backup_that_fails_leaves_nothing_behind)
{
    struct hy_diag diag = {0};
    struct stat st;
    char path[128];
    snprintf(path, sizeof path, "%s/none/backup", dir.path);
    cr_assert_eq(hy_backup(env, NULL, path, &diag), HY_EIO);
    cr_assert(diag.text[0]);
    cr_assert_neq(stat(path, &st), 0);
    cr_assert_eq(hy_backup(env, NULL, "", &diag), HY_EINVAL);
}
