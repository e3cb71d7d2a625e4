#include <criterion/criterion.h>

#include "case.h"
#include "hayauma/store/campaign_report.h"
#include "hayauma/store/retention.h"

static struct hy_queue_row rows[60];
static hy_id campaign;

static void setup(void)
{
    const struct people p = {.n_domains = 3, .per_domain = 20};
    cr_assert_eq(case_open_queued(p, &campaign, rows, 60), 60);
}

TestSuite(campaign_report, .init = setup, .fini = case_close);

static void settle(struct hy_queue_row *row, enum hy_rcpt_state state, uint8_t reason)
{
    struct hy_settle s = settle_of(&row->ref, state, 4000000000u);
    s.attempt.outcome.reason = reason;
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    row->ref.attempts++;
}

static struct hy_domain_report report(hy_domain_no after, int want)
{
    struct hy_domain_report r = {0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_campaign_report_next(&t, campaign, after, NULL, &r), want);
    hy_txn_end(&t);
    return r;
}

Test(campaign_report, tells_states_reasons_and_how_often_mail_was_put_off)
{
    /* the first domain's rows come first */
    settle(&rows[0], HY_RCPT_DELIVERED, 0);
    settle(&rows[1], HY_RCPT_DEFERRED, HY_BOUNCE_RATE_LIMITED);
    settle(&rows[1], HY_RCPT_DEFERRED, HY_BOUNCE_MAILBOX_FULL);
    settle(&rows[1], HY_RCPT_DELIVERED, 0);
    settle(&rows[2], HY_RCPT_BOUNCED, HY_BOUNCE_USER_UNKNOWN);
    settle(&rows[3], HY_RCPT_DEFERRED, HY_BOUNCE_RATE_LIMITED);
    settle(&rows[3], HY_RCPT_EXPIRED, HY_BOUNCE_EXPIRED);
    settle(&rows[4], HY_RCPT_DEFERRED, 200); /* of a newer hayauma */
    struct hy_domain_report r = report(0, 0);
    cr_assert_eq(r.domain, rows[0].ref.domain);
    cr_assert_eq(r.by_state[HY_RCPT_DELIVERED], 2);
    cr_assert_eq(r.by_state[HY_RCPT_BOUNCED], 1);
    cr_assert_eq(r.by_state[HY_RCPT_EXPIRED], 1);
    cr_assert_eq(r.by_state[HY_RCPT_DEFERRED], 1);
    cr_assert_eq(r.by_state[HY_RCPT_FRESH], 15);
    cr_assert_eq(r.attempts, 8);
    cr_assert_eq(r.refusals[HY_BOUNCE_USER_UNKNOWN], 1);
    cr_assert_eq(r.refusals[HY_BOUNCE_EXPIRED], 1);
    cr_assert_eq(r.deferrals[HY_BOUNCE_RATE_LIMITED], 2);
    cr_assert_eq(r.deferrals[HY_BOUNCE_MAILBOX_FULL], 1);
    cr_assert_eq(r.deferrals[HY_BOUNCE_UNDEFINED], 1);
    cr_assert_eq(r.forgotten, 0);
}

Test(campaign_report, goes_through_the_domains_and_ends)
{
    hy_domain_no at = 0;
    for (int i = 0; i < 3; i++) {
        struct hy_domain_report r = report(at, 0);
        cr_assert_gt(r.domain, at);
        cr_assert_eq(r.by_state[HY_RCPT_FRESH], 20);
        at = r.domain;
    }
    report(at, HY_ENOTFOUND);
    report(UINT32_MAX, HY_ENOTFOUND);
}

Test(campaign_report, what_was_trimmed_is_told_as_forgotten)
{
    struct hy_trim_job job;
    settle(&rows[0], HY_RCPT_DEFERRED, HY_BOUNCE_NETWORK);
    settle(&rows[0], HY_RCPT_BOUNCED, HY_BOUNCE_USER_UNKNOWN);
    hy_trim_job_init(&job, hy_clock_wall_ms() + 1000);
    cr_assert_eq(run_request(env, &job.req), 0);
    struct hy_domain_report r = report(0, 0);
    cr_assert_eq(r.by_state[HY_RCPT_BOUNCED], 1);
    cr_assert_eq(r.forgotten, 1);
    cr_assert_eq(r.refusals[HY_BOUNCE_USER_UNKNOWN], 0);
}

struct ends {
    unsigned n[HY_RCPT_STATES];
    hy_wall_ms first;
};
static void ended(void *ctx, enum hy_rcpt_state state, hy_lead_no lead, hy_wall_ms at)
{
    struct ends *e = ctx;
    cr_assert(lead);
    e->n[state]++;
    if (e->first == 0 || at < e->first)
        e->first = at;
}

Test(campaign_report, tells_when_rows_ended)
{
    struct ends e = {.first = 0};
    const struct hy_report_ends ends = {ended, &e};
    struct hy_domain_report r;
    struct hy_txn t;
    hy_wall_ms before = hy_clock_wall_ms();
    settle(&rows[0], HY_RCPT_DELIVERED, 0);
    settle(&rows[1], HY_RCPT_DEFERRED, HY_BOUNCE_RATE_LIMITED);
    settle(&rows[2], HY_RCPT_BOUNCED, HY_BOUNCE_USER_UNKNOWN);
    settle(&rows[3], HY_RCPT_DEFERRED, HY_BOUNCE_RATE_LIMITED);
    settle(&rows[3], HY_RCPT_EXPIRED, HY_BOUNCE_EXPIRED);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_campaign_report_next(&t, campaign, 0, &ends, &r), 0);
    hy_txn_end(&t);
    cr_assert_eq(r.tried, 4);
    cr_assert_eq(e.n[HY_RCPT_DELIVERED], 1);
    cr_assert_eq(e.n[HY_RCPT_BOUNCED], 1);
    cr_assert_eq(e.n[HY_RCPT_EXPIRED], 1);
    cr_assert_eq(e.n[HY_RCPT_DEFERRED], 0);
    cr_assert_geq(e.first, before);
    cr_assert_leq(e.first, hy_clock_wall_ms());
}
