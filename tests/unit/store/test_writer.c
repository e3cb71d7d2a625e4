#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "fixture.h"
#include "hayauma/base/list.h"
#include "hayauma/store/writer.h"

static struct store_dir dir;
static struct hy_env *env;
static struct hy_writer *writer;
static _Atomic int fault;

static int fault_now(void *ctx)
{
    (void)ctx;
    return atomic_load(&fault);
}

static void setup(void)
{
    struct hy_writer_options o = {.commit_interval_ms = 5, .retry_ms = 10};
    atomic_store(&fault, 0);
    dir = store_dir_make();
    env = store_open_fault(&dir, (struct hy_env_fault){fault_now, NULL});
    cr_assert_eq(hy_writer_start(env, &o, &writer), 0);
}

static void teardown(void)
{
    hy_writer_stop(writer);
    hy_env_close(env);
    store_dir_remove(&dir);
}

TestSuite(writer, .init = setup, .fini = teardown);

/* A request that puts `n` keys of its own and fails when told to. */
struct put {
    struct hy_write_req req;
    char key[16];
    int fail;         /* what apply returns */
    bool fail_late;   /* after it wrote */
    int slices;       /* a long job of so many */
    int slices_seen;  /* by the slice callback */
    _Atomic int done; /* 0 = not yet, else 1 - err */
};

static int put_apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct put *p = hy_container_of(r, struct put, req);
    struct hy_str v;
    uint64_t at = 0;
    if (p->fail && !p->fail_late)
        return p->fail;
    if (hy_get(t, HY_TABLE_ATTRS, hy_str_of(p->key), &v) == 0)
        memcpy(&at, v.p, sizeof at);
    at++;
    int err = hy_put(t, HY_TABLE_ATTRS, hy_str_of(p->key), hy_str_make(&at, sizeof at), HY_PUT_SET);
    if (err)
        return err;
    if (p->fail)
        return p->fail;
    return at < (uint64_t)p->slices ? HY_EMORE : 0;
}

static void put_done(struct hy_write_req *r, int err)
{
    struct put *p = hy_container_of(r, struct put, req);
    cr_assert_eq(atomic_load(&p->done), 0, "done comes once");
    atomic_store(&p->done, 1 - err);
}

static void put_slice(struct hy_write_req *r)
{
    hy_container_of(r, struct put, req)->slices_seen++;
}

static void put_init(struct put *p, const char *key, enum hy_write_class class)
{
    memset(p, 0, sizeof *p);
    snprintf(p->key, sizeof p->key, "%s", key);
    p->req = (struct hy_write_req){
        .class = class, .apply = put_apply, .done = put_done, .slice = put_slice};
}

static int wait_done(struct put *p)
{
    for (int i = 0; i < 5000 && atomic_load(&p->done) == 0; i++)
        usleep(1000);
    cr_assert_neq(atomic_load(&p->done), 0, "%s: done never came", p->key);
    return 1 - atomic_load(&p->done);
}

static uint64_t stored(const char *key)
{
    struct hy_txn t;
    struct hy_str v;
    uint64_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    if (hy_get(&t, HY_TABLE_ATTRS, hy_str_of(key), &v) == 0)
        memcpy(&n, v.p, sizeof n);
    hy_txn_end(&t);
    return n;
}

Test(writer, done_comes_after_the_commit)
{
    struct put p;
    put_init(&p, "a", HY_WRITE_ADMIN);
    cr_assert_eq(hy_writer_submit(writer, &p.req), 0);
    cr_assert_eq(wait_done(&p), 0);
    cr_assert_eq(stored("a"), 1);
}

Test(writer, many_requests_share_a_commit)
{
    static struct put puts[500];
    struct hy_writer_stats s;
    for (int i = 0; i < 500; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        put_init(&puts[i], key, HY_WRITE_SETTLE);
        cr_assert_eq(hy_writer_submit(writer, &puts[i].req), 0);
    }
    for (int i = 0; i < 500; i++)
        cr_assert_eq(wait_done(&puts[i]), 0);
    hy_writer_stats(writer, &s);
    cr_assert_eq(s.applied, 500);
    cr_assert_lt(s.commits, 250, "got %lu commits", s.commits);
    cr_assert_eq(hy_writer_lag(writer).queued, 0);
    cr_assert_eq(hy_writer_lag(writer).oldest_us, 0);
}

