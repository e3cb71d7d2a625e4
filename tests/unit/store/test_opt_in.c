#include <criterion/criterion.h>

#include "case.h"
#include "env_priv.h"
#include "hayauma/base/bytes.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/consent.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/merge.h"
#include "hayauma/store/opt_in.h"
#include "hayauma/store/suppress.h"
#include "spools.h"

static hy_list_no news;
static struct hy_txn t;

/* A list that asks, and a lead who was put down for it. */
static void open_asked(void)
{
    const struct hy_list_rules rules = {.opt_in = HY_LIST_OPT_IN_DOUBLE, .confirm_s = 3600};
    const struct hy_lead_edit_list lists[] = {{.name = HY_STR("news")}};
    const struct hy_lead_edit e = {
        .address = HY_STR("a@x.test"),
        .lists = lists,
        .n_lists = 1,
        .by = HY_STR("form /news"),
        .ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 7},
        .url = HY_STR("https://x.test/\"news\""),
        .proof = HY_STR("{\"checked\":true}"),
    };
    struct hy_lead_edit_result r;
    case_open();
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_list_create(&t, HY_STR("news"), 5, &news), HY_OK);
    cr_assert_eq(hy_list_set_rules(&t, news, &rules), HY_OK);
    cr_assert_eq(hy_lead_edit(&t, &e, &r, NULL), HY_OK);
}

static void close_asked(void)
{
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    cr_expect_eq(store_problems(env), 0);
    case_close();
}

TestSuite(opt_in, .init = open_asked, .fini = close_asked);

static struct hy_token token_of(const struct hy_opt_in *o)
{
    return (struct hy_token){.campaign = o->id, .lead = o->lead, .link = o->list};
}

static bool is_member(void)
{
    struct hy_str address;
    hy_domain_no domain = 0;
    bool has = false;
    cr_assert_eq(hy_lead_address(&t, 1, &address, &domain), HY_OK);
    cr_assert_eq(hy_list_has(&t, news, domain, 1, &has), HY_OK);
    return has;
}

/* The mail of the request that waits is handed in, to that address. */
static int mailed(const char *to)
{
    struct hy_opt_in o;
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    o.address = hy_opt_in_address(env, hy_str_of(to));
    return hy_opt_in_mailed(&t, &o);
}

static int confirm(hy_id request)
{
    const struct hy_token token = {.campaign = request, .lead = 1, .link = news};
    const struct hy_list_confirmation how = {.agent = {0}};
    hy_list_no list;
    return hy_list_confirm(&t, &token, &how, &list);
}

static void change_address(const char *to)
{
    const struct hy_lead_edit e = {.lead = 1, .address = hy_str_of(to)};
    struct hy_lead_edit_result r;
    cr_assert_eq(hy_lead_edit(&t, &e, &r, NULL), HY_OK);
}

Test(opt_in, one_mail_is_to_be_written_and_no_further_one_soon)
{
    struct hy_opt_in o = {0};
    cr_assert_eq(hy_opt_in_next_mail(&t, 0, 0, &o), HY_OK);
    cr_expect_eq(o.list, news);
    cr_expect_eq(o.lead, 1);
    cr_expect_eq(o.mails, 0);
    cr_assert_eq(mailed("a@x.test"), HY_OK);
    cr_expect_eq(hy_opt_in_next_mail(&t, 0, 0, &o), HY_ENOTFOUND);

    hy_id id = o.id;
    cr_assert_eq(hy_opt_in_ask(&t, &(struct hy_opt_in){.list = news, .lead = 1}), HY_OK);
    cr_expect_eq(hy_opt_in_next_mail(&t, 0, 0, &o), HY_ENOTFOUND, "it was mailed just now");
    t.now += HY_OPT_IN_AGAIN_MS;
    for (int i = 1; i < HY_OPT_IN_MAILS; i++) {
        cr_assert_eq(hy_opt_in_ask(&t, &(struct hy_opt_in){.list = news, .lead = 1}), HY_OK);
        cr_assert_eq(hy_opt_in_next_mail(&t, 0, 0, &o), HY_OK, "mail %d", i);
        cr_expect_eq(o.id, id, "links of the mail before go on working");
        cr_assert_eq(mailed("a@x.test"), HY_OK);
        t.now += HY_OPT_IN_AGAIN_MS;
    }
    cr_assert_eq(hy_opt_in_ask(&t, &(struct hy_opt_in){.list = news, .lead = 1}), HY_OK);
    cr_expect_eq(hy_opt_in_next_mail(&t, 0, 0, &o), HY_ENOTFOUND, "that would be one too many");
}

