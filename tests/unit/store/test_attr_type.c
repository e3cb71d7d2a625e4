#include <criterion/criterion.h>

#include "case.h"
#include "hayauma/store/attr_type.h"
#include "hayauma/store/lead.h"

TestSuite(attr_type, .init = case_open, .fini = case_close);

Test(attr_type, an_attribute_is_text_until_somebody_says_otherwise)
{
    struct hy_txn t;
    hy_attr_no no = 0;
    enum hy_attr_type type = HY_ATTR_DATE;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_attr_intern(&t, HY_STR("points"), &no), HY_OK);
    cr_assert_eq(hy_attr_type_get(&t, no, &type), HY_OK);
    cr_expect_eq(type, HY_ATTR_TEXT);
    cr_assert_eq(hy_attr_type_set(&t, no, HY_ATTR_NUMBER), HY_OK);
    cr_expect_eq(hy_attr_type_set(&t, no, HY_ATTR_TYPES), HY_EINVAL);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);

    hy_env_close(env);
    env = store_open(&dir);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_attr_type_get(&t, no, &type), HY_OK);
    cr_expect_eq(type, HY_ATTR_NUMBER);
    hy_txn_end(&t);
}
