#include "batch.h"

#include <criterion/criterion.h>

#include "case.h"
#include "env_priv.h"

TestSuite(batch, .init = case_open, .fini = case_close);

enum { ITEMS = 10 };

/* A call of ten items, whose effect is a letter each in a text of the store. */
struct call {
    struct web_batch batch;
    unsigned a_slice; /* items */
    unsigned did;     /* by this one */
};

static struct call new_call(const char *key, unsigned a_slice)
{
    struct call c = {.a_slice = a_slice};
    web_batch_init(&c.batch, &(struct hy_once){.key = hy_str_of(key), .request = {1}});
    return c;
}

static int effect(struct hy_txn *t, size_t item)
{
    char text[64];
    struct hy_str old;
    size_t n = 0;
    if (hy_get(t, HY_TABLE_ORDERS, HY_STR("test"), &old) == 0) {
        n = old.n;
        memcpy(text, old.p, n);
    }
    text[n++] = (char)('a' + item);
    return hy_put(t, HY_TABLE_ORDERS, HY_STR("test"), hy_str_make(text, n), HY_PUT_SET);
}

static int apply(struct call *c, struct hy_txn *t)
{
    struct web_batch *b = &c->batch;
    int err = web_batch_begin(b, t, ITEMS);
    for (unsigned i = 0; !err && b->now.done < ITEMS; i++) {
        if (i == c->a_slice)
            return web_batch_pause(b, t);
        err = effect(t, b->now.done);
        hy_buf_printf(&b->results, "%zu", b->now.done++);
        b->now.counts[0] += 2;
        c->did++;
    }
    return err ? err : web_batch_end(b, t, hy_buf_str(&b->results));
}

static int run_slice(struct call *c)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    int err = apply(c, &t);
    cr_assert_eq(hy_txn_commit(&t), 0);
    if (err == HY_EMORE)
        web_batch_keep(&c->batch);
    return err;
}

static void expect_effects(const char *want)
{
    struct hy_txn t;
    struct hy_str got;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_get(&t, HY_TABLE_ORDERS, HY_STR("test"), &got), 0);
    cr_expect(hy_str_eq(got, hy_str_of(want)), "got %.*s, want %s", HY_STR_ARG(got), want);
    hy_txn_end(&t);
}

static void expect_whole(struct call *c)
{
    cr_expect_str_eq(hy_buf_cstr(&c->batch.results), "0123456789");
    cr_expect_eq(c->batch.now.counts[0], 2 * ITEMS);
}

Test(batch, in_slices_does_each_item_once_with_a_key_and_without)
{
    static const char *const keys[] = {"", "once"};
    for (size_t i = 0; i < 2; i++) {
        struct call c = new_call(keys[i], 3);
        cr_expect_eq(run_slice(&c), HY_EMORE);
        cr_expect_eq(run_slice(&c), HY_EMORE);
        cr_expect_eq(run_slice(&c), HY_EMORE);
        cr_expect_eq(run_slice(&c), 0);
        expect_whole(&c);
        web_batch_free(&c.batch);
    }
    expect_effects("abcdefghijabcdefghij");
}

Test(batch, a_slice_that_is_applied_again_begins_where_it_began)
{
    struct call c = new_call("", 4);
    struct hy_txn t;
    cr_expect_eq(run_slice(&c), HY_EMORE);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_expect_eq(apply(&c, &t), HY_EMORE);
    hy_txn_end(&t); /* another request spoilt it */
    cr_expect_eq(run_slice(&c), HY_EMORE);
    cr_expect_eq(run_slice(&c), 0);
    expect_whole(&c);
    expect_effects("abcdefghij");
    web_batch_free(&c.batch);
}

Test(batch, goes_on_after_a_crash_when_it_is_made_again)
{
    struct call first = new_call("once", 3), again = new_call("once", 100),
                late = new_call("once", 100);
    cr_expect_eq(run_slice(&first), HY_EMORE);
    cr_expect_eq(run_slice(&first), HY_EMORE);
    hy_env_close(env);
    env = store_open(&dir);
    cr_expect_eq(run_slice(&again), 0);
    cr_expect_eq(again.did, 4);
    expect_whole(&again);
    cr_expect_eq(run_slice(&late), HY_EEXIST, "it was done");
    expect_effects("abcdefghij");
    web_batch_free(&first.batch);
    web_batch_free(&again.batch);
    web_batch_free(&late.batch);
}

Test(batch, two_at_once_share_the_work)
{
    struct call a = new_call("once", 3), b = new_call("once", 2);
    cr_expect_eq(run_slice(&a), HY_EMORE);
    cr_expect_eq(run_slice(&b), HY_EMORE);
    cr_expect_eq(run_slice(&a), HY_EMORE);
    cr_expect_eq(run_slice(&b), 0);
    cr_expect_eq(run_slice(&a), HY_EEXIST);
    cr_expect_eq(a.did + b.did, ITEMS);
    expect_whole(&b);
    expect_effects("abcdefghij");
    web_batch_free(&a.batch);
    web_batch_free(&b.batch);
}

Test(batch, of_the_same_key_that_asks_for_something_else_does_nothing)
{
    struct call a = new_call("once", 3), b = new_call("once", 3);
    b.batch.once.request[0] = 2;
    cr_expect_eq(run_slice(&a), HY_EMORE);
    cr_expect_eq(run_slice(&b), HY_EEXIST);
    expect_effects("abc");
    web_batch_free(&a.batch);
    web_batch_free(&b.batch);
}
