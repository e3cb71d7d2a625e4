#include <criterion/criterion.h>
#include <stdio.h>

#include "fixture.h"
#include "lane.h"

enum { ROWS = 8 };

/* A store with one campaign, its writer, and as much of a worker as settling needs. */
struct bed {
    struct store_dir dir;
    struct hy_deliver d;
    struct worker w;
    struct lane lane;
    struct lane_joint joint;
    struct session session;
    struct hy_shape_rules rules;
    struct hy_deliver_policy policy;
    struct hy_deliver_source source;
    struct source live;
    struct run run;
    struct hy_queue_row rows[ROWS];
    size_t taken;
    struct delivery *settled;
};

static void on_mail(void *arg, struct hy_msg *m)
{
    struct bed *b = arg;
    cr_assert_eq(m->kind, MSG_SETTLED);
    cr_assert_null(m->next);
    b->settled = hy_container_of(m, struct delivery, msg);
}

static void bed_open(struct bed *b)
{
    struct people p = {.n_domains = 1, .per_domain = ROWS};
    b->dir = store_dir_make();
    b->d.env = store_open(&b->dir);
    hy_id campaign = campaign_queue(b->d.env, "c", &p);
    cr_assert_eq(read_all_fresh(b->d.env, campaign, b->rows, ROWS), ROWS);
    cr_assert_eq(hy_writer_start(b->d.env, &(struct hy_writer_options){.commit_interval_ms = 1},
                                 &b->d.writer),
                 HY_OK);
    hy_shape_limits_init(&b->rules.fallback);
    b->source.name = "default";
    snprintf(b->live.name, sizeof b->live.name, "default");
    b->policy = (struct hy_deliver_policy){
        .rules = &b->rules, .sources = &b->source, .n_sources = 1, .refs = 1};
    b->run = (struct run){.campaign = campaign, .queued = hy_clock_wall_ms(), .refs = 1};
    b->w.d = &b->d;
    b->w.policy = &b->policy;
    hy_list_init(&b->w.starved);
    hy_list_init(&b->w.poor);
    hy_rng_seed(&b->w.rng, 1);
    cr_assert_eq(hy_loop_create(&b->w.loop), HY_OK);
    cr_assert_eq(hy_mailbox_create(16, &b->w.mailbox), HY_OK);
    cr_assert_eq(hy_mailbox_attach(b->w.mailbox, b->w.loop, on_mail, b), HY_OK);
    b->lane.worker = &b->w;
    b->lane.source = &b->live;
    b->lane.from = &b->source;
    b->lane.limits = b->rules.fallback;
    b->joint.n_lanes = 1;
    b->lane.joint = &b->joint;
    hy_window_init(&b->joint.window, &b->lane.limits, 0);
    b->session.lane = &b->lane;
    b->session.policy = &b->policy;
    b->session.from = &b->source;
    b->session.host = "mx.example.test";
}

static void bed_close(struct bed *b)
{
    hy_writer_stop(b->d.writer);
    hy_mailbox_detach(b->w.mailbox);
    hy_mailbox_free(b->w.mailbox);
    hy_loop_free(b->w.loop);
    hy_env_close(b->d.env);
    store_dir_remove(&b->dir);
}

/* The next row on its way, just submitted. */
static struct delivery *take(struct bed *b)
{
    struct delivery *d = calloc(1, sizeof *d);
    cr_assert_not_null(d);
    cr_assert_lt(b->taken, ROWS);
    d->worker = &b->w;
    d->lane = &b->lane;
    d->run = &b->run;
    d->queued = b->run.queued;
    d->ref = b->rows[b->taken++].ref;
    d->inflight = HY_INFLIGHT_NONE;
    d->submitted = hy_loop_now(b->w.loop);
    d->started = hy_clock_wall_ms();
    d->bytes = HY_BUF_INIT(64);
    d->signature = HY_BUF_INIT(64);
    return d;
}

/* Waits for the commit; the row as it is then. */
static struct hy_queue_row settled_row(struct bed *b, struct delivery *d)
{
    b->settled = NULL;
    for (int i = 0; i < 500 && !b->settled; i++)
        cr_assert_eq(hy_loop_turn(b->w.loop, 10 * HY_US_PER_MS), HY_OK);
    cr_assert_eq(b->settled, d, "it comes back to its worker after the commit");
    cr_assert_eq(d->settle.result, HY_SETTLE_APPLIED);
    struct hy_queue_row row = row_now(b->d.env, &d->ref);
    hy_deliver_policy_unref(d->policy);
    free(d->words);
    free(d);
    return row;
}

static const struct hy_outcome delivered = {.kind = HY_OUTCOME_DELIVERED,
                                            .phase = HY_PHASE_DOT,
                                            .code = 250,
                                            .enhanced = {2, 0, 0},
                                            .from_server = true,
                                            .text = HY_STR("ok")};
static const struct hy_outcome refused = {.kind = HY_OUTCOME_BOUNCED,
                                          .spoils = HY_SPOILS_RECIPIENT,
                                          .phase = HY_PHASE_RCPT,
                                          .code = 550,
                                          .enhanced = {5, 1, 1},
                                          .from_server = true,
                                          .text = HY_STR("user unknown")};
static const struct hy_outcome busy = {.kind = HY_OUTCOME_DEFERRED,
                                       .spoils = HY_SPOILS_RECIPIENT,
                                       .phase = HY_PHASE_RCPT,
                                       .code = 450,
                                       .enhanced = {4, 2, 1},
                                       .from_server = true,
                                       .text = HY_STR("mailbox busy")};
