#include <criterion/criterion.h>

#include "case.h"
#include "hayauma/store/retention.h"
#include "hayauma/store/timeline.h"

TestSuite(ending, .init = case_open, .fini = case_close);

enum { ROWS = 450, EVERY = 3, LEFT_OUT = ROWS / EVERY };

/* Rows of three blocks, of which every third lead wants no mail. */
static hy_id queued(void)
{
    struct people p = {.n_domains = 1, .per_domain = ROWS, .unsubscribed_every = EVERY};
    return campaign_queue(env, "spring", &p);
}

/* All endings behind `after`; how many, at most `max`. */
static unsigned endings(hy_id after, struct hy_ending *out, unsigned max)
{
    struct hy_timeline l;
    struct hy_moment m;
    struct hy_txn t;
    unsigned n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_timeline_open(&t, after, &l), 0);
    while (n < max && hy_timeline_next(&l, &m) == 0) {
        cr_assert_eq(m.kind, HY_MOMENT_ENDING);
        cr_assert_eq(m.id, m.of.ending.id);
        cr_assert_gt(m.id, after, "ids ascend");
        after = m.id;
        out[n++] = m.of.ending;
    }
    cr_assert_eq(l.damaged, 0);
    hy_timeline_close(&l);
    hy_txn_end(&t);
    return n;
}

Test(ending, those_that_were_left_out_are_told_once_each)
{
    static struct hy_ending all[ROWS];
    hy_id campaign = queued();
    cr_assert_eq(endings(0, all, ROWS), LEFT_OUT);
    for (unsigned i = 0; i < LEFT_OUT; i++) {
        const struct hy_ending *e = &all[i];
        cr_assert_eq(e->state, HY_RCPT_SUPPRESSED);
        cr_assert_eq(e->cause, HY_ENDING_LEFT_OUT);
        cr_assert_eq(e->status, HY_LEAD_UNSUBSCRIBED);
        cr_assert_eq(e->ref.campaign, campaign);
        cr_assert_eq(e->ref.lead, EVERY * (i + 1));
        struct hy_queue_row row = row_now(env, &e->ref);
        cr_assert_eq(row.state, HY_RCPT_SUPPRESSED, "the row that it names");
    }
    cr_assert_eq(campaign_progress(env, campaign).ledger.by_state[HY_RCPT_SUPPRESSED], LEFT_OUT);
}

Test(ending, reading_on_behind_any_of_them_finds_exactly_the_rest)
{
    static struct hy_ending all[ROWS], rest[ROWS];
    struct hy_txn t;
    uint64_t n = 0;
    hy_id after = 0;
    (void)queued();
    unsigned count = endings(0, all, ROWS);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (unsigned i = 0; i < count; i++) {
        cr_assert_eq(hy_timeline_count(&t, all[i].id, ROWS, &n), 0);
        cr_assert_eq(n, count - 1 - i);
        if (i + 1 < count) {
            cr_assert_eq(hy_timeline_back(&t, count - 1 - i, &after), 0);
            cr_assert_eq(after, all[i].id, "%u", i);
        }
    }
    cr_assert_eq(hy_timeline_count(&t, 0, 7, &n), 0);
    cr_assert_eq(n, 7, "no more than asked for");
    hy_txn_end(&t);
    for (unsigned i = 0; i < count; i++) {
        cr_assert_eq(endings(all[i].id, rest, ROWS), count - 1 - i);
        for (unsigned k = 0; k < count - 1 - i; k++)
            cr_assert_eq(rest[k].ref.lead, all[i + 1 + k].ref.lead);
    }
}

