#include <criterion/criterion.h>

#include "case.h"

static struct hy_queue_row rows[16];
static hy_id campaign;

static void setup(void)
{
    const struct people p = {.n_domains = 2, .per_domain = 4};
    cr_assert_eq(case_open_queued(p, &campaign, rows, 16), 8);
}

TestSuite(settle, .init = setup, .fini = case_close);

static uint32_t now_s(void)
{
    return (uint32_t)(hy_clock_wall_ms() / 1000);
}

static size_t due_entries(struct hy_due *out, size_t max)
{
    struct hy_txn t;
    struct hy_due at = {0};
    size_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (n < max && hy_due_next(&t, &at, UINT32_MAX) == 0)
        out[n++] = at;
    hy_txn_end(&t);
    return n;
}

Test(settle, moves_row_ledger_and_log_together)
{
    static const enum hy_rcpt_state states[] = {HY_RCPT_DELIVERED,  HY_RCPT_BOUNCED,
                                                HY_RCPT_EXPIRED,    HY_RCPT_DEFERRED,
                                                HY_RCPT_SUPPRESSED, HY_RCPT_HELD};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        struct hy_settle s = settle_of(&rows[i].ref, states[i], now_s() + 30);
        cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
        struct hy_queue_row row = row_now(env, &rows[i].ref);
        cr_assert_eq(row.state, states[i]);
        cr_assert_eq(row.ref.attempts, 1);
        cr_assert_eq(row.last_attempt, s.id);
        cr_assert_eq(row.due_s, states[i] == HY_RCPT_DEFERRED ? s.due_s : 0);
        struct hy_campaign_progress p = campaign_progress(env, campaign);
        cr_assert_eq(p.ledger.by_state[states[i]], 1);
        cr_assert_eq(p.ledger.by_state[HY_RCPT_FRESH], 7 - i);
        cr_assert_eq(p.ledger.attempts, i + 1);
        cr_assert_eq(hy_ledger_sum(&p.ledger), p.ledger.queued);
    }
}

Test(settle, an_attempt_reads_back_as_it_was_written)
{
    struct hy_txn t;
    struct hy_attempt got;
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_DELIVERED, 0);
    s.attempt.tls_version = 0x0304;
    s.attempt.tls_cipher = HY_STR("TLS_AES_256_GCM_SHA384");
    s.attempt.tls_policy = HY_ATTEMPT_POLICY_STS_ENFORCE;
    s.attempt.tls_check = HY_ATTEMPT_CHECK_GOOD;
    s.attempt.tls_name = HY_STR("mx.example");
    s.attempt.outcome.reason = 9;
    s.attempt.size_bytes = 10240;
    s.attempt.outcome.enhanced = (struct hy_enhanced){2, 6, 999};
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_attempt_get(&t, s.id, &got), 0);
    const struct hy_attempt *want = &s.attempt;
    cr_assert_eq(got.id, s.id);
    cr_assert_eq(got.ref.campaign, campaign);
    cr_assert_eq(got.ref.lead, want->ref.lead);
    cr_assert_eq(got.ref.attempts, 0);
    cr_assert_eq(got.state, HY_RCPT_DELIVERED);
    cr_assert_eq(got.started, want->started);
    cr_assert_eq(got.duration_ms, want->duration_ms);
    cr_assert_eq(got.size_bytes, 10240);
    cr_assert_eq(got.tls_version, 0x0304);
    cr_assert_arr_eq(got.mx_ip, want->mx_ip, 16);
    cr_assert(hy_str_eq(got.mx_host, want->mx_host));
    cr_assert(hy_str_eq(got.source, want->source));
    cr_assert(hy_str_eq(got.tls_cipher, want->tls_cipher));
    cr_assert_eq(got.tls_policy, HY_ATTEMPT_POLICY_STS_ENFORCE);
    cr_assert_eq(got.tls_check, HY_ATTEMPT_CHECK_GOOD);
    cr_assert(hy_str_eq(got.tls_name, want->tls_name));
    cr_assert_eq(got.outcome.reason, want->outcome.reason);
    cr_assert(hy_str_eq(got.outcome.text, want->outcome.text));
    cr_assert_eq(got.outcome.code, 250);
    cr_assert_eq(got.outcome.kind, HY_OUTCOME_DELIVERED);
    cr_assert_eq(got.outcome.phase, HY_PHASE_DOT);
    cr_assert_eq(got.outcome.enhanced.detail, 999);
    cr_assert(got.outcome.from_server && !got.outcome.in_doubt);
    hy_txn_end(&t);
}

