/* What the store costs: making rows, reading them, settling them, walking them; CPU time of the
 * thread that does it, wall time of the whole, anonymous memory. Usage: store_cost [ROWS [DOMAINS
 * [DIR]]]. */
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/base/rand.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/inflight.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/settle.h"
#include "hayauma/store/timeline.h"

struct world {
    uint32_t rows, domains;
    uint32_t suppressed_every; /* 0: none */
    char dir[256];
    struct hy_env *env;
    struct hy_writer *writer;
    hy_id campaign;
};

static void must(int err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "%s: %s\n", what, hy_err_name(err));
    exit(1);
}

static uint64_t anonymous_kib(void)
{
    char line[256];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "RssAnon: %" SCNu64, &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

struct span {
    hy_us wall;
    int64_t cpu;
};

static struct span begin(void)
{
    return (struct span){hy_clock_us(), hy_clock_cpu_us()};
}

static void report(const char *what, struct span s, uint64_t n)
{
    hy_us wall = hy_clock_us() - s.wall;
    int64_t cpu = hy_clock_cpu_us() - s.cpu;
    printf("%-44s %10" PRIu64 "  %9.0f /s  %7.3f us wall  %7.3f us CPU  %6" PRIu64 " MiB anon\n",
           what, n, (double)n * 1e6 / (double)(wall ? wall : 1), (double)wall / (double)n,
           (double)cpu / (double)n, anonymous_kib() / 1024);
}

/* ---- the audience: domain d has its share, a fifth of all rows in the first ---- */

static uint32_t size_of(const struct world *w, hy_domain_no d)
{
    uint32_t giant = w->rows / 5, rest = (w->rows - giant) / w->domains;
    return d == 1 ? giant : rest ? rest : 1;
}

static int next(void *ctx, struct hy_txn *t, struct hy_audience_pos pos, hy_domain_no *ret_domain,
                struct hy_audience_lead *ret, size_t max, size_t *ret_n)
{
    const struct world *w = ctx;
    hy_domain_no d = pos.domain ? pos.domain : 1;
    uint32_t at = pos.domain ? pos.lead : 0;
    (void)t;
    if (at >= size_of(w, d)) {
        d++;
        at = 0;
    }
    if (d > w->domains)
        return HY_ENOTFOUND;
    size_t n = 0;
    for (; n < max && at < size_of(w, d); n++) {
        at++;
        bool is_out = w->suppressed_every && at % w->suppressed_every == 0;
        ret[n] = (struct hy_audience_lead){at, is_out ? HY_LEAD_DEAD : HY_LEAD_ACTIVE};
    }
    *ret_domain = d;
    *ret_n = n;
    return 0;
}

static void open_store(struct world *w)
{
    struct span s = begin();
    struct hy_diag diag = {0};
    struct hy_env_options o = {.data_dir = w->dir};
    int err = hy_env_open(&o, &w->env, &diag);
    if (err)
        fprintf(stderr, "%s\n", diag.text);
    must(err, "open");
    report("open", s, 1);
    must(hy_writer_start(w->env, &(struct hy_writer_options){0}, &w->writer), "writer");
}

static void close_store(struct world *w)
{
    hy_writer_stop(w->writer);
    hy_env_close(w->env);
}

struct make {
    struct hy_write_req req;
    const char *name;
    hy_id id;
};

static int make_campaign(struct hy_write_req *r, struct hy_txn *t)
{
    struct make *m = (struct make *)(void *)r;
    struct hy_campaign c = {.name = hy_str_of(m->name)};
    int err = hy_campaign_create(t, &c, HY_STR(""));
    if (!err)
        err = hy_campaign_move(t, c.id, HY_CAMPAIGN_QUEUEING);
    m->id = c.id;
    return err;
}

static void enqueue(struct world *w, const char *name, const char *what)
{
    struct make make = {.req = {.class = HY_WRITE_ADMIN, .apply = make_campaign}, .name = name};
    struct hy_enqueue_job job;
    must(hy_writer_run(w->writer, &make.req), "campaign");
    w->campaign = make.id;
    must(hy_enqueue_job_init(&job, make.id, (struct hy_audience){next, w}), "enqueue");
    struct span s = begin();
    must(hy_writer_run(w->writer, &job.req), "enqueue");
    report(what, s, job.rows);
    hy_enqueue_job_free(&job);
}

/* Every fresh row, in the feeder's way; with `out`, they are kept. */
static uint64_t walk(struct world *w, struct hy_rcpt_ref *out, const char *what)
{
    struct hy_queue_row rows[256];
    struct hy_queue_pos pos;
    struct hy_txn t;
    hy_domain_no d = 0;
    uint32_t hint;
    uint64_t n = 0;
    struct span s = begin();
    must(hy_txn_read(w->env, &t), "read");
    while (hy_queue_next_domain(&t, w->campaign, d, &d, &pos, &hint) == 0) {
        size_t got;
        while (hy_queue_read_fresh(&t, w->campaign, d, &pos, rows, 256, &got) == 0)
            for (size_t i = 0; i < got; i++, n++)
                if (out)
                    out[n] = rows[i].ref;
    }
    hy_txn_end(&t);
    report(what, s, n ? n : 1);
    return n;
}

/* ---- settling: groups of `a_commit`, as workers would hand them in ---- */

static void settle_init(struct hy_settle *s, const struct hy_rcpt_ref *ref,
                        enum hy_rcpt_state state, uint32_t due_s)
{
    hy_settle_init(s);
    s->attempt = (struct hy_attempt){
        .ref = *ref,
        .state = state,
        .due_s = due_s,
        .started = 1700000000000,
        .duration_ms = 40,
        .mx_host = HY_STR("mx1.example.com"),
        .mx_ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [15] = 1},
        .source = HY_STR("default"),
        .tls_version = 0x0304,
        .tls_cipher = HY_STR("TLS_AES_256_GCM_SHA384"),
        .size_bytes = 10240,
        .outcome = {.kind = HY_OUTCOME_DELIVERED,
                    .code = 250,
                    .enhanced = {2, 0, 0},
                    .from_server = true,
                    .text = HY_STR("2.0.0 Ok: queued as 4TzXq91hZ2z9")},
    };
}

