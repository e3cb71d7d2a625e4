#include "hayauma/store/once.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "spools.h"

enum { HOUR_MS = 3600 * 1000 };

TestSuite(once, .init = case_open, .fini = case_close);

static struct hy_once call(const char *key, uint8_t what)
{
    return (struct hy_once){.tenant = 3, .key = hy_str_of(key), .request = {what}};
}

/* As if the clock were so many hours ahead. */
static int put(const struct hy_once *o, const char *answer, int hours)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    t.now += (hy_wall_ms)hours * HOUR_MS;
    int err = hy_once_put(&t, o, hy_str_of(answer));
    if (err) {
        hy_txn_end(&t);
        return err;
    }
    return hy_txn_commit(&t);
}

static int find(const struct hy_once *o, int hours, struct hy_buf *out)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    t.now += (hy_wall_ms)hours * HOUR_MS;
    hy_buf_reset(out);
    int err = hy_once_find(&t, o, out);
    hy_txn_end(&t);
    return err;
}

Test(once, the_same_call_gets_the_same_answer_for_a_day)
{
    struct hy_buf out = HY_BUF_INIT(1000);
    struct hy_once o = call("order-1", 1), other = call("order-1", 2), tenant = call("order-1", 1);
    tenant.tenant = 4;
    cr_assert_eq(find(&o, 0, &out), HY_ENOTFOUND);
    cr_assert_eq(put(&o, "the answer", 0), HY_OK);
    cr_assert_eq(find(&o, 23, &out), HY_OK);
    cr_assert_str_eq(hy_buf_cstr(&out), "the answer");
    cr_assert_eq(find(&other, 0, &out), HY_EINVAL, "the key came with something else");
    cr_assert_eq(find(&tenant, 0, &out), HY_ENOTFOUND, "a key is a tenant's own");
    cr_assert_eq(find(&o, 25, &out), HY_ENOTFOUND);
    hy_buf_free(&out);
}

Test(once, keys_have_a_length)
{
    static char long_key[HY_ONCE_KEY_MAX + 2];
    struct hy_buf out = HY_BUF_INIT(1000);
    memset(long_key, 'k', sizeof long_key - 1);
    struct hy_once none = call("", 1), too_long = call(long_key, 1);
    cr_expect_eq(find(&none, 0, &out), HY_ELIMIT);
    cr_expect_eq(find(&too_long, 0, &out), HY_ELIMIT);
    cr_expect_eq(put(&too_long, "x", 0), HY_ELIMIT);
}

Test(once, old_calls_go_with_new_ones_and_those_used_again_stay)
{
    struct hy_buf out = HY_BUF_INIT(1000);
    char key[20];
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "old-%d", i);
        struct hy_once o = call(key, 1);
        cr_assert_eq(put(&o, "old", 0), HY_OK);
    }
    struct hy_once again = call("old-0", 1);
    cr_assert_eq(put(&again, "anew", 25), HY_OK);
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof key, "new-%d", i);
        struct hy_once o = call(key, 1);
        cr_assert_eq(put(&o, "new", 25), HY_OK);
    }
    cr_expect_eq(store_entries(env, HY_TABLE_ONCE), 2 * 11, "eleven calls, each with its time");
    cr_expect_eq(find(&again, 25, &out), HY_OK);
    cr_expect_str_eq(hy_buf_cstr(&out), "anew");
    hy_buf_free(&out);
}

/* ---- messages for later ---- */

static struct hy_spool_message later(struct hy_spool_rcpt *rcpts, size_t n, int hours)
{
    struct hy_spool_message m = spool_message_to(rcpts, n);
    m.send_at = hy_clock_wall_ms() + (hy_wall_ms)hours * HOUR_MS;
    return m;
}

static uint64_t cancel(hy_id id)
{
    struct hy_txn t;
    uint64_t rows = 99;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    int err = hy_spool_cancel(&t, id, HY_STR("taken back"), &rows);
    if (err) {
        hy_txn_end(&t);
        cr_assert_eq(err, HY_ENOTFOUND);
        return 99;
    }
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    return rows;
}

Test(once, a_message_for_later_is_not_fresh_and_can_be_taken_back)
{
    struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org"), spool_to("b@example.org"),
                                    spool_to("c@example.net")};
    struct hy_spool_message m = later(rcpts, 3, 2), past = later(rcpts, 3, -2);
    struct hy_queue_row rows[300];
    uint32_t at = 0;
    spool_put_ok(env, &m);
    cr_assert_eq(spool_fresh(env, m.spool, &at, rows, 300), 0);
    cr_assert_eq(store_entries(env, HY_TABLE_DUE), 2, "an entry a block");
    cr_assert_eq(store_problems(env), 0);
    cr_assert_eq(cancel(m.id), 3);
    cr_assert_eq(store_entries(env, HY_TABLE_DUE), 0);
    cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_CONTENTS), 0, "its content goes");
    cr_assert_eq(store_problems(env), 0);
    cr_assert_eq(cancel(m.id), 0, "it is over");
    cr_assert_eq(cancel(m.id + 1), 99, "there is none");
    spool_put_ok(env, &past);
    cr_assert_eq(spool_fresh(env, past.spool, &at, rows, 300), 3, "a time that is past is now");
    cr_assert_eq(cancel(past.id), 0, "they may be on their way");
    cr_assert_eq(store_problems(env), 0);
}
