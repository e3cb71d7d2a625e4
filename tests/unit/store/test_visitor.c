#include <criterion/criterion.h>

#include "case.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/company_visit.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/merge.h"
#include "hayauma/store/visitor.h"

TestSuite(visitor, .init = case_open, .fini = case_close);

enum { DAY = 86400000, BACK = 90 };
static const uint64_t V = 0xfedcba9876543210;

static struct hy_activity put_at(struct hy_activity a, int64_t back_ms, hy_wall_ms now)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    if (now)
        t.now = now;
    cr_assert_eq(hy_visitor_put(&t, &a, back_ms), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return a;
}

static struct hy_activity put(struct hy_activity a)
{
    return put_at(a, (int64_t)BACK * DAY, 0);
}

static struct hy_activity view(hy_lead_no lead)
{
    return put((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW,
                                    .visitor = V,
                                    .lead = lead,
                                    .url = HY_STR("https://a.test/")});
}

struct seen {
    struct hy_activity a[16];
    size_t n;
};
static int keep(void *ctx, const struct hy_activity *a)
{
    struct seen *s = ctx;
    s->a[s->n++] = *a;
    return 0;
}

/* Of a lead, the newest first; numbers and flags only. */
static struct seen of(struct hy_activity_who who)
{
    struct seen s = {.n = 0};
    struct hy_activity a = {0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (s.n < 16 && hy_activity_prev_of(&t, &who, a.id, &a) == 0)
        s.a[s.n++] = a;
    hy_txn_end(&t);
    return s;
}
static struct seen of_lead(hy_lead_no lead)
{
    return of((struct hy_activity_who){.by = HY_ACTIVITY_BY_LEAD, .lead = lead});
}

static struct seen joined(const struct hy_activity *identify)
{
    struct seen s = {.n = 0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_visitor_joined(&t, identify, keep, &s), 0);
    hy_txn_end(&t);
    return s;
}

static void audit(void)
{
    const struct hy_audit_sink sink = {0};
    struct hy_audit_report r;
    cr_assert_eq(hy_audit(env, &sink, &r), 0);
    cr_assert_eq(r.problems, 0);
}

Test(visitor, becomes_the_lead_with_what_it_did_before)
{
    hy_lead_no taro = case_lead("taro@example.jp");
    hy_id first = view(0).id, second = view(0).id;
    put((struct hy_activity){
        .kind = HY_ACTIVITY_PAGE_VIEW, .visitor = V + 1, .url = HY_STR("https://a.test/")});
    cr_assert_eq(of_lead(taro).n, 0);
    struct hy_activity last = view(taro);
    struct seen s = of_lead(taro);
    cr_assert_eq(s.n, 4, "two views, IDENTIFY and the view that proved it");
    cr_assert_eq(s.a[0].id, last.id);
    cr_assert_eq(s.a[0].flags, 0);
    cr_assert_eq(s.a[1].kind, HY_ACTIVITY_IDENTIFY);
    cr_assert_eq(s.a[1].link, 2);
    cr_assert_eq(s.a[1].visitor, V);
    cr_assert_eq(s.a[2].id, second);
    cr_assert_eq(s.a[3].id, first);
    cr_assert(s.a[2].flags & HY_ACTIVITY_JOINED);
    cr_assert(s.a[2].domain != 0);
    struct seen j = joined(&s.a[1]);
    cr_assert_eq(j.n, 2);
    cr_assert_eq(j.a[0].id, first, "the oldest first");
    cr_assert_eq(j.a[1].id, second);
    audit();
}

Test(visitor, that_is_known_is_the_lead_without_a_token)
{
    hy_lead_no taro = case_lead("taro@example.jp");
    view(taro);
    cr_assert_eq(view(0).lead, taro);
    view(taro);
    struct seen s = of_lead(taro);
    cr_assert_eq(s.n, 4);
    for (size_t i = 0; i < s.n; i++) {
        cr_assert_not(s.a[i].flags & HY_ACTIVITY_JOINED);
        cr_assert_eq(s.a[i].kind == HY_ACTIVITY_IDENTIFY, i == 3, "identified once");
    }
}

Test(visitor, who_comes_second_to_the_same_browser_is_another_visitor)
{
    hy_lead_no taro = case_lead("taro@example.jp"), hana = case_lead("hana@example.jp");
    view(taro);
    struct hy_activity a = view(hana), b = view(hana);
    cr_assert_eq(a.lead, hana);
    cr_assert_neq(a.visitor, V);
    cr_assert_eq(a.visitor, b.visitor, "always the same");
    cr_assert_eq(view(0).lead, taro, "the number stays who came first");
    cr_assert_eq(of_lead(hana).n, 3);
    audit();
}

Test(visitor, claims_are_nobodys_and_do_not_join)
{
    hy_lead_no taro = case_lead("taro@example.jp");
    view(0);
    struct hy_activity claim = {.kind = HY_ACTIVITY_IDENTIFY,
                                .visitor = V,
                                .link = 9,
                                .address = HY_STR("taro@example.jp")};
    claim = put(claim);
    cr_assert_eq(claim.lead, 0);
    cr_assert_eq(claim.link, 0);
    cr_assert_eq(of_lead(taro).n, 0);
    cr_assert_eq(view(0).lead, 0);
    view(taro);
    struct seen s = of_lead(taro);
    cr_assert_eq(s.n, 4, "the views; the claim stays nobody's");
    cr_assert_eq(s.a[1].link, 2);
    audit();
}

Test(visitor, of_a_lead_that_is_gone_is_nobodys)
{
    struct hy_activity a = put((struct hy_activity){
        .kind = HY_ACTIVITY_PAGE_VIEW, .visitor = V, .lead = 4711, .campaign = 9});
    cr_assert_eq(a.lead, 0);
    cr_assert_eq(a.campaign, 0);
    cr_assert_eq(of_lead(4711).n, 0);
    hy_lead_no taro = case_lead("taro@example.jp");
    view(taro);
    cr_assert_eq(of_lead(taro).n, 3, "nobody has the visitor yet");
}

Test(visitor, what_lies_too_far_back_stays_nobodys)
{
    hy_lead_no taro = case_lead("taro@example.jp");
    hy_wall_ms now = hy_clock_wall_ms();
    put_at((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW, .visitor = V}, 0, now);
    put_at((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW, .visitor = V}, 0, now + 5 * DAY);
    put_at((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW, .visitor = V, .lead = taro},
           (int64_t)3 * DAY, now + 6 * DAY);
    struct seen s = of_lead(taro);
    cr_assert_eq(s.n, 3);
    cr_assert_eq(s.a[1].link, 1);
    put_at((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW, .visitor = V + 1}, 0, now);
    put_at((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW, .visitor = V + 1, .lead = taro}, 0,
           now);
    cr_assert_eq(of_lead(taro).a[1].link, 0, "nothing joins when nothing may");
}

Test(visitor, an_application_that_identifies_notes_it_once)
{
    hy_lead_no taro = case_lead("taro@example.jp");
    view(0);
    struct hy_activity a = put(
        (struct hy_activity){.kind = HY_ACTIVITY_IDENTIFY, .visitor = V, .lead = taro, .link = 77});
    cr_assert_eq(a.link, 1);
    cr_assert_eq(of_lead(taro).n, 2);
    cr_assert_eq(joined(&a).n, 1);
    a = put(
        (struct hy_activity){.kind = HY_ACTIVITY_IDENTIFY, .visitor = V, .lead = taro, .link = 77});
    cr_assert_eq(a.link, 0, "nothing is left to join");
    cr_assert_eq(joined(&a).n, 0);
}

Test(visitor, brings_the_newest_of_very_many)
{
    hy_lead_no taro = case_lead("taro@example.jp");
    struct hy_txn t;
    hy_id second = 0;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (int i = 0; i <= HY_VISITOR_JOINED_MAX; i++) {
        struct hy_activity a = {.kind = HY_ACTIVITY_PAGE_VIEW, .visitor = V};
        cr_assert_eq(hy_visitor_put(&t, &a, 0), 0);
        second = i == 1 ? a.id : second;
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    struct hy_activity a =
        put((struct hy_activity){.kind = HY_ACTIVITY_IDENTIFY, .visitor = V, .lead = taro});
    cr_assert_eq(a.link, HY_VISITOR_JOINED_MAX);
    struct hy_activity got;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_get(&t, second, &got), 0);
    cr_assert_eq(got.lead, taro);
    hy_txn_end(&t);
    audit();
}

Test(visitor, with_a_very_long_history_of_claims_is_not_read_to_its_beginning)
{
    hy_lead_no taro = case_lead("taro@example.jp");
    struct hy_txn t;
    hy_id far = view(0).id;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (int i = 0; i < HY_VISITOR_LOOKED_MAX - 1; i++) {
        struct hy_activity claim = {
            .kind = HY_ACTIVITY_IDENTIFY, .visitor = V, .address = HY_STR("x@example.jp")};
        cr_assert_eq(hy_visitor_put(&t, &claim, 0), 0);
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_id near = view(0).id;
    struct hy_activity a =
        put((struct hy_activity){.kind = HY_ACTIVITY_IDENTIFY, .visitor = V, .lead = taro});
    struct seen j = joined(&a);
    cr_assert_eq(a.link, 1);
    cr_assert_eq(j.n, 1, "what joined, and not less");
    cr_assert_eq(j.a[0].id, near);
    struct hy_activity got;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_get(&t, far, &got), 0);
    cr_assert_eq(got.lead, 0, "behind too many others");
    hy_txn_end(&t);
    audit();
}

static hy_lead_no lead(const char *address)
{
    const struct hy_lead_edit e = {.address = hy_str_of(address)};
    struct hy_lead_edit_result r;
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_edit(&t, &e, &r, NULL), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return r.lead;
}

Test(visitor, of_a_lead_that_was_merged_is_the_one_that_was_kept)
{
    hy_lead_no kept = lead("a@x.test"), part = lead("b@x.test");
    struct hy_merged merged;
    struct hy_txn t;
    (void)view(part);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_merge(&t, kept, part, HY_STR("test"), &merged, NULL), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    struct hy_activity a = view(part); /* by a mail of before */
    cr_expect_eq(a.lead, kept);
    cr_expect_eq(a.visitor, V, "it is the same person at the same browser");
    audit();
}

/* ---- visits from the networks of companies ---- */

static hy_id visit(uint64_t visitor, hy_lead_no lead, const char *meta)
{
    return put((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW,
                                    .visitor = visitor,
                                    .lead = lead,
                                    .url = HY_STR("https://a.test/"),
                                    .meta = hy_str_of(meta)})
        .id;
}

static size_t visits_of(const struct hy_company_record *c, hy_id ids[HY_COMPANY_VISITS_MAX])
{
    struct hy_txn t;
    size_t n = 99;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_company_visits(&t, c, ids, &n), 0);
    hy_txn_end(&t);
    return n;
}

