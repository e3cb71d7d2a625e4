#include "hayauma/store/returned.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/suppress.h"
#include "spools.h"

TestSuite(returned, .init = case_open, .fini = case_close);

static hy_lead_no add_lead(const char *address)
{
    struct hy_lead_batch *b;
    struct hy_lead_upsert_result r = {0};
    struct hy_lead_upsert how = {.created = 1};
    struct hy_txn t;
    hy_lead_no no = 0;
    cr_assert_eq(hy_lead_batch_new(env, NULL, 0, &b), 0);
    cr_assert_eq(hy_lead_batch_add(b, hy_str_of(address), hy_str_of(address), NULL, 0), 0);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_upsert(&t, b, &how, &r), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_lead_batch_free(b);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_lead_find(&t, hy_str_of(address), &no), 0);
    hy_txn_end(&t);
    return no;
}

static struct hy_returned_item bounce(const char *address, bool is_hard)
{
    return (struct hy_returned_item){
        .kind = HY_ACTIVITY_LATE_BOUNCE,
        .reason = 1,
        .is_hard = is_hard,
        .is_soft = !is_hard,
        .address = hy_str_of(address),
        .text = HY_STR("550 5.1.1 no such user"),
        .code = 550,
        .status = {5, 1, 1},
    };
}

static struct hy_returned_item of_kind(enum hy_activity_kind kind, const char *address)
{
    return (struct hy_returned_item){.kind = kind, .address = hy_str_of(address)};
}

/* A mail with its own hash each. */
static struct hy_returned mail(const struct hy_returned_item *items, size_t n)
{
    static uint8_t no;
    return (struct hy_returned){.hash = {++no}, .items = items, .n = n};
}

static void put(struct hy_returned *r)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_returned_put(&t, r), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

