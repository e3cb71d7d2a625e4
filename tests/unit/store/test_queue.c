#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"

TestSuite(queue, .init = case_open, .fini = case_close);

Test(queue, makes_one_row_for_each_lead_and_suppresses_those_who_left)
{
    static const struct people cases[] = {
        {.n_domains = 1, .per_domain = 1},
        {.n_domains = 3, .per_domain = 201},
        {.n_domains = 3, .per_domain = 202},
        {.n_domains = 2, .per_domain = 203, .unsubscribed_every = 2},
        {.n_domains = 1, .per_domain = 5000, .unsubscribed_every = 7},
        {.n_domains = 500, .per_domain = 2, .unsubscribed_every = 3},
    };
    static struct hy_queue_row rows[6000];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct people p = cases[i];
        char name[16];
        snprintf(name, sizeof name, "c%zu", i);
        hy_id id = campaign_queue(env, name, &p);
        uint64_t all = (uint64_t)p.n_domains * p.per_domain;
        uint64_t out = p.unsubscribed_every ? all / p.unsubscribed_every : 0;
        struct hy_campaign_progress got = campaign_progress(env, id);
        cr_assert(got.queued_all);
        cr_assert_eq(got.ledger.queued, all, "case %zu", i);
        cr_assert_eq(got.ledger.by_state[HY_RCPT_SUPPRESSED], out, "case %zu", i);
        cr_assert_eq(got.ledger.by_state[HY_RCPT_FRESH], all - out, "case %zu", i);
        cr_assert_eq(campaign_state(env, id), HY_CAMPAIGN_RUNNING);
        size_t n = read_all_fresh(env, id, rows, 6000);
        cr_assert_eq(n, all - out, "case %zu: got %zu", i, n);
        for (size_t k = 1; k < n; k++)
            cr_assert(rows[k].ref.domain > rows[k - 1].ref.domain ||
                          rows[k].ref.lead > rows[k - 1].ref.lead,
                      "case %zu: row %zu comes twice or out of order", i, k);
    }
}

Test(queue, a_campaign_without_anybody_to_send_to_is_done_at_once)
{
    struct people nobody = {.n_domains = 1, .per_domain = 0};
    struct people left = {.n_domains = 2, .per_domain = 3, .unsubscribed_every = 1};
    cr_assert_eq(campaign_state(env, campaign_queue(env, "none", &nobody)), HY_CAMPAIGN_DONE);
    cr_assert_eq(campaign_state(env, campaign_queue(env, "left", &left)), HY_CAMPAIGN_DONE);
}

/* One slice, as short as can be. */
static int slice(struct hy_enqueue_job *job, bool keep)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    t.yield_at = 1;
    int err = job->req.apply(&job->req, &t);
    if (keep)
        cr_assert_eq(hy_txn_commit(&t), 0);
    else
        hy_txn_end(&t);
    return err;
}

Test(queue, an_interrupted_enqueue_goes_on_without_a_gap_or_a_double)
{
    struct people p = {.n_domains = 3, .per_domain = 2500};
    static struct hy_queue_row rows[8000];
    struct hy_enqueue_job job;
    hy_id id = campaign_make(env, "c");
    cr_assert_eq(hy_enqueue_job_init(&job, id, people_audience(&p)), 0);
    int err = HY_EMORE;
    for (int i = 0; err == HY_EMORE; i++) {
        if (i % 2 == 0)
            slice(&job, false); /* lost with its transaction */
        else
            err = slice(&job, true);
        if (i == 2) { /* the process starts anew */
            hy_enqueue_job_free(&job);
            hy_env_close(env);
            env = store_open(&dir);
            cr_assert_eq(hy_enqueue_job_init(&job, id, people_audience(&p)), 0);
        }
    }
    hy_enqueue_job_free(&job);
    cr_assert_eq(err, 0);
    size_t n = read_all_fresh(env, id, rows, 8000);
    cr_assert_eq(n, 7500, "got %zu", n);
    for (size_t k = 1; k < n; k++)
        cr_assert(rows[k].ref.domain > rows[k - 1].ref.domain ||
                  rows[k].ref.lead > rows[k - 1].ref.lead);
}

