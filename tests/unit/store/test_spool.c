#include "case.h"
#include "spools.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/store/retention.h"

TestSuite(spool, .init = case_open, .fini = case_close);

Test(spool, a_message_is_read_as_it_went_in)
{
    struct hy_spool_rcpt rcpts[] = {spool_to("bob@example.org")};
    rcpts[0].notify = HY_DSN_SUCCESS | HY_DSN_FAILURE;
    rcpts[0].orcpt = HY_STR("rfc822;bob@example.org");
    struct hy_spool_message m = spool_message_to(rcpts, 1), got;
    spool_put_ok(env, &m);
    cr_assert(hy_id_is_spool(m.spool));
    cr_assert_eq(hy_spool_tenant(m.spool), 0);

    struct hy_queue_row row;
    uint32_t at = 0;
    cr_assert_eq(spool_fresh(env, m.spool, &at, &row, 1000), 1);
    cr_assert_eq(row.ref.campaign, m.spool);
    cr_assert_eq(at, 1);
    cr_assert_eq(spool_fresh(env, m.spool, &at, &row, 1000), 0, "no row is given twice");

    struct hy_txn t;
    struct hy_spool_rcpt r;
    hy_id id;
    struct hy_buf body = HY_BUF_INIT(1000);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_spool_rcpt(&t, &row.ref, &r, &id), 0);
    cr_assert_eq(id, m.id);
    cr_assert(hy_str_eq(r.address, HY_STR("bob@example.org")));
    cr_assert(hy_str_eq(r.orcpt, HY_STR("rfc822;bob@example.org")));
    cr_assert_eq(r.notify, HY_DSN_SUCCESS | HY_DSN_FAILURE);
    cr_assert_eq(hy_spool_message(&t, id, &got), 0);
    cr_assert(hy_str_eq(got.sender, m.sender));
    cr_assert(hy_str_eq(got.from_domain, m.from_domain));
    cr_assert(hy_str_eq(got.message_id, m.message_id));
    cr_assert(hy_str_eq(got.envid, m.envid));
    cr_assert(hy_str_eq(got.who, m.who));
    cr_assert(hy_str_eq(got.meta, m.meta));
    cr_assert_eq(got.ret, HY_DSN_RET_HDRS);
    cr_assert_eq(got.flags, HY_SPOOL_NO_DOTS);
    cr_assert_eq(got.received, m.received);
    cr_assert_eq(got.header_bytes, m.header_bytes);
    cr_assert_eq(hy_spool_content(&t, &got, &body), 0);
    cr_assert(hy_str_eq(hy_buf_str(&body), hy_str_of(spool_content)));
    hy_buf_free(&body);
    hy_txn_end(&t);
    cr_assert_eq(store_problems(env), 0);
}

Test(spool, content_of_any_size_comes_back_and_goes_with_the_last_recipient)
{
    static const size_t sizes[] = {1, 4078, 4079, 4080, 8158, 8159, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org"), spool_to("b@example.org"),
                                        spool_to("c@example.com")};
        for (size_t k = 0; k < 3; k++)
            rcpts[k].notify = HY_DSN_NEVER; /* nobody is to be told, with the content */
        struct hy_spool_message m = spool_message_to(rcpts, 3), got;
        struct hy_buf body = HY_BUF_INIT(200000);
        char *bytes = malloc(sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (char)(k * 7 + i);
        m.content = hy_str_make(bytes, sizes[i]);
        m.header_bytes = 0;
        spool_put_ok(env, &m);
        cr_assert_eq(m.n_blocks, 2);

        struct hy_txn t;
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_spool_message(&t, m.id, &got), 0);
        cr_assert_eq(hy_spool_content(&t, &got, &body), 0);
        cr_assert(hy_str_eq(hy_buf_str(&body), m.content), "%zu bytes", sizes[i]);
        hy_txn_end(&t);
        cr_assert_eq(store_problems(env), 0);

        struct hy_queue_row rows[1000];
        uint32_t at = m.first_block;
        cr_assert_eq(spool_fresh(env, m.spool, &at, rows, 1000), 3);
        spool_settle(env, &rows[0].ref, HY_RCPT_DELIVERED);
        spool_settle(env, &rows[1].ref, HY_RCPT_DEFERRED);
        spool_settle(env, &rows[2].ref, HY_RCPT_BOUNCED);
        cr_assert_neq(store_entries(env, HY_TABLE_SPOOL_CONTENTS), 0,
                      "one recipient is still to come");
        cr_assert_eq(store_problems(env), 0);
        rows[1].ref.attempts = 1;
        spool_settle(env, &rows[1].ref, HY_RCPT_EXPIRED);
        cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_CONTENTS), 0);
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_spool_message(&t, m.id, &got), 0);
        cr_assert_eq(hy_spool_content(&t, &got, &body), HY_ENOTFOUND);
        hy_txn_end(&t);
        cr_assert_eq(store_problems(env), 0);
        hy_buf_free(&body);
        free(bytes);
    }
}

