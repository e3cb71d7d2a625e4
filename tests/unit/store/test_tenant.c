#include "hayauma/store/tenant.h"

#include <criterion/criterion.h>

#include "case.h"
#include "spools.h"

TestSuite(tenants, .init = case_open, .fini = case_close);

/* Hands in a message of a tenant to `n` recipients, under a quota. */
static int hand_in(uint32_t tenant, unsigned n, const struct hy_tenant_quota *quota,
                   struct hy_quota_verdict *ret, struct hy_spool_message *ret_message)
{
    static const char *const to[] = {"a@one.test", "b@one.test", "c@two.test", "d@two.test"};
    struct hy_spool_rcpt rcpts[4];
    struct hy_spool_job j;
    for (unsigned i = 0; i < n; i++)
        rcpts[i] = spool_to(to[i]);
    hy_spool_job_init(&j);
    j.message = spool_message_to(rcpts, n);
    j.message.tenant = tenant;
    if (quota)
        j.quota = *quota;
    int err = run_request(env, &j.req);
    *ret = j.verdict;
    if (ret_message)
        *ret_message = j.message;
    return err;
}

static struct hy_tenant_used used(uint32_t tenant)
{
    struct hy_tenant_used u;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_tenant_used(&t, tenant, &u), HY_OK);
    hy_txn_end(&t);
    return u;
}

Test(tenants, what_each_hands_in_is_counted_and_outlives_a_restart)
{
    struct hy_quota_verdict v;
    cr_assert_eq(used(7).messages, 0u);
    cr_assert_eq(hand_in(7, 3, NULL, &v, NULL), HY_OK);
    cr_assert_eq(hand_in(7, 1, NULL, &v, NULL), HY_OK);
    cr_assert_eq(hand_in(8, 2, NULL, &v, NULL), HY_OK);
    hy_env_close(env);
    env = store_open(&dir);
    struct hy_tenant_used u = used(7);
    cr_expect_eq(u.messages, 2u);
    cr_expect_eq(u.rcpts, 4u);
    cr_expect_eq(u.bytes, 2 * strlen(spool_content));
    cr_expect_eq(hy_day_total(&u.day, u.last), 4u);
    cr_expect_eq(used(8).rcpts, 2u);
    cr_expect_eq(used(0).rcpts, 0u);
    cr_expect_eq(store_problems(env), 0u);
}

Test(tenants, an_hour_and_a_day_are_full_for_one_and_not_for_another)
{
    static const struct {
        struct hy_tenant_quota quota;
        enum hy_quota_kind want;
    } cases[] = {
        {{.per_hour = 5}, HY_QUOTA_HOUR},
        {{.per_day = 5}, HY_QUOTA_DAY},
        {{.per_hour = 5, .per_day = 5}, HY_QUOTA_DAY},
        {{.queued = 5}, HY_QUOTA_QUEUED},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct hy_tenant_quota *q = &cases[i].quota;
        struct hy_quota_verdict v;
        uint32_t tenant = 10 + i;
        cr_assert_eq(hand_in(tenant, 3, q, &v, NULL), HY_OK, "case %u", i);
        cr_assert_eq(hand_in(tenant, 3, q, &v, NULL), HY_EQUOTA, "case %u", i);
        cr_expect_eq(v.kind, cases[i].want, "case %u", i);
        cr_expect_eq(v.limit, 5u);
        cr_expect_not(v.is_for_ever);
        cr_expect_eq(v.until != 0, v.kind != HY_QUOTA_QUEUED);
        cr_expect_eq(used(tenant).rcpts, 3u, "what was refused does not count");
        cr_expect_eq(hand_in(tenant, 2, q, &v, NULL), HY_OK, "what fits still goes in");
        cr_expect_eq(v.kind, HY_QUOTA_NONE);
        cr_expect_eq(hand_in(tenant, 1, q, &v, NULL), HY_EQUOTA);
        cr_expect_eq(hand_in(100, 3, NULL, &v, NULL), HY_OK, "another has none");
    }
    cr_expect_eq(store_problems(env), 0u);
}

Test(tenants, what_has_left_makes_room_in_the_queue)
{
    static const struct hy_tenant_quota q = {.queued = 2};
    struct hy_spool_message m;
    struct hy_quota_verdict v;
    struct hy_queue_row rows[1000];
    uint32_t at = 0;
    cr_assert_eq(hand_in(3, 2, &q, &v, &m), HY_OK);
    cr_assert_eq(hand_in(3, 1, &q, &v, NULL), HY_EQUOTA);
    cr_assert_eq(spool_fresh(env, m.spool, &at, rows, 1000), 2u);
    spool_settle(env, &rows[0].ref, HY_RCPT_DELIVERED);
    cr_assert_eq(hand_in(3, 2, &q, &v, NULL), HY_EQUOTA);
    cr_assert_eq(hand_in(3, 1, &q, &v, NULL), HY_OK);
}

Test(tenants, mail_of_the_system_is_free)
{
    struct hy_spool_rcpt to[] = {spool_to("a@one.test")};
    struct hy_spool_job j;
    hy_spool_job_init(&j);
    j.message = spool_message_to(to, 1);
    j.message.tenant = 4;
    j.is_free = true;
    cr_assert_eq(run_request(env, &j.req), HY_OK);
    cr_expect_eq(used(4).messages, 0u);
}

static int note(void *ctx, uint32_t tenant, const struct hy_tenant_sums *s)
{
    struct hy_buf *out = ctx;
    hy_buf_printf(out, "%u:%llu,%llu,%llu;%llu,%llu ", tenant,
                  (unsigned long long)s->messages.queued,
                  (unsigned long long)s->messages.by_state[HY_RCPT_DELIVERED],
                  (unsigned long long)hy_ledger_pending(&s->messages),
                  (unsigned long long)s->n_campaigns, (unsigned long long)s->campaigns.queued);
    return HY_OK;
}

Test(tenants, ledgers_are_added_up_by_tenant)
{
    struct people p = {.n_domains = 2, .per_domain = 3};
    struct hy_buf text = HY_BUF_INIT(4096);
    struct hy_quota_verdict v;
    struct hy_spool_message m;
    struct hy_queue_row rows[1000];
    struct hy_txn t;
    uint32_t at = 0;
    cr_assert_eq(hand_in(70000, 4, NULL, &v, NULL), HY_OK);
    cr_assert_eq(hand_in(2, 3, NULL, &v, &m), HY_OK);
    cr_assert_eq(spool_fresh(env, m.spool, &at, rows, 1000), 3u);
    spool_settle(env, &rows[0].ref, HY_RCPT_DELIVERED);
    campaign_queue(env, "of the installation", &p);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_tenant_each(&t, note, &text), HY_OK);
    hy_txn_end(&t);
    cr_expect_str_eq(hy_buf_cstr(&text), "0:0,0,0;1,6 2:3,1,2;0,0 70000:4,0,4;0,0 ");
    hy_buf_free(&text);
}
