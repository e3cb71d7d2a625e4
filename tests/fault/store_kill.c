/* kill -9 against the store: a child sends a campaign to a make-believe server (a shared page of
 * counters, which survives it) and is killed again and again at random moments; each new child
 * recovers, audits and goes on. At the end everybody has a final state, nobody was missed, and
 * nobody got it twice but those that were between dot and reply. Usage: store_kill [KILLS [LEADS
 * [SEED]]]. */
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hayauma/base/list.h"
#include "hayauma/base/rand.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/inflight.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/settle.h"

enum { SLOTS = 64, WIRE = 24, DOMAINS = 17, LEADS_MAX = 1 << 20 };

/* What outlives the children. */
struct outside {
    _Atomic uint32_t accepted[LEADS_MAX]; /* how often the server took the mail of this lead */
    _Atomic uint32_t children, recovered, in_doubt, stale;
};
static struct outside *outside;
static uint32_t n_leads = 4000;
static char dir[] = "/tmp/hy-kill-XXXXXX";

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "FAILED: %s\n", what);
    _exit(1);
}

/* ---- the audience: lead numbers 1..n_leads, spread over the domains ---- */

static int next(void *ctx, struct hy_txn *t, struct hy_audience_pos pos, hy_domain_no *ret_domain,
                struct hy_audience_lead *ret, size_t max, size_t *ret_n)
{
    hy_domain_no d = pos.domain ? pos.domain : 1;
    hy_lead_no lead = pos.domain ? pos.lead + DOMAINS : d;
    (void)ctx, (void)t;
    if (lead > n_leads)
        lead = ++d;
    if (d > DOMAINS || lead > n_leads)
        return HY_ENOTFOUND;
    size_t n = 0;
    for (; n < max && lead <= n_leads; lead += DOMAINS)
        ret[n++] = (struct hy_audience_lead){lead, HY_LEAD_ACTIVE};
    *ret_domain = d;
    *ret_n = n;
    return 0;
}

/* ---- the child ---- */

struct message {
    struct hy_settle settle;
    struct child *child;
    uint32_t slot;
    _Atomic int busy;
};

struct child {
    struct hy_env *env;
    struct hy_inflight *table;
    struct hy_writer *writer;
    struct hy_enqueue_job enqueue;
    hy_id campaign;
    struct message messages[SLOTS];
    struct message *wire[WIRE]; /* sent, the reply is still to come; oldest first */
    uint32_t n_wire;
    _Atomic uint32_t on_the_way;
};

static void settled(struct hy_write_req *r, int err)
{
    struct message *m = hy_container_of(r, struct message, settle.req);
    must(err == 0, "settle");
    must(m->settle.result == HY_SETTLE_APPLIED, "a settle of a live process is never stale");
    hy_inflight_free(m->child->table, m->slot);
    atomic_store(&m->busy, 0);
    atomic_fetch_sub(&m->child->on_the_way, 1);
}

/* The server's mind, the same after every crash: some are put off once or twice, some refused. */
static enum hy_rcpt_state verdict(hy_lead_no lead, unsigned attempts)
{
    if (lead % 20 == 0)
        return HY_RCPT_BOUNCED;
    unsigned put_off = lead % 26 == 0 ? 2 : lead % 13 == 0 ? 1 : 0;
    return attempts < put_off ? HY_RCPT_DEFERRED : HY_RCPT_DELIVERED;
}

static struct message *idle_message(struct child *c)
{
    for (;;) {
        for (int i = 0; i < SLOTS; i++)
            if (atomic_load(&c->messages[i].busy) == 0)
                return &c->messages[i];
        usleep(200);
    }
}

static void take_reply(struct child *c)
{
    struct message *m = c->wire[0];
    memmove(c->wire, c->wire + 1, --c->n_wire * sizeof *c->wire);
    hy_inflight_answered(c->table, m->slot, &m->settle.attempt);
    must(hy_writer_submit(c->writer, &m->settle.req) == 0, "submit");
}

static void take_replies(struct child *c)
{
    while (c->n_wire > 0)
        take_reply(c);
}

/* The server has it at once; its reply takes as long as it takes to send the next ones. */
static void send_one(struct child *c, const struct hy_queue_row *row)
{
    if (c->n_wire == WIRE)
        take_reply(c);
    struct message *m = idle_message(c);
    atomic_store(&m->busy, 1);
    atomic_fetch_add(&c->on_the_way, 1);
    m->child = c;
    while ((m->slot = hy_inflight_claim(c->table, 0)) == HY_INFLIGHT_NONE)
        usleep(100);
    hy_settle_init(&m->settle);
    m->settle.req.done = settled;
    struct hy_attempt *a = &m->settle.attempt;
    a->ref = row->ref;
    a->started = hy_clock_wall_ms();
    a->state = verdict(row->ref.lead, row->ref.attempts);
    a->outcome =
        (struct hy_outcome){.kind = HY_OUTCOME_DELIVERED, .code = 250, .text = HY_STR("ok")};
    hy_inflight_dot(c->table, m->slot, &row->ref, a->started);
    if (a->state == HY_RCPT_DELIVERED)
        atomic_fetch_add(&outside->accepted[row->ref.lead], 1);
    c->wire[c->n_wire++] = m;
}

