#include "hayauma/store/once.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "env_priv.h"
#include "hayauma/base/bytes.h"
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
    cr_expect_eq(store_entries(env, HY_TABLE_ONCE), 2 * 11 + 1, "eleven calls, each with its time");
    cr_expect_eq(find(&again, 25, &out), HY_OK);
    cr_expect_str_eq(hy_buf_cstr(&out), "anew");
    hy_buf_free(&out);
}

static uint64_t bytes_counted(void)
{
    struct hy_txn t;
    struct hy_str value;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    int err = hy_get(&t, HY_TABLE_ONCE, HY_STR("n"), &value);
    uint64_t n = err ? 0 : hy_get_le64(value.p + 1);
    hy_txn_end(&t);
    return n;
}

static int trim(int hours)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    t.now += (hy_wall_ms)hours * HOUR_MS;
    int err = hy_once_trim(&t);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    return err;
}

Test(once, what_is_over_goes_without_new_calls_and_bytes_are_counted)
{
    char key[20];
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "k-%d", i);
        struct hy_once o = call(key, 1);
        cr_assert_eq(put(&o, "0123456789", 0), HY_OK);
    }
    cr_expect_eq(bytes_counted(), 20 * (42 + 10));
    cr_expect_eq(trim(23), HY_OK);
    cr_expect_eq(bytes_counted(), 20 * (42 + 10));
    cr_expect_eq(trim(25), HY_OK);
    cr_expect_eq(bytes_counted(), 0);
    cr_expect_eq(store_entries(env, HY_TABLE_ONCE), 1);
}

Test(once, when_too_much_is_remembered_the_oldest_go_before_their_day)
{
    struct hy_buf out = HY_BUF_INIT(1000);
    struct hy_once first = call("first", 1), second = call("second", 1);
    uint8_t many[9] = {1};
    struct hy_txn t;
    cr_assert_eq(put(&first, "x", 0), HY_OK);
    hy_put_le64(many + 1, (uint64_t)HY_ONCE_BYTES_MAX);
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_put(&t, HY_TABLE_ONCE, HY_STR("n"), hy_str_make(many, sizeof many), HY_PUT_SET),
                 HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    cr_assert_eq(put(&second, "x", 1), HY_OK);
    cr_expect_eq(find(&first, 1, &out), HY_ENOTFOUND);
    cr_expect_eq(find(&second, 1, &out), HY_OK);
    hy_buf_free(&out);
}

Test(once, a_call_in_slices_goes_on_from_its_part)
{
    struct hy_buf out = HY_BUF_INIT(1000);
    struct hy_once o = call("batch", 1), other = call("batch", 2);
    struct hy_txn t;
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(hy_txn_write(env, &t), HY_OK);
        t.now += i * HOUR_MS;
        cr_assert_eq(hy_once_put_part(&t, &o, HY_STR("300 of 1000")), HY_OK);
        cr_assert_eq(hy_txn_commit(&t), HY_OK);
    }
    cr_expect_eq(find(&o, 0, &out), HY_ENOTFOUND, "it is not done");
    cr_expect_eq(find(&other, 0, &out), HY_EINVAL);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_expect_eq(hy_once_part(&t, &o, &out), HY_OK);
    cr_expect_str_eq(hy_buf_cstr(&out), "300 of 1000");
    cr_expect_eq(hy_once_part(&t, &other, &out), HY_EINVAL);
    hy_txn_end(&t);
    cr_expect_eq(store_entries(env, HY_TABLE_ONCE), 3, "one call, its age, the sum");
    cr_assert_eq(put(&o, "done", 3), HY_OK);
    cr_expect_eq(find(&o, 3, &out), HY_OK);
    cr_expect_str_eq(hy_buf_cstr(&out), "done");
    cr_expect_eq(store_entries(env, HY_TABLE_ONCE), 3);
    cr_expect_eq(bytes_counted(), 42 + 4);
    cr_expect_eq(trim(25), HY_OK, "its day began with its first part");
    cr_expect_eq(bytes_counted(), 0);
    hy_buf_free(&out);
}

Test(once, an_answer_of_a_store_of_before_is_given_still)
{
    struct hy_buf out = HY_BUF_INIT(1000);
    struct hy_once o = call("old", 1);
    struct hy_txn t;
    struct hy_cursor c;
    uint8_t old[41 + 3] = {1};
    cr_assert_eq(put(&o, "new", 0), HY_OK);
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_ONCE, &c), HY_OK);
    cr_assert_eq(hy_cursor_prefix_first(&c, HY_STR("k")), HY_OK);
    memcpy(old + 1, c.value.p + 1, 40);
    memcpy(old + 41, "old", 3);
    cr_assert_eq(hy_cursor_replace(&c, hy_str_make(old, sizeof old)), HY_OK);
    hy_cursor_close(&c);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    cr_expect_eq(find(&o, 0, &out), HY_OK);
    cr_expect_str_eq(hy_buf_cstr(&out), "old");
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
