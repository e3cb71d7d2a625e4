#include <criterion/criterion.h>

#include "fixture.h"
#include "hayauma/store/warmup.h"

Test(warmup, what_is_stored_comes_back)
{
    struct store_dir dir = store_dir_make();
    struct hy_env *env = store_open(&dir);
    const struct hy_warmup w = {.start = 1795600800000,
                                .day = 12,
                                .step = 9,
                                .good = 4000000000u,
                                .bad = 17,
                                .verdict = HY_WARMUP_STAY};
    struct hy_warmup got;
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_expect_eq(hy_warmup_load(&t, HY_STR("a/gmail"), &got), HY_ENOTFOUND);
    cr_assert_eq(hy_warmup_store(&t, HY_STR("a/gmail"), &w), HY_OK);
    cr_assert_eq(hy_put(&t, HY_TABLE_WARMUP, HY_STR("newer"), HY_STR("\2..."), HY_PUT_SET), 0);
    cr_assert_eq(hy_put(&t, HY_TABLE_WARMUP, HY_STR("short"), HY_STR("\1..."), HY_PUT_SET), 0);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    hy_env_close(env);
    env = store_open(&dir);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_warmup_load(&t, HY_STR("a/gmail"), &got), HY_OK);
    cr_expect(got.start == w.start && got.day == 12 && got.step == 9 && got.good == w.good &&
              got.bad == 17 && got.verdict == HY_WARMUP_STAY);
    cr_expect_eq(hy_warmup_load(&t, HY_STR("newer"), &got), HY_EVERSION);
    cr_expect_eq(hy_warmup_load(&t, HY_STR("short"), &got), HY_ECORRUPT);
    hy_txn_end(&t);
    hy_env_close(env);
    store_dir_remove(&dir);
}
