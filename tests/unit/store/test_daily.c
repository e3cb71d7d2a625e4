#include <criterion/criterion.h>

#include "fixture.h"
#include "hayauma/store/daily.h"

#define HOUR ((hy_wall_ms)3600 * 1000)
#define NOON ((hy_wall_ms)1795600800000)

static struct store_dir dir;

static void setup(void)
{
    dir = store_dir_make();
}

static void teardown(void)
{
    store_dir_remove(&dir);
}

TestSuite(daily, .init = setup, .fini = teardown);

static void put(struct hy_env *env, const char *key, const struct hy_day_count *c)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_daily_put(&t, hy_str_of(key), c), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static int get(struct hy_env *env, const char *key, struct hy_day_count *ret)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    int err = hy_daily_get(&t, hy_str_of(key), ret);
    hy_txn_end(&t);
    return err;
}

Test(daily, a_count_is_the_same_after_the_store_was_closed)
{
    struct hy_day_count c = {0}, got = {0};
    for (int i = 0; i < 30; i++)
        cr_assert_eq(hy_day_take(&c, 1000, NOON + i * HOUR), 0);
    struct hy_env *env = store_open(&dir);
    put(env, "provider/gmail", &c);
    hy_env_close(env);
    env = store_open(&dir);
    cr_assert_eq(get(env, "provider/gmail", &got), 0);
    cr_expect_eq(memcmp(&c, &got, sizeof c), 0);
    cr_expect_eq(get(env, "provider/yahoo", &got), HY_ENOTFOUND);
    put(env, "provider/gmail", &(struct hy_day_count){.hour = c.hour});
    cr_expect_eq(get(env, "provider/gmail", &got), HY_ENOTFOUND, "a count of nothing is no entry");
    hy_env_close(env);
}

Test(daily, what_another_version_wrote_is_told_and_what_is_over_or_damaged_goes)
{
    struct hy_env *env = store_open(&dir);
    struct hy_day_count c = {0}, got;
    struct hy_txn t;
    unsigned n = 0;
    cr_assert_eq(hy_day_take(&c, 5, NOON), 0);
    put(env, "old", &c);
    cr_assert_eq(hy_day_take(&c, 5, NOON + 20 * HOUR), 0);
    put(env, "live", &c);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_put(&t, HY_TABLE_DAILY, HY_STR("newer"), HY_STR("\2..."), HY_PUT_SET), 0);
    cr_assert_eq(hy_put(&t, HY_TABLE_DAILY, HY_STR("short"), HY_STR("\1..."), HY_PUT_SET), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(get(env, "newer", &got), HY_EVERSION);
    cr_expect_eq(get(env, "short", &got), HY_ECORRUPT);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_daily_trim(&t, NOON + 26 * HOUR, 2, &n), 0);
    cr_expect_eq(n, 2u);
    cr_assert_eq(hy_daily_trim(&t, NOON + 26 * HOUR, 100, &n), 0);
    cr_expect_eq(n, 1u);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(get(env, "live", &got), 0);
    cr_expect_eq(get(env, "old", &got), HY_ENOTFOUND);
    hy_env_close(env);
}