Test(ending, a_cancel_tells_of_each_row_that_it_takes)
{
    static struct hy_ending all[2 * ROWS];
    struct hy_queue_row rows[2];
    hy_id campaign = queued();
    cr_assert_eq(read_all_fresh(env, campaign, rows, 2), 2);
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_DELIVERED, 0);
    settle_now(env, &s);
    s = settle_of(&rows[1].ref, HY_RCPT_HELD, 0);
    settle_now(env, &s);
    campaign_cancel(env, campaign);
    campaign_cancel(env, campaign); /* once more, as after a crash */
    unsigned n = 0;
    struct hy_timeline l;
    struct hy_moment m;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_timeline_open(&t, 0, &l), 0);
    while (hy_timeline_next(&l, &m) == 0)
        if (m.kind == HY_MOMENT_ENDING && m.of.ending.cause == HY_ENDING_CANCELLED)
            all[n++] = m.of.ending;
    hy_timeline_close(&l);
    hy_txn_end(&t);
    cr_assert_eq(n, ROWS - LEFT_OUT - 1, "all but those left out and the one delivered");
    cr_assert_eq(campaign_progress(env, campaign).ledger.by_state[HY_RCPT_CANCELLED], n);
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(row_now(env, &all[i].ref).state, HY_RCPT_CANCELLED);
    cr_assert_eq(all[0].ref.lead, rows[1].ref.lead);
}

Test(ending, what_a_person_decides_about_rows_in_doubt_is_told)
{
    static const struct {
        enum hy_sweep what;
        unsigned endings;
        enum hy_rcpt_state state;
    } cases[] = {
        {HY_SWEEP_HELD_RESEND, 0, HY_RCPT_DEFERRED},
        {HY_SWEEP_HELD_DELIVERED, 1, HY_RCPT_DELIVERED},
        {HY_SWEEP_HELD_CANCEL, 1, HY_RCPT_CANCELLED},
    };
    char name[] = "a";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++, name[0]++) {
        struct people p = {.n_domains = 1, .per_domain = 3};
        struct hy_sweep_job job;
        struct hy_queue_row row;
        struct hy_ending e = {0};
        hy_id campaign = campaign_queue(env, name, &p);
        cr_assert_eq(read_all_fresh(env, campaign, &row, 1), 1);
        struct hy_settle s = settle_of(&row.ref, HY_RCPT_HELD, 0);
        settle_now(env, &s);
        hy_sweep_job_init(&job, campaign, cases[i].what);
        cr_assert_eq(run_request(env, &job.req), 0);
        cr_assert_eq(endings(s.id, &e, 1), cases[i].endings);
        if (cases[i].endings) {
            cr_assert_eq(e.cause, HY_ENDING_DECIDED);
            cr_assert_eq(e.state, cases[i].state);
            cr_assert_eq(e.ref.lead, row.ref.lead);
        }
        cr_assert_eq(row_now(env, &row.ref).state, cases[i].state);
    }
}

Test(ending, records_that_cannot_be_read_are_passed_over)
{
    const struct hy_str bad[] = {
        HY_STR(""),
        HY_STR("\2\1\6\0\1\1\1\1\1\4\1"),         /* of another version */
        HY_STR("\1\1"),                           /* too short */
        HY_STR("\1\1\6\0\1\1\1\1\1"),             /* no row */
        HY_STR("\1\0\6\0\1\1\1\1\1\4\1"),         /* no cause */
        HY_STR("\1\1\1\0\1\1\1\1\1\4\1"),         /* a state that is no end */
        HY_STR("\1\1\6\0\1\1\1\1\1\377\377\3\1"), /* a slot that is none */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t key[8];
        struct hy_timeline l;
        struct hy_moment m;
        struct hy_txn t;
        hy_put_be64(key, 1000 + i);
        cr_assert_eq(hy_txn_write(env, &t), 0);
        hy_put(&t, HY_TABLE_ENDINGS, hy_str_make(key, 8), bad[i], HY_PUT_SET);
        cr_assert_eq(hy_txn_commit(&t), 0);
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_timeline_open(&t, 0, &l), 0);
        cr_assert_eq(hy_timeline_next(&l, &m), HY_ENOTFOUND);
        cr_assert_eq(l.damaged, i + 1);
        hy_timeline_close(&l);
        hy_txn_end(&t);
    }
}

Test(ending, they_are_trimmed_with_the_logs)
{
    static struct hy_ending all[ROWS];
    struct hy_trim_job j;
    (void)queued();
    unsigned n = endings(0, all, ROWS);
    hy_trim_job_init(&j, hy_id_time(all[n - 1].id) + 1000);
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_assert_eq(endings(0, all, ROWS), 0);
}
