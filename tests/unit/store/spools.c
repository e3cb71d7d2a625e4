#include "spools.h"

#include <criterion/criterion.h>

#include "hayauma/store/audit.h"

const char spool_content[] = "From: a@example.net\r\nSubject: x\r\n\r\nHello\r\n";

struct hy_spool_rcpt spool_to(const char *address)
{
    return (struct hy_spool_rcpt){.address = hy_str_of(address)};
}

struct hy_spool_message spool_message_to(struct hy_spool_rcpt *rcpts, size_t n)
{
    return (struct hy_spool_message){
        .received = 1700000000000,
        .sender = HY_STR("bounce@example.net"),
        .from_domain = HY_STR("example.net"),
        .message_id = HY_STR("<1@example.net>"),
        .envid = HY_STR("QQ314159"),
        .who = HY_STR("app1 [192.0.2.1]"),
        .meta = HY_STR("{\"tag\":\"x\"}"),
        .ret = HY_DSN_RET_HDRS,
        .flags = HY_SPOOL_NO_DOTS,
        .header_bytes = (uint32_t)(strstr(spool_content, "\r\n\r\n") + 4 - spool_content),
        .content = hy_str_of(spool_content),
        .rcpts = rcpts,
        .n_rcpts = (uint32_t)hy_spool_sort(rcpts, n),
    };
}

int spool_put(struct hy_env *env, struct hy_spool_message *m)
{
    struct hy_spool_job j;
    hy_spool_job_init(&j);
    j.message = *m;
    int err = run_request(env, &j.req);
    *m = j.message;
    return err;
}

void spool_put_ok(struct hy_env *env, struct hy_spool_message *m)
{
    cr_assert_eq(spool_put(env, m), 0);
}

uint64_t store_problems(struct hy_env *env)
{
    struct hy_audit_sink sink = {0};
    struct hy_audit_report r;
    cr_assert_eq(hy_audit(env, &sink, &r), 0);
    return r.problems;
}

size_t spool_fresh(struct hy_env *env, hy_id spool, uint32_t *at, struct hy_queue_row *out,
                   size_t max)
{
    struct hy_txn t;
    size_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    int err = hy_spool_read_fresh(&t, spool, at, 1000, out, max, &n);
    cr_assert(err == 0 || err == HY_ENOTFOUND);
    hy_txn_end(&t);
    return n;
}

void spool_settle(struct hy_env *env, const struct hy_rcpt_ref *ref, enum hy_rcpt_state state)
{
    struct hy_settle s = settle_of(ref, state, 0);
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
}

uint64_t store_entries(struct hy_env *env, enum hy_table table)
{
    struct hy_txn t;
    uint64_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_table_count(&t, table, &n), 0);
    hy_txn_end(&t);
    return n;
}
