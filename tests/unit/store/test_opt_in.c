#include <criterion/criterion.h>

#include "case.h"
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

Test(opt_in, one_mail_is_to_be_written_and_no_further_one_soon)
{
    struct hy_opt_in o = {0};
    cr_assert_eq(hy_opt_in_next_mail(&t, 0, 0, &o), HY_OK);
    cr_expect_eq(o.list, news);
    cr_expect_eq(o.lead, 1);
    cr_expect_eq(o.mails, 0);
    cr_assert_eq(hy_opt_in_mailed(&t, news, 1), HY_OK);
    cr_expect_eq(hy_opt_in_next_mail(&t, 0, 0, &o), HY_ENOTFOUND);

    hy_id id = o.id;
    cr_assert_eq(hy_opt_in_ask(&t, &(struct hy_opt_in){.list = news, .lead = 1}), HY_OK);
    cr_expect_eq(hy_opt_in_next_mail(&t, 0, 0, &o), HY_ENOTFOUND, "it was mailed just now");
    t.now += HY_OPT_IN_AGAIN_MS;
    for (int i = 1; i < HY_OPT_IN_MAILS; i++) {
        cr_assert_eq(hy_opt_in_ask(&t, &(struct hy_opt_in){.list = news, .lead = 1}), HY_OK);
        cr_assert_eq(hy_opt_in_next_mail(&t, 0, 0, &o), HY_OK, "mail %d", i);
        cr_expect_eq(o.id, id, "links of the mail before go on working");
        cr_assert_eq(hy_opt_in_mailed(&t, news, 1), HY_OK);
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
