#include <criterion/criterion.h>

#include "case.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/told.h"

TestSuite(told, .init = case_open, .fini = case_close);

static const struct hy_told_how usual = {.source = {"api test", 8}, .by = {"api test", 8}};
static struct hy_diag diag;

static struct hy_told_result put(struct hy_told x, bool makes_leads)
{
    struct hy_told_how how = usual;
    struct hy_told_result r = {0};
    struct hy_txn t;
    how.makes_leads = makes_leads;
    diag.text[0] = '\0';
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_told_put(&t, &x, &how, &r, &diag), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return r;
}

static struct hy_activity get(hy_id id)
{
    struct hy_activity a;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_get(&t, id, &a), 0);
    hy_txn_end(&t);
    return a;
}

static struct hy_told told(enum hy_told_by by, struct hy_str who)
{
    return (struct hy_told){
        .kind = HY_ACTIVITY_OFFLINE, .by = by, .who = who, .name = HY_STR("seminar"), .at = 1000};
}

Test(told, goes_to_the_lead_that_is_named)
{
    hy_lead_no taro = case_lead("taro@example.jp");
    struct hy_txn t;
    const struct hy_identity ids[] = {{HY_IDENTITY_EXTERNAL, HY_STR("crm:7")},
                                      {HY_IDENTITY_ADDRESS, HY_STR("taro@home.example")}};
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(hy_identity_put(&t, &ids[i], taro), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    struct hy_told by_no = told(HY_TOLD_LEAD, HY_STR(""));
    by_no.lead = taro;
    const struct hy_told cases[] = {
        by_no,
        told(HY_TOLD_EMAIL, HY_STR("Taro@Example.JP")),
        told(HY_TOLD_EMAIL, HY_STR("taro@home.example")),
        told(HY_TOLD_EXTERNAL, HY_STR("CRM:7")),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_told_result r = put(cases[i], false);
        cr_assert_eq(r.did, HY_TOLD_NOTED, "case %zu", i);
        cr_assert_eq(r.lead, taro, "case %zu", i);
        struct hy_activity a = get(r.id);
        cr_assert_eq(a.lead, taro);
        cr_assert_eq(a.kind, HY_ACTIVITY_OFFLINE);
        cr_assert_eq(a.at, 1000);
    }
}

Test(told, of_nobody_is_not_noted_unless_leads_may_be_made)
{
    struct hy_told by_no = told(HY_TOLD_LEAD, HY_STR(""));
    by_no.lead = 99;
    cr_assert_eq(put(by_no, true).did, HY_TOLD_NO_LEAD, "numbers are given, not taken");
    cr_assert_eq(put(told(HY_TOLD_EMAIL, HY_STR("new@example.jp")), false).did, HY_TOLD_NO_LEAD);
    struct hy_told_result r = put(told(HY_TOLD_EMAIL, HY_STR("new@example.jp")), true);
    cr_assert_eq(r.did, HY_TOLD_NOTED);
    cr_assert(r.is_new);
    struct hy_told_result again = put(told(HY_TOLD_EMAIL, HY_STR("NEW@example.jp")), true);
    cr_assert_not(again.is_new);
    cr_assert_eq(again.lead, r.lead);
    struct hy_told_result card = put(told(HY_TOLD_PHONE, HY_STR("03-1234-5678")), true);
    cr_assert(card.is_new, "a card without a mail address is a lead, too");
    cr_assert_eq(put(told(HY_TOLD_PHONE, HY_STR("0312345678")), false).lead, card.lead);
}

Test(told, with_a_name_that_cannot_be_says_why)
{
    static const struct {
        enum hy_told_by by;
        const char *who;
    } cases[] = {{HY_TOLD_EMAIL, "taro"}, {HY_TOLD_EXTERNAL, "7"}, {HY_TOLD_PHONE, "call me"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int makes = 0; makes <= 1; makes++) {
            struct hy_told_result r = put(told(cases[i].by, hy_str_of(cases[i].who)), makes != 0);
            cr_assert_eq(r.did, HY_TOLD_BAD_WHO, "%s", cases[i].who);
            cr_assert_neq(diag.text[0], '\0');
        }
    }
}

Test(told, twice_by_its_own_name_is_noted_once)
{
    hy_lead_no taro = case_lead("taro@example.jp");
    struct hy_told x = told(HY_TOLD_EMAIL, HY_STR("taro@example.jp"));
    x.ref = HY_STR("crm:17");
    struct hy_told_result first = put(x, false), again = put(x, false);
    cr_assert_eq(first.did, HY_TOLD_NOTED);
    cr_assert_eq(again.did, HY_TOLD_DUPLICATE);
    cr_assert_eq(again.id, first.id);
    cr_assert_eq(again.lead, taro);
    x.ref = HY_STR("crm:18");
    cr_assert_eq(put(x, false).did, HY_TOLD_NOTED);
}

Test(told, without_a_source_has_the_source_of_its_call)
{
    case_lead("taro@example.jp");
    struct hy_told x = told(HY_TOLD_EMAIL, HY_STR("taro@example.jp"));
    struct hy_txn t;
    struct hy_activity a;
    hy_id plain = put(x, false).id;
    x.source = HY_STR("desk");
    hy_id named = put(x, false).id;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_get(&t, plain, &a), 0);
    cr_assert(hy_str_eq(a.source, HY_STR("api test")));
    cr_assert_eq(hy_activity_get(&t, named, &a), 0);
    cr_assert(hy_str_eq(a.source, HY_STR("desk")));
    hy_txn_end(&t);
}

Test(told, of_a_visitor_alone_waits_for_its_lead)
{
    struct hy_told x = told(HY_TOLD_NOBODY, HY_STR(""));
    x.visitor = 33;
    struct hy_told_result r = put(x, false);
    cr_assert_eq(r.did, HY_TOLD_NOTED);
    cr_assert_eq(r.lead, 0);
    hy_lead_no taro = case_lead("taro@example.jp");
    struct hy_told identify = {.kind = HY_ACTIVITY_IDENTIFY, .by = HY_TOLD_LEAD, .lead = taro};
    identify.visitor = 33;
    struct hy_told_how how = usual;
    struct hy_txn t;
    how.back_ms = 3600000;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_told_put(&t, &identify, &how, &r, &diag), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(get(r.id).link, 1);
    cr_assert_eq(put(x, false).lead, taro);
}