Test(writer, a_failing_request_does_not_spoil_its_group)
{
    static const struct {
        int err;
        bool late;
    } cases[] = {{HY_EINVAL, false}, {HY_EEXIST, true}, {HY_ECORRUPT, true}};
    for (size_t c = 0; c < 3; c++) {
        struct put puts[20];
        for (int i = 0; i < 20; i++) {
            char key[16];
            snprintf(key, sizeof key, "c%zu-%d", c, i);
            put_init(&puts[i], key, HY_WRITE_ADMIN);
            if (i == 7) {
                puts[i].fail = cases[c].err;
                puts[i].fail_late = cases[c].late;
            }
        }
        for (int i = 0; i < 20; i++)
            cr_assert_eq(hy_writer_submit(writer, &puts[i].req), 0);
        for (int i = 0; i < 20; i++) {
            int want = i == 7 ? cases[c].err : 0, got = wait_done(&puts[i]);
            cr_assert_eq(got, want, "case %zu, request %d: got %s", c, i, hy_err_name(got));
            cr_assert_eq(stored(puts[i].key), i == 7 ? 0 : 1, "case %zu, request %d", c, i);
        }
    }
}

Test(writer, run_waits_for_the_answer)
{
    struct put p;
    put_init(&p, "a", HY_WRITE_ADMIN);
    cr_assert_eq(hy_writer_run(writer, &p.req), 0);
    cr_assert_eq(stored("a"), 1);
    put_init(&p, "b", HY_WRITE_ADMIN);
    p.fail = HY_EINVAL;
    cr_assert_eq(hy_writer_run(writer, &p.req), HY_EINVAL);
}

Test(writer, others_get_their_turn_between_the_slices_of_a_long_job)
{
    struct put job, other;
    put_init(&job, "job", HY_WRITE_INTAKE);
    job.slices = 50;
    cr_assert_eq(hy_writer_submit(writer, &job.req), 0);
    while (stored("job") < 3)
        usleep(500);
    put_init(&other, "other", HY_WRITE_SETTLE);
    cr_assert_eq(hy_writer_run(writer, &other.req), 0);
    cr_assert_eq(wait_done(&job), 0);
    cr_assert_eq(stored("job"), 50);
    cr_assert_eq(job.slices_seen, 49);
}

Test(writer, outcomes_wait_for_space_and_intake_is_told)
{
    struct put settle, intake, admin, late;
    struct people people = {.n_domains = 2, .per_domain = 3000};
    struct hy_enqueue_job enqueue;
    hy_id id = campaign_make(env, "c");
    atomic_store(&fault, ENOSPC);
    put_init(&settle, "settle", HY_WRITE_SETTLE);
    put_init(&intake, "intake", HY_WRITE_INTAKE);
    put_init(&admin, "admin", HY_WRITE_ADMIN);
    put_init(&late, "late", HY_WRITE_INTAKE);
    cr_assert_eq(hy_writer_submit(writer, &settle.req), 0);
    cr_assert_eq(hy_writer_submit(writer, &intake.req), 0);
    cr_assert_eq(hy_writer_submit(writer, &admin.req), 0);
    cr_assert_eq(wait_done(&intake), HY_EFULL);
    cr_assert_eq(wait_done(&admin), HY_EFULL);
    cr_assert_eq(hy_env_state(env), HY_ENV_FULL);
    cr_assert_eq(hy_writer_submit(writer, &late.req), HY_EFULL, "refused at the door");
    cr_assert_eq(hy_enqueue_job_init(&enqueue, id, people_audience(&people)), 0);
    cr_assert_eq(hy_writer_submit(writer, &enqueue.req), 0, "an enqueue waits");
    usleep(60000);
    cr_assert_eq(atomic_load(&settle.done), 0);
    cr_assert_eq(hy_writer_lag(writer).queued, 1);
    cr_assert_gt(hy_writer_lag(writer).oldest_us, 50000);

    atomic_store(&fault, 0);
    cr_assert_eq(wait_done(&settle), 0);
    cr_assert_eq(stored("settle"), 1);
    for (int i = 0; i < 2000 && campaign_state(env, id) != HY_CAMPAIGN_RUNNING; i++)
        usleep(1000);
    cr_assert_eq(campaign_progress(env, id).ledger.queued, 6000);
    cr_assert_eq(hy_env_state(env), HY_ENV_READY);
    put_init(&late, "late", HY_WRITE_INTAKE);
    cr_assert_eq(hy_writer_run(writer, &late.req), 0, "intake is open again");
    hy_enqueue_job_free(&enqueue);
}