/* The reason that keeps mail of the stream from the address; 0: none does. */
static int suppressed(const char *address, enum hy_stream stream)
{
    struct hy_suppress_ask ask = {.stream = stream};
    struct hy_suppress_entry e = {0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    int err = hy_suppress_find(&t, hy_str_of(address), &ask, &e);
    hy_txn_end(&t);
    return err ? 0 : (int)e.key.reason;
}

/* The newest activity of a lead. */
static struct hy_activity last_of(hy_lead_no lead)
{
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    struct hy_activity a = {0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_prev_of(&t, &who, 0, &a), 0, "lead %u has none", lead);
    hy_txn_end(&t);
    a.address = a.text = a.source = a.meta = a.agent = a.url = HY_STR("");
    return a;
}

Test(returned, a_hard_bounce_is_noted_on_its_lead_and_suppresses_it_at_once)
{
    hy_lead_no lead = add_lead("taro@example.jp");
    hy_id campaign = campaign_make(env, "c");
    struct hy_returned_item i = bounce("Taro@Example.jp", true);
    struct hy_returned r = mail(&i, 1);
    r.campaign = campaign;
    r.lead = lead;
    put(&r);
    struct hy_activity a = last_of(lead);
    cr_assert_eq(a.kind, HY_ACTIVITY_LATE_BOUNCE);
    cr_assert_eq(a.flags, HY_ACTIVITY_HARD);
    cr_assert_eq(a.campaign, campaign);
    cr_assert_eq(a.reason, 1);
    cr_assert_eq(r.n_noted, 1);
    cr_assert_eq(r.n_suppressed, 1);
    cr_assert_eq(r.n_bad, 1);
    cr_assert_eq(suppressed("taro@example.jp", HY_STREAM_TRANSACTIONAL), HY_SUPPRESS_HARD_BOUNCE);
}

Test(returned, a_mail_that_comes_again_counts_once)
{
    hy_lead_no lead = add_lead("taro@example.jp");
    struct hy_returned_item i = bounce("taro@example.jp", false);
    struct hy_returned r = mail(&i, 1);
    r.campaign = campaign_make(env, "c");
    r.lead = lead;
    put(&r);
    cr_assert(!r.is_known);
    uint64_t before = store_entries(env, HY_TABLE_ACTIVITIES);
    put(&r);
    cr_assert(r.is_known);
    cr_assert_eq(r.n_noted, 0);
    cr_assert_eq(store_entries(env, HY_TABLE_ACTIVITIES), before);
}

Test(returned, what_no_token_proves_is_noted_but_suppresses_nobody)
{
    hy_lead_no lead = add_lead("taro@example.jp");
    struct hy_returned_item items[] = {bounce("taro@example.jp", true),
                                       of_kind(HY_ACTIVITY_COMPLAINT, "taro@example.jp")};
    items[1].is_suppress = true;
    struct hy_returned r = mail(items, 2);
    put(&r);
    cr_assert_eq(r.n_noted, 2);
    cr_assert_eq(r.n_suppressed, 0);
    cr_assert_eq(r.n_bad, 0);
    cr_assert_eq(last_of(lead).kind, HY_ACTIVITY_COMPLAINT);
    cr_assert_eq(suppressed("taro@example.jp", HY_STREAM_MARKETING), 0);
    r = mail(items, 1);
    r.is_believed = true;
    put(&r);
    cr_assert_eq(suppressed("taro@example.jp", HY_STREAM_MARKETING), HY_SUPPRESS_HARD_BOUNCE);
}

Test(returned, whoever_wants_no_more_gets_no_more_marketing_and_still_gets_receipts)
{
    add_lead("taro@example.jp");
    struct hy_returned_item i = of_kind(HY_ACTIVITY_UNSUBSCRIBE, "taro@example.jp");
    struct hy_returned r = mail(&i, 1);
    put(&r);
    cr_assert_eq(suppressed("taro@example.jp", HY_STREAM_MARKETING), HY_SUPPRESS_UNSUBSCRIBE);
    cr_assert_eq(suppressed("taro@example.jp", HY_STREAM_TRANSACTIONAL), 0);
}

Test(returned, a_complaint_with_a_blacked_out_address_finds_its_lead_by_the_token)
{
    hy_lead_no lead = add_lead("taro@example.jp");
    struct hy_returned_item i = of_kind(HY_ACTIVITY_COMPLAINT, "");
    i.is_suppress = true;
    struct hy_returned r = mail(&i, 1);
    r.campaign = campaign_make(env, "c");
    r.lead = lead;
    put(&r);
    cr_assert_eq(last_of(lead).kind, HY_ACTIVITY_COMPLAINT);
    cr_assert_eq(suppressed("taro@example.jp", HY_STREAM_MARKETING), HY_SUPPRESS_COMPLAINT);
}

Test(returned, of_several_recipients_the_leads_own_decides)
{
    hy_lead_no lead = add_lead("taro@example.jp");
    struct hy_returned_item items[] = {bounce("dead@elsewhere.example", true),
                                       bounce("taro@example.jp", false)};
    struct hy_returned r = mail(items, 2);
    r.campaign = campaign_make(env, "c");
    r.lead = lead;
    put(&r);
    cr_assert_eq(r.n_noted, 1);
    cr_assert_eq(last_of(lead).flags, 0);
    cr_assert_eq(suppressed("taro@example.jp", HY_STREAM_MARKETING), 0);
    items[1] = bounce("other@elsewhere.example", true); /* forwarded: one of them is dead */
    r = mail(items, 2);
    r.campaign = campaign_make(env, "d");
    r.lead = lead;
    put(&r);
    cr_assert_eq(last_of(lead).flags, 0, "not known to be hard for the lead itself");
    cr_assert_eq(suppressed("taro@example.jp", HY_STREAM_MARKETING), 0);
}

Test(returned, letters_of_strangers_are_no_news)
{
    struct hy_returned_item items[] = {of_kind(HY_ACTIVITY_REPLY, "spam@elsewhere.example"),
                                       of_kind(HY_ACTIVITY_AUTO_REPLY, "spam@elsewhere.example"),
                                       bounce("no address", true), bounce("", true)};
    struct hy_returned r = mail(items, 4);
    put(&r);
    cr_assert_eq(r.n_noted, 0);
    cr_assert_eq(store_entries(env, HY_TABLE_ACTIVITIES), 0);
    items[0].address = HY_STR("taro@example.jp");
    hy_lead_no lead = add_lead("taro@example.jp");
    r = mail(items, 1);
    put(&r);
    cr_assert_eq(last_of(lead).kind, HY_ACTIVITY_REPLY);
}

Test(returned, a_bounce_of_a_ready_message_is_noted_on_its_recipient)
{
    struct hy_spool_rcpt to[] = {spool_to("a@one.example"), spool_to("b@two.example")};
    struct hy_spool_message m = spool_message_to(to, 2);
    m.tenant = 3;
    spool_put_ok(env, &m);
    struct hy_returned_item i = bounce("", true);
    struct hy_returned r = mail(&i, 1);
    r.campaign = m.id;
    r.lead = 2;
    put(&r);
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_MESSAGE, .message = m.id};
    struct hy_activity a = {0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_prev_of(&t, &who, 0, &a), 0);
    cr_assert(hy_str_eq(a.address, HY_STR("b@two.example")), "got %.*s", HY_STR_ARG(a.address));
    cr_assert_eq(a.tenant, 3);
    hy_txn_end(&t);
    cr_assert_eq(r.n_bad, 0, "no campaign has to rest");
    struct hy_suppress_ask ask = {.tenant = 3};
    struct hy_suppress_entry e;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_suppress_find(&t, HY_STR("b@two.example"), &ask, &e), 0);
    ask.tenant = 4;
    cr_assert_eq(hy_suppress_find(&t, HY_STR("b@two.example"), &ask, &e), HY_ENOTFOUND,
                 "a bounce of one tenant is nothing to another");
    hy_txn_end(&t);
}