Test(settle, attempts_of_a_row_are_a_chain_from_the_last_to_the_first)
{
    struct hy_rcpt_ref ref = rows[0].ref;
    hy_id ids[5];
    for (uint16_t i = 0; i < 5; i++) {
        ref.attempts = i;
        struct hy_settle s =
            settle_of(&ref, i < 4 ? HY_RCPT_DEFERRED : HY_RCPT_DELIVERED, now_s() + 5);
        cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
        ids[i] = s.id;
    }
    struct hy_txn t;
    hy_id at = row_now(env, &ref).last_attempt;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (int i = 4; i >= 0; i--) {
        struct hy_attempt a;
        cr_assert_eq(at, ids[i]);
        cr_assert_eq(hy_attempt_get(&t, at, &a), 0);
        cr_assert_eq(a.ref.attempts, i);
        at = a.previous;
    }
    cr_assert_eq(at, 0);
    hy_txn_end(&t);
}

Test(settle, the_same_attempt_counts_once)
{
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_DEFERRED, now_s() + 5);
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    struct hy_settle again = settle_of(&rows[0].ref, HY_RCPT_DELIVERED, 0);
    cr_assert_eq(settle_now(env, &again), HY_SETTLE_STALE, "another attempt came before");
    struct hy_rcpt_ref ref = rows[0].ref;
    ref.attempts = 1;
    s = settle_of(&ref, HY_RCPT_BOUNCED, 0);
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    ref.attempts = 2;
    again = settle_of(&ref, HY_RCPT_DELIVERED, 0);
    cr_assert_eq(settle_now(env, &again), HY_SETTLE_STALE, "it is final");
    struct hy_campaign_progress p = campaign_progress(env, campaign);
    cr_assert_eq(p.ledger.attempts, 2);
    cr_assert_eq(p.ledger.by_state[HY_RCPT_BOUNCED], 1);
    cr_assert_eq(p.ledger.by_state[HY_RCPT_DELIVERED], 0);
    uint64_t log = 0;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_table_count(&t, HY_TABLE_ATTEMPTS, &log), 0);
    hy_txn_end(&t);
    cr_assert_eq(log, 2);
}

Test(settle, rows_that_do_not_exist_are_told_as_missing)
{
    struct hy_rcpt_ref cases[4];
    for (int i = 0; i < 4; i++)
        cases[i] = rows[0].ref;
    cases[0].campaign++;
    cases[1].block = 9;
    cases[2].slot = 200;
    cases[3].lead = 4711;
    for (int i = 0; i < 4; i++) {
        struct hy_settle s = settle_of(&cases[i], HY_RCPT_DELIVERED, 0);
        cr_assert_eq(settle_now(env, &s), HY_SETTLE_MISSING, "case %d", i);
    }
}

Test(settle, a_verdict_of_fresh_is_refused)
{
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_FRESH, 0);
    cr_assert_eq(run_request(env, &s.req), HY_EINVAL);
}

Test(settle, what_was_not_sent_does_not_count_as_an_attempt)
{
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_SUPPRESSED, 0);
    s.attempt.started = 0;
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    cr_assert_eq(row_now(env, &rows[0].ref).ref.attempts, 0);
    cr_assert_eq(campaign_progress(env, campaign).ledger.attempts, 0);
    cr_assert_neq(row_now(env, &rows[0].ref).last_attempt, 0, "but it is in the log");
}

Test(settle, the_last_outcome_ends_the_campaign)
{
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(campaign_state(env, campaign), HY_CAMPAIGN_RUNNING);
        struct hy_settle s = settle_of(&rows[i].ref, HY_RCPT_DELIVERED, 0);
        settle_now(env, &s);
    }
    cr_assert_eq(campaign_state(env, campaign), HY_CAMPAIGN_DONE);
}

