#include "hayauma/store/dsn.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "hayauma/store/attempt.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/retention.h"

TestSuite(dsn, .init = case_open, .fini = case_close);

static const char content[] = "From: a@example.net\r\n\r\nHello\r\n";

static struct hy_spool_message message_to(struct hy_spool_rcpt *rcpts, size_t n, const char *sender)
{
    return (struct hy_spool_message){
        .received = 1700000000000,
        .sender = hy_str_of(sender),
        .from_domain = HY_STR("example.net"),
        .header_bytes = 23,
        .content = HY_STR(content),
        .rcpts = rcpts,
        .n_rcpts = (uint32_t)hy_spool_sort(rcpts, n),
    };
}

static void put(struct hy_spool_message *m)
{
    struct hy_spool_job j;
    hy_spool_job_init(&j);
    j.message = *m;
    cr_assert_eq(run_request(env, &j.req), 0);
    *m = j.message;
}

/* The rows of a message, in the order of its recipients. */
struct rows {
    size_t n;
    struct hy_queue_row row[8];
    uint8_t told[8];
};
static int add_row(void *ctx, const struct hy_spool_view *v)
{
    struct rows *r = ctx;
    r->told[r->n] = v->rcpt.told;
    r->row[r->n++] = v->row;
    return 0;
}
static struct rows rows_of(hy_id message)
{
    struct rows r = {0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_spool_each_of_message(&t, message, add_row, &r), 0);
    hy_txn_end(&t);
    return r;
}

static void settle(const struct hy_rcpt_ref *ref, enum hy_rcpt_state state, bool is_passed_on)
{
    struct hy_settle s = settle_of(ref, state, 0);
    s.attempt.is_dsn_passed_on = is_passed_on;
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
}

static bool next(struct hy_dsn_due *ret)
{
    struct hy_txn t;
    struct hy_dsn_due due = {0};
    cr_assert_eq(hy_txn_read(env, &t), 0);
    int err = hy_dsn_next(&t, &due, UINT32_MAX);
    hy_txn_end(&t);
    cr_assert(err == 0 || err == HY_ENOTFOUND);
    if (err == 0)
        *ret = due;
    return err == 0;
}

static struct hy_spool_message read_message(hy_id id)
{
    struct hy_txn t;
    struct hy_spool_message m;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_spool_message(&t, id, &m), 0);
    hy_txn_end(&t);
    return m; /* its strings are not looked at */
}

static uint64_t problems(void)
{
    struct hy_audit_sink sink = {0};
    struct hy_audit_report r;
    cr_assert_eq(hy_audit(env, &sink, &r), 0);
    return r.problems;
}

/* Tells of recipients 0..n-1 of a message, with a report to its sender. */
static int tell(const struct hy_dsn_due *due, const struct hy_dsn_told *told, size_t n)
{
    struct hy_spool_rcpt to = {.address = HY_STR("a@example.net"), .notify = HY_DSN_NEVER};
    struct hy_dsn_job j;
    hy_dsn_job_init(&j);
    j.of = *due;
    j.report = message_to(&to, 1, "");
    j.told = told;
    j.n_told = n;
    return run_request(env, &j.req);
}

static struct hy_dsn_told of(const struct hy_queue_row *row, enum hy_dsn_wish what)
{
    return (struct hy_dsn_told){row->ref.block, row->ref.slot, what};
}

Test(dsn, a_bounce_marks_its_message_once_and_keeps_the_content_until_it_is_told)
{
    struct hy_spool_rcpt rcpts[] = {{.address = HY_STR("x@one.org")},
                                    {.address = HY_STR("y@one.org")},
                                    {.address = HY_STR("z@two.org")}};
    struct hy_spool_message m = message_to(rcpts, 3, "a@example.net");
    struct hy_dsn_due due, again;
    put(&m);
    hy_dsn_set_times(env, 10, 0);
    struct rows r = rows_of(m.id);
    settle(&r.row[0].ref, HY_RCPT_DELIVERED, false);
    cr_assert_not(next(&due), "nobody asked for a success");
    settle(&r.row[1].ref, HY_RCPT_BOUNCED, false);
    cr_assert(next(&due));
    cr_assert_eq(due.message, m.id);
    settle(&r.row[2].ref, HY_RCPT_EXPIRED, false);
    cr_assert(next(&again));
    cr_assert_eq(again.due_s, due.due_s, "the first sets the time");
    cr_assert_not(read_message(m.id).flags & HY_SPOOL_EMPTIED, "the report may return it");
    cr_assert_eq(problems(), 0);

    struct hy_dsn_told told[] = {of(&r.row[1], HY_DSN_WISH_FAILED),
                                 of(&r.row[2], HY_DSN_WISH_FAILED)};
    cr_assert_eq(tell(&due, told, 2), 0);
    cr_assert_not(next(&again));
    cr_assert(read_message(m.id).flags & HY_SPOOL_EMPTIED);
    r = rows_of(m.id);
    cr_assert(r.told[1] & HY_DSN_TOLD);
    cr_assert(r.told[2] & HY_DSN_TOLD);
    cr_assert_eq(problems(), 0);
    cr_assert_eq(tell(&due, told, 2), HY_ENOTFOUND, "never twice");
}