static uint32_t the_installation(void *ctx, uint32_t tenant)
{
    return tenant == *(uint32_t *)ctx ? 0 : tenant;
}

Test(returned, a_tenant_that_shares_suppressions_puts_them_where_all_see_them)
{
    uint32_t sharing = 3;
    struct hy_spool_rcpt to[] = {spool_to("a@one.example")};
    struct hy_spool_message m = spool_message_to(to, 1);
    m.tenant = sharing;
    spool_put_ok(env, &m);
    struct hy_returned_item i = bounce("", true);
    struct hy_returned r = mail(&i, 1);
    r.campaign = m.id;
    r.lead = 1;
    r.suppressor = the_installation;
    r.suppressor_ctx = &sharing;
    put(&r);
    cr_assert_eq(suppressed("a@one.example", HY_STREAM_MARKETING), HY_SUPPRESS_HARD_BOUNCE);
}

Test(returned, the_sender_of_a_ready_message_is_to_be_told_once_that_it_came_back)
{
    struct hy_spool_rcpt to[] = {spool_to("a@one.example")};
    struct hy_spool_message m = spool_message_to(to, 1);
    struct hy_queue_row row[HY_QUEUE_BLOCK_ROWS];
    uint32_t at = 0;
    spool_put_ok(env, &m);
    cr_assert_eq(spool_fresh(env, m.spool, &at, row, HY_QUEUE_BLOCK_ROWS), 1);
    spool_settle(env, &row[0].ref, HY_RCPT_DELIVERED);
    uint64_t due = store_entries(env, HY_TABLE_DSN_DUE);
    uint64_t attempts = store_entries(env, HY_TABLE_ATTEMPTS);
    struct hy_returned_item i = bounce("", false);
    for (int k = 0; k < 2; k++) {
        struct hy_returned r = mail(&i, 1);
        r.campaign = m.id;
        r.lead = row[0].ref.lead;
        put(&r);
        cr_assert_eq(r.n_noted, 1);
    }
    cr_assert_eq(store_entries(env, HY_TABLE_DSN_DUE), due + 1);
    cr_assert_eq(store_entries(env, HY_TABLE_ATTEMPTS), attempts + 1, "the record has its bounce");
}

Test(returned, a_token_of_what_is_gone_is_no_failure)
{
    struct hy_returned_item i = bounce("taro@example.jp", true);
    struct hy_returned r = mail(&i, 1);
    r.campaign = 12345;
    r.lead = 1;
    put(&r);
    cr_assert_eq(r.n_noted, 1, "by its address, which nothing proves");
    cr_assert_eq(suppressed("taro@example.jp", HY_STREAM_MARKETING), 0);
}

Test(returned, mails_of_long_ago_are_forgotten)
{
    static const uint8_t version = 1;
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (uint8_t k = 0; k < 10; k++) {
        uint8_t key[18] = {0, 9, k}; /* a week in 1970 */
        cr_assert_eq(hy_put(&t, HY_TABLE_RETURNED, hy_str_make(key, sizeof key),
                            hy_str_make(&version, 1), HY_PUT_NEW),
                     0);
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    for (int k = 0; k < 2; k++) {
        struct hy_returned r = mail(NULL, 0);
        put(&r);
    }
    cr_assert_eq(store_entries(env, HY_TABLE_RETURNED), 2);
}