Test(opt_in, the_answer_joins_keeps_the_proof_and_takes_an_unsubscribe_back)
{
    const struct hy_suppress_entry left = {
        .key = {.scope = HY_SUPPRESS_LIST, .no = news, .reason = HY_SUPPRESS_UNSUBSCRIBE},
        .what = HY_STR("a@x.test")};
    struct hy_suppress_entry e;
    struct hy_list_set lists = {.lists = {news}, .n = 1};
    const struct hy_suppress_ask ask = {.lists = &lists, .domain = 1, .lead = 1};
    struct hy_opt_in o;
    struct hy_activity a;
    hy_list_no list = 0;
    cr_assert_eq(hy_suppress_put(&t, &left, NULL), HY_OK);
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    struct hy_token token = token_of(&o);
    const struct hy_list_confirmation how = {
        .ip = {[15] = 1}, .agent = HY_STR("Mozilla"), .token = HY_STR("abc")};
    cr_expect_not(is_member());
    cr_assert_eq(hy_list_confirm(&t, &token, &how, &list), HY_OK);
    cr_expect_eq(list, news);
    cr_expect(is_member());
    cr_expect_eq(hy_opt_in_get(&t, news, 1, &o), HY_ENOTFOUND);
    cr_expect_eq(hy_suppress_find(&t, HY_STR("a@x.test"), &ask, &e), HY_ENOTFOUND);

    cr_assert_eq(hy_activity_prev_of(&t, &(struct hy_activity_who){.lead = 1}, 0, &a), HY_OK);
    cr_expect_eq(a.kind, HY_ACTIVITY_LIST_JOINED);
    cr_expect(hy_str_find_str(a.meta, HY_STR("\"asked_by\":\"form /news\""), 0) != SIZE_MAX);
    cr_expect(hy_str_find_str(a.meta, HY_STR("\"form\":\"https://x.test/\\\"news\\\"\""), 0) !=
              SIZE_MAX);
    cr_expect(hy_str_find_str(a.meta, HY_STR("\"proof\":{\"checked\":true}"), 0) != SIZE_MAX);
    cr_expect(hy_str_find_str(a.meta, HY_STR("\"asked_from\":\"192.0.2.7\""), 0) != SIZE_MAX,
              "%.*s", HY_STR_ARG(a.meta));

    struct hy_consent consent;
    cr_assert_eq(hy_consent_last(&t, 1, HY_STR("marketing"), news, &consent), HY_OK);
    cr_expect_eq(consent.how, HY_CONSENT_DOUBLE_OPT_IN);
    cr_expect(hy_str_eq(consent.token, HY_STR("abc")));
    cr_expect(hy_str_eq(consent.by, HY_STR("form /news")));
    cr_expect(hy_str_eq(consent.source, HY_STR("https://x.test/\"news\"")));

    list = 0;
    cr_expect_eq(hy_list_confirm(&t, &token, &how, &list), HY_OK, "who presses twice is no error");
    cr_expect_eq(list, news);
}

Test(opt_in, is_over_after_its_time_and_a_token_of_before_is_worth_nothing)
{
    struct hy_opt_in o;
    hy_list_no list = 0;
    const struct hy_list_confirmation how = {.agent = {0}};
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    struct hy_token token = token_of(&o), forged = token;
    forged.campaign++;
    cr_expect_eq(hy_opt_in_of_token(&t, &forged, &o), HY_ENOTFOUND);
    cr_expect_eq(hy_opt_in_expire(&t, t.now, 10), HY_OK);
    cr_expect_eq(hy_opt_in_of_token(&t, &token, &o), HY_OK);
    t.now += 3600 * 1000 + 1000;
    cr_expect_eq(hy_opt_in_of_token(&t, &token, &o), HY_ENOTFOUND);
    cr_expect_eq(hy_list_confirm(&t, &token, &how, &list), HY_ENOTFOUND);
    cr_expect_not(is_member());
    cr_expect_eq(hy_opt_in_expire(&t, t.now, 1), HY_EMORE);
    cr_expect_eq(hy_opt_in_expire(&t, t.now, 1), HY_OK);
    cr_expect_eq(hy_opt_in_next(&t, 0, 0, &o), HY_ENOTFOUND);

    cr_assert_eq(hy_opt_in_ask(&t, &(struct hy_opt_in){.list = news, .lead = 1}), HY_OK);
    cr_expect_eq(hy_opt_in_of_token(&t, &token, &o), HY_ENOTFOUND, "it is another request");
}