Test(queue, rows_of_a_slice_can_be_sent_before_the_rest_exists)
{
    struct people p = {.n_domains = 2, .per_domain = 3000};
    struct hy_queue_row rows[64];
    struct hy_queue_pos pos = {0};
    struct hy_enqueue_job job;
    struct hy_txn t;
    hy_domain_no domain;
    uint32_t hint;
    size_t n;
    hy_id id = campaign_make(env, "c");
    cr_assert_eq(hy_enqueue_job_init(&job, id, people_audience(&p)), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_queue_next_domain(&t, id, 0, &domain, &pos, &hint), HY_EMORE);
    hy_txn_park(&t);
    cr_assert_eq(slice(&job, true), HY_EMORE);
    cr_assert_eq(hy_txn_renew(&t), 0);
    cr_assert_eq(hy_queue_next_domain(&t, id, 0, &domain, &pos, &hint), 0);
    cr_assert_eq(domain, 1);
    cr_assert_eq(hint, HY_QUEUE_BLOCK_ROWS);
    size_t all = 0;
    int err;
    while ((err = hy_queue_read_fresh(&t, id, 1, &pos, rows, 64, &n)) == 0)
        all += n;
    cr_assert_eq(err, HY_EMORE, "got %s", hy_err_name(err));
    cr_assert_eq(all, 5 * HY_QUEUE_BLOCK_ROWS);
    hy_txn_park(&t);
    while (slice(&job, true) == HY_EMORE)
        ;
    cr_assert_eq(hy_txn_renew(&t), 0);
    while ((err = hy_queue_read_fresh(&t, id, 1, &pos, rows, 64, &n)) == 0)
        all += n;
    cr_assert_eq(err, HY_ENOTFOUND);
    cr_assert_eq(all, 3000, "each exactly once, got %zu", all);
    cr_assert_eq(hy_queue_next_domain(&t, id, 2, &domain, &pos, &hint), HY_ENOTFOUND);
    hy_txn_end(&t);
    hy_enqueue_job_free(&job);
}

Test(queue, an_older_campaign_may_still_grow_when_a_newer_one_has_rows)
{
    struct people p = {.n_domains = 2, .per_domain = 1500};
    struct hy_enqueue_job job;
    static struct hy_queue_row rows[4000];
    hy_id old = campaign_make(env, "old");
    cr_assert_eq(hy_enqueue_job_init(&job, old, people_audience(&p)), 0);
    cr_assert_eq(slice(&job, true), HY_EMORE);
    hy_id new = campaign_queue(env, "new", &p);
    cr_assert_eq(run_request(env, &job.req), 0);
    hy_enqueue_job_free(&job);
    cr_assert_eq(read_all_fresh(env, old, rows, 4000), 3000);
    cr_assert_eq(read_all_fresh(env, new, rows, 4000), 3000);
}

Test(queue, a_pause_stops_the_enqueue_and_a_resume_takes_it_up)
{
    struct people p = {.n_domains = 2, .per_domain = 1500};
    struct hy_enqueue_job job;
    struct hy_txn t;
    enum hy_campaign_state s;
    hy_id id = campaign_make(env, "c");
    cr_assert_eq(hy_enqueue_job_init(&job, id, people_audience(&p)), 0);
    cr_assert_eq(slice(&job, true), HY_EMORE);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_campaign_move(&t, id, HY_CAMPAIGN_PAUSED), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(slice(&job, true), 0);
    cr_assert_not(campaign_progress(env, id).queued_all);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_campaign_resume(&t, id, &s), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(s, HY_CAMPAIGN_QUEUEING);
    cr_assert_eq(run_request(env, &job.req), 0);
    cr_assert_eq(campaign_progress(env, id).ledger.queued, 3000);
    hy_enqueue_job_free(&job);
}

Test(queue, finds_the_row_of_any_lead_and_of_nobody_else)
{
    struct people p = {.n_domains = 3, .per_domain = 1000};
    hy_id id = campaign_queue(env, "c", &p);
    struct hy_txn t;
    struct hy_queue_row row;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        hy_lead_no lead = 2 + i * 3;
        cr_assert_eq(hy_queue_find(&t, id, 2, lead, &row), 0, "lead %u", lead);
        cr_assert_eq(row.ref.lead, lead);
        cr_assert_eq(row.ref.block, i / HY_QUEUE_BLOCK_ROWS);
        cr_assert_eq(hy_queue_find(&t, id, 2, lead + 1, &row), HY_ENOTFOUND);
    }
    cr_assert_eq(hy_queue_find(&t, id, 2, 1, &row), HY_ENOTFOUND);
    cr_assert_eq(hy_queue_find(&t, id, 4, 2, &row), HY_ENOTFOUND);
    cr_assert_eq(hy_queue_find(&t, id + 1, 2, 2, &row), HY_ENOTFOUND);
    hy_txn_end(&t);
}

