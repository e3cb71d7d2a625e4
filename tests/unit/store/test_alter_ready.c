#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "hayauma/store/operator.h"
#include "hayauma/store/pick.h"
#include "spools.h"

enum {
    N = 60, /* messages, each to one recipient at two domains */
    PENDING = 1u << HY_RCPT_FRESH | 1u << HY_RCPT_DEFERRED | 1u << HY_RCPT_HELD,
    LATER = 4000000000u,
    BLOCKS_MAX = 1000,
};

static struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
static struct hy_spool_message messages[N];
static hy_id spool;
static hy_domain_no com, org;

/* Of each message the recipient at example.com comes first. In turn: fresh, deferred with 421,
 * held, delivered; from two senders and from none. */
static void setup(void)
{
    uint32_t at = 0;
    case_open();
    for (int i = 0; i < N; i++) {
        static const char *const senders[] = {"a@shop.example", "b@news.example", ""};
        char text[2][32];
        for (int k = 0; k < 2; k++)
            snprintf(text[k], sizeof text[k], "user%d@example.%s", i, k ? "org" : "com");
        struct hy_spool_rcpt rcpts[] = {spool_to(text[0]), spool_to(text[1])};
        rcpts[0].notify = rcpts[1].notify = HY_DSN_NEVER; /* nothing waits for a report */
        messages[i] = spool_message_to(rcpts, 2);
        messages[i].sender = hy_str_of(senders[i % 3]);
        spool_put_ok(env, &messages[i]);
    }
    spool = messages[0].spool;
    cr_assert_eq(spool_fresh(env, spool, &at, rows, HY_QUEUE_BLOCK_ROWS), 2 * N);
    com = rows[0].ref.domain;
    org = rows[1].ref.domain;
    for (size_t i = 0; i < 2 * N; i++) {
        static const enum hy_rcpt_state to[] = {HY_RCPT_FRESH, HY_RCPT_DEFERRED, HY_RCPT_HELD,
                                                HY_RCPT_DELIVERED};
        struct hy_settle s = settle_of(&rows[i].ref, to[i / 2 % 4], LATER);
        s.attempt.outcome.code = 421;
        if (to[i / 2 % 4] != HY_RCPT_FRESH)
            cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    }
    cr_assert_eq(store_problems(env), 0);
}

TestSuite(alter_ready, .init = setup, .fini = case_close);

Test(alter_ready, rows_are_picked_by_domain_state_reply_recipient_sender_and_message)
{
    hy_wall_ms before = hy_id_time(messages[0].id) - 1, now = hy_id_time(messages[N - 1].id);
    const struct {
        hy_domain_no domain;
        struct hy_pick pick;
        unsigned want;
    } cases[] = {
        {0, {.states = PENDING}, 2 * N / 4 * 3},
        {com, {.states = PENDING}, N / 4 * 3},
        {org, {.states = 1u << HY_RCPT_HELD}, N / 4},
        {0, {.states = 1u << HY_RCPT_FRESH}, 2 * N / 4},
        {0, {.states = PENDING, .code_from = 421, .code_to = 421}, 2 * N / 4 * 2},
        {0, {.states = PENDING, .code_from = 500, .code_to = 599}, 0},
        {0, {.states = PENDING, .address = HY_STR("user1@example.org")}, 1},
        {0, {.states = PENDING, .address = HY_STR("user3@example.org")}, 0}, /* delivered */
        {0, {.states = PENDING, .sender = "a@shop.example"}, 2 * N / 4},
        {0, {.states = PENDING, .sender = "@SHOP.example"}, 2 * N / 4},
        {0, {.states = PENDING, .sender = "@hop.example"}, 0},
        {0, {.states = PENDING, .sender = ""}, 2 * N / 4},
        {0, {.states = PENDING, .message = messages[2].id}, 2},
        {0, {.states = PENDING, .received_before = now}, 2 * N / 4 * 3},
        {0, {.states = PENDING, .received_before = before}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(case_picked(spool, cases[i].domain, &cases[i].pick), cases[i].want,
                     "case %zu: got %u", i, case_picked(spool, cases[i].domain, &cases[i].pick));
}

/* ---- changing them ---- */

static char *act(struct hy_alter_job *j, const struct hy_alter_place *done, bool is_over)
{
    char *text = NULL;
    cr_assert(asprintf(&text, "%s %llu %d", hy_alter_name(j->what), (unsigned long long)done->rows,
                       is_over) > 0);
    return text;
}

static int over;
static void on_over(struct hy_alter_job *j, int err)
{
    (void)j;
    over = err;
}

/* Slices as short as can be; those with an odd number are lost with their transaction. */
static int run(struct hy_alter_job *j, bool loses)
{
    int err = HY_EMORE;
    for (int i = 0; err == HY_EMORE; i++) {
        struct hy_txn t;
        cr_assert_eq(hy_txn_write(env, &t), 0);
        t.yield_at = 1;
        err = j->req.apply(&j->req, &t);
        if (loses && i % 2) {
            hy_txn_end(&t);
            err = HY_EMORE;
            continue;
        }
        cr_assert_eq(hy_txn_commit(&t), 0);
        if (err == HY_EMORE)
            j->req.slice(&j->req);
    }
    j->req.done(&j->req, err);
    return over;
}

/* Picks its blocks `max` at a time, as a person's order does. */
static uint64_t alter(enum hy_alter what, const struct hy_pick *pick, hy_domain_no domain,
                      size_t max, bool loses)
{
    uint32_t blocks[BLOCKS_MAX], at = 0;
    uint64_t changed = 0;
    const hy_domain_no both[] = {com < org ? com : org, com < org ? org : com};
    for (;;) {
        struct hy_txn t;
        size_t n = 0;
        cr_assert_eq(hy_txn_read(env, &t), 0);
        int err = hy_pick_blocks(&t, spool, pick, domain ? &domain : both, domain ? 1 : 2, &at,
                                 blocks, max, &n);
        hy_txn_end(&t);
        if (err == HY_ENOTFOUND)
            return changed;
        cr_assert_eq(err, 0);
        struct hy_alter_job j;
        hy_alter_job_init(&j, spool, what);
        j.pick = pick;
        j.places = blocks;
        j.n_places = n;
        j.due_s = LATER + 1000;
        j.reason = HY_STR("taken out by aki");
        j.act = act;
        j.done = on_over;
        cr_assert_eq(run(&j, loses), 0);
        changed += j.at.rows;
    }
}

static struct hy_ledger ledger(void)
{
    return campaign_progress(env, spool).ledger;
}

Test(alter_ready, contents_go_with_the_last_recipient_that_is_taken_out)
{
    struct hy_pick all = {.states = PENDING};
    uint64_t contents = store_entries(env, HY_TABLE_SPOOL_CONTENTS);
    cr_assert_eq(contents, N / 4 * 3, "those that are delivered are gone");
    cr_assert_eq(alter(HY_ALTER_CANCEL, &all, com, 7, true), N / 4 * 3);
    cr_assert_eq(store_problems(env), 0);
    cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_CONTENTS), contents, "half of each is left");
    cr_assert_eq(alter(HY_ALTER_BOUNCE, &all, 0, BLOCKS_MAX, false), N / 4 * 3);
    cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_CONTENTS), 0);
    cr_assert_eq(store_problems(env), 0);
    struct hy_ledger l = ledger();
    cr_assert_eq(l.by_state[HY_RCPT_CANCELLED], N / 4 * 3);
    cr_assert_eq(l.by_state[HY_RCPT_BOUNCED], N / 4 * 3);
    cr_assert_eq(hy_ledger_sum(&l), l.queued);
}