Test(opt_in, who_leaves_waits_no_longer)
{
    const struct hy_list_deed d = {.by = HY_STR("api")};
    struct hy_opt_in o;
    bool changed = false;
    cr_assert_eq(hy_list_leave(&t, news, 1, &d, &changed), HY_OK);
    cr_expect(changed);
    cr_expect_eq(hy_opt_in_get(&t, news, 1, &o), HY_ENOTFOUND);
    cr_assert_eq(hy_list_leave(&t, news, 1, &d, &changed), HY_OK);
    cr_expect_not(changed);
}

Test(opt_in, who_is_put_on_the_list_by_somebody_who_vouches_is_not_asked_any_more)
{
    const struct hy_lead_edit_list sure[] = {{.name = HY_STR("news"), .is_confirmed = true}};
    const struct hy_lead_edit e = {.address = HY_STR("a@x.test"), .lists = sure, .n_lists = 1};
    struct hy_lead_edit_result r;
    struct hy_opt_in o;
    cr_assert_eq(hy_lead_edit(&t, &e, &r, NULL), HY_OK);
    cr_expect(is_member());
    cr_expect_eq(hy_opt_in_get(&t, news, 1, &o), HY_ENOTFOUND);
    cr_expect_eq(hy_opt_in_next_mail(&t, 0, 0, &o), HY_ENOTFOUND);
}

Test(opt_in, of_a_lead_that_was_merged_meanwhile_joins_the_person)
{
    const struct hy_lead_edit e = {.address = HY_STR("kept@y.test")};
    const struct hy_list_confirmation how = {.agent = {0}};
    struct hy_lead_edit_result r;
    struct hy_merged merged;
    struct hy_str address;
    struct hy_opt_in o;
    hy_domain_no domain = 0;
    hy_list_no list = 0;
    bool has = false;
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    struct hy_token token = token_of(&o);
    cr_assert_eq(hy_lead_edit(&t, &e, &r, NULL), HY_OK);
    cr_assert_eq(hy_lead_merge(&t, 2, 1, HY_STR("test"), &merged, NULL), HY_OK);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(hy_list_confirm(&t, &token, &how, &list), HY_OK, "time %d", i);
        cr_assert_eq(hy_lead_address(&t, 2, &address, &domain), HY_OK);
        cr_assert_eq(hy_list_has(&t, news, domain, 2, &has), HY_OK);
        cr_expect(has);
    }
    cr_expect_not(is_member());
}

Test(opt_in, an_answer_proves_the_address_that_was_mailed_and_no_other)
{
    struct hy_opt_in o, asked;
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    cr_assert_eq(mailed("a@x.test"), HY_OK);
    change_address("victim@y.test");
    cr_expect_eq(confirm(o.id), HY_ENOTFOUND, "the link went to a@x.test");
    cr_expect_not(is_member());
    cr_assert_eq(hy_opt_in_next_mail(&t, 0, 0, &asked), HY_OK, "the new address is asked");
    cr_expect_neq(asked.id, o.id);
    cr_expect(hy_str_eq(asked.by, HY_STR("form /news")), "%.*s", HY_STR_ARG(asked.by));
    cr_expect(hy_str_eq(asked.proof, HY_STR("{\"checked\":true}")));
    cr_expect_eq(mailed("a@x.test"), HY_ENOTFOUND, "a mail that was made before the change");
    cr_assert_eq(mailed("victim@y.test"), HY_OK);
    cr_expect_eq(confirm(asked.id), HY_OK);
    cr_expect(is_member());
}

Test(opt_in, an_address_that_is_only_written_in_another_way_is_the_same)
{
    struct hy_opt_in o;
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    cr_assert_eq(mailed("a@x.test"), HY_OK);
    change_address("A@X.test");
    cr_expect_eq(confirm(o.id), HY_OK);
}

Test(opt_in, a_mail_of_a_request_that_was_withdrawn_meanwhile_does_not_go_out)
{
    const struct hy_list_deed d = {.by = HY_STR("api")};
    struct hy_opt_in o;
    bool changed;
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    cr_assert_eq(hy_list_leave(&t, news, 1, &d, &changed), HY_OK);
    cr_expect_eq(hy_opt_in_mailed(&t, &o), HY_ENOTFOUND);
    cr_assert_eq(hy_opt_in_ask(&t, &(struct hy_opt_in){.list = news, .lead = 1}), HY_OK);
    cr_expect_eq(hy_opt_in_mailed(&t, &o), HY_ENOTFOUND, "another request waits now");
}