Test(spool, recipients_are_kept_once_each_and_by_domain)
{
    struct hy_spool_rcpt rcpts[] = {spool_to("b@example.org"), spool_to("a@example.com"),
                                    spool_to("b@example.org"), spool_to("a@example.org")};
    cr_assert_eq(hy_spool_sort(rcpts, 4), 3);
    static const char *const want[] = {"a@example.com", "a@example.org", "b@example.org"};
    for (size_t i = 0; i < 3; i++)
        cr_assert(hy_str_eq(rcpts[i].address, hy_str_of(want[i])));
}

Test(spool, ten_thousand_recipients_of_one_message_share_blocks)
{
    static char text[HY_SPOOL_RCPTS_MAX][40];
    struct hy_spool_rcpt *rcpts = calloc(HY_SPOOL_RCPTS_MAX, sizeof *rcpts);
    for (int i = 0; i < HY_SPOOL_RCPTS_MAX; i++) {
        snprintf(text[i], sizeof text[i], "user%05d@d%d.example", i, i % 3);
        rcpts[i] = spool_to(text[i]);
    }
    struct hy_spool_message m = spool_message_to(rcpts, HY_SPOOL_RCPTS_MAX);
    spool_put_ok(env, &m);
    cr_assert_lt(m.n_blocks, 200);
    cr_assert_eq(store_problems(env), 0);

    /* A block at a time: each recipient comes once, with its own address. */
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_txn t;
    uint32_t at = 0;
    size_t n, all = 0;
    bool *seen = calloc(HY_SPOOL_RCPTS_MAX + 1, 1);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (hy_spool_read_fresh(&t, m.spool, &at, 1000, rows, HY_QUEUE_BLOCK_ROWS, &n) == 0) {
        for (size_t i = 0; i < n; i++, all++) {
            struct hy_spool_rcpt r;
            hy_id id;
            cr_assert_eq(hy_spool_rcpt(&t, &rows[i].ref, &r, &id), 0);
            cr_assert(hy_str_eq(r.address, rcpts[rows[i].ref.lead - 1].address));
            cr_assert_not(seen[rows[i].ref.lead]);
            seen[rows[i].ref.lead] = true;
        }
    }
    hy_txn_end(&t);
    cr_assert_eq(all, HY_SPOOL_RCPTS_MAX);
    free(seen);
    free(rcpts);
}

Test(spool, long_addresses_and_options_fill_blocks_of_one)
{
    static char text[8][255], orcpt[HY_SPOOL_ORCPT_MAX];
    struct hy_spool_rcpt rcpts[8];
    memset(orcpt, 'o', sizeof orcpt);
    for (int i = 0; i < 8; i++) {
        memset(text[i], 'a', 254);
        text[i][0] = (char)('a' + i);
        memcpy(text[i] + 242, "@example.org", 12);
        rcpts[i] = (struct hy_spool_rcpt){.address = hy_str_make(text[i], 254),
                                          .orcpt = hy_str_make(orcpt, sizeof orcpt)};
    }
    struct hy_spool_message m = spool_message_to(rcpts, 8);
    spool_put_ok(env, &m);
    cr_assert_eq(m.n_blocks, 2);
    cr_assert_eq(store_problems(env), 0);
}