Test(visitor, visits_from_the_network_of_a_company_are_found_by_its_names_and_domains)
{
    static const char acme[] = "{\"company\":\"Acme Inc.\",\"company_domain\":\"ACME.test\"}";
    struct hy_company_record by_name = {.name = HY_STR("ACME, inc")};
    struct hy_company_record by_both = {.name = HY_STR("Else"),
                                        .aliases = {HY_STR("acme inc")},
                                        .domains = {HY_STR("acme.test"), HY_STR("else.test")},
                                        .n_aliases = 1,
                                        .n_domains = 2};
    struct hy_company_record other = {
        .name = HY_STR("Other"), .domains = {HY_STR("test")}, .n_domains = 1};
    hy_id ids[HY_COMPANY_VISITS_MAX];
    hy_id first = visit(1, 0, acme), second = visit(2, 0, acme);
    (void)visit(3, 0, "{\"depth\":50}");
    (void)visit(3, 0, "{\"company\":7}");
    (void)visit(3, 0, "{\"company\":\"");
    (void)put((struct hy_activity){.kind = HY_ACTIVITY_IDENTIFY,
                                   .visitor = 4,
                                   .text = HY_STR("form"),
                                   .meta = hy_str_of(acme)});
    cr_assert_eq(visits_of(&by_name, ids), 2u);
    cr_expect(ids[0] == second && ids[1] == first, "the newest first");
    cr_assert_eq(visits_of(&by_both, ids), 2u, "each once");
    cr_expect_eq(visits_of(&other, ids), 0u);
    hy_id third = visit(5, 0, "{\"company_domain\":\"else.test\"}");
    cr_assert_eq(visits_of(&by_both, ids), 3u);
    cr_expect_eq(ids[0], third);
    for (unsigned i = 0; i < HY_COMPANY_VISITS_MAX + 5; i++)
        second = visit(2, 0, acme);
    cr_expect_eq(visits_of(&by_both, ids), (size_t)HY_COMPANY_VISITS_MAX);
    cr_expect_eq(ids[0], second);
    for (unsigned i = 1; i < HY_COMPANY_VISITS_MAX; i++)
        cr_expect_gt(ids[i - 1], ids[i]);
}