static void send_fresh(struct child *c)
{
    struct hy_queue_row rows[32];
    struct hy_queue_pos pos;
    struct hy_txn t;
    hy_domain_no d = 0;
    uint32_t hint;
    int err;
    must(hy_txn_read(c->env, &t) == 0, "read");
    while ((err = hy_queue_next_domain(&t, c->campaign, d, &d, &pos, &hint)) != HY_ENOTFOUND) {
        size_t n = 0;
        while (err == 0 && (err = hy_queue_read_fresh(&t, c->campaign, d, &pos, rows, 32, &n)) == 0)
            for (size_t i = 0; i < n; i++)
                send_one(c, &rows[i]);
        while (err == HY_EMORE) { /* rows are still being made: the same place, a newer snapshot */
            hy_txn_park(&t);
            usleep(500);
            must(hy_txn_renew(&t) == 0, "renew");
            if (d == 0)
                break;
            err = hy_queue_read_fresh(&t, c->campaign, d, &pos, rows, 32, &n);
            for (size_t i = 0; err == 0 && i < n; i++)
                send_one(c, &rows[i]);
            if (err == 0)
                err = HY_EMORE;
        }
        must(err == HY_ENOTFOUND || err == HY_EMORE, "fresh rows");
    }
    hy_txn_end(&t);
}

static bool is_done(struct child *c)
{
    struct hy_txn t;
    struct hy_campaign campaign;
    must(hy_txn_read(c->env, &t) == 0, "read");
    must(hy_campaign_get(&t, c->campaign, &campaign) == 0, "campaign");
    bool done = campaign.state == HY_CAMPAIGN_DONE;
    hy_txn_end(&t);
    return done;
}

static void send_due(struct child *c)
{
    struct hy_due at = {0};
    while (!is_done(c)) {
        struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
        struct hy_txn t;
        size_t n;
        uint32_t upto = hy_due_horizon(c->env, (uint32_t)(hy_clock_wall_ms() / 1000));
        must(hy_txn_read(c->env, &t) == 0, "read");
        while (hy_due_next(&t, &at, upto) == 0) {
            must(hy_queue_read_due(&t, &at, rows, &n) == 0, "due");
            for (size_t i = 0; i < n; i++)
                send_one(c, &rows[i]);
        }
        hy_txn_end(&t);
        take_replies(c);
        usleep(2000);
    }
}

static void tell(void *ctx, const char *text)
{
    (void)ctx;
    fprintf(stderr, "audit: %s\n", text);
}

static struct hy_audit_campaign counted;
static void keep(void *ctx, const struct hy_audit_campaign *c)
{
    (void)ctx;
    counted = *c;
}

static void audit(struct hy_env *env)
{
    struct hy_audit_sink sink = {.problem = tell, .campaign = keep};
    struct hy_audit_report r;
    must(hy_audit(env, &sink, &r) == 0 && r.problems == 0, "audit");
}

static void start_campaign(struct child *c)
{
    struct hy_txn t;
    struct hy_campaign campaign = {.name = HY_STR("c")};
    must(hy_txn_write(c->env, &t) == 0, "write");
    int err = hy_campaign_find(&t, campaign.name, &c->campaign);
    if (err == HY_ENOTFOUND) {
        must(hy_campaign_create(&t, &campaign, HY_STR("")) == 0, "create");
        must(hy_campaign_move(&t, campaign.id, HY_CAMPAIGN_QUEUEING) == 0, "start");
        c->campaign = campaign.id;
    }
    must(hy_txn_commit(&t) == 0, "commit");
}

static int child_main(void)
{
    static struct child c;
    struct hy_diag diag = {0};
    struct hy_recovery r;
    struct hy_env_options eo = {.data_dir = dir, .map_bytes = 256 << 20};
    struct hy_writer_options wo = {.commit_interval_ms = 5};
    int err = hy_env_open(&eo, &c.env, &diag);
    must(err == 0, diag.text);
    must(hy_inflight_open(dir, SLOTS, 1, &c.table, &diag) == 0, diag.text);
    must(hy_recover(c.env, c.table, HY_DOUBT_RESEND, &r) == 0, "recovery");
    must(r.missing == 0 && r.damaged == 0, "slots make sense");
    atomic_fetch_add(&outside->recovered, r.applied);
    atomic_fetch_add(&outside->in_doubt, r.in_doubt);
    atomic_fetch_add(&outside->stale, r.stale);
    audit(c.env);
    start_campaign(&c);
    must(hy_writer_start(c.env, &wo, &c.writer) == 0, "writer");
    must(hy_enqueue_job_init(&c.enqueue, c.campaign, (struct hy_audience){next, NULL}) == 0, "job");
    must(hy_writer_submit(c.writer, &c.enqueue.req) == 0, "enqueue");
    atomic_fetch_add(&outside->children, 1);
    send_fresh(&c);
    take_replies(&c);
    send_due(&c);
    while (atomic_load(&c.on_the_way) > 0)
        usleep(500);
    hy_writer_stop(c.writer);
    hy_enqueue_job_free(&c.enqueue);
    audit(c.env);
    hy_inflight_close(c.table);
    hy_env_close(c.env);
    return 0;
}