static const struct hy_outcome lost = {.kind = HY_OUTCOME_DEFERRED,
                                       .spoils = HY_SPOILS_HOST,
                                       .phase = HY_PHASE_DOT,
                                       .enhanced = {4, 4, 2},
                                       .in_doubt = true,
                                       .text = HY_STR("no reply to the final dot")};

Test(settle, an_outcome_becomes_the_state_that_the_plans_and_the_policy_say)
{
    const hy_us day = 86400 * HY_US_PER_SEC;
    const struct {
        const char *name;
        const struct hy_outcome *outcome;
        hy_us campaign_expire_us; /* 0 = the site's plan */
        bool is_doubt_held;
        enum hy_rcpt_state want;
    } cases[] = {
        {"250", &delivered, 0, false, HY_RCPT_DELIVERED},
        {"550", &refused, 0, false, HY_RCPT_BOUNCED},
        {"450 is tried again", &busy, 0, false, HY_RCPT_DEFERRED},
        {"450 within the time of the campaign", &busy, 7 * day, false, HY_RCPT_DEFERRED},
        {"450 too late for the campaign", &busy, HY_US_PER_SEC, false, HY_RCPT_EXPIRED},
        {"in doubt is resent", &lost, 0, false, HY_RCPT_DEFERRED},
        {"in doubt is held", &lost, 0, true, HY_RCPT_HELD},
        {"only doubts are held", &busy, 0, true, HY_RCPT_DEFERRED},
    };
    static struct bed b;
    bed_open(&b);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.run.plan.expire_us = cases[i].campaign_expire_us;
        b.policy.is_doubt_held = cases[i].is_doubt_held;
        struct delivery *d = take(&b);
        hy_wall_ms now = hy_clock_wall_ms();
        settle_outcome(d, cases[i].outcome, &b.session);
        struct hy_queue_row row = settled_row(&b, d);
        cr_assert_eq(row.state, cases[i].want, "%s: got %s, want %s", cases[i].name,
                     hy_rcpt_state_name(row.state), hy_rcpt_state_name(cases[i].want));
        cr_assert_eq(row.ref.attempts, 1, "%s: an attempt", cases[i].name);
        if (row.state == HY_RCPT_DEFERRED)
            cr_assert_gt(row.due_s, now / 1000, "%s: due later", cases[i].name);
        else
            cr_assert_eq(row.due_s, 0, "%s: not due", cases[i].name);
    }
    cr_assert_eq(b.d.counters.delivered, 1);
    cr_assert_eq(b.d.counters.bounced, 1);
    cr_assert_eq(b.d.counters.deferred, 4);
    cr_assert_eq(b.d.counters.expired, 1);
    cr_assert_eq(b.w.cut_off, 2, "those in doubt");
    cr_assert_eq(b.policy.refs, 1, "every reference was given back");
    bed_close(&b);
}

Test(settle, a_refusal_of_ours_is_no_attempt_and_needs_no_lane)
{
    static const struct {
        const char *name;
        enum hy_rcpt_state state, want;
        bool has_lane;
    } cases[] = {
        {"suppressed", HY_RCPT_SUPPRESSED, HY_RCPT_SUPPRESSED, true},
        {"expired", HY_RCPT_EXPIRED, HY_RCPT_EXPIRED, true},
        {"no such domain", HY_RCPT_BOUNCED, HY_RCPT_BOUNCED, false},
        {"the name server fails", HY_RCPT_DEFERRED, HY_RCPT_DEFERRED, false},
    };
    static struct bed b;
    bed_open(&b);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct delivery *d = take(&b);
        d->started = 0;
        d->submitted = 0;
        if (!cases[i].has_lane)
            d->lane = NULL;
        bool is_deferred = cases[i].state == HY_RCPT_DEFERRED;
        struct hy_outcome o = {.kind = is_deferred ? HY_OUTCOME_DEFERRED : HY_OUTCOME_BOUNCED,
                               .spoils = HY_SPOILS_SITE,
                               .phase = HY_PHASE_DNS,
                               .enhanced = {is_deferred ? 4 : 5, 4, 3},
                               .text = HY_STR("why")};
        settle_refusal(d, cases[i].state, &o);
        struct hy_queue_row row = settled_row(&b, d);
        cr_assert_eq(row.state, cases[i].want, "%s: got %s, want %s", cases[i].name,
                     hy_rcpt_state_name(row.state), hy_rcpt_state_name(cases[i].want));
        cr_assert_eq(row.ref.attempts, 0, "%s: nothing was sent", cases[i].name);
    }
    cr_assert_eq(b.d.counters.suppressed, 1);
    cr_assert_eq(b.d.counters.expired, 1);
    cr_assert_eq(b.d.counters.bounced, 1, "rows that bounced, with a lane or without");
    cr_assert_eq(b.d.counters.deferred, 1);
    bed_close(&b);
}

Test(settle, deferrals_of_one_moment_share_a_due_second)
{
    static struct bed b;
    bed_open(&b);
    b.lane.limits.retry.jitter_percent = 0;
    uint32_t last = 0, distinct = 0;
    for (int i = 0; i < 4; i++) {
        struct delivery *d = take(&b);
        hy_wall_ms asked = hy_clock_wall_ms() + b.lane.limits.retry.first_us / HY_US_PER_MS;
        settle_outcome(d, &busy, &b.session);
        uint32_t due = settled_row(&b, d).due_s;
        cr_assert_geq(due, asked / 1000, "never sooner than the plan says");
        cr_assert_lt(due, asked / 1000 + 20, "got %u s later", due - (uint32_t)(asked / 1000));
        distinct += due != last;
        last = due;
    }
    cr_assert_leq(distinct, 2, "got %u", distinct);
    bed_close(&b);
}