static void settle(struct world *w, const struct hy_rcpt_ref *refs, size_t n, size_t a_commit,
                   enum hy_rcpt_state state, uint32_t due_s, const char *what)
{
    struct span s = begin();
    for (size_t at = 0; at < n; at += a_commit) {
        struct hy_txn t;
        must(hy_txn_write(w->env, &t), "write");
        for (size_t i = at; i < n && i < at + a_commit; i++) {
            struct hy_settle one;
            settle_init(&one, &refs[i], state, due_s ? due_s + (uint32_t)(i % 90) * 4 : 0);
            must(hy_settle_apply(&t, &one), "settle");
            if (one.result != HY_SETTLE_APPLIED)
                must(HY_ECORRUPT, "settle");
        }
        must(hy_txn_commit(&t), "commit");
    }
    report(what, s, n);
}

static void shuffle(struct hy_rcpt_ref *refs, size_t n)
{
    struct hy_rng rng;
    hy_rng_seed(&rng, 1);
    for (size_t i = n; i > 1; i--) {
        size_t k = hy_rng_below(&rng, i);
        struct hy_rcpt_ref r = refs[k];
        refs[k] = refs[i - 1];
        refs[i - 1] = r;
    }
}

/* The order of a running campaign: all domains side by side, each in its own order. */
static void interleave(struct hy_rcpt_ref *refs, size_t n, uint32_t domains)
{
    struct hy_rcpt_ref *sorted = calloc(n, sizeof *sorted);
    size_t *at = calloc((size_t)domains + 2, sizeof *at);
    if (!sorted || !at)
        must(HY_ENOMEM, "interleave");
    memcpy(sorted, refs, n * sizeof *refs);
    for (size_t i = n; i-- > 0;)
        at[sorted[i].domain] = i;
    shuffle(refs, n);
    for (size_t i = 0; i < n; i++)
        refs[i] = sorted[at[refs[i].domain]++];
    free(sorted);
    free(at);
}

static void settle_all(struct world *w, struct hy_rcpt_ref *refs, size_t n)
{
    size_t part = n / 4;
    interleave(refs, n, w->domains);
    settle(w, refs, part, 100, HY_RCPT_DELIVERED, 0, "settle, 100 a commit");
    settle(w, refs + part, part, 1000, HY_RCPT_DELIVERED, 0, "settle, 1000 a commit");
    settle(w, refs + 2 * part, part, 1000, HY_RCPT_DEFERRED, 4000000000u, "defer, 1000 a commit");
    shuffle(refs + 3 * part, n - 3 * part);
    settle(w, refs + 3 * part, n - 3 * part, 100, HY_RCPT_DELIVERED, 0,
           "settle, 100 a commit, rows at random");
}

