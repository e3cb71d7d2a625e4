#include "hayauma/react/facts.h"

#include <criterion/criterion.h>

#include "case.h"
#include "hayauma/score/plan.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/list.h"
#include "hayauma/store/score.h"
#include "hayauma/store/segments.h"

TestSuite(facts, .init = case_open, .fini = case_close);

#define DAY ((hy_wall_ms)86400000)

static hy_lead_no lead_made(void)
{
    static const struct hy_lead_edit_attr attrs[] = {{HY_STR("country"), HY_STR("JP")},
                                                     {HY_STR("age"), HY_STR("42")},
                                                     {HY_STR("born"), HY_STR("1984-11-30")}};
    static const struct hy_lead_edit_label labels[] = {
        {.kind = HY_LABEL_TAG, .name = HY_STR("vip")},
        {.kind = HY_LABEL_GROUP, .name = HY_STR("partners")}};
    static const struct hy_lead_edit_list lists[] = {
        {.name = HY_STR("news"), .is_confirmed = true}};
    struct hy_lead_edit_result r = {0};
    struct hy_diag diag = {0};
    struct hy_txn t;
    hy_list_no list;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_list_create(&t, HY_STR("news"), 5, &list), HY_OK);
    cr_assert_eq(hy_list_create(&t, HY_STR("other"), 5, &list), HY_OK);
    struct hy_lead_edit e = {.address = HY_STR("kuro@cats.test"),
                             .attrs = attrs,
                             .n_attrs = 3,
                             .labels = labels,
                             .n_labels = 2,
                             .lists = lists,
                             .n_lists = 1,
                             .by = HY_STR("test")};
    cr_assert_eq(hy_lead_edit(&t, &e, &r, &diag), HY_OK, "%s", diag.text);
    struct hy_segment s = {.state = HY_SEGMENT_READY, .name = HY_STR("cats"), .text = HY_STR("x")};
    cr_assert_eq(hy_segment_save(&t, &s), HY_OK);
    cr_assert_eq(hy_lead_set_add(&t, hy_segment_set_of(s.no), r.lead, NULL), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    return r.lead;
}

static hy_id noted(hy_lead_no lead, struct hy_activity a)
{
    struct hy_txn t;
    a.lead = lead;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_activity_put(&t, &a), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    return a.id;
}

static void expect(hy_lead_no lead, const struct hy_score_plan *plan, const char *text, bool want)
{
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_diag diag = {0};
    const struct hy_segment_node *n;
    struct hy_facts *f = NULL;
    struct hy_txn t;
    bool is_true = false;
    const struct hy_facts_options o = {.plan = plan};
    cr_assert_eq(hy_segment_parse(hy_str_of(text), &arena, &diag, &n), HY_OK, "%s: %s", text,
                 diag.text);
    cr_assert_eq(hy_facts_new(&o, &f), HY_OK);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_facts_of(f, &t, lead, hy_clock_wall_ms() + 5), HY_OK);
    cr_expect_eq(hy_segment_is_true(n, hy_facts_ask(f)), want, "%s", text);
    hy_wall_ms next = hy_segment_next_change(n, hy_facts_ask(f), &is_true);
    cr_expect_eq(is_true, want, "%s", text);
    cr_expect_gt(next, hy_clock_wall_ms(), "%s", text);
    cr_expect_eq(hy_facts_err(f), 0, "%s", text);
    hy_txn_end(&t);
    hy_facts_free(f);
    hy_arena_free(&arena);
}

