#include "hayauma/react/segment_unknown.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "hayauma/score/plan.h"
#include "hayauma/store/lead_edit.h"

TestSuite(segment_unknown, .init = case_open, .fini = case_close);

/* A lead with the attribute country, the tag vip and the group partners; a campaign "Spring". */
static void fill(void)
{
    static const struct hy_lead_edit_attr attrs[] = {{HY_STR("country"), HY_STR("JP")}};
    static const struct hy_lead_edit_label labels[] = {
        {.kind = HY_LABEL_TAG, .name = HY_STR("vip")},
        {.kind = HY_LABEL_GROUP, .name = HY_STR("partners")}};
    struct hy_lead_edit e = {.address = HY_STR("kuro@cats.test"),
                             .attrs = attrs,
                             .n_attrs = 1,
                             .labels = labels,
                             .n_labels = 2,
                             .by = HY_STR("test")};
    struct hy_lead_edit_result r;
    struct hy_diag diag = {0};
    struct hy_campaign c = {.name = HY_STR("Spring"), .state = HY_CAMPAIGN_DRAFT};
    struct hy_txn t = case_write();
    cr_assert_eq(hy_lead_edit(&t, &e, &r, &diag), HY_OK, "%s", diag.text);
    cr_assert_eq(hy_campaign_create(&t, &c, HY_STR("")), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
}

/* As "what name>near" of each, separated by blanks. */
static void expect(const char *text, const struct hy_score_plan *plan, const char *want)
{
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_buf got = HY_BUF_INIT(1 << 16);
    struct hy_segment_unknown all[HY_SEGMENT_UNKNOWN_MAX];
    const struct hy_segment_node *tree;
    struct hy_diag diag = {0};
    struct hy_txn t = {0};
    size_t n = 99;
    cr_assert_eq(hy_segment_parse(hy_str_of(text), &arena, &diag, &tree), HY_OK, "%s: %s", text,
                 diag.text);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_segment_unknown(&t, tree, plan, all, &n), HY_OK);
    for (size_t i = 0; i < n; i++)
        hy_buf_printf(&got, "%s%s %.*s>%s", i ? " " : "", hy_segment_unknown_text(all[i].what),
                      HY_STR_ARG(all[i].name), all[i].near);
    hy_txn_end(&t);
    cr_expect_str_eq(hy_buf_cstr(&got), want, "%s", text);
    hy_buf_free(&got);
    hy_arena_free(&arena);
}

Test(segment_unknown, names_that_nothing_has_are_told_with_what_is_near)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"country = \"JP\" and tag(\"vip\") and group(\"partners\")", ""},
        {"created >= 2026-01-01 and email_domain = \"x\" and mail_status = \"active\"", ""},
        {"contry = \"JP\"", "attribute contry>country"},
        {"emial = \"a\"", "attribute emial>email"},
        {"something_else_altogether = 1", "attribute something_else_altogether>"},
        {"tag(\"vipp\") or group(\"partner\")", "tag vipp>vip group partner>partners"},
        {"tag(\"x\") and not (tag(\"x\") or contry = 1)", "tag x> attribute contry>country"},
        {"clicked(campaign: \"spring\") and opened(campaign: \"S*\")", ""},
        {"clicked(campaign: \"sprnig\", within 3d)", "campaign sprnig>Spring"},
        {"score >= 0", "score score>"},
        {"company.score > 1 and company.country = \"JP\" and cart.value > 1 and orders.count = 0",
         ""},
        {"company.contry = \"JP\" or company.scroe > 3",
         "attribute company.contry>company.country attribute company.scroe>company.score"},
    };
    fill();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(cases[i].text, NULL, cases[i].want);
}

Test(segment_unknown, points_are_known_by_their_rules)
{
    struct hy_score_group groups[] = {{.name = HY_STR("fit")}, {.name = HY_STR("engagement")}};
    struct hy_score_plan plan = {.groups = groups, .n_groups = 2};
    expect("score >= 50 and score.fit > 3", &plan, "");
    expect("score.engagment > 3", &plan, "score score.engagment>score.engagement");
}

Test(segment_unknown, only_so_many_are_told)
{
    char text[4096] = "tag(\"t0\")";
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_segment_unknown all[HY_SEGMENT_UNKNOWN_MAX];
    const struct hy_segment_node *tree;
    struct hy_txn t = {0};
    size_t n = 0;
    for (int i = 1; i < 40; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), " or tag(\"t%d\")", i);
    cr_assert_eq(hy_segment_parse(hy_str_of(text), &arena, NULL, &tree), HY_OK);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_segment_unknown(&t, tree, NULL, all, &n), HY_OK);
    cr_expect_eq(n, (size_t)HY_SEGMENT_UNKNOWN_MAX);
    hy_txn_end(&t);
    hy_arena_free(&arena);
}