Test(queue, a_cancel_ends_all_pending_rows_and_their_due_entries)
{
    struct people p = {.n_domains = 4, .per_domain = 500, .unsubscribed_every = 10};
    static struct hy_queue_row rows[4000];
    struct hy_sweep_job job;
    struct hy_txn t;
    hy_id id = campaign_queue(env, "c", &p);
    size_t n = read_all_fresh(env, id, rows, 4000);
    for (size_t i = 0; i < n; i += 3) {
        enum hy_rcpt_state to = i % 2 ? HY_RCPT_DEFERRED : HY_RCPT_DELIVERED;
        struct hy_settle s = settle_of(&rows[i].ref, to, 4000000000u + (uint32_t)(i % 17) * 4);
        cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    }
    hy_sweep_job_init(&job, id, HY_SWEEP_CANCEL);
    cr_assert_eq(run_request(env, &job.req), HY_EINVAL, "only what is cancelled is swept");
    campaign_cancel(env, id);
    struct hy_campaign_progress got = campaign_progress(env, id);
    cr_assert(got.cancelled_all);
    cr_assert_eq(hy_ledger_pending(&got.ledger), 0);
    cr_assert_eq(hy_ledger_sum(&got.ledger), got.ledger.queued);
    cr_assert_eq(got.ledger.by_state[HY_RCPT_DELIVERED], (n + 5) / 6);
    cr_assert_eq(got.ledger.by_state[HY_RCPT_SUPPRESSED], 200);
    uint64_t due = 1;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_table_count(&t, HY_TABLE_DUE, &due), 0);
    hy_txn_end(&t);
    cr_assert_eq(due, 0);
    cr_assert_eq(read_all_fresh(env, id, rows, 4000), 0);
}

Test(queue, held_rows_go_where_a_person_sends_them)
{
    static const struct {
        enum hy_sweep what;
        enum hy_rcpt_state want;
    } cases[] = {
        {HY_SWEEP_HELD_RESEND, HY_RCPT_DEFERRED},
        {HY_SWEEP_HELD_DELIVERED, HY_RCPT_DELIVERED},
        {HY_SWEEP_HELD_CANCEL, HY_RCPT_CANCELLED},
    };
    for (size_t i = 0; i < 3; i++) {
        struct people p = {.n_domains = 1, .per_domain = 3};
        struct hy_queue_row rows[3];
        struct hy_sweep_job job;
        struct hy_due due = {0};
        struct hy_txn t;
        size_t n;
        char name[8];
        snprintf(name, sizeof name, "c%zu", i);
        hy_id id = campaign_queue(env, name, &p);
        cr_assert_eq(read_all_fresh(env, id, rows, 3), 3);
        for (int k = 0; k < 2; k++) {
            struct hy_settle s = settle_of(&rows[k].ref, HY_RCPT_HELD, 0);
            cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
        }
        hy_sweep_job_init(&job, id, cases[i].what);
        cr_assert_eq(run_request(env, &job.req), 0);
        struct hy_campaign_progress got = campaign_progress(env, id);
        cr_assert_eq(got.ledger.by_state[cases[i].want], 2, "case %zu", i);
        cr_assert_eq(got.ledger.by_state[HY_RCPT_HELD], 0);
        cr_assert_eq(got.ledger.by_state[HY_RCPT_FRESH], 1);
        cr_assert_eq(got.ledger.resent_in_doubt, cases[i].want == HY_RCPT_DEFERRED ? 2 : 0);
        if (cases[i].want != HY_RCPT_DEFERRED)
            continue;
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_due_next(&t, &due, UINT32_MAX), 0);
        cr_assert_eq(hy_queue_read_due(&t, &due, rows, &n), 0);
        cr_assert_eq(n, 2);
        struct hy_due more = due;
        cr_assert_eq(hy_due_next(&t, &more, UINT32_MAX), HY_ENOTFOUND);
        hy_txn_end(&t);
    }
}

Test(queue, knows_how_many_rows_of_a_domain_are_left)
{
    static const struct people cases[] = {
        {.n_domains = 1, .per_domain = 1},
        {.n_domains = 3, .per_domain = HY_QUEUE_BLOCK_ROWS},
        {.n_domains = 3, .per_domain = HY_QUEUE_BLOCK_ROWS + 1},
        {.n_domains = 2, .per_domain = 1010},
    };
    static struct hy_queue_row rows[3000];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct people p = cases[i];
        char name[16];
        struct hy_txn t;
        snprintf(name, sizeof name, "b%zu", i);
        hy_id id = campaign_queue(env, name, &p);
        size_t n = read_all_fresh(env, id, rows, 3000);
        cr_assert_eq(n, (size_t)p.n_domains * p.per_domain);
        cr_assert_eq(hy_txn_read(env, &t), 0);
        for (size_t k = 0; k < n; k++) { /* the last domain of all, too */
            const struct hy_rcpt_ref *r = &rows[k].ref;
            struct hy_queue_pos at = {r->block, r->slot}, behind = {r->block, r->slot + 1};
            uint64_t want = p.per_domain - k % p.per_domain;
            cr_expect_eq(hy_queue_rows_left(&t, id, r->domain, at), want, "case %zu, row %zu", i,
                         k);
            cr_expect_eq(hy_queue_rows_left(&t, id, r->domain, behind), want - 1);
        }
        cr_expect_eq(
            hy_queue_rows_left(&t, id, rows[n - 1].ref.domain + 1, (struct hy_queue_pos){0}), 0,
            "a domain that has no rows");
        hy_txn_end(&t);
    }
}