Test(settle, a_row_cancelled_on_the_wire_ends_as_what_became_of_it)
{
    static const struct {
        enum hy_rcpt_state verdict, want;
        bool sent;
        enum hy_settle_result result;
    } cases[] = {
        {HY_RCPT_DELIVERED, HY_RCPT_DELIVERED, true, HY_SETTLE_APPLIED},
        {HY_RCPT_BOUNCED, HY_RCPT_BOUNCED, true, HY_SETTLE_APPLIED},
        {HY_RCPT_DEFERRED, HY_RCPT_CANCELLED, true, HY_SETTLE_APPLIED},
        {HY_RCPT_HELD, HY_RCPT_CANCELLED, true, HY_SETTLE_APPLIED},
        {HY_RCPT_EXPIRED, HY_RCPT_CANCELLED, false, HY_SETTLE_STALE},
    };
    campaign_cancel(env, campaign);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_settle s = settle_of(&rows[i].ref, cases[i].verdict, now_s() + 60);
        if (!cases[i].sent)
            s.attempt.started = 0;
        cr_assert_eq(settle_now(env, &s), cases[i].result, "case %zu", i);
        cr_assert_eq(row_now(env, &rows[i].ref).state, cases[i].want, "case %zu", i);
    }
    struct hy_campaign_progress p = campaign_progress(env, campaign);
    cr_assert_eq(hy_ledger_sum(&p.ledger), 8);
    cr_assert_eq(hy_ledger_pending(&p.ledger), 0);
    cr_assert_eq(p.ledger.attempts, 4);
    cr_assert_eq(campaign_state(env, campaign), HY_CAMPAIGN_CANCELLED);
    struct hy_due due;
    cr_assert_eq(due_entries(&due, 1), 0);
}

Test(settle, rows_of_a_block_due_at_one_second_share_an_entry_that_goes_with_the_last)
{
    struct hy_due due[4];
    struct hy_queue_row got[HY_QUEUE_BLOCK_ROWS];
    struct hy_txn t;
    size_t n;
    uint32_t at = now_s() + 40;
    for (int i = 0; i < 3; i++) {
        struct hy_settle s = settle_of(&rows[i].ref, HY_RCPT_DEFERRED, at);
        settle_now(env, &s);
    }
    cr_assert_eq(due_entries(due, 4), 1);
    cr_assert_eq(due[0].due_s, at);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_queue_read_due(&t, &due[0], got, &n), 0);
    hy_txn_end(&t);
    cr_assert_eq(n, 3);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(due_entries(due, 4), 1, "after %d", i);
        struct hy_settle s = settle_of(&got[i].ref, HY_RCPT_DELIVERED, 0);
        cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    }
    cr_assert_eq(due_entries(due, 4), 0);
}

Test(settle, far_deferrals_share_a_grid_and_near_ones_do_not)
{
    uint32_t base = now_s();
    struct hy_settle near = settle_of(&rows[0].ref, HY_RCPT_DEFERRED, base + 31);
    struct hy_settle far = settle_of(&rows[1].ref, HY_RCPT_DEFERRED, (base + 901) | 1);
    settle_now(env, &near);
    settle_now(env, &far);
    cr_assert_eq(near.due_s, base + 31);
    cr_assert_eq(far.due_s % 4, 0);
    cr_assert_geq(far.due_s, (base + 901) | 1);
    cr_assert_lt(far.due_s, base + 901 + 5);
}

Test(settle, a_deferral_is_never_due_behind_the_readers_place)
{
    uint32_t ahead = now_s() + 50; /* as if the reader's clock ran before ours */
    cr_assert_eq(hy_due_horizon(env, ahead), ahead);
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_DEFERRED, now_s());
    settle_now(env, &s);
    cr_assert_gt(s.due_s, ahead);
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_leq(hy_due_horizon(env, ahead + 100), ahead,
                  "while a transaction is open nothing later is safe");
    hy_txn_end(&t);
    cr_assert_eq(hy_due_horizon(env, ahead + 100), ahead + 100);
}

Test(settle, a_row_without_numbers_for_more_attempts_expires)
{
    struct hy_rcpt_ref ref = rows[0].ref;
    struct hy_settle s;
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (uint32_t i = 0; i < UINT16_MAX; i++) {
        ref.attempts = (uint16_t)i;
        s = settle_of(&ref, HY_RCPT_DEFERRED, 0);
        cr_assert_eq(hy_settle_apply(&t, &s), 0);
        cr_assert_eq(s.result, HY_SETTLE_APPLIED);
        if (s.state != HY_RCPT_DEFERRED)
            break;
    }
    cr_assert_eq(s.state, HY_RCPT_EXPIRED);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(row_now(env, &ref).state, HY_RCPT_EXPIRED);
}

Test(settle, in_doubt_and_tried_again_is_counted)
{
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_DEFERRED, 0);
    s.attempt.outcome.in_doubt = true;
    settle_now(env, &s);
    cr_assert_eq(campaign_progress(env, campaign).ledger.resent_in_doubt, 1);
    s = settle_of(&rows[1].ref, HY_RCPT_HELD, 0);
    s.attempt.outcome.in_doubt = true;
    settle_now(env, &s);
    cr_assert_eq(campaign_progress(env, campaign).ledger.resent_in_doubt, 1);
}
