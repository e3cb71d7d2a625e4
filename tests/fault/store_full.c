/* A disk that is really full: the store lies on a small file system of its own (or, where we may
 * not mount, below a file size limit). Intake stops with a clear error, outcomes wait, nothing is
 * lost, and all goes on by itself when there is space again. */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/store/audit.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/settle.h"

enum { SMALL_MIB = 16, LEADS = 2000000, SETTLES = 300 };

static char dir[] = "/tmp/hy-full-XXXXXX";
static bool mounted;

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "FAILED: %s\n", what);
    exit(1);
}

static void set_size(unsigned mib)
{
    if (mounted) {
        char size[32];
        snprintf(size, sizeof size, "size=%um", mib);
        must(mount("tmpfs", dir, "tmpfs", MS_REMOUNT, size) == 0, "remount");
        return;
    }
    struct rlimit rl = {(rlim_t)mib << 20, RLIM_INFINITY};
    must(setrlimit(RLIMIT_FSIZE, &rl) == 0, "limit");
}

static void make_small(void)
{
    must(mkdtemp(dir) != NULL, "directory");
    mounted = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
              mount("tmpfs", dir, "tmpfs", 0, "size=16m") == 0;
    printf("%s\n", mounted ? "tmpfs of 16 MiB" : "file size limit of 16 MiB");
    fflush(stdout);
    set_size(SMALL_MIB);
}

static int next(void *ctx, struct hy_txn *t, struct hy_audience_pos pos, hy_domain_no *ret_domain,
                struct hy_audience_lead *ret, size_t max, size_t *ret_n)
{
    (void)ctx, (void)t;
    size_t n = 0;
    for (hy_lead_no lead = pos.lead + 1; n < max && lead <= LEADS; lead++)
        ret[n++] = (struct hy_audience_lead){lead, HY_LEAD_ACTIVE};
    *ret_domain = 1;
    *ret_n = n;
    return n ? 0 : HY_ENOTFOUND;
}

static struct hy_env *env;
static struct hy_writer *writer;
static hy_id campaign;
static _Atomic int enqueue_over, settles_over;

static int make_campaign(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_campaign c = {.name = HY_STR("c")};
    (void)r;
    int err = hy_campaign_create(t, &c, HY_STR(""));
    if (!err)
        err = hy_campaign_move(t, c.id, HY_CAMPAIGN_QUEUEING);
    campaign = c.id;
    return err;
}

static void on_enqueue(struct hy_write_req *r, int err)
{
    (void)r;
    must(err == 0, "the enqueue waits for space and ends well");
    atomic_store(&enqueue_over, 1);
}

static void on_settle(struct hy_write_req *r, int err)
{
    (void)r;
    must(err == 0, "a settle is never lost");
    atomic_fetch_add(&settles_over, 1);
}

static int never(struct hy_write_req *r, struct hy_txn *t)
{
    (void)r, (void)t;
    return 0;
}

static void wait_for(bool (*what)(void), const char *name)
{
    for (int i = 0; i < 30000 && !what(); i++)
        usleep(1000);
    must(what(), name);
}

static bool is_in_trouble(void)
{
    enum hy_env_state s = hy_env_state(env);
    return s == HY_ENV_FULL || s == HY_ENV_LOW;
}
static bool is_ready(void)
{
    return hy_env_state(env) == HY_ENV_READY;
}
static bool all_over(void)
{
    return atomic_load(&enqueue_over) && atomic_load(&settles_over) == SETTLES;
}

static struct hy_audit_campaign counted;
static void keep(void *ctx, const struct hy_audit_campaign *c)
{
    (void)ctx;
    counted = *c;
}

static void audit(void)
{
    struct hy_audit_sink sink = {.campaign = keep};
    struct hy_audit_report r;
    must(hy_audit(env, &sink, &r) == 0 && r.problems == 0, "audit");
    must(counted.holds, "the equation holds");
}

/* Outcomes of rows that exist, more text than the free pages take. */
static void submit_settles(void)
{
    static struct hy_settle settles[SETTLES];
    static char text[HY_OUTCOME_TEXT_MAX];
    struct hy_queue_row rows[SETTLES];
    struct hy_queue_pos pos = {0};
    struct hy_txn t;
    size_t n = 0;
    memset(text, 'x', sizeof text);
    must(hy_txn_read(env, &t) == 0, "read");
    must(hy_queue_read_fresh(&t, campaign, 1, &pos, rows, SETTLES, &n) == 0 && n == SETTLES,
         "rows");
    hy_txn_end(&t);
    for (size_t i = 0; i < n; i++) {
        hy_settle_init(&settles[i]);
        settles[i].req.done = on_settle;
        settles[i].attempt.ref = rows[i].ref;
        settles[i].attempt.state = HY_RCPT_DELIVERED;
        settles[i].attempt.started = 1700000000000;
        settles[i].attempt.outcome.text = hy_str_make(text, sizeof text);
        must(hy_writer_submit(writer, &settles[i].req) == 0, "settles are always taken");
    }
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int main(void)
{
    struct hy_diag diag = {0};
    struct hy_enqueue_job job;
    struct hy_write_req create = {.class = HY_WRITE_ADMIN, .apply = make_campaign};
    struct hy_write_req refused = {.class = HY_WRITE_INTAKE, .apply = never};
    make_small();
    struct hy_env_options eo = {.data_dir = dir, .map_bytes = 256 << 20};
    struct hy_writer_options wo = {.commit_interval_ms = 5, .retry_ms = 20};
    must(hy_env_open(&eo, &env, &diag) == 0, diag.text);
    must(hy_writer_start(env, &wo, &writer) == 0, "writer");
    must(hy_writer_run(writer, &create) == 0, "campaign");
    must(hy_enqueue_job_init(&job, campaign, (struct hy_audience){next, NULL}) == 0, "job");
    job.req.done = on_enqueue;
    must(hy_writer_submit(writer, &job.req) == 0, "enqueue");
    wait_for(is_in_trouble, "the disk gets full");
    must(hy_writer_submit(writer, &refused) == HY_EFULL, "intake is refused with HY_EFULL");
    submit_settles();
    usleep(300000);
    audit();
    printf("full: %" PRIu64 " of %u rows made, %d of %u outcomes stored, state %s\n",
           counted.ledger.queued, (unsigned)LEADS, atomic_load(&settles_over), (unsigned)SETTLES,
           hy_env_state_name(hy_env_state(env)));
    must(counted.ledger.queued > 0 && counted.ledger.queued < LEADS, "it stopped in the middle");
    must(!atomic_load(&enqueue_over), "the enqueue waits");
    set_size(200);
    wait_for(all_over, "everything goes on by itself");
    wait_for(is_ready, "the store is ready");
    hy_writer_stop(writer);
    audit();
    must(counted.ledger.queued == LEADS, "all rows");
    must(counted.ledger.by_state[HY_RCPT_DELIVERED] == SETTLES, "all outcomes");
    printf("space: %" PRIu64 " rows, %" PRIu64 " delivered\n", counted.ledger.queued,
           counted.ledger.by_state[HY_RCPT_DELIVERED]);
    hy_enqueue_job_free(&job);
    hy_env_close(env);
    if (mounted)
        umount(dir);
    nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