Test(facts, of_a_lead_are_its_attributes_and_where_it_belongs)
{
    hy_lead_no lead = lead_made();
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        {"country = \"jp\" and age > 41", true},
        {"colour is set", false},
        {"created within 1h", true},
        {"created older than 1h", false},
        {"email = \"kuro@cats.test\" and email_domain = \"cats.test\"", true},
        {"mail_status = \"active\"", true},
        {"tag(\"vip\") and group(\"partners\") and list(\"news\") and segment(\"cats\")", true},
        {"tag(\"VIP\") or group(\"vip\") or list(\"other\") or segment(\"dogs\")", false},
        {"score > 0", false},
        {"score.fit > 0", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(lead, NULL, cases[i].text, cases[i].want);
}

Test(facts, activities_count_by_kind_time_and_filters)
{
    hy_lead_no lead = lead_made();
    hy_wall_ms now = hy_clock_wall_ms();
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        {"visited() = 3", true},
        {"visited(url: \"*/pricing\") = 2", true},
        {"visited(within 5d) = 1", true},
        {"visited(within 50d) = 3", true},
        {"clicked() = 1", true}, /* the other two are not counted, or a machine's */
        {"clicked(link: 7)", true},
        {"opened()", false},
        {"submitted(form: \"contact\", meta.plan: \"pro\")", true},
        {"submitted(form: \"contact\", meta.plan: \"free\")", false},
        {"ordered() = 1", true}, /* the other tells of its being cancelled */
        {"ordered(amount >= 5000, quantity = 3)", true},
        {"ordered(product: \"tea\", category: \"drink\")", true},
        {"ordered(product: \"cup\", category: \"drink\")", false},
        {"bounced(reason: \"user-unknown\")", true},
        {"received()", false},
        {"did(name: \"demo\")", true},
        {"did(name: \"demo\", within 1d)", true}, /* dated later than it was noted: then */
    };
    noted(lead, (struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW, .url = HY_STR("/pricing")});
    noted(lead, (struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW,
                                     .url = HY_STR("/pricing"),
                                     .at = now - 40 * DAY});
    noted(lead, (struct hy_activity){
                    .kind = HY_ACTIVITY_PAGE_VIEW, .url = HY_STR("/"), .at = now - 6 * DAY});
    noted(lead, (struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW,
                                     .flags = HY_ACTIVITY_MACHINE,
                                     .url = HY_STR("/")});
    noted(lead, (struct hy_activity){.kind = HY_ACTIVITY_CLICK, .link = 6});
    noted(lead, (struct hy_activity){.kind = HY_ACTIVITY_CLICK, .link = 6});
    noted(lead,
          (struct hy_activity){.kind = HY_ACTIVITY_CLICK, .flags = HY_ACTIVITY_COUNTED, .link = 7});
    noted(lead, (struct hy_activity){.kind = HY_ACTIVITY_OPEN, .flags = HY_ACTIVITY_HUMAN});
    noted(lead, (struct hy_activity){.kind = HY_ACTIVITY_FORM_POST,
                                     .text = HY_STR("contact"),
                                     .meta = HY_STR("{\"plan\":\"pro\"}")});
    noted(lead,
          (struct hy_activity){
              .kind = HY_ACTIVITY_ORDER,
              .meta = HY_STR("{\"order\":\"A\",\"amount\":5000.5,\"status\":\"placed\",\"items\":["
                             "{\"product\":\"tea\",\"category\":\"drink\",\"quantity\":2},"
                             "{\"product\":\"cup\",\"category\":\"ware\"}]}")});
    noted(lead, (struct hy_activity){.kind = HY_ACTIVITY_ORDER,
                                     .meta = HY_STR("{\"order\":\"A\",\"status\":\"cancelled\"}")});
    noted(lead, (struct hy_activity){.kind = HY_ACTIVITY_LATE_BOUNCE, .reason = 1});
    noted(lead, (struct hy_activity){
                    .kind = HY_ACTIVITY_CUSTOM, .text = HY_STR("demo"), .at = now + 90 * DAY});
    noted(lead + 1, (struct hy_activity){.kind = HY_ACTIVITY_OFFLINE, .text = HY_STR("seminar")});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(lead, NULL, cases[i].text, cases[i].want);
    expect(lead, NULL, "attended()", false);
}

Test(facts, a_lead_with_very_many_activities_is_counted_to_the_last)
{
    hy_lead_no lead = lead_made();
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    for (int i = 0; i < 5000; i++) {
        struct hy_activity a = {.kind = i % 10 ? HY_ACTIVITY_OPEN : HY_ACTIVITY_PAGE_VIEW,
                                .lead = lead};
        cr_assert_eq(hy_activity_put(&t, &a), HY_OK);
    }
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    expect(lead, NULL, "visited() = 500 and opened() = 0 and visited(within 1h) >= 400", true);
}

