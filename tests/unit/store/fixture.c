#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fixture: %s\n", what);
    abort();
}

struct store_dir store_dir_make(void)
{
    struct store_dir d = {.path = "/tmp/hy-store-XXXXXX"};
    must(mkdtemp(d.path), d.path);
    return d;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void store_dir_remove(struct store_dir *d)
{
    nftw(d->path, drop, 16, FTW_DEPTH | FTW_PHYS);
}

struct hy_env *store_open_fault(const struct store_dir *d, struct hy_env_fault fault)
{
    struct hy_env *env;
    struct hy_diag diag = {0};
    struct hy_env_options o = {
        .data_dir = d->path, .node = 7, .map_bytes = 64 << 20, .fault = fault};
    must(hy_env_open(&o, &env, &diag) == 0, diag.text);
    return env;
}

struct hy_env *store_open(const struct store_dir *d)
{
    return store_open_fault(d, (struct hy_env_fault){0});
}

static int people_next(void *ctx, struct hy_txn *t, struct hy_audience_pos pos,
                       hy_domain_no *ret_domain, struct hy_audience_lead *ret_leads, size_t max,
                       size_t *ret_n)
{
    struct people *p = ctx;
    hy_domain_no domain = pos.domain ? pos.domain : 1;
    uint32_t at = pos.domain ? (pos.lead - domain) / p->n_domains + 1 : 0;
    (void)t;
    p->calls++;
    if (at >= p->per_domain) {
        domain++;
        at = 0;
    }
    if (domain > p->n_domains || p->per_domain == 0)
        return HY_ENOTFOUND;
    size_t n = 0;
    for (; n < max && at < p->per_domain; at++, n++) {
        ret_leads[n].lead = domain + at * p->n_domains;
        bool out = p->unsubscribed_every && ret_leads[n].lead % p->unsubscribed_every == 0;
        ret_leads[n].status = out ? HY_LEAD_UNSUBSCRIBED : HY_LEAD_ACTIVE;
    }
    *ret_domain = domain;
    *ret_n = n;
    return 0;
}

struct hy_audience people_audience(struct people *p)
{
    return (struct hy_audience){people_next, p};
}

int run_request(struct hy_env *env, struct hy_write_req *r)
{
    int err = HY_EMORE;
    while (err == HY_EMORE) {
        struct hy_txn t;
        must(hy_txn_write(env, &t) == 0, "transaction");
        t.yield_at = 1; /* long past: the shortest slices there can be */
        err = r->apply(r, &t);
        if (err != 0 && err != HY_EMORE) {
            hy_txn_end(&t);
            return err;
        }
        must(hy_txn_commit(&t) == 0, "commit");
        if (err == HY_EMORE && r->slice)
            r->slice(r);
    }
    return err;
}

hy_id campaign_make(struct hy_env *env, const char *name)
{
    struct hy_txn t;
    struct hy_campaign c = {.name = hy_str_of(name), .n_lists = 1, .lists = {1}};
    must(hy_txn_write(env, &t) == 0, "transaction");
    must(hy_campaign_create(&t, &c, HY_STR("bundle")) == 0, "campaign");
    must(hy_campaign_move(&t, c.id, HY_CAMPAIGN_QUEUEING) == 0, "queueing");
    must(hy_txn_commit(&t) == 0, "commit");
    return c.id;
}

hy_id campaign_queue(struct hy_env *env, const char *name, struct people *p)
{
    struct hy_enqueue_job job;
    hy_id id = campaign_make(env, name);
    must(hy_enqueue_job_init(&job, id, people_audience(p)) == 0, "memory");
    must(run_request(env, &job.req) == 0, "enqueue");
    hy_enqueue_job_free(&job);
    return id;
}

void campaign_cancel(struct hy_env *env, hy_id id)
{
    struct hy_sweep_job job;
    struct hy_txn t;
    must(hy_txn_write(env, &t) == 0, "transaction");
    must(hy_campaign_move(&t, id, HY_CAMPAIGN_CANCELLED) == 0, "cancelled");
    must(hy_txn_commit(&t) == 0, "commit");
    hy_sweep_job_init(&job, id, HY_SWEEP_CANCEL);
    must(run_request(env, &job.req) == 0, "sweep");
}

struct hy_campaign_progress campaign_progress(struct hy_env *env, hy_id id)
{
    struct hy_txn t;
    struct hy_campaign_progress p;
    must(hy_txn_read(env, &t) == 0, "transaction");
    must(hy_campaign_progress(&t, id, &p) == 0, "progress");
    hy_txn_end(&t);
    return p;
}

enum hy_campaign_state campaign_state(struct hy_env *env, hy_id id)
{
    struct hy_txn t;
    struct hy_campaign c;
    must(hy_txn_read(env, &t) == 0, "transaction");
    must(hy_campaign_get(&t, id, &c) == 0, "campaign");
    hy_txn_end(&t);
    return c.state;
}

size_t read_all_fresh(struct hy_env *env, hy_id id, struct hy_queue_row *out, size_t max)
{
    struct hy_txn t;
    struct hy_queue_pos pos;
    hy_domain_no domain = 0;
    uint32_t hint;
    size_t n = 0;
    must(hy_txn_read(env, &t) == 0, "transaction");
    while (hy_queue_next_domain(&t, id, domain, &domain, &pos, &hint) == 0) {
        size_t got, part;
        do { /* in small bites, so that positions inside blocks are used */
            part = max - n < 7 ? max - n : 7;
            got = 0;
            if (part == 0 || hy_queue_read_fresh(&t, id, domain, &pos, out + n, part, &got) != 0)
                break;
            n += got;
        } while (got == part);
    }
    hy_txn_end(&t);
    return n;
}

struct hy_queue_row row_now(struct hy_env *env, const struct hy_rcpt_ref *ref)
{
    struct hy_txn t;
    struct hy_queue_row row;
    must(hy_txn_read(env, &t) == 0, "transaction");
    must(hy_queue_get(&t, ref, &row) == 0, "row");
    hy_txn_end(&t);
    return row;
}

struct hy_settle settle_of(const struct hy_rcpt_ref *ref, enum hy_rcpt_state state, uint32_t due_s)
{
    struct hy_settle s;
    hy_settle_init(&s);
    s.attempt = (struct hy_attempt){
        .ref = *ref,
        .state = state,
        .due_s = due_s,
        .started = 1700000000000,
        .duration_ms = 12,
        .mx_host = HY_STR("mx1.example.com"),
        .mx_ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 1},
        .source = HY_STR("default"),
        .outcome = {.kind = state == HY_RCPT_DELIVERED  ? HY_OUTCOME_DELIVERED
                            : state == HY_RCPT_DEFERRED ? HY_OUTCOME_DEFERRED
                                                        : HY_OUTCOME_BOUNCED,
                    .phase = HY_PHASE_DOT,
                    .code = 250,
                    .enhanced = {2, 0, 0},
                    .from_server = true,
                    .text = HY_STR("2.0.0 Ok: queued as 4Tz")},
    };
    return s;
}

enum hy_settle_result settle_now(struct hy_env *env, struct hy_settle *s)
{
    must(run_request(env, &s->req) == 0, "settle");
    return s->result;
}
