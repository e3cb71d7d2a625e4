/* What becomes of an entry: its history, its hash, its end; and how bounces make one. */
#include "suppress_case.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/store/spool.h"

TestSuite(suppress_life, .init = case_open, .fini = case_close);

struct told {
    int n;
    enum hy_suppress_op ops[HY_SUPPRESS_HISTORY_MAX + 1];
    char source[256];
};

static int tell(void *ctx, const struct hy_suppress_act *a)
{
    struct told *told = ctx;
    told->ops[told->n++] = a->op;
    snprintf(told->source, sizeof told->source, "%.*s", HY_STR_ARG(a->source));
    return 0;
}

static struct told history(const char *what)
{
    struct told told = {0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_suppress_history(&t, suppress_id_of(what), tell, &told), 0);
    hy_txn_end(&t);
    return told;
}

Test(suppress_life, the_history_stays_when_the_entry_goes)
{
    suppress_put("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE);
    cr_expect_eq(suppress_del("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE), 0);
    cr_expect_eq(suppress_del("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE),
                 HY_ENOTFOUND);
    cr_expect_eq(suppress_find_for("a@x.test", 0, HY_STREAM_MARKETING), HY_ENOTFOUND);
    struct told h = history("a@x.test");
    cr_expect_eq(h.n, 2);
    cr_expect_eq(h.ops[0], HY_SUPPRESS_OP_ADDED);
    cr_expect_eq(h.ops[1], HY_SUPPRESS_OP_REMOVED);
    cr_expect_str_eq(h.source, "a mistake");
    for (int i = 0; i < HY_SUPPRESS_HISTORY_MAX; i++) {
        suppress_put("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE);
        cr_expect_eq(suppress_del("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE),
                     0);
    }
    cr_expect_eq(history("a@x.test").n, HY_SUPPRESS_HISTORY_MAX);
    cr_expect_eq(case_problems(), 0);
}

static int count_hashed(void *ctx, const struct hy_suppress_entry *e)
{
    int *n = ctx;
    *n += e->is_hashed && e->what.n == 0 && e->source.n == 0;
    return 0;
}

Test(suppress_life, a_hash_alone_still_stops_mail_and_tells_no_address)
{
    int hashed = 0;
    struct hy_txn t;
    suppress_put("taro@example.jp", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE);
    suppress_put("taro@example.jp", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_UNSUBSCRIBE);
    struct hy_suppress_entry e =
        suppress_entry_of("taro@example.jp", HY_SUPPRESS_ALL, 0, 0, HY_SUPPRESS_ERASED);
    e.is_hashed = true;
    cr_expect_eq(suppress_put_entry(&e), HY_SUPPRESS_ADDED);
    cr_expect_eq(suppress_find_for("taro@example.jp", 5, HY_STREAM_MARKETING), HY_SUPPRESS_ERASED);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_suppress_each(&t, suppress_id_of("taro@example.jp"), count_hashed, &hashed), 0);
    /* nothing in the table has the address any more */
    struct hy_cursor c;
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_SUPPRESSIONS, &c), 0);
    for (int err = hy_cursor_first(&c); !err; err = hy_cursor_next(&c))
        cr_expect_eq(hy_str_find_str(c.value, HY_STR("taro"), 0), SIZE_MAX);
    hy_cursor_close(&c);
    hy_txn_end(&t);
    cr_expect_eq(hashed, 3);
    cr_expect_eq(history("taro@example.jp").n, 3);
    /* what comes later is kept as a hash, too */
    suppress_put("taro@example.jp", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_UNSUBSCRIBE);
    cr_expect_eq(case_problems(), 0);
}

/* ---- ends ---- */

Test(suppress_life, an_end_counts_at_once_and_is_swept_later)
{
    hy_wall_ms now = hy_clock_wall_ms();
    struct hy_suppress_entry e =
        suppress_entry_of("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL);
    struct hy_suppress_counts n;
    struct hy_suppress_sweep_job j;
    struct hy_txn t;
    e.expires = now - 5000;
    suppress_put_entry(&e);
    e.what = HY_STR("b@x.test");
    e.expires = now + DAY;
    suppress_put_entry(&e);
    cr_expect_eq(suppress_find_for("a@x.test", 0, HY_STREAM_MARKETING), HY_ENOTFOUND);
    cr_expect_eq(suppress_find_for("b@x.test", 0, HY_STREAM_MARKETING), HY_SUPPRESS_MANUAL);
    hy_suppress_sweep_init(&j);
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_suppress_counts(&t, &n), 0);
    hy_txn_end(&t);
    cr_expect_eq(n.by_reason[HY_SUPPRESS_MANUAL], 1);
    struct told h = history("a@x.test");
    cr_assert_eq(h.n, 2);
    cr_expect_eq(h.ops[1], HY_SUPPRESS_OP_EXPIRED);
    cr_expect_eq(case_problems(), 0);
}

Test(suppress_life, one_that_was_over_begins_anew)
{
    hy_wall_ms now = hy_clock_wall_ms();
    struct hy_suppress_entry e =
        suppress_entry_of("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL);
    e.expires = now - 5000;
    suppress_put_entry(&e);
    e.expires = now + DAY;
    cr_expect_eq(suppress_put_entry(&e), HY_SUPPRESS_CHANGED);
    cr_expect_eq(suppress_find_for("a@x.test", 0, HY_STREAM_MARKETING), HY_SUPPRESS_MANUAL);
    cr_expect_eq(case_problems(), 0);
}

/* ---- soft bounces ---- */

/* As if so many days had passed since the first. */
static bool soft(const char *address, int days)
{
    struct hy_txn t = case_write();
    bool suppressed = false;
    t.now += days * DAY;
    cr_assert_eq(hy_suppress_soft(&t, hy_str_of(address), 2, HY_STR("452 4.2.2 full"), &suppressed),
                 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return suppressed;
}

Test(suppress_life, soft_bounces_need_their_number_and_their_days)
{
    for (int i = 0; i < 10; i++)
        cr_expect_not(soft("quick@x.test", 0), "ten in a day are not enough");
    cr_expect(soft("quick@x.test", 8));
    cr_expect_eq(suppress_find_for("quick@x.test", 2, HY_STREAM_MARKETING),
                 HY_SUPPRESS_SOFT_BOUNCES);
    cr_expect_eq(suppress_find_for("quick@x.test", 1, HY_STREAM_MARKETING), HY_ENOTFOUND);
    for (int i = 0; i < 4; i++)
        cr_expect_not(soft("slow@x.test", 30 * i), "four are not enough");
    cr_expect(soft("slow@x.test", 150));
    cr_expect_eq(case_problems(), 0);
}

Test(suppress_life, a_delivery_makes_soft_bounces_begin_anew)
{
    struct hy_suppress_soft s;
    for (int i = 0; i < 4; i++)
        cr_expect_not(soft("a@x.test", 10 * i));
    cr_expect(hy_suppress_may_have(env, HY_STR("a@x.test")));
    struct hy_txn t = case_write();
    cr_assert_eq(hy_suppress_soft_get(&t, suppress_id_of("a@x.test"), 2, &s), 0);
    cr_expect_eq(s.count, 4);
    cr_assert_eq(hy_suppress_soft_reset(&t, HY_STR("a@x.test"), 2), 0);
    cr_assert_eq(hy_suppress_soft_reset(&t, HY_STR("a@x.test"), 2), 0, "as often as one likes");
    cr_expect_eq(hy_suppress_soft_get(&t, suppress_id_of("a@x.test"), 2, &s), HY_ENOTFOUND);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_not(soft("a@x.test", 50));
}

/* ---- settles ---- */

static void settle_row(const struct hy_queue_row *row, enum hy_rcpt_state state,
                       enum hy_attempt_effect effect)
{
    struct hy_settle s = settle_of(&row->ref, state, 0);
    s.attempt.effect = effect;
    s.attempt.tenant = 6;
    s.attempt.outcome.text = HY_STR("550 5.1.1 no such user");
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
}

static hy_id spool_one(const char *address, struct hy_queue_row *ret_row)
{
    struct hy_spool_rcpt r = {.address = hy_str_of(address)};
    struct hy_spool_job j;
    size_t n = 0;
    uint32_t block;
    struct hy_txn t;
    hy_spool_job_init(&j);
    j.message = (struct hy_spool_message){.tenant = 6,
                                          .priority = HY_SPOOL_TRANSACTIONAL,
                                          .received = 1,
                                          .content = HY_STR("A: b\r\n\r\nc\r\n"),
                                          .header_bytes = 8,
                                          .rcpts = &r,
                                          .n_rcpts = 1};
    cr_assert_eq(run_request(env, &j.req), 0);
    block = j.message.first_block;
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_spool_read_fresh(&t, j.message.spool, &block, 1, rows, HY_QUEUE_BLOCK_ROWS, &n),
                 0);
    hy_txn_end(&t);
    cr_assert_eq(n, 1);
    *ret_row = rows[0];
    return j.message.id;
}

Test(suppress_life, the_settle_of_a_hard_refusal_suppresses_the_address_for_its_tenant)
{
    struct hy_queue_row row;
    spool_one("dead@x.test", &row);
    settle_row(&row, HY_RCPT_BOUNCED, HY_EFFECT_HARD);
    cr_expect_eq(suppress_find_for("dead@x.test", 6, HY_STREAM_TRANSACTIONAL),
                 HY_SUPPRESS_HARD_BOUNCE);
    cr_expect_eq(suppress_find_for("dead@x.test", 0, HY_STREAM_TRANSACTIONAL), HY_ENOTFOUND);
    spool_one("full@x.test", &row);
    settle_row(&row, HY_RCPT_BOUNCED, HY_EFFECT_SOFT);
    cr_expect(hy_suppress_may_have(env, HY_STR("full@x.test")));
    spool_one("full@x.test", &row);
    settle_row(&row, HY_RCPT_DELIVERED, HY_EFFECT_RESET);
    struct hy_suppress_soft s;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_suppress_soft_get(&t, suppress_id_of("full@x.test"), 6, &s), HY_ENOTFOUND);
    hy_txn_end(&t);
    cr_expect_eq(case_problems(), 0);
}