Test(spool, what_cannot_be_a_message_is_refused_and_writes_nothing)
{
    static char long_text[70000];
    memset(long_text, 'x', sizeof long_text);
    for (int i = 0; i < 9; i++) {
        struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org"), spool_to("b@example.org")};
        struct hy_spool_message m = spool_message_to(rcpts, 2);
        int want = HY_EINVAL;
        switch (i) {
        case 0:
            m.n_rcpts = 0;
            break;
        case 1:
            m.content = (struct hy_str){0};
            break;
        case 2:
            rcpts[0] = spool_to("nobody");
            break;
        case 3:
            rcpts[1] = spool_to("a@example.org");
            break;
        case 4:
            rcpts[0] = spool_to("z@example.org");
            break;
        case 5:
            m.header_bytes = 1000;
            break;
        case 6:
            m.n_rcpts = HY_SPOOL_RCPTS_MAX + 1;
            want = HY_ELIMIT;
            break;
        case 7:
            m.meta = hy_str_make(long_text, sizeof long_text);
            want = HY_ELIMIT;
            break;
        default:
            m.tenant = HY_SPOOL_TENANT_MAX + 1;
            want = HY_ELIMIT;
        }
        cr_assert_eq(spool_put(env, &m), want, "case %d", i);
        cr_assert_eq(store_entries(env, HY_TABLE_SPOOLS), 0, "case %d", i);
        cr_assert_eq(store_entries(env, HY_TABLE_SPOOL_BLOCKS), 0, "case %d", i);
    }
}

Test(spool, tenants_and_priorities_have_spools_of_their_own)
{
    struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org")};
    struct hy_spool_message a = spool_message_to(rcpts, 1), b = a, c = a;
    b.tenant = 7;
    c.tenant = 7;
    c.priority = HY_SPOOL_BULK;
    spool_put_ok(env, &c);
    spool_put_ok(env, &b);
    spool_put_ok(env, &a);
    cr_assert_eq(store_entries(env, HY_TABLE_SPOOLS), 3);
    cr_assert_eq(hy_spool_tenant(c.spool), 7);
    cr_assert_eq(hy_spool_priority(c.spool), HY_SPOOL_BULK);
    cr_assert_eq(hy_spool_priority(b.spool), HY_SPOOL_TRANSACTIONAL);
    cr_assert_eq(campaign_progress(env, a.spool).ledger.queued, 1);
    cr_assert_eq(campaign_progress(env, b.spool).ledger.queued, 1);
    struct hy_txn t;
    hy_id id = 0;
    int n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (hy_spool_next(&t, id, &id) == 0)
        n++;
    hy_txn_end(&t);
    cr_assert_eq(n, 3);
    cr_assert_eq(store_problems(env), 0);
}

struct found {
    int n;
    char addresses[400];
};

static int gather(void *ctx, const struct hy_spool_view *v)
{
    struct found *f = ctx;
    size_t at = strlen(f->addresses);
    snprintf(f->addresses + at, sizeof f->addresses - at, "%.*s ", HY_STR_ARG(v->rcpt.address));
    f->n++;
    return 0;
}

Test(spool, rows_are_found_by_address_message_and_message_id)
{
    struct hy_spool_rcpt one[] = {spool_to("a@example.org"), spool_to("b@example.com")},
                         two[] = {spool_to("a@example.org")};
    struct hy_spool_message m = spool_message_to(one, 2), n = spool_message_to(two, 1);
    n.message_id = HY_STR("<2@example.net>");
    n.tenant = 3;
    spool_put_ok(env, &m);
    spool_put_ok(env, &n);
    struct hy_txn t;
    struct found f = {0};
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_spool_find_address(&t, HY_STR("a@example.org"), gather, &f), 0);
    cr_assert_eq(f.n, 2);
    f = (struct found){0};
    cr_assert_eq(hy_spool_find_address(&t, HY_STR("c@example.org"), gather, &f), 0);
    cr_assert_eq(f.n, 0);
    cr_assert_eq(hy_spool_find_message_id(&t, HY_STR("<1@example.net>"), gather, &f), 0);
    cr_assert_str_eq(f.addresses, "b@example.com a@example.org ");
    f = (struct found){0};
    cr_assert_eq(hy_spool_each_of_message(&t, n.id, gather, &f), 0);
    cr_assert_str_eq(f.addresses, "a@example.org ");
    hy_txn_end(&t);
}

