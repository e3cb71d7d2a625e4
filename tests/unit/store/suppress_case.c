#include "suppress_case.h"

#include <criterion/criterion.h>

struct hy_suppress_entry suppress_entry_of(const char *what, enum hy_suppress_scope scope,
                                           uint32_t tenant, uint32_t no,
                                           enum hy_suppress_reason reason)
{
    return (struct hy_suppress_entry){
        .key = {.scope = scope, .tenant = tenant, .no = no, .reason = reason},
        .what = hy_str_of(what),
        .source = HY_STR("550 5.1.1 <taro@example.jp> unknown"),
        .by = HY_STR("test"),
    };
}

enum hy_suppress_did suppress_put_entry(const struct hy_suppress_entry *e)
{
    struct hy_txn t = case_write();
    enum hy_suppress_did did = 0;
    cr_assert_eq(hy_suppress_put(&t, e, &did), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return did;
}

void suppress_put(const char *what, enum hy_suppress_scope scope, uint32_t tenant, uint32_t no,
                  enum hy_suppress_reason reason)
{
    struct hy_suppress_entry e = suppress_entry_of(what, scope, tenant, no, reason);
    suppress_put_entry(&e);
}

struct hy_suppress_id suppress_id_of(const char *what)
{
    struct hy_suppress_id id = {0};
    cr_assert_eq(hy_suppress_id_of(env, hy_str_of(what), &id), 0, "%s", what);
    return id;
}

int suppress_del(const char *what, enum hy_suppress_scope scope, uint32_t tenant, uint32_t no,
                 enum hy_suppress_reason reason)
{
    struct hy_suppress_key k = {suppress_id_of(what), scope, tenant, no, reason};
    struct hy_txn t = case_write();
    int err = hy_suppress_del(&t, &k, HY_STR("test"), HY_STR("a mistake"));
    cr_assert_eq(hy_txn_commit(&t), 0);
    return err;
}

int suppress_find(const char *address, const struct hy_suppress_ask *ask)
{
    struct hy_txn t;
    struct hy_suppress_entry e = {0};
    cr_assert_eq(hy_txn_read(env, &t), 0);
    int err = hy_suppress_find(&t, hy_str_of(address), ask, &e);
    hy_txn_end(&t);
    return err ? err : (int)e.key.reason;
}

int suppress_find_for(const char *address, uint32_t tenant, enum hy_stream stream)
{
    struct hy_suppress_ask ask = {.tenant = tenant, .stream = stream};
    return suppress_find(address, &ask);
}