Test(writer, finds_out_by_itself_that_there_is_space_again)
{
    struct put p;
    atomic_store(&fault, ENOSPC);
    put_init(&p, "a", HY_WRITE_ADMIN);
    cr_assert_eq(hy_writer_run(writer, &p.req), HY_EFULL);
    cr_assert_eq(hy_env_state(env), HY_ENV_FULL);
    atomic_store(&fault, 0);
    for (int i = 0; i < 2000 && hy_env_state(env) != HY_ENV_READY; i++)
        usleep(1000);
    cr_assert_eq(hy_env_state(env), HY_ENV_READY);
}

Test(writer, a_commit_that_cannot_be_repeated_ends_everything)
{
    struct put p;
    atomic_store(&fault, EROFS);
    put_init(&p, "a", HY_WRITE_SETTLE);
    cr_assert_eq(hy_writer_run(writer, &p.req), HY_EIO);
    cr_assert_eq(hy_env_state(env), HY_ENV_FAILED);
    atomic_store(&fault, 0);
    put_init(&p, "b", HY_WRITE_SETTLE);
    cr_assert_eq(hy_writer_run(writer, &p.req), HY_EIO);
}

Test(writer, the_number_of_waiting_requests_is_bounded)
{
    static struct put puts[1200];
    int refused = 0, taken = 0;
    atomic_store(&fault, ENOSPC);
    put_init(&puts[0], "first", HY_WRITE_SETTLE);
    cr_assert_eq(hy_writer_submit(writer, &puts[0].req), 0);
    while (hy_env_state(env) != HY_ENV_FULL)
        usleep(500);
    for (int i = 1; i < 1200; i++) {
        put_init(&puts[i], "x", HY_WRITE_ADMIN);
        puts[i].req.on_full = HY_WRITE_FULL_WAIT;
        int err = hy_writer_submit(writer, &puts[i].req);
        taken += err == 0;
        refused += err == HY_EBUSY;
    }
    cr_assert_eq(taken + refused, 1199);
    atomic_store(&fault, 0);
    cr_assert_eq(wait_done(&puts[0]), 0);
    for (int i = 0; i < 5000 && hy_writer_lag(writer).queued > 0; i++)
        usleep(1000);
    cr_assert_eq(stored("x"), (uint64_t)taken);
}

Test(writer, a_stop_commits_what_is_queued_and_closes_long_jobs)
{
    static struct put puts[100], job;
    struct hy_writer_options o = {.commit_interval_ms = 10000};
    struct hy_writer *w;
    hy_writer_stop(writer);
    cr_assert_eq(hy_writer_start(env, &o, &w), 0);
    put_init(&job, "job", HY_WRITE_INTAKE);
    job.slices = 1 << 30;
    job.req.when = HY_WRITE_NOW;
    cr_assert_eq(hy_writer_submit(w, &job.req), 0);
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        put_init(&puts[i], key, HY_WRITE_SETTLE);
        cr_assert_eq(hy_writer_submit(w, &puts[i].req), 0);
    }
    hy_writer_stop(w);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(atomic_load(&puts[i].done), 1, "settle %d is answered before stop returns", i);
    cr_assert_eq(1 - atomic_load(&job.done), HY_ECLOSED);
    cr_assert_eq(stored("k99"), 1);
    writer = NULL;
}

/* ---- from many threads ---- */

enum { THREADS = 4, EACH = 300 };

static void *submit_many(void *arg)
{
    struct put *puts = arg;
    for (int i = 0; i < EACH; i++)
        if (hy_writer_submit(writer, &puts[i].req) != 0)
            return puts;
    return NULL;
}

Test(writer, takes_requests_of_many_threads)
{
    static struct put puts[THREADS][EACH];
    pthread_t threads[THREADS];
    for (int k = 0; k < THREADS; k++)
        for (int i = 0; i < EACH; i++) {
            char key[16];
            snprintf(key, sizeof key, "%d-%d", k, i % 10);
            put_init(&puts[k][i], key, HY_WRITE_SETTLE);
        }
    for (int k = 0; k < THREADS; k++)
        cr_assert_eq(pthread_create(&threads[k], NULL, submit_many, puts[k]), 0);
    for (int k = 0; k < THREADS; k++) {
        void *failed;
        pthread_join(threads[k], &failed);
        cr_assert_null(failed);
    }
    for (int k = 0; k < THREADS; k++)
        for (int i = 0; i < EACH; i++)
            cr_assert_eq(wait_done(&puts[k][i]), 0);
    cr_assert_eq(stored("3-9"), EACH / 10);
}