static int add_up(void *ctx, const struct hy_queue_count *n)
{
    struct hy_queue_count *sum = ctx;
    sum->by_state[HY_RCPT_FRESH] += n->by_state[HY_RCPT_FRESH];
    sum->by_state[HY_RCPT_DEFERRED] += n->by_state[HY_RCPT_DEFERRED];
    sum->domain++; /* how many */
    return 0;
}

Test(spool, pending_rows_are_counted_by_domain)
{
    char text[50][30];
    struct hy_spool_rcpt rcpts[50];
    for (int i = 0; i < 50; i++) {
        snprintf(text[i], sizeof text[i], "u@d%d.example", i);
        rcpts[i] = spool_to(text[i]);
    }
    struct hy_spool_message m = spool_message_to(rcpts, 50);
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    uint32_t at = 0;
    spool_put_ok(env, &m);
    cr_assert_eq(spool_fresh(env, m.spool, &at, rows, HY_QUEUE_BLOCK_ROWS), 50);
    spool_settle(env, &rows[3].ref, HY_RCPT_DEFERRED);
    spool_settle(env, &rows[4].ref, HY_RCPT_DELIVERED);
    static const struct {
        size_t max;
        uint32_t domains;
    } cases[] = {{100, 49}, {10, 11}, {1, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_txn t;
        struct hy_queue_count sum = {0};
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_spool_count(&t, m.spool, cases[i].max, add_up, &sum), 0);
        hy_txn_end(&t);
        cr_assert_eq(sum.by_state[HY_RCPT_FRESH], 48);
        cr_assert_eq(sum.by_state[HY_RCPT_DEFERRED], 1);
        cr_assert_eq(sum.domain, cases[i].domains);
    }
}

Test(spool, campaigns_and_spools_do_not_see_each_other)
{
    struct people p = {.n_domains = 2, .per_domain = 3};
    hy_id campaign = campaign_queue(env, "c", &p);
    struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org")};
    struct hy_spool_message m = spool_message_to(rcpts, 1);
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    spool_put_ok(env, &m);
    cr_assert_eq(read_all_fresh(env, campaign, rows, 100), 6);
    struct hy_txn t;
    hy_id dropped;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_drop_unfinished(&t, 0, &dropped), HY_ENOTFOUND,
                 "a spool is not a campaign that was half dropped");
    hy_txn_end(&t);
    cr_assert_eq(store_problems(env), 0);
}

Test(spool, a_block_of_a_newer_version_is_refused)
{
    struct hy_spool_rcpt rcpts[] = {spool_to("a@example.org")};
    struct hy_spool_message m = spool_message_to(rcpts, 1), got;
    spool_put_ok(env, &m);
    struct hy_txn t;
    struct hy_cursor c;
    uint8_t bytes[2048];
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_SPOOL_MESSAGES, &c), 0);
    cr_assert_eq(hy_cursor_first(&c), 0);
    memcpy(bytes, c.value.p, c.value.n);
    bytes[0] = 200;
    cr_assert_eq(hy_cursor_replace(&c, hy_str_make(bytes, c.value.n)), 0);
    hy_cursor_close(&c);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_spool_message(&t, m.id, &got), HY_EVERSION);
    hy_txn_end(&t);
    cr_assert_neq(store_problems(env), 0);
}

Test(spool, the_oldest_message_without_an_attempt_is_found_behind_those_that_are_over)
{
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_spool_message m[3];
    hy_wall_ms received = 0;
    struct hy_txn t;
    uint32_t at = 0;
    for (int i = 0; i < 3; i++) {
        struct hy_spool_rcpt rcpt = spool_to(i == 1 ? "b@other.test" : "a@one.test");
        m[i] = spool_message_to(&rcpt, 1);
        spool_put_ok(env, &m[i]);
    }
    cr_assert_eq(spool_fresh(env, m[0].spool, &at, rows, HY_QUEUE_BLOCK_ROWS), 3);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_spool_oldest_fresh(&t, m[0].spool, &received), 0);
        hy_txn_end(&t);
        cr_assert_eq(received, hy_id_time(m[i].id), "message %d", i);
        spool_settle(env, &rows[i].ref, i == 1 ? HY_RCPT_DEFERRED : HY_RCPT_DELIVERED);
    }
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_spool_oldest_fresh(&t, m[0].spool, &received), HY_ENOTFOUND);
    hy_txn_end(&t);
}
