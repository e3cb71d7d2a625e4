#include "scrub.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "hayauma/base/bytes.h"
#include "hayauma/store/audit.h"
#include "spools.h"

TestSuite(scrub, .init = case_open, .fini = case_close);

enum { RECORDS = 3000, VALUE_MAX = 30000 };
static const char needle[] = "Natsume.Soseki@Example.JP";

static uint32_t mix(uint32_t x)
{
    x = (x ^ x >> 16) * 0x45d9f3b;
    x = (x ^ x >> 16) * 0x45d9f3b;
    return x ^ x >> 16;
}

/* A value of its own for each number: small, of a page, of several; `secret` ones name somebody
 * throughout. */
static size_t value_of(uint32_t i, bool is_secret, uint8_t out[VALUE_MAX])
{
    static const size_t most[] = {60, 600, 1900, 4079, 9000, VALUE_MAX};
    size_t n = 40 + mix(i) % (most[i % 6] - 39);
    if (n > VALUE_MAX)
        n = VALUE_MAX;
    for (size_t at = 0; at < n; at++) {
        uint8_t named = (uint8_t)needle[at % (sizeof needle - 1)],
                other = (uint8_t)(mix(i) >> (at % 24));
        out[at] = named;
        if (!is_secret)
            out[at] = other;
    }
    out[0] = 1;
    return n;
}

static struct hy_str key_of(uint32_t i, uint8_t key[8])
{
    hy_put_be64(key, i);
    return hy_str_make(key, 8);
}

static void commit(struct hy_txn *t)
{
    cr_assert_eq(hy_txn_commit(t), 0);
}

/* Puts (or deletes) every record of one kind, some hundred a transaction, in a mixed order. */
static void each_record(bool is_secret, bool is_delete)
{
    static uint8_t value[VALUE_MAX];
    uint8_t key[8];
    for (uint32_t from = 0; from < RECORDS; from += 300) {
        struct hy_txn t;
        cr_assert_eq(hy_txn_write(env, &t), 0);
        for (uint32_t i = from; i < from + 300; i++) {
            uint32_t no = i * 7 % RECORDS;
            if ((mix(no) % 2 == 0) != is_secret)
                continue;
            struct hy_str k = key_of(no, key);
            if (is_delete)
                cr_assert_eq(hy_del(&t, HY_TABLE_WINDOWS, k), 0);
            else
                cr_assert_eq(hy_put(&t, HY_TABLE_WINDOWS, k,
                                    hy_str_make(value, value_of(no, is_secret, value)), HY_PUT_SET),
                             0);
        }
        commit(&t);
    }
}

static uint64_t found(void)
{
    struct hy_txn t;
    uint64_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_scrub_find(&t, HY_STR("natsume.soseki"), &n), 0);
    hy_txn_end(&t);
    return n;
}

/* What people do to look for it: the file's bytes. */
static bool stands_in_file(void)
{
    char command[200];
    snprintf(command, sizeof command, "grep -aiq 'natsume' %s/store/data.mdb", dir.path);
    int rc = system(command); // NOLINT: a path of our own
    cr_assert(rc == 0 || rc == 256, "grep answered %d", rc);
    return rc == 0;
}

static void something_small(void)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_put(&t, HY_TABLE_META, HY_STR("test"), HY_STR("\x01"), HY_PUT_SET), 0);
    commit(&t);
}

static struct hy_scrub begin(void)
{
    struct hy_scrub s;
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    hy_scrub_begin(&t, &s);
    cr_assert_eq(hy_put(&t, HY_TABLE_META, HY_STR("test"), HY_STR("\x01"), HY_PUT_SET), 0);
    commit(&t);
    return s;
}

static int slice(struct hy_scrub *s, bool is_short)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    if (is_short)
        t.yield_at = t.yield_by = 1;
    int err = hy_scrub_slice(&t, s);
    hy_txn_end(&t);
    return err;
}

static void buffers(void)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_scrub_buffers(&t), 0);
    commit(&t);
}

static void others_are_whole(void)
{
    static uint8_t want[VALUE_MAX];
    uint8_t key[8];
    struct hy_txn t;
    struct hy_str v;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (uint32_t i = 0; i < RECORDS; i++) {
        int err = hy_get(&t, HY_TABLE_WINDOWS, key_of(i, key), &v);
        if (mix(i) % 2 == 0) {
            cr_assert_eq(err, HY_ENOTFOUND);
            continue;
        }
        size_t n = value_of(i, false, want);
        cr_assert_eq(err, 0);
        cr_assert(v.n == n && memcmp(v.p, want, n) == 0, "record %u", i);
    }
    hy_txn_end(&t);
}

Test(scrub, nothing_of_what_was_deleted_stands_in_the_file)
{
    each_record(false, false);
    each_record(true, false);
    cr_expect_gt(found(), 1000);
    each_record(true, true);
    cr_expect_gt(found(), 100, "deleted is not gone");
    struct hy_scrub s = begin();
    cr_expect_eq(slice(&s, false), HY_EBUSY, "not committed long enough");
    buffers();
    something_small();
    something_small();
    unsigned slices = 1;
    int err;
    while ((err = slice(&s, true)) == HY_EMORE) {
        something_small();
        slices++;
    }
    cr_expect_eq(err, 0, "%s %lu", hy_err_name(err), s.behind);
    cr_expect_gt(slices, 3, "as slices, with commits between them");
    cr_expect_gt(s.zeroed, 1 << 20);
    cr_expect_eq(found(), 0);
    cr_expect_not(stands_in_file());
    others_are_whole();
    hy_env_close(env);
    env = store_open(&dir);
    others_are_whole();
    cr_expect_eq(store_problems(env), 0);
}

Test(scrub, buffers_of_the_process_bring_nothing_back)
{
    each_record(true, false);
    each_record(true, true);
    struct hy_scrub s = begin();
    buffers();
    something_small();
    something_small();
    int err;
    while ((err = slice(&s, false)) == HY_EMORE)
        ;
    cr_expect_eq(err, 0);
    each_record(false, false); /* pages with room in them, made from the same buffers */
    cr_expect_eq(found(), 0);
    cr_expect_not(stands_in_file());
    others_are_whole();
}

Test(scrub, a_snapshot_that_is_read_keeps_it_waiting)
{
    struct hy_txn reader;
    each_record(true, false);
    cr_assert_eq(hy_txn_read(env, &reader), 0);
    each_record(true, true);
    struct hy_scrub s = begin();
    something_small();
    something_small();
    cr_expect_eq(slice(&s, false), HY_EBUSY);
    uint8_t key[8];
    static uint8_t want[VALUE_MAX];
    struct hy_str v;
    for (uint32_t i = 0; i < RECORDS; i++) {
        if (mix(i) % 2)
            continue;
        size_t n = value_of(i, true, want);
        cr_assert_eq(hy_get(&reader, HY_TABLE_WINDOWS, key_of(i, key), &v), 0);
        cr_assert(v.n == n && memcmp(v.p, want, n) == 0, "record %u", i);
    }
    hy_txn_end(&reader);
    cr_expect_eq(slice(&s, false), 0);
    cr_expect_eq(found(), 0);
}