Test(opt_in, leaving_and_joining_again_brings_no_more_mails)
{
    const struct hy_list_deed d = {.by = HY_STR("api")};
    struct hy_opt_in o, first;
    unsigned mails = 0;
    bool changed;
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &first), HY_OK);
    for (int i = 0; i < 20; i++) {
        if (hy_opt_in_next_mail(&t, 0, 0, &o) == HY_OK) {
            cr_assert_eq(mailed("a@x.test"), HY_OK);
            mails++;
        }
        cr_assert_eq(hy_list_leave(&t, news, 1, &d, &changed), HY_OK);
        cr_expect_eq(hy_opt_in_get(&t, news, 1, &o), HY_ENOTFOUND);
        cr_expect_eq(hy_opt_in_next(&t, 0, 0, &o), HY_ENOTFOUND);
        cr_expect_eq(confirm(first.id), HY_ENOTFOUND, "it was withdrawn");
        t.now += HY_OPT_IN_AGAIN_MS / 4;
        cr_assert_eq(hy_opt_in_ask(&t, &(struct hy_opt_in){.list = news, .lead = 1}), HY_OK);
    }
    cr_expect_eq(mails, HY_OPT_IN_MAILS);
    t.now += 3600 * 1000 + 1000;
    cr_expect_eq(hy_opt_in_expire(&t, t.now, 10), HY_OK);
    cr_assert_eq(hy_opt_in_ask(&t, &(struct hy_opt_in){.list = news, .lead = 1}), HY_OK);
    cr_expect_eq(hy_opt_in_next_mail(&t, 0, 0, &o), HY_OK, "its time was over");
}

static int count(void *ctx, const struct hy_suppress_entry *e)
{
    (void)e;
    ++*(size_t *)ctx;
    return 0;
}

Test(opt_in, the_answer_takes_back_an_unsubscribe_by_mail_of_any_tenant)
{
    struct hy_opt_in o;
    struct hy_suppress_id id;
    size_t n = 0;
    for (uint32_t tenant = 0; tenant < 70; tenant++) {
        const struct hy_suppress_entry left = {.key = {.scope = HY_SUPPRESS_LIST,
                                                       .tenant = tenant,
                                                       .no = news,
                                                       .reason = HY_SUPPRESS_UNSUBSCRIBE},
                                               .what = HY_STR("a@x.test")};
        cr_assert_eq(hy_suppress_put(&t, &left, NULL), HY_OK);
    }
    const struct hy_suppress_entry other = {.key = {.scope = HY_SUPPRESS_LIST,
                                                    .tenant = 3,
                                                    .no = news + 1,
                                                    .reason = HY_SUPPRESS_UNSUBSCRIBE},
                                            .what = HY_STR("a@x.test")};
    cr_assert_eq(hy_suppress_put(&t, &other, NULL), HY_OK);
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    cr_assert_eq(confirm(o.id), HY_OK);
    cr_assert_eq(hy_suppress_id_of(env, HY_STR("a@x.test"), &id), HY_OK);
    cr_assert_eq(hy_suppress_each(&t, id, count, &n), HY_OK);
    cr_expect_eq(n, 1, "that of the other list stays: %zu", n);
}

Test(opt_in, a_request_of_before_says_no_address)
{
    struct hy_opt_in o;
    struct hy_str value;
    uint8_t old[512], key[] = {'p', 0, 0, 0, (uint8_t)news, 0, 0, 0, 1};
    cr_assert_eq(hy_get(&t, HY_TABLE_LIST_PENDING, hy_str_make(key, sizeof key), &value), HY_OK);
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    cr_assert_neq(o.address, 0);
    uint8_t tail[10];
    size_t n = value.n - hy_varint_put(tail, o.address);
    memcpy(old, value.p, n);
    old[0] = 1;
    cr_assert_eq(hy_put(&t, HY_TABLE_LIST_PENDING, hy_str_make(key, sizeof key),
                        hy_str_make(old, n), HY_PUT_SET),
                 HY_OK);
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    cr_expect_eq(o.address, 0);
    cr_assert_eq(mailed("a@x.test"), HY_OK);
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    cr_expect_eq(o.address, hy_opt_in_address(env, HY_STR("a@x.test")));
    cr_expect_eq(confirm(o.id), HY_OK);
}