Test(alter_ready, rows_are_put_off_and_tried_again)
{
    struct hy_pick all = {.states = 1u << HY_RCPT_FRESH | 1u << HY_RCPT_DEFERRED};
    cr_assert_eq(alter(HY_ALTER_POSTPONE, &all, 0, 5, true), 2 * N / 4 * 2);
    cr_assert_eq(ledger().by_state[HY_RCPT_FRESH], 0);
    cr_assert_eq(row_now(env, &rows[0].ref).due_s, LATER + 1000);
    cr_assert_eq(store_problems(env), 0);
    all.states = 1u << HY_RCPT_DEFERRED;
    cr_assert_eq(alter(HY_ALTER_RETRY, &all, 0, BLOCKS_MAX, false), 2 * N / 4 * 2);
    cr_assert_lt(row_now(env, &rows[0].ref).due_s, LATER);
    cr_assert_eq(row_now(env, &rows[4].ref).state, HY_RCPT_HELD, "only when they are asked for");
    cr_assert_eq(store_problems(env), 0);
}

Test(alter_ready, held_rows_can_be_sent_again_or_dropped)
{
    struct hy_pick held = {.states = 1u << HY_RCPT_HELD};
    cr_assert_eq(alter(HY_ALTER_RETRY, &held, com, BLOCKS_MAX, false), N / 4);
    cr_assert_eq(row_now(env, &rows[4].ref).state, HY_RCPT_DEFERRED);
    cr_assert_lt(row_now(env, &rows[4].ref).due_s, LATER);
    cr_assert_eq(alter(HY_ALTER_CANCEL, &held, 0, BLOCKS_MAX, false), N / 4);
    cr_assert_eq(row_now(env, &rows[5].ref).state, HY_RCPT_CANCELLED);
    cr_assert_eq(ledger().by_state[HY_RCPT_HELD], 0);
    cr_assert_eq(store_problems(env), 0);
}

Test(alter_ready, what_was_trimmed_since_it_was_found_is_passed_over)
{
    struct hy_pick all = {.states = PENDING};
    uint32_t blocks[] = {0, 5, 2 * N + 100};
    struct hy_alter_job j;
    hy_alter_job_init(&j, spool, HY_ALTER_CANCEL);
    j.pick = &all;
    j.places = blocks;
    j.n_places = 3;
    j.reason = HY_STR("x");
    j.act = act;
    j.done = on_over;
    cr_assert_eq(run(&j, false), 0);
    cr_assert_eq(j.at.rows, 2);
    cr_assert_eq(store_problems(env), 0);
}
