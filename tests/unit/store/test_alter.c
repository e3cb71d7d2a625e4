#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/explain.h"
#include "hayauma/store/operator.h"
#include "hayauma/store/pick.h"

enum { DOMAINS = 3, PER_DOMAIN = 500, ALL = DOMAINS * PER_DOMAIN, LATER = 4000000000u };

static const hy_domain_no domains[DOMAINS] = {1, 2, 3};
static struct hy_queue_row rows[ALL];
static hy_id campaign;

/* Rows in turn: fresh, deferred at different times with 421 or 450, held, delivered. */
static void setup(void)
{
    struct people p = {.n_domains = DOMAINS, .per_domain = PER_DOMAIN};
    struct hy_txn t;
    case_open();
    campaign = campaign_queue(env, "c", &p);
    cr_assert_eq(read_all_fresh(env, campaign, rows, ALL), ALL);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (size_t i = 0; i < ALL; i++) {
        static const enum hy_rcpt_state to[] = {HY_RCPT_FRESH, HY_RCPT_DEFERRED, HY_RCPT_DEFERRED,
                                                HY_RCPT_HELD, HY_RCPT_DELIVERED};
        if (to[i % 5] == HY_RCPT_FRESH)
            continue;
        struct hy_settle s = settle_of(&rows[i].ref, to[i % 5], LATER + (uint32_t)(i % 7) * 4);
        s.attempt.outcome.code = i % 5 == 1 ? 421 : 450;
        s.attempt.outcome.text =
            i % 5 == 1 ? HY_STR("4.7.0 too many connections") : HY_STR("4.2.2 mailbox full");
        cr_assert_eq(hy_settle_apply(&t, &s), 0);
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
}

TestSuite(alter, .init = setup, .fini = case_close);

static void keep_problem(void *ctx, const char *text)
{
    (void)ctx;
    fprintf(stderr, "%s\n", text);
}

static uint64_t problems(void)
{
    struct hy_audit_sink sink = {.problem = keep_problem};
    struct hy_audit_report r;
    cr_assert_eq(hy_audit(env, &sink, &r), 0);
    return r.problems;
}

enum { PENDING = 1u << HY_RCPT_FRESH | 1u << HY_RCPT_DEFERRED | 1u << HY_RCPT_HELD };

static char *act(struct hy_alter_job *j, const struct hy_alter_place *done, bool is_over)
{
    char *text = NULL;
    cr_assert(asprintf(&text, "%s %llu %llu %d", hy_alter_name(j->what),
                       (unsigned long long)done->rows, (unsigned long long)done->places,
                       is_over) > 0);
    return text;
}

static int over;
static void on_over(struct hy_alter_job *j, int err)
{
    (void)j;
    over = err;
}

static struct hy_alter_job job_of(enum hy_alter what, const struct hy_pick *pick)
{
    struct hy_alter_job j;
    hy_alter_job_init(&j, campaign, what);
    j.pick = pick;
    j.places = domains;
    j.n_places = DOMAINS;
    j.reason = HY_STR("taken out by aki: wrong price");
    j.act = act;
    j.done = on_over;
    return j;
}

/* One slice, as short as can be, kept or lost with its transaction. */
static int slice(struct hy_alter_job *j, bool is_kept)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    t.yield_at = 1;
    int err = j->req.apply(&j->req, &t);
    if (!is_kept || (err && err != HY_EMORE)) {
        hy_txn_end(&t);
        return is_kept ? err : HY_EMORE;
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    if (err == HY_EMORE)
        j->req.slice(&j->req);
    return err;
}

static int run(struct hy_alter_job *j)
{
    int err;
    do
        err = slice(j, true);
    while (err == HY_EMORE);
    j->req.done(&j->req, err);
    return over;
}

static unsigned n_acts(char last[64])
{
    struct hy_txn t;
    struct hy_str text;
    hy_id id = 0;
    unsigned n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (; hy_act_prev(&t, id, &id, &text) == 0; n++)
        if (n == 0)
            snprintf(last, 64, "%.*s", HY_STR_ARG(text));
    hy_txn_end(&t);
    return n;
}

static struct hy_reply_rules *pattern(const char *text)
{
    static struct hy_reply_rule rule;
    struct hy_reply_rules *set;
    struct hy_diag diag = {""};
    rule = (struct hy_reply_rule){.pattern = text};
    cr_assert_eq(hy_reply_rules_new(&set), 0);
    cr_assert_eq(hy_reply_rules_add(set, &rule, &diag), 0, "%s", diag.text);
    return set;
}

Test(alter, rows_are_picked_by_state_reply_recipient_and_domain)
{
    struct hy_reply_rules *full = pattern("mailbox full"), *code = pattern("^421 4\\.7");
    const struct {
        hy_domain_no domain;
        struct hy_pick pick;
        unsigned want;
    } cases[] = {
        {0, {.states = PENDING}, ALL / 5 * 4},
        {0, {.states = 1u << HY_RCPT_HELD}, ALL / 5},
        {2, {.states = 1u << HY_RCPT_FRESH}, PER_DOMAIN / 5},
        {0, {.states = PENDING, .code_from = 421, .code_to = 421}, ALL / 5},
        {0, {.states = PENDING, .code_from = 400, .code_to = 499}, ALL / 5 * 3},
        {0, {.states = PENDING, .code_from = 500, .code_to = 599}, 0},
        {0, {.states = 1u << HY_RCPT_DEFERRED, .reply = full}, ALL / 5},
        {0, {.states = PENDING, .reply = code}, ALL / 5},
        {0, {.states = PENDING, .lead = rows[1].ref.lead}, 1},
        {0, {.states = PENDING, .lead = rows[4].ref.lead}, 0}, /* delivered */
        {9, {.states = PENDING}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(case_picked(campaign, cases[i].domain, &cases[i].pick), cases[i].want,
                     "case %zu: got %u", i, case_picked(campaign, cases[i].domain, &cases[i].pick));
    hy_reply_rules_free(full);
    hy_reply_rules_free(code);
}

Test(alter, retried_rows_are_due_at_once_and_those_that_are_due_stay_as_they_are)
{
    struct hy_pick all = {.states = 1u << HY_RCPT_DEFERRED};
    struct hy_alter_job j = job_of(HY_ALTER_RETRY, &all);
    char last[64];
    cr_assert_eq(run(&j), 0);
    cr_assert_eq(j.at.rows, ALL / 5 * 2);
    cr_assert_eq(j.at.places, DOMAINS);
    cr_assert_eq(n_acts(last), 1, "one act, however many slices");
    cr_assert_str_eq(last, "retry 600 3 1");
    for (size_t i = 0; i < ALL; i++) {
        struct hy_queue_row now = row_now(env, &rows[i].ref);
        cr_assert(now.state != HY_RCPT_DEFERRED || now.due_s < LATER, "row %zu", i);
    }
    cr_assert_eq(problems(), 0);
    struct hy_alter_job again = job_of(HY_ALTER_RETRY, &all);
    cr_assert_eq(run(&again), 0);
    cr_assert_leq(again.at.rows, ALL / 5 * 2);
    cr_assert_eq(problems(), 0);
}

Test(alter, held_rows_are_due_at_once_when_they_are_meant)
{
    struct hy_pick held = {.states = 1u << HY_RCPT_HELD};
    struct hy_alter_job j = job_of(HY_ALTER_RETRY, &held);
    cr_assert_eq(run(&j), 0);
    cr_assert_eq(j.at.rows, ALL / 5);
    cr_assert_eq(row_now(env, &rows[3].ref).state, HY_RCPT_DEFERRED);
    cr_assert_lt(row_now(env, &rows[3].ref).due_s, LATER);
    cr_assert_eq(problems(), 0);
}

Test(alter, rows_that_are_put_off_are_deferred_until_then_but_held_ones_stay)
{
    struct hy_pick all = {.states = PENDING};
    struct hy_alter_job j = job_of(HY_ALTER_POSTPONE, &all);
    j.due_s = LATER + 1000;
    cr_assert_eq(run(&j), 0);
    cr_assert_eq(j.at.rows, ALL / 5 * 3);
    struct hy_ledger l = campaign_progress(env, campaign).ledger;
    cr_assert_eq(l.by_state[HY_RCPT_FRESH], 0);
    cr_assert_eq(l.by_state[HY_RCPT_DEFERRED], ALL / 5 * 3);
    cr_assert_eq(l.by_state[HY_RCPT_HELD], ALL / 5);
    cr_assert_eq(row_now(env, &rows[0].ref).due_s, LATER + 1000);
    cr_assert_eq(row_now(env, &rows[1].ref).due_s, LATER + 1000);
    cr_assert_eq(problems(), 0);
}

static int keep_attempt(void *ctx, const struct hy_attempt *a)
{
    snprintf(ctx, 64, "%d %.*s", a->state, HY_STR_ARG(a->outcome.text));
    return 1;
}

Test(alter, what_is_taken_out_is_in_the_ledger_and_its_life_says_why)
{
    static const struct {
        enum hy_alter what;
        enum hy_rcpt_state to;
    } cases[] = {{HY_ALTER_CANCEL, HY_RCPT_CANCELLED}, {HY_ALTER_BOUNCE, HY_RCPT_BOUNCED}};
    for (size_t i = 0; i < 2; i++) {
        struct hy_pick one = {
            .states = PENDING, .code_from = i ? 450 : 421, .code_to = i ? 450 : 421};
        struct hy_alter_job j = job_of(cases[i].what, &one);
        char why[64] = "", want[64];
        struct hy_txn t;
        bool trimmed;
        cr_assert_eq(run(&j), 0);
        cr_assert_eq(j.at.rows, i ? ALL / 5 * 2 : ALL / 5, "case %zu: %d", i, (int)j.at.rows);
        struct hy_queue_row now = row_now(env, &rows[1 + i].ref);
        cr_assert_eq(now.state, cases[i].to);
        cr_assert_eq(now.ref.attempts, 1);
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_explain_attempts(&t, &now, keep_attempt, why, &trimmed), 1);
        hy_txn_end(&t);
        snprintf(want, sizeof want, "%d taken out by aki: wrong price", cases[i].to);
        cr_assert_str_eq(why, want);
        cr_assert_eq(problems(), 0);
    }
    struct hy_ledger l = campaign_progress(env, campaign).ledger;
    cr_assert_eq(hy_ledger_sum(&l), l.queued);
    cr_assert_eq(l.by_state[HY_RCPT_CANCELLED], ALL / 5);
    cr_assert_eq(l.by_state[HY_RCPT_BOUNCED], ALL / 5 * 2);
}

Test(alter, what_was_on_the_wire_ends_as_its_outcome_says_though_it_was_taken_out)
{
    static const struct {
        enum hy_rcpt_state verdict;
        bool is_sent;
        enum hy_settle_result result;
    } cases[] = {
        {HY_RCPT_DELIVERED, true, HY_SETTLE_APPLIED}, {HY_RCPT_BOUNCED, true, HY_SETTLE_APPLIED},
        {HY_RCPT_DEFERRED, true, HY_SETTLE_APPLIED},  {HY_RCPT_HELD, true, HY_SETTLE_APPLIED},
        {HY_RCPT_EXPIRED, false, HY_SETTLE_STALE},
    };
    enum { N = sizeof cases / sizeof *cases };
    static const enum hy_rcpt_state taken_out[] = {HY_RCPT_CANCELLED, HY_RCPT_BOUNCED};
    for (size_t w = 0; w < 2; w++) {
        struct hy_pick half = {.states = w ? PENDING : 1u << HY_RCPT_FRESH};
        struct hy_alter_job j = job_of(w ? HY_ALTER_BOUNCE : HY_ALTER_CANCEL, &half);
        size_t fresh = 0, deferred = 1;
        cr_assert_eq(run(&j), 0);
        for (size_t i = 0; i < N; i++, fresh += 5, deferred += 5) {
            /* Those that were deferred had an attempt before the one that is on the wire. */
            struct hy_rcpt_ref ref = rows[w ? deferred : fresh].ref;
            ref.attempts = w ? 1 : 0;
            struct hy_settle s = settle_of(&ref, cases[i].verdict, LATER);
            s.attempt.outcome.text = HY_STR("the server's own words");
            s.attempt.outcome.from_server = cases[i].is_sent;
            if (!cases[i].is_sent)
                s.attempt.started = 0;
            bool is_final = hy_rcpt_is_final(cases[i].verdict) && cases[i].is_sent;
            cr_assert_eq(settle_now(env, &s), cases[i].result, "way %zu case %zu", w, i);
            cr_assert_eq(row_now(env, &ref).state, is_final ? cases[i].verdict : taken_out[w],
                         "way %zu case %zu", w, i);
            cr_assert_eq(row_now(env, &ref).ref.attempts, ref.attempts + cases[i].is_sent);
            s = settle_of(&ref, HY_RCPT_DELIVERED, 0); /* the same once more */
            if (cases[i].is_sent)
                cr_assert_eq(settle_now(env, &s), HY_SETTLE_STALE, "way %zu case %zu", w, i);
        }
        cr_assert_eq(problems(), 0);
    }
    struct hy_ledger l = campaign_progress(env, campaign).ledger;
    cr_assert_eq(hy_ledger_sum(&l), l.queued);
    cr_assert_eq(l.by_state[HY_RCPT_DELIVERED], ALL / 5 + 2);
}

Test(alter, a_campaign_whose_last_row_is_taken_out_is_done)
{
    struct hy_pick all = {.states = PENDING};
    struct hy_alter_job j = job_of(HY_ALTER_CANCEL, &all);
    cr_assert_eq(run(&j), 0);
    cr_assert_eq(campaign_state(env, campaign), HY_CAMPAIGN_DONE);
    struct hy_alter_job again = job_of(HY_ALTER_CANCEL, &all);
    cr_assert_eq(run(&again), 0);
    cr_assert_eq(again.at.rows, 0);
    cr_assert_eq(problems(), 0);
}

Test(alter, slices_that_are_lost_are_made_again_and_counted_once)
{
    struct hy_pick all = {.states = PENDING};
    struct hy_alter_job j = job_of(HY_ALTER_CANCEL, &all);
    char last[64];
    int err = HY_EMORE;
    for (int i = 0; err == HY_EMORE; i++)
        err = slice(&j, i % 2 == 1);
    cr_assert_eq(err, 0);
    j.req.done(&j.req, 0);
    cr_assert_eq(j.at.rows, ALL / 5 * 4);
    cr_assert_eq(j.at.places, DOMAINS);
    cr_assert_eq(n_acts(last), 1);
    cr_assert_str_eq(last, "cancel 1200 3 1");
    cr_assert_eq(problems(), 0);
}

Test(alter, a_job_that_is_killed_leaves_an_act_that_says_how_far_it_came)
{
    struct hy_pick all = {.states = PENDING};
    struct hy_alter_job j = job_of(HY_ALTER_CANCEL, &all);
    char last[64], want[64];
    cr_assert_eq(slice(&j, true), HY_EMORE);
    cr_assert_eq(slice(&j, true), HY_EMORE);
    cr_assert_gt(j.at.rows, 0);
    hy_env_close(env);
    env = store_open(&dir);
    snprintf(want, sizeof want, "cancel %llu 1 0", (unsigned long long)j.at.rows);
    cr_assert_eq(n_acts(last), 1);
    cr_assert_str_eq(last, want);
    cr_assert_eq(campaign_progress(env, campaign).ledger.by_state[HY_RCPT_CANCELLED], j.at.rows);
    cr_assert_eq(problems(), 0);
}

static bool always(struct hy_alter_job *j)
{
    (void)j;
    return true;
}

Test(alter, a_person_who_goes_away_ends_it_before_the_next_slice)
{
    struct hy_pick all = {.states = PENDING};
    struct hy_alter_job j = job_of(HY_ALTER_CANCEL, &all);
    cr_assert_eq(slice(&j, true), HY_EMORE);
    j.is_cancelled = always;
    cr_assert_eq(run(&j), HY_ECANCELED);
    cr_assert_eq(campaign_progress(env, campaign).ledger.by_state[HY_RCPT_CANCELLED], j.at.rows);
    cr_assert_eq(problems(), 0);
}
