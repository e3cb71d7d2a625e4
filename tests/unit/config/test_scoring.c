#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/config/scoring.h"

Test(scoring, the_shipped_rules_are_fine)
{
    struct hy_problems p = {0};
    struct hy_scoring *s;
    cr_assert_eq(hy_scoring_load(HY_SOURCE_ROOT "/conf/scoring.yaml", &p, &s), HY_OK);
    cr_expect_eq(p.n, 0);
    const struct hy_score_plan *plan = hy_scoring_plan(s);
    cr_expect_gt(plan->n_rules, 5);
    cr_assert_eq(plan->n_grades, 2);
    cr_expect_eq(plan->grades[0].group, 1);
    cr_expect_eq(plan->grades[1].levels[2], 0);
    hy_scoring_free(s);
}

Test(scoring, a_rule_is_read_whole)
{
    static const char text[] =
        "groups:\n"
        "  - {name: engagement, half_life: 30d}\n"
        "rules:\n"
        "  - {name: a, on: 'clicked(url: \"*/x*\")', points: 3, group: engagement, at_most: 9 per "
        "1d}\n"
        "  - {name: b, on: 'attended()', points: -10, group: engagement, counts: first, half_life: "
        "forever}\n"
        "  - {name: c, when: 'title contains \"chief\"', points: 20, group: engagement}\n"
        "thresholds:\n"
        "  - {name: hot, from: 80, until: 60}\n";
    struct hy_problems p = {0};
    struct hy_scoring *s;
    int err = hy_scoring_parse("s.yaml", hy_str_of(text), &p, &s);
    hy_problems_print(&p, stderr);
    cr_assert_eq(err, HY_OK);
    const struct hy_score_rule *r = hy_scoring_plan(s)->rules;
    cr_expect(r[0].points == 3 && r[0].most == 9 && r[0].most_per_s == 86400 && r[0].on);
    cr_expect_eq(r[0].half_life_s, 30 * 86400);
    cr_expect(r[1].points == -10 && r[1].is_first_only && r[1].half_life_s == 0);
    cr_expect(r[2].when && !r[2].on && r[2].points == 20);
    cr_expect_eq(r[2].half_life_s, 0u, "what somebody is does not fade");
    cr_expect_eq(hy_scoring_plan(s)->thresholds[0].until, 60);
    hy_scoring_free(s);
}

Test(scoring, faults_have_their_place_and_say_what_to_do)
{
    static const struct {
        const char *rest, *said;
    } cases[] = {
        {"rules:\n  - {name: a, points: 1, group: g}\n", "either 'on' (an activity) or 'when'"},
        {"rules:\n  - {name: a, on: 'opened()', when: 'x = 1', points: 1, group: g}\n",
         "either 'on'"},
        {"rules:\n  - {name: a, on: 'opend()', points: 1, group: g}\n",
         "on: 1:1: there is no 'opend'"},
        {"rules:\n  - {name: a, on: 'opened(within 3d)', points: 1, group: g}\n",
         "on: must be one activity without a time"},
        {"rules:\n  - {name: a, on: 'opened()', points: many, group: g}\n",
         "points: 'many' is no whole number"},
        {"rules:\n  - {name: a, on: 'opened()', points: 0, group: g}\n", "points: 0 points"},
        {"rules:\n  - {name: a, on: 'opened()', points: 1, group: h}\n", "group: there is no 'h'"},
        {"rules:\n  - {name: a, on: 'opened()', points: 1, group: g, at_most: 5}\n",
         "at_most: is written as in"},
        {"rules:\n  - {name: a, on: 'opened()', points: 1, group: g, at_most: -5 per 1d}\n",
         "another sign"},
        {"rules:\n  - {name: a, when: 'birthday within 30d', points: 1, group: g}\n",
         "a time that passes"},
        {"rules:\n  - {name: a, when: 'x = 1 and not score > 3', points: 1, group: g}\n",
         "the score itself"},
        {"rules:\n  - {name: a, when: 'segment(\"x\")', points: 1, group: g}\n", "a segment"},
        {"rules:\n  - {name: a, when: 'clicked()', points: 1, group: g}\n", "what the lead did"},
        {"rules:\n  - {name: a, on: 'received()', points: 1, group: g}\n", "mail they received"},
        {"rules:\n  - {name: a, when: 'x = 1', points: 1, group: g, counts: first}\n",
         "are of rules with 'on'"},
        {"rules:\n  - {name: a, on: 'opened()', points: 1, group: g}\n"
         "  - {name: a, on: 'opened()', points: 1, group: g}\n",
         "'a' is an earlier rule"},
        {"thresholds:\n  - {name: hot, from: 5, until: 6}\n", "who enters would leave at once"},
        {"grades:\n  - {group: g, levels: {B: 1, A: 2}}\n", "the highest stands first"},
        {"grades:\n  - {group: g, levels: {B: 1}}\n  - {group: g, levels: {B: 1}}\n",
         "'g' has grades already"},
        {"thresholds:\n  - {name: hot, from: 5, until: 5}\n"
         "handoffs:\n  - {name: a, threshold: hot}\n",
         "either 'mail'"},
        {"handoffs:\n  - {name: a, threshold: warm, mail: [a@b.test]}\n", "there is no 'warm'"},
        {"thresholds:\n  - {name: hot, from: 5, until: 5}\n"
         "handoffs:\n  - {name: a, threshold: hot, mail: [nobody]}\n",
         "'nobody' is no address"},
        {"thresholds:\n  - {name: hot, from: 5, until: 5}\n"
         "handoffs:\n  - {name: a, threshold: hot, url: 'http://crm.test'}\n",
         "does not begin with https://"},
        {"thresholds:\n  - {name: hot, from: 5, until: 5}\n"
         "handoffs:\n  - {name: a, threshold: hot, url: 'https://crm.test', body: '{\"a\": }'}\n",
         "is no JSON"},
        {"thresholds:\n  - {name: hot, from: 5, until: 5}\n"
         "handoffs:\n  - {name: a, threshold: hot, url: 'https://crm.test', headers: {'X Y': a}}\n",
         "no field of a request"},
        {"rulez: []\n", "rules"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        struct hy_problems p = {0};
        struct hy_scoring *s;
        snprintf(text, sizeof text, "groups:\n  - {name: g}\n%s", cases[i].rest);
        cr_assert_eq(hy_scoring_parse("s.yaml", hy_str_of(text), &p, &s), HY_EINVAL, "%s", text);
        cr_assert_eq(p.n, 1, "%s: %zu", text, p.n);
        cr_expect(strstr(p.items[0].text, cases[i].said), "%s", p.items[0].text);
        cr_expect_gt(p.items[0].line, 2);
        hy_problems_free(&p);
    }
}
