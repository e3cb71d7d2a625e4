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
                                .first = 3,
                                .sent = 4000000001u,
                                .good = 4000000000u,
                                .bad = 17,
                                .verdict = HY_WARMUP_STAY};
    struct hy_warmup got;
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_expect_eq(hy_warmup_load(&t, HY_STR("a/gmail"), &got), HY_ENOTFOUND);
    cr_assert_eq(hy_warmup_store(&t, HY_STR("a/gmail"), &w), HY_OK);
    cr_assert_eq(hy_put(&t, HY_TABLE_WARMUP, HY_STR("newer"), HY_STR("\3..."), HY_PUT_SET), 0);
    cr_assert_eq(hy_put(&t, HY_TABLE_WARMUP, HY_STR("short"), HY_STR("\1..."), HY_PUT_SET), 0);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    hy_env_close(env);
    env = store_open(&dir);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_warmup_load(&t, HY_STR("a/gmail"), &got), HY_OK);
    cr_expect(got.start == w.start && got.day == 12 && got.step == 9 && got.good == w.good &&
              got.bad == 17 && got.verdict == HY_WARMUP_STAY && got.first == 3 &&
              got.sent == w.sent);
    cr_expect_eq(hy_warmup_load(&t, HY_STR("newer"), &got), HY_EVERSION);
    cr_expect_eq(hy_warmup_load(&t, HY_STR("short"), &got), HY_ECORRUPT);
    hy_txn_end(&t);
    hy_env_close(env);
    store_dir_remove(&dir);
}

Test(warmup, finds_any_provider_of_a_source_with_the_same_start)
{
    static const struct {
        const char *source;
        hy_wall_ms start;
        int want;
        uint32_t step;
    } cases[] = {{"b", 100, HY_OK, 7},        {"b", 300, HY_OK, 8}, {"b", 400, HY_ENOTFOUND, 0},
                 {"a", 100, HY_ENOTFOUND, 0}, {"c", 100, HY_OK, 9}, {"bb", 100, HY_ENOTFOUND, 0}};
    static const struct {
        const char *key;
        struct hy_warmup w;
    } rows[] = {{"ab/x", {.start = 100, .step = 1}},
                {"b/gmail", {.start = 100, .step = 7}},
                {"b/yahoo", {.start = 300, .step = 8}},
                {"b-2/gmail", {.start = 400, .step = 1}},
                {"c/default", {.start = 100, .step = 9}}};
    struct store_dir dir = store_dir_make();
    struct hy_env *env = store_open(&dir);
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(hy_warmup_store(&t, hy_str_of(rows[i].key), &rows[i].w), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_warmup got = {0};
        int err = hy_warmup_load_any(&t, hy_str_of(cases[i].source), cases[i].start, &got);
        cr_expect(err == cases[i].want && got.step == cases[i].step, "%zu: %d %u", i, err,
                  got.step);
    }
    hy_txn_end(&t);
    hy_env_close(env);
    store_dir_remove(&dir);
}

Test(warmup, reads_what_an_earlier_version_wrote)
{
    struct store_dir dir = store_dir_make();
    struct hy_env *env = store_open(&dir);
    static const uint8_t old[26] = {1, 100, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 9};
    struct hy_warmup got;
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_put(&t, HY_TABLE_WARMUP, HY_STR("a/b"), hy_str_make(old, 26), HY_PUT_SET), 0);
    cr_assert_eq(hy_warmup_load(&t, HY_STR("a/b"), &got), HY_OK);
    cr_expect(got.start == 100 && got.day == 5 && got.step == 4 && got.good == 9 && got.sent == 0);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    hy_env_close(env);
    store_dir_remove(&dir);
}
