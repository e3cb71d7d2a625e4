#include "case.h"

#include <criterion/criterion.h>

#include "hayauma/store/audit.h"
#include "hayauma/store/lead.h"

struct store_dir dir;
struct hy_env *env;

void case_open(void)
{
    dir = store_dir_make();
    env = store_open(&dir);
}

void case_close(void)
{
    hy_env_close(env);
    store_dir_remove(&dir);
}

size_t case_open_queued(struct people p, hy_id *ret_campaign, struct hy_queue_row *rows, size_t max)
{
    case_open();
    *ret_campaign = campaign_queue(env, "c", &p);
    return read_all_fresh(env, *ret_campaign, rows, max);
}

static int count_row(void *ctx, const struct hy_queue_row *row)
{
    (void)row;
    ++*(unsigned *)ctx;
    return 0;
}

unsigned case_picked(hy_id queue, hy_domain_no domain, const struct hy_pick *p)
{
    struct hy_txn t;
    unsigned n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_pick_rows(&t, queue, domain, p, count_row, &n), 0);
    hy_txn_end(&t);
    return n;
}

hy_lead_no case_lead(const char *address)
{
    struct hy_lead_upsert_result r = {0};
    struct hy_lead_upsert how = {.created = 1};
    struct hy_lead_batch *b;
    struct hy_txn t;
    hy_lead_no lead = 0;
    cr_assert_eq(hy_lead_batch_new(env, NULL, 0, &b), 0);
    cr_assert_eq(hy_lead_batch_add(b, hy_str_of(address), hy_str_of(address), NULL, 0), 0);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_upsert(&t, b, &how, &r), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_lead_batch_free(b);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_lead_find(&t, hy_str_of(address), &lead), 0);
    hy_txn_end(&t);
    return lead;
}

struct hy_txn case_write(void)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    return t;
}

uint64_t case_problems(void)
{
    struct hy_audit_report r = {0};
    struct hy_audit_sink sink = {0};
    cr_assert_eq(hy_audit(env, &sink, &r), 0);
    return r.problems;
}
