#include "hayauma/store/sts.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"

TestSuite(sts, .init = case_open, .fini = case_close);

static void put(const char *domain, const char *id, struct hy_str text, hy_wall_ms expires)
{
    struct hy_sts_put p;
    hy_sts_put_init(&p);
    p.domain = hy_str_of(domain);
    p.policy = (struct hy_sts_stored){
        .fetched = 1000, .expires = expires, .id = hy_str_of(id), .text = text};
    cr_assert_eq(run_request(env, &p.req), 0);
}

static int get(const char *domain, char *id, size_t *n_text, hy_wall_ms *expires)
{
    struct hy_txn t;
    struct hy_sts_stored s;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    int err = hy_sts_stored_get(&t, hy_str_of(domain), &s);
    if (!err) {
        snprintf(id, 33, "%.*s", HY_STR_ARG(s.id));
        *n_text = s.text.n;
        *expires = s.expires;
    }
    hy_txn_end(&t);
    return err;
}

Test(sts, policies_outlive_a_restart_and_are_replaced)
{
    static char text[HY_STS_TEXT_MAX];
    char id[33];
    size_t n;
    hy_wall_ms expires;
    memset(text, 'x', sizeof text);
    put("example.test", "1", HY_STR("version: STSv1\n"), 5000);
    put("big.test", "12345678901234567890123456789012", hy_str_make(text, sizeof text), 6000);
    hy_env_close(env);
    env = store_open(&dir);
    cr_assert_eq(get("example.test", id, &n, &expires), 0);
    cr_expect_str_eq(id, "1");
    cr_expect_eq(n, 15);
    cr_expect_eq(expires, 5000);
    cr_assert_eq(get("big.test", id, &n, &expires), 0);
    cr_expect_str_eq(id, "12345678901234567890123456789012");
    cr_expect_eq(n, HY_STS_TEXT_MAX);
    put("example.test", "2", HY_STR(""), 7000);
    cr_assert_eq(get("example.test", id, &n, &expires), 0);
    cr_expect_str_eq(id, "2");
    cr_expect_eq(n, 0);
    cr_expect_eq(get("other.test", id, &n, &expires), HY_ENOTFOUND);
    cr_expect_eq(get("", id, &n, &expires), HY_ENOTFOUND);
}

Test(sts, expired_policies_are_trimmed_and_no_others)
{
    char name[32], id[33];
    size_t n;
    hy_wall_ms expires, late = hy_clock_wall_ms() + 1000000;
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "d%d.test", i);
        put(name, "1", HY_STR("x"), i % 3 ? late : 2000);
    }
    struct hy_sts_trim j;
    hy_sts_trim_init(&j);
    cr_assert_eq(run_request(env, &j.req), 0);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "d%d.test", i);
        cr_expect_eq(get(name, id, &n, &expires), i % 3 ? 0 : HY_ENOTFOUND, "%s", name);
    }
}

Test(sts, a_newer_record_is_not_guessed_at)
{
    struct hy_txn t;
    char id[33];
    size_t n;
    hy_wall_ms expires;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    hy_put(&t, HY_TABLE_STS, HY_STR("new.test"), HY_STR("\x09whatever"), HY_PUT_SET);
    hy_put(&t, HY_TABLE_STS, HY_STR("bad.test"), HY_STR("\x01\xff"), HY_PUT_SET);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(get("new.test", id, &n, &expires), HY_EVERSION);
    cr_expect_eq(get("bad.test", id, &n, &expires), HY_ECORRUPT);
}
