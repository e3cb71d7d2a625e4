#include <criterion/criterion.h>

#include "fixture.h"
#include "hayauma/store/operator.h"

Test(operator, orders_are_read_by_number_and_taken_away)
{
    struct store_dir dir = store_dir_make();
    struct hy_env *env = store_open(&dir);
    struct hy_txn t;
    struct hy_str text;
    uint32_t no = 0;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_order_put(&t, 7, HY_STR("{\"b\":1}")), 0);
    cr_assert_eq(hy_order_put(&t, 3, HY_STR("{\"a\":1}")), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_order_next(&t, 0, &no, &text), 0);
    cr_assert_eq(no, 3);
    cr_assert(hy_str_eq(text, HY_STR("{\"a\":1}")));
    cr_assert_eq(hy_order_next(&t, no, &no, &text), 0);
    cr_assert_eq(no, 7);
    cr_assert_eq(hy_order_next(&t, no, &no, &text), HY_ENOTFOUND);
    hy_txn_end(&t);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_order_del(&t, 3), 0);
    cr_assert_eq(hy_order_del(&t, 3), HY_ENOTFOUND);
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_env_close(env);
    store_dir_remove(&dir);
}

Test(operator, acts_are_read_from_the_newest_back)
{
    static char long_text[HY_OPERATOR_TEXT_MAX + 1];
    struct store_dir dir = store_dir_make();
    struct hy_env *env = store_open(&dir);
    struct hy_txn t;
    struct hy_str text;
    hy_id ids[3], id = 0;
    char body[] = "{\"n\":0}";
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (int i = 0; i < 3; i++) {
        body[5] = (char)('0' + i);
        cr_assert_eq(hy_act_append(&t, hy_str_of(body), &ids[i]), 0);
    }
    cr_assert_eq(hy_act_append(&t, hy_str_make(long_text, sizeof long_text), &id), HY_ELIMIT);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    id = 0;
    for (int i = 2; i >= 0; i--) {
        cr_assert_eq(hy_act_prev(&t, id, &id, &text), 0);
        cr_assert_eq(id, ids[i]);
        cr_assert_eq(text.p[5], '0' + i);
    }
    cr_assert_eq(hy_act_prev(&t, id, &id, &text), HY_ENOTFOUND);
    hy_txn_end(&t);
    hy_env_close(env);
    store_dir_remove(&dir);
}