Test(dsn, whoever_is_not_told_of_yet_keeps_the_mark)
{
    struct hy_spool_rcpt rcpts[] = {{.address = HY_STR("x@one.org")},
                                    {.address = HY_STR("y@two.org")}};
    struct hy_spool_message m = message_to(rcpts, 2, "a@example.net");
    struct hy_dsn_due due, again;
    put(&m);
    struct rows r = rows_of(m.id);
    settle(&r.row[0].ref, HY_RCPT_BOUNCED, false);
    cr_assert(next(&due));
    settle(&r.row[1].ref, HY_RCPT_BOUNCED, false); /* behind the look, before the report */
    struct hy_dsn_told told = of(&r.row[0], HY_DSN_WISH_FAILED);
    cr_assert_eq(tell(&due, &told, 1), 0);
    cr_assert(next(&again));
    cr_assert_eq(again.message, m.id);
    cr_assert_not(read_message(m.id).flags & HY_SPOOL_EMPTIED);
    cr_assert_eq(problems(), 0);
}

Test(dsn, wishes_follow_notify)
{
    static const enum hy_rcpt_state D = HY_RCPT_DELIVERED, B = HY_RCPT_BOUNCED,
                                    W = HY_RCPT_DEFERRED;
    static const struct {
        uint8_t notify, told;
        enum hy_rcpt_state state;
        enum hy_dsn_wish wish;
    } cases[] = {
        {0, 0, B, HY_DSN_WISH_FAILED},
        {0, 0, HY_RCPT_SUPPRESSED, HY_DSN_WISH_FAILED},
        {0, 0, HY_RCPT_CANCELLED, HY_DSN_WISH_NOTHING},
        {0, 0, D, HY_DSN_WISH_NOTHING},
        {0, 0, W, HY_DSN_WISH_NOTHING},
        {HY_DSN_NEVER, 0, B, HY_DSN_WISH_NOTHING},
        {HY_DSN_SUCCESS, 0, B, HY_DSN_WISH_NOTHING},
        {HY_DSN_SUCCESS, 0, D, HY_DSN_WISH_RELAYED},
        {HY_DSN_SUCCESS, HY_DSN_TOLD, D, HY_DSN_WISH_NOTHING},
        {HY_DSN_DELAY, 0, W, HY_DSN_WISH_DELAYED},
        {HY_DSN_DELAY, HY_DSN_TOLD_DELAY, W, HY_DSN_WISH_NOTHING},
        {HY_DSN_DELAY | HY_DSN_FAILURE, HY_DSN_TOLD_DELAY, B, HY_DSN_WISH_FAILED},
        {0, HY_DSN_CAME_BACK, D, HY_DSN_WISH_FAILED},
        {HY_DSN_SUCCESS | HY_DSN_FAILURE, HY_DSN_CAME_BACK, D, HY_DSN_WISH_FAILED},
        {HY_DSN_NEVER, HY_DSN_CAME_BACK, D, HY_DSN_WISH_NOTHING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_spool_rcpt r = {.notify = cases[i].notify, .told = cases[i].told};
        cr_expect_eq(hy_dsn_wish(&r, cases[i].state), cases[i].wish, "case %zu", i);
    }
}

Test(dsn, nobody_is_told_of_mail_without_a_sender_or_that_wants_none)
{
    struct hy_spool_rcpt a = {.address = HY_STR("x@one.org")},
                         b = {.address = HY_STR("x@one.org"), .notify = HY_DSN_NEVER};
    struct hy_spool_message bounce = message_to(&a, 1, ""),
                            never = message_to(&b, 1, "s@example.net");
    struct hy_dsn_due due;
    put(&bounce);
    put(&never);
    struct rows r = rows_of(bounce.id), q = rows_of(never.id);
    settle(&r.row[0].ref, HY_RCPT_BOUNCED, false);
    settle(&q.row[0].ref, HY_RCPT_BOUNCED, false);
    cr_assert_not(next(&due));
    cr_assert(read_message(bounce.id).flags & HY_SPOOL_EMPTIED);
    cr_assert_eq(problems(), 0);
}

Test(dsn, a_success_is_told_unless_the_next_server_does)
{
    struct hy_spool_rcpt rcpts[] = {
        {.address = HY_STR("x@one.org"), .notify = HY_DSN_SUCCESS},
        {.address = HY_STR("y@two.org"), .notify = HY_DSN_SUCCESS | HY_DSN_FAILURE}};
    struct hy_spool_message m = message_to(rcpts, 2, "a@example.net");
    struct hy_dsn_due due;
    put(&m);
    struct rows r = rows_of(m.id);
    settle(&r.row[0].ref, HY_RCPT_DELIVERED, true);
    cr_assert_not(next(&due));
    settle(&r.row[1].ref, HY_RCPT_DELIVERED, false);
    cr_assert(next(&due));
    r = rows_of(m.id);
    cr_assert(r.told[0] & HY_DSN_TOLD, "the rest of the message says no more of it");
    cr_assert_not(r.told[1] & HY_DSN_TOLD);
}

Test(dsn, a_delay_is_told_when_it_has_lasted_and_an_end_comes_before_it)
{
    struct hy_spool_rcpt a = {.address = HY_STR("x@one.org"),
                              .notify = HY_DSN_DELAY | HY_DSN_FAILURE};
    struct hy_spool_message m = message_to(&a, 1, "a@example.net");
    struct hy_dsn_due due;
    hy_wall_ms now = hy_clock_wall_ms();
    m.received = now;
    put(&m);
    struct rows r = rows_of(m.id);
    settle(&r.row[0].ref, HY_RCPT_DEFERRED, false);
    cr_assert_not(next(&due), "delays are not told of");
    hy_dsn_set_times(env, 0, 3600);
    r = rows_of(m.id);
    settle(&r.row[0].ref, HY_RCPT_DEFERRED, false);
    cr_assert(next(&due));
    cr_assert_eq(due.due_s, (uint32_t)(now / 1000) + 3600);
    struct hy_dsn_told told = of(&r.row[0], HY_DSN_WISH_DELAYED);
    cr_assert_eq(tell(&due, &told, 1), 0);
    cr_assert_not(next(&due), "once");
    r = rows_of(m.id);
    settle(&r.row[0].ref, HY_RCPT_BOUNCED, false);
    cr_assert(next(&due));
    cr_assert_leq(due.due_s, (uint32_t)(hy_clock_wall_ms() / 1000));
    cr_assert_eq(problems(), 0);
}

Test(dsn, a_mail_that_comes_back_is_told_once)
{
    struct hy_spool_rcpt a = {.address = HY_STR("x@one.org")};
    struct hy_spool_message m = message_to(&a, 1, "a@example.net");
    struct hy_outcome words = {.kind = HY_OUTCOME_BOUNCED,
                               .phase = HY_PHASE_DOT,
                               .code = 550,
                               .enhanced = {5, 2, 1},
                               .from_server = true,
                               .text = HY_STR("mailbox disabled")};
    struct hy_dsn_due due;
    struct hy_attempt at;
    struct hy_txn t;
    put(&m);
    struct rows r = rows_of(m.id);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_dsn_returned(&t, &r.row[0].ref, &words, HY_STR("mx.one.org")), HY_ENOTFOUND,
                 "nobody has taken it yet");
    hy_txn_end(&t);
    settle(&r.row[0].ref, HY_RCPT_DELIVERED, false);
    cr_assert(read_message(m.id).flags & HY_SPOOL_EMPTIED);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(hy_txn_write(env, &t), 0);
        cr_assert_eq(hy_dsn_returned(&t, &r.row[0].ref, &words, HY_STR("mx.one.org")),
                     i ? HY_EEXIST : 0);
        cr_assert_eq(hy_txn_commit(&t), 0);
    }
    cr_assert(next(&due));
    r = rows_of(m.id);
    cr_assert_eq(r.row[0].state, HY_RCPT_DELIVERED, "the accounts stay");
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_attempt_get(&t, r.row[0].last_attempt, &at), 0);
    cr_assert(hy_str_eq(at.outcome.text, words.text));
    cr_assert_neq(at.previous, 0);
    hy_txn_end(&t);
    struct hy_dsn_told told = of(&r.row[0], HY_DSN_WISH_FAILED);
    cr_assert_eq(tell(&due, &told, 1), 0);
    cr_assert_not(next(&due));
    cr_assert_eq(problems(), 0);
}

Test(dsn, old_messages_are_not_forgotten_before_their_report)
{
    struct hy_spool_rcpt a = {.address = HY_STR("x@one.org")};
    struct hy_spool_message m = message_to(&a, 1, "a@example.net");
    struct hy_dsn_due due;
    struct hy_spool_trim_job j;
    put(&m);
    struct rows r = rows_of(m.id);
    settle(&r.row[0].ref, HY_RCPT_BOUNCED, false);
    hy_spool_trim_job_init(&j, INT64_MAX);
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_assert(next(&due));
    struct hy_dsn_told told = of(&r.row[0], HY_DSN_WISH_FAILED);
    cr_assert_eq(tell(&due, &told, 1), 0);
}
