#include "hayauma/store/wish.h"

#include <criterion/criterion.h>

#include "case.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/consent.h"
#include "hayauma/store/lead.h"

TestSuite(wish, .init = case_open, .fini = case_close);

static int put(struct hy_wish w, bool *ret_has_changed)
{
    struct hy_txn t;
    w.source = HY_STR("page");
    cr_assert_eq(hy_txn_write(env, &t), 0);
    int err = hy_wish_put(&t, &w);
    *ret_has_changed = w.has_changed;
    if (err)
        hy_txn_end(&t);
    else
        cr_assert_eq(hy_txn_commit(&t), 0);
    return err;
}

static bool changes(struct hy_wish w)
{
    bool has_changed = false;
    cr_assert_eq(put(w, &has_changed), 0);
    return has_changed;
}

static hy_list_no list_with(const char *name, hy_lead_no lead)
{
    struct hy_txn t;
    struct hy_str address;
    hy_domain_no domain;
    hy_list_no no = 0;
    uint64_t joined = 0;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_list_create(&t, hy_str_of(name), hy_txn_new_id(&t), &no), 0);
    cr_assert_eq(hy_lead_address(&t, lead, &address, &domain), 0);
    cr_assert_eq(hy_list_add(&t, no, domain, &lead, 1, &joined), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return no;
}

/* What a campaign of the tenant to the list would find: whether the lead gets nothing of it. */
static bool is_kept_from(hy_lead_no lead, uint32_t tenant, enum hy_stream stream, hy_list_no list)
{
    struct hy_list_set lists = {.lists = {list}, .n = list ? 1 : 0};
    struct hy_suppress_ask ask = {
        .tenant = tenant, .stream = stream, .lists = &lists, .lead = lead};
    struct hy_suppress_entry e;
    struct hy_str address;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_lead_address(&t, lead, &address, &ask.domain), 0);
    int err = hy_suppress_find(&t, address, &ask, &e);
    hy_txn_end(&t);
    cr_assert(err == 0 || err == HY_ENOTFOUND);
    return err == 0;
}

static unsigned activities(enum hy_activity_kind kind)
{
    struct hy_activity a = {0};
    struct hy_txn t;
    unsigned n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (hy_activity_next(&t, a.id, &a, NULL) == 0)
        n += a.kind == kind;
    hy_txn_end(&t);
    return n;
}

Test(wish, who_leaves_gets_no_marketing_of_the_tenant_and_saying_it_twice_is_saying_it_once)
{
    hy_lead_no lead = case_lead("taro@example.jp");
    struct hy_wish leave = {
        .kind = HY_WISH_LEAVE, .lead = lead, .campaign = 9, .tenant = 3, .suppressor = 3};
    cr_expect(changes(leave));
    cr_expect_not(changes(leave));
    cr_expect(is_kept_from(lead, 3, HY_STREAM_MARKETING, 0));
    cr_expect_not(is_kept_from(lead, 3, HY_STREAM_TRANSACTIONAL, 0), "receipts still go");
    cr_expect_not(is_kept_from(lead, 0, HY_STREAM_MARKETING, 0), "other tenants' mail, too");
    cr_expect_eq(activities(HY_ACTIVITY_UNSUBSCRIBE), 1);
    cr_expect_eq(activities(HY_ACTIVITY_CONSENT), 1);
    leave.kind = HY_WISH_RETURN;
    cr_expect(changes(leave));
    cr_expect_not(changes(leave));
    cr_expect_not(is_kept_from(lead, 3, HY_STREAM_MARKETING, 0));
    cr_expect_eq(activities(HY_ACTIVITY_RESUBSCRIBE), 1);
}

Test(wish, who_leaves_when_the_campaign_is_gone_gets_nothing_of_anybody)
{
    hy_lead_no lead = case_lead("taro@example.jp");
    cr_expect(changes((struct hy_wish){.kind = HY_WISH_LEAVE, .lead = lead}));
    cr_expect(is_kept_from(lead, 0, HY_STREAM_MARKETING, 0));
    cr_expect(is_kept_from(lead, 7, HY_STREAM_MARKETING, 0));
    cr_expect(changes((struct hy_wish){.kind = HY_WISH_RETURN, .lead = lead}));
    cr_expect_not(is_kept_from(lead, 7, HY_STREAM_MARKETING, 0));
}

Test(wish, a_list_is_left_for_good_and_joined_again_by_who_left_it_here)
{
    hy_lead_no lead = case_lead("taro@example.jp");
    hy_list_no news = list_with("news", lead), offers = list_with("offers", lead);
    struct hy_wish_list said[] = {{news, false}, {offers, true}};
    struct hy_wish w = {
        .kind = HY_WISH_CHOOSE, .lead = lead, .campaign = 9, .lists = said, .n_lists = 2};
    cr_expect(changes(w));
    cr_expect_not(changes(w));
    cr_expect(is_kept_from(lead, 0, HY_STREAM_MARKETING, news), "even if it is imported again");
    cr_expect_not(is_kept_from(lead, 0, HY_STREAM_MARKETING, offers));
    struct hy_wishes now;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_wishes_of(&t, lead, 0, &now), 0);
    cr_expect_eq(now.n_lists, 2);
    cr_expect(now.lists[0].no == news && !now.lists[0].is_wanted);
    cr_expect(now.lists[1].no == offers && now.lists[1].is_wanted);
    cr_expect_not(now.has_left);
    hy_txn_end(&t);
    said[0].is_wanted = true;
    cr_expect(changes(w));
    cr_expect_not(is_kept_from(lead, 0, HY_STREAM_MARKETING, news));
    cr_expect_eq(activities(HY_ACTIVITY_LIST_JOINED), 1);
    cr_expect_eq(activities(HY_ACTIVITY_LIST_LEFT), 1);
}

Test(wish, nobody_joins_a_list_that_was_never_theirs)
{
    hy_lead_no lead = case_lead("taro@example.jp"), other = case_lead("hanako@example.jp");
    hy_list_no secret = list_with("staff", other);
    struct hy_wish_list said[] = {{secret, true}, {4711, true}};
    bool has_changed = true;
    struct hy_wish w = {.kind = HY_WISH_CHOOSE, .lead = lead, .lists = said, .n_lists = 2};
    cr_expect_eq(put(w, &has_changed), 0);
    cr_expect_not(has_changed);
    cr_expect_eq(activities(HY_ACTIVITY_LIST_JOINED), 0);
}

Test(wish, a_lead_that_is_none_has_no_wishes)
{
    bool has_changed = true;
    struct hy_wish w = {.kind = HY_WISH_LEAVE, .lead = 77};
    cr_expect_eq(put(w, &has_changed), HY_ENOTFOUND);
}