/* ---- the parent ---- */

struct fate {
    bool is_sending_first; /* wait until it sends before the time runs */
    hy_us after;           /* 0 = let it live */
};

/* A child's end: true when it ended by itself and found all well. */
static bool judge_child(int status, bool may_be_killed)
{
    if (WIFEXITED(status)) {
        must(WEXITSTATUS(status) == 0, "a child found something wrong");
        return true;
    }
    must(may_be_killed && WTERMSIG(status) == SIGKILL, "a child died by itself");
    return false;
}

static bool run_child(struct fate fate)
{
    int status;
    uint32_t before = atomic_load(&outside->children);
    pid_t pid = fork();
    if (pid == 0)
        _exit(child_main());
    must(pid > 0, "fork");
    while (fate.is_sending_first && atomic_load(&outside->children) == before) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return judge_child(status, false);
        usleep(500);
    }
    if (fate.after) {
        usleep((useconds_t)fate.after);
        kill(pid, SIGKILL);
    }
    must(waitpid(pid, &status, 0) == pid, "wait");
    return judge_child(status, fate.after != 0);
}

/* The rows in the end, against what the server saw. */
static void judge(uint32_t kills)
{
    struct hy_env *env;
    struct hy_env_options o = {.data_dir = dir, .map_bytes = 256 << 20};
    struct hy_txn t;
    hy_id campaign;
    uint32_t lost = 0, doubles = 0, wrong = 0;
    must(hy_env_open(&o, &env, NULL) == 0, "open");
    audit(env);
    must(hy_txn_read(env, &t) == 0, "read");
    must(hy_campaign_find(&t, HY_STR("c"), &campaign) == 0, "find");
    for (hy_lead_no lead = 1; lead <= n_leads; lead++) {
        struct hy_queue_row row;
        uint32_t got = atomic_load(&outside->accepted[lead]);
        must(hy_queue_find(&t, campaign, 1 + (lead - 1) % DOMAINS, lead, &row) == 0,
             "a row is lost");
        bool bounces = lead % 20 == 0;
        wrong += row.state != (bounces ? HY_RCPT_BOUNCED : HY_RCPT_DELIVERED);
        lost += !bounces && got == 0;
        doubles += got > 1 ? got - 1 : 0;
    }
    hy_txn_end(&t);
    hy_env_close(env);
    printf("%u kills: %" PRIu64 " rows, %" PRIu64 " delivered, %" PRIu64 " bounced, %u lost, "
           "%u twice, %" PRIu64 " in doubt; recovered %u, settled before %u\n",
           kills, counted.ledger.queued, counted.ledger.by_state[HY_RCPT_DELIVERED],
           counted.ledger.by_state[HY_RCPT_BOUNCED], lost, doubles, counted.ledger.resent_in_doubt,
           atomic_load(&outside->recovered), atomic_load(&outside->stale));
    must(counted.ledger.queued == n_leads, "every lead has a row");
    if (kills >= 30) /* or the test has tested nothing */
        must(outside->recovered > 0 && counted.ledger.resent_in_doubt > 0, "kills hit the wire");
    must(lost == 0, "nobody is lost");
    must(wrong == 0, "every row ends as the server decided");
    /* A child may be killed between its recovery and its report to us: the ledger knows better. */
    must(counted.ledger.resent_in_doubt >= outside->in_doubt, "doubts are counted");
    must(doubles <= counted.ledger.resent_in_doubt, "nobody gets it twice but those in doubt");
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int main(int argc, char **argv)
{
    uint32_t kills = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 60, done = 0;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64_t)time(NULL);
    struct hy_rng rng;
    if (argc > 2)
        n_leads = (uint32_t)strtoul(argv[2], NULL, 10);
    must(n_leads < LEADS_MAX, "too many leads");
    hy_rng_seed(&rng, seed);
    printf("seed %" PRIu64 "\n", seed);
    fflush(stdout);
    must(mkdtemp(dir) != NULL, "directory");
    outside =
        mmap(NULL, sizeof *outside, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(outside != MAP_FAILED, "memory");
    /* One in three is hit while it boots, recovers and makes rows, the others while they send. */
    for (bool over = false; done < kills && !over; done += !over) {
        struct fate fate = {done % 3 != 0, 200 + (hy_us)hy_rng_below(&rng, 15000)};
        over = run_child(fate);
    }
    run_child((struct fate){false, 0});
    judge(done);
    nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