static void due(struct world *w)
{
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_due at = {0};
    struct hy_txn t;
    uint64_t n = 0;
    struct span s = begin();
    must(hy_txn_read(w->env, &t), "read");
    while (hy_due_next(&t, &at, UINT32_MAX) == 0) {
        size_t got;
        must(hy_queue_read_due(&t, &at, rows, &got), "due");
        n += got;
    }
    hy_txn_end(&t);
    report("read due rows", s, n);
}

static void audit(struct world *w)
{
    struct hy_audit_sink sink = {0};
    struct hy_audit_report r;
    struct span s = begin();
    must(hy_audit(w->env, &sink, &r), "audit");
    report("audit", s, r.rows);
    if (r.problems)
        must(HY_ECORRUPT, "audit");
}

static void inflight(struct world *w)
{
    enum { TURNS = 1000000 };
    struct hy_inflight *f;
    struct hy_settle s;
    struct hy_rcpt_ref ref = {.campaign = 1, .domain = 2, .lead = 3};
    must(hy_inflight_open(w->dir, 20000, 2, &f, NULL), "inflight");
    settle_init(&s, &ref, HY_RCPT_DELIVERED, 0);
    struct span span = begin();
    for (int i = 0; i < TURNS; i++) {
        uint32_t slot = hy_inflight_claim(f, 0);
        hy_inflight_dot(f, slot, &ref, 1700000000000);
        hy_inflight_answered(f, slot, &s.attempt);
        hy_inflight_free(f, slot);
    }
    report("in-flight slot: claim, dot, answered, free", span, TURNS);
    hy_inflight_close(f);
}

static int cancel_campaign(struct hy_write_req *r, struct hy_txn *t)
{
    return hy_campaign_move(t, ((struct make *)(void *)r)->id, HY_CAMPAIGN_CANCELLED);
}

/* Rows that are over without an attempt: made so, cancelled, and told of. */
static void endings(struct world *w)
{
    struct hy_sweep_job job;
    struct hy_timeline l;
    struct hy_moment m;
    struct hy_txn t;
    uint64_t n = 0;
    hy_id after = 0;
    must(hy_txn_read(w->env, &t), "read");
    must(hy_timeline_newest(&t, &after), "timeline");
    hy_txn_end(&t);
    w->suppressed_every = 20;
    enqueue(w, "endings", "enqueue, every 20th lead suppressed");
    struct make make = {.req = {.class = HY_WRITE_ADMIN, .apply = cancel_campaign},
                        .id = w->campaign};
    must(hy_writer_run(w->writer, &make.req), "cancel");
    hy_sweep_job_init(&job, w->campaign, HY_SWEEP_CANCEL);
    struct span s = begin();
    must(hy_writer_run(w->writer, &job.req), "cancel");
    report("cancel (writer, committed)", s, w->rows - w->rows / 20);
    s = begin();
    must(hy_txn_read(w->env, &t), "read");
    must(hy_timeline_open(&t, after, &l), "timeline");
    while (hy_timeline_next(&l, &m) == 0)
        n++;
    hy_timeline_close(&l);
    hy_txn_end(&t);
    report("read the endings of all", s, n ? n : 1);
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int main(int argc, char **argv)
{
    struct world w = {.rows = 1000000, .domains = 2000};
    if (argc > 1)
        w.rows = (uint32_t)strtoul(argv[1], NULL, 10);
    if (argc > 2)
        w.domains = (uint32_t)strtoul(argv[2], NULL, 10);
    snprintf(w.dir, sizeof w.dir, "%s/hy-bench-XXXXXX", argc > 3 ? argv[3] : "/tmp");
    if (w.rows < 100 || w.domains == 0 || !mkdtemp(w.dir))
        must(HY_EINVAL, "usage: store_cost [ROWS [DOMAINS [DIR]]]");
    open_store(&w);
    enqueue(&w, "bench", "enqueue (writer, committed)");
    close_store(&w);
    open_store(&w);
    walk(&w, NULL, "read fresh rows");
    struct hy_rcpt_ref *refs =
        calloc((size_t)w.rows + w.domains, sizeof *refs); /* the bench's own */
    if (!refs)
        must(HY_ENOMEM, "refs");
    uint64_t n = walk(&w, refs, "read fresh rows, kept by the bench");
    settle_all(&w, refs, n);
    free(refs);
    due(&w);
    audit(&w);
    walk(&w, NULL, "walk a campaign without fresh rows (whole)");
    inflight(&w);
    endings(&w);
    close_store(&w);
    nftw(w.dir, drop, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