/* Activities that are read for an expression. */
static uint64_t steps_of(hy_lead_no lead, const char *text)
{
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_diag diag = {0};
    const struct hy_segment_node *n;
    struct hy_facts *f = NULL;
    struct hy_txn t;
    bool is_true;
    cr_assert_eq(hy_segment_parse(hy_str_of(text), &arena, &diag, &n), HY_OK, "%s", diag.text);
    cr_assert_eq(hy_facts_new(&(struct hy_facts_options){0}, &f), HY_OK);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_facts_of(f, &t, lead, hy_clock_wall_ms() + 5), HY_OK);
    (void)hy_segment_next_change(n, hy_facts_ask(f), &is_true);
    uint64_t steps = hy_facts_steps(f);
    hy_txn_end(&t);
    hy_facts_free(f);
    hy_arena_free(&arena);
    return steps;
}

Test(facts, who_asks_for_orders_reads_no_page_views)
{
    static const struct {
        const char *text;
        uint64_t most;
    } cases[] = {
        {"not ordered(within 90d)", 1}, /* that there is none */
        {"not ordered(within 90d) and not submitted(within 90d)", 2},
        {"visited(within 90d)", 1},
        {"visited(within 90d) >= 3", 3},
        {"not ordered(within 90d) and visited(within 7d) >= 2", 3},
    };
    hy_lead_no lead = lead_made();
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    for (int i = 0; i < 3000; i++) {
        struct hy_activity a = {.kind = HY_ACTIVITY_PAGE_VIEW, .lead = lead};
        cr_assert_eq(hy_activity_put(&t, &a), HY_OK);
    }
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t steps = steps_of(lead, cases[i].text);
        cr_expect_leq(steps, cases[i].most, "%s: got %lu steps, want at most %lu", cases[i].text,
                      steps, cases[i].most);
    }
}

Test(facts, mail_of_campaigns_is_told_from_their_rows)
{
    struct people p = {.n_domains = 3, .per_domain = 4};
    struct hy_queue_row rows[12];
    cr_assert_eq(read_all_fresh(env, campaign_queue(env, "c", &p), rows, 12), 12u);
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_DELIVERED, 0);
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    struct hy_txn t;
    uint8_t key[4], record[16 + 5] = {1, HY_LEAD_ACTIVE, 5};
    hy_put_be32(key, rows[0].ref.lead);
    hy_put_le32(record + 4, rows[0].ref.domain);
    memcpy(record + 16, "a@b.c", 5);
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    hy_put(&t, HY_TABLE_LEADS, hy_str_make((char *)key, 4), hy_str_make((char *)record, 21),
           HY_PUT_SET);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    expect(rows[0].ref.lead, NULL, "received()", true);
    expect(rows[0].ref.lead, NULL, "received(within 1h) = 1 and not bounced()", true);
    expect(rows[0].ref.lead, NULL, "received(campaign: \"nobody\")", false);
}

Test(facts, a_score_is_what_the_ledger_makes_it)
{
    hy_lead_no lead = lead_made();
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_diag diag = {0};
    static const struct hy_score_group groups[] = {{.name = HY_STR("engagement")},
                                                   {.name = HY_STR("fit")}};
    struct hy_score_rule rule = {.name = HY_STR("page"), .points = 8, .half_life_s = 86400};
    cr_assert_eq(hy_segment_parse(HY_STR("visited()"), &arena, &diag, &rule.on), HY_OK);
    struct hy_score_plan plan = {.groups = groups, .n_groups = 2, .rules = &rule, .n_rules = 1};
    struct hy_activity a = {.kind = HY_ACTIVITY_PAGE_VIEW, .at = hy_clock_wall_ms() - DAY};
    struct hy_deed *d;
    struct hy_txn t;
    a.id = noted(lead, a);
    a.lead = lead;
    cr_assert_eq(hy_deed_new(&d), HY_OK);
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_scores_note(&t, &plan, &a, hy_deed_of(d, &t, &a), 1, NULL), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    hy_deed_free(d);
    expect(lead, &plan, "score > 3.9 and score < 4.1", true);
    expect(lead, &plan, "score.engagement > 3.9 and score.fit = 0", true);
    expect(lead, &plan, "score.nothing is set", false);
    hy_arena_free(&arena);
}
