/* Points of leads: given, limited, withdrawn, carried, and what they come to from scratch. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "case.h"
#include "hayauma/base/rand.h"
#include "hayauma/store/handoff.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/retention.h"
#include "hayauma/store/score.h"

TestSuite(score, .init = case_open, .fini = case_close);

#define DAY   ((hy_wall_ms)86400000)
#define DAY_S 86400u

static const struct hy_segment_node reached = {
    .kind = HY_SEGMENT_DID, .op = HY_SEGMENT_GE, .did = HY_ACTIVITY_KEY_PAGE, .count = 1};
static const struct hy_segment_node clicked = {
    .kind = HY_SEGMENT_DID, .op = HY_SEGMENT_GE, .did = HY_ACTIVITY_CLICK, .count = 1};
static const struct hy_segment_node attended = {
    .kind = HY_SEGMENT_DID, .op = HY_SEGMENT_GE, .did = HY_ACTIVITY_OFFLINE, .count = 1};
static const struct hy_segment_node complained = {
    .kind = HY_SEGMENT_DID, .op = HY_SEGMENT_GE, .did = HY_ACTIVITY_COMPLAINT, .count = 1};
static const struct hy_segment_node director = {
    .kind = HY_SEGMENT_MEMBER, .group = HY_SEGMENT_TAG, .name = {"director", 8}};

static const struct hy_score_group groups[] = {{{"engagement", 10}, 0}, {{"fit", 3}, 0}};
static const int32_t fit_levels[] = {40, 20};

static struct hy_score_plan plan_of(const struct hy_score_rule *rules, size_t n)
{
    static const struct hy_score_threshold hot = {{"hot", 3}, 14, 10};
    static struct hy_score_grades fit = {.group = 1, .n = 2};
    fit.names[0] = HY_STR("A");
    fit.names[1] = HY_STR("B");
    memcpy(fit.levels, fit_levels, sizeof fit_levels);
    return (struct hy_score_plan){.groups = groups,
                                  .n_groups = 2,
                                  .rules = rules,
                                  .n_rules = n,
                                  .thresholds = &hot,
                                  .n_thresholds = 1,
                                  .grades = &fit,
                                  .n_grades = 1};
}

static const struct hy_score_rule worked[] = {
    {.name = {"key page", 8}, .on = &reached, .points = 3},
    {.name = {"click", 5}, .on = &clicked, .points = 1},
    {.name = {"seminar", 7}, .on = &attended, .points = 10},
};

static struct hy_str no_value(void *ctx, struct hy_str key)
{
    (void)ctx;
    (void)key;
    return (struct hy_str){0};
}
static const struct hy_segment_deed deed = {.value = no_value};
static const struct hy_segment_deed *deed_of(void *ctx, struct hy_txn *t,
                                             const struct hy_activity *a)
{
    (void)ctx;
    (void)t;
    (void)a;
    return &deed;
}

/* One write transaction at a time, whose clock the case sets. */
static struct hy_txn txn;
static void begin(hy_wall_ms now)
{
    cr_assert_eq(hy_txn_write(env, &txn), 0);
    if (now)
        txn.now = now;
}
static void commit(void)
{
    cr_assert_eq(hy_txn_commit(&txn), 0);
}

static struct hy_activity put(enum hy_activity_kind kind, hy_lead_no lead, hy_wall_ms at)
{
    struct hy_activity a = {
        .kind = kind, .lead = lead, .at = at, .flags = HY_ACTIVITY_COUNTED | HY_ACTIVITY_HUMAN};
    cr_assert_eq(hy_activity_put(&txn, &a), 0);
    return a;
}

static bool note(const struct hy_score_plan *plan, const struct hy_activity *a, int sign)
{
    bool is_changed = false;
    cr_assert_eq(hy_scores_note(&txn, plan, a, &deed, sign, &is_changed), 0);
    return is_changed;
}

static struct hy_activity did(const struct hy_score_plan *plan, enum hy_activity_kind kind,
                              hy_lead_no lead, hy_wall_ms at)
{
    struct hy_activity a = put(kind, lead, at);
    (void)note(plan, &a, 1);
    return a;
}

static struct hy_score score_at(const struct hy_score_plan *plan, hy_lead_no lead, hy_wall_ms now)
{
    struct hy_score s;
    cr_assert_eq(hy_score_read(&txn, plan, lead, now, &s), 0);
    return s;
}

static int64_t total(const struct hy_score_plan *plan, hy_lead_no lead)
{
    return score_at(plan, lead, txn.now).total_milli;
}

static unsigned count(enum hy_activity_kind kind)
{
    struct hy_activity a = {0};
    unsigned n = 0;
    while (hy_activity_next(&txn, a.id, &a, NULL) == 0)
        n += a.kind == kind;
    return n;
}

Test(score, of_a_key_page_a_click_and_a_seminar_is_14_and_hot)
{
    struct hy_score_plan plan = plan_of(worked, 3);
    uint32_t hot = 0;
    uint64_t n = 0;
    begin(0);
    struct hy_activity page = did(&plan, HY_ACTIVITY_KEY_PAGE, 7, txn.now - 2 * DAY);
    did(&plan, HY_ACTIVITY_CLICK, 7, txn.now - DAY);
    cr_expect_eq(total(&plan, 7), 4000);
    cr_expect_not(score_at(&plan, 7, txn.now).thresholds[0].is_over);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now);
    struct hy_score s = score_at(&plan, 7, txn.now + 365 * DAY);
    cr_expect_eq(s.total_milli, 14000, "got %lld", (long long)s.total_milli);
    cr_expect_eq(s.groups[0], 14000);
    cr_expect(s.thresholds[0].is_over);
    cr_expect_eq(s.thresholds[0].since, txn.now);
    cr_expect_eq(hy_score_threshold_no(&txn, HY_STR("hot"), &hot), 0);
    struct hy_lead_set set = {.kind = HY_LEAD_SET_THRESHOLD, .no = hot};
    cr_expect_eq(hy_lead_set_count(&txn, set, &n), 0);
    cr_expect_eq(n, 1);
    cr_expect_not(note(&plan, &page, 1), "the same once more changes nothing");
    cr_expect_eq(count(HY_ACTIVITY_SCORE_REACHED), 1);
    commit();
}

Test(score, entering_a_threshold_is_an_activity_with_its_reasons)
{
    struct hy_score_plan plan = plan_of(worked, 3);
    struct hy_activity a;
    begin(0);
    did(&plan, HY_ACTIVITY_KEY_PAGE, 7, txn.now);
    did(&plan, HY_ACTIVITY_CLICK, 7, txn.now);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now);
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = 7};
    cr_assert_eq(hy_activity_prev_of(&txn, &who, 0, &a), 0);
    cr_expect_eq(a.kind, HY_ACTIVITY_SCORE_REACHED);
    cr_expect(hy_str_eq(a.text, HY_STR("hot")));
    cr_expect(hy_str_eq(a.meta, HY_STR("{\"score\":14.000,\"reasons\":["
                                       "{\"rule\":\"seminar\",\"points\":10.000,\"times\":1},"
                                       "{\"rule\":\"key page\",\"points\":3.000,\"times\":1},"
                                       "{\"rule\":\"click\",\"points\":1.000,\"times\":1}]}")),
              "%.*s", HY_STR_ARG(a.meta));
    commit();
}

Test(score, what_is_withdrawn_counts_no_more_and_stays_to_be_seen)
{
    struct hy_score_plan plan = plan_of(worked, 3);
    struct hy_score_place at = {0};
    struct hy_score_item item;
    unsigned withdrawn = 0;
    begin(0);
    did(&plan, HY_ACTIVITY_KEY_PAGE, 7, txn.now);
    struct hy_activity click = did(&plan, HY_ACTIVITY_CLICK, 7, txn.now);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now);
    cr_expect(note(&plan, &click, -1));
    cr_expect_eq(total(&plan, 7), 13000);
    cr_expect(score_at(&plan, 7, txn.now).thresholds[0].is_over, "it leaves below 10 only");
    cr_expect_not(note(&plan, &click, -1));
    while (hy_score_ledger_next(&txn, 7, &at, &item) == 0)
        if (item.kind == HY_SCORE_WITHDRAWN) {
            withdrawn++;
            cr_expect_eq(item.activity, click.id);
            cr_expect_eq(item.withdrawn, txn.now);
            cr_expect_eq(hy_score_item_worth(&item, txn.now), 0);
        }
    cr_expect_eq(withdrawn, 1);
    cr_expect(note(&plan, &click, 1), "a person after all");
    cr_expect_eq(total(&plan, 7), 14000);
    commit();
}

Test(score, that_fell_below_leaves_the_threshold)
{
    static const struct hy_score_rule rules[] = {
        {.name = {"seminar", 7}, .on = &attended, .points = 10},
        {.name = {"complaint", 9}, .on = &complained, .points = -50},
    };
    struct hy_score_plan plan = plan_of(rules, 2);
    begin(0);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now + 1);
    cr_expect(score_at(&plan, 7, txn.now).thresholds[0].is_over);
    did(&plan, HY_ACTIVITY_COMPLAINT, 7, txn.now);
    cr_expect_not(score_at(&plan, 7, txn.now).thresholds[0].is_over);
    cr_expect_eq(count(HY_ACTIVITY_SCORE_LEFT), 1);
    commit();
}

Test(score, of_a_limited_rule_does_not_depend_on_the_order_in_which_it_was_told)
{
    static const struct hy_score_rule rules[] = {
        {.name = {"click", 5}, .on = &clicked, .points = 3, .most = 7, .most_per_s = DAY_S},
        {.name = {"first", 5}, .on = &clicked, .points = 5, .is_first_only = true},
    };
    struct hy_score_plan plan = plan_of(rules, 2);
    struct hy_score_past past = {.deed = deed_of, .is_silent = true};
    struct hy_rng rng;
    hy_rng_seed(&rng, 7);
    for (unsigned round = 0; round < 40; round++) {
        struct hy_activity all[60];
        bool is_in[60] = {false};
        begin(1700000000000 + round);
        hy_lead_no lead = 100 + round;
        for (size_t i = 0; i < 60; i++)
            all[i] = put(HY_ACTIVITY_CLICK, lead,
                         txn.now - (hy_wall_ms)hy_rng_below(&rng, 5 * 86400) * 1000);
        for (size_t i = 0; i < 400; i++) {
            size_t k = (size_t)hy_rng_below(&rng, 60);
            is_in[k] = hy_rng_below(&rng, 3) > 0;
            (void)note(&plan, &all[k], is_in[k] ? 1 : -1);
        }
        int64_t got = total(&plan, lead);
        for (size_t i = 0; i < 60; i++)
            (void)note(&plan, &all[i], -1);
        cr_expect_eq(total(&plan, lead), 0);
        for (size_t i = 60; i-- > 0;)
            if (is_in[i])
                (void)note(&plan, &all[i], 1);
        cr_expect_eq(total(&plan, lead), got, "round %u: %lld backwards, %lld by chance", round,
                     (long long)total(&plan, lead), (long long)got);
        for (size_t i = 0; i < 60; i++)
            (void)note(&plan, &all[i], 1);
        int64_t whole = total(&plan, lead);
        cr_assert_eq(hy_scores_redo(&txn, &plan, lead, &past, NULL), 0);
        cr_expect_eq(total(&plan, lead), whole, "from scratch");
        commit();
    }
}

Test(score, of_a_limited_rule_is_what_the_rule_says)
{
    static const struct hy_score_rule rule = {
        .name = {"click", 5}, .on = &clicked, .points = 3, .most = 7, .most_per_s = DAY_S};
    struct hy_score_plan plan = plan_of(&rule, 1);
    begin(1700000000000);
    hy_wall_ms start = txn.now - 10 * DAY;
    struct hy_activity first = did(&plan, HY_ACTIVITY_CLICK, 7, start);
    for (int i = 1; i < 5; i++)
        did(&plan, HY_ACTIVITY_CLICK, 7, start + i);
    cr_expect_eq(total(&plan, 7), 7000);
    did(&plan, HY_ACTIVITY_CLICK, 7, start + DAY - 1);
    cr_expect_eq(total(&plan, 7), 7000, "still within a day of the first");
    did(&plan, HY_ACTIVITY_CLICK, 7, start + DAY);
    cr_expect_eq(total(&plan, 7), 10000, "the first is forgotten");
    (void)note(&plan, &first, -1);
    cr_expect_eq(total(&plan, 7), 7000 + 1000 - 1000 + 0, "what it took is given to others");
    commit();
}

Test(score, that_fades_leaves_its_threshold_when_its_time_has_come)
{
    static const struct hy_score_rule rule = {
        .name = {"seminar", 7}, .on = &attended, .points = 20, .half_life_s = 10 * DAY_S};
    struct hy_score_plan plan = plan_of(&rule, 1);
    bool more = true;
    begin(1700000000000);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now);
    cr_expect(score_at(&plan, 7, txn.now).thresholds[0].is_over);
    cr_assert_eq(hy_scores_due(&txn, &plan, txn.now + 9 * DAY, 10, &more), 0);
    cr_expect_not(more);
    cr_expect(score_at(&plan, 7, txn.now).thresholds[0].is_over, "nothing was due");
    txn.now += 10 * DAY + 120000; /* below 9.9995: what rounds to 10 is 10 */
    cr_assert_eq(hy_scores_due(&txn, &plan, txn.now, 10, &more), 0);
    cr_expect_not(score_at(&plan, 7, txn.now).thresholds[0].is_over);
    cr_expect_eq(count(HY_ACTIVITY_SCORE_LEFT), 1);
    cr_assert_eq(hy_scores_due(&txn, &plan, txn.now + 10000 * DAY, 10, &more), 0);
    cr_expect_not(more, "nothing is left to look at");
    commit();
}

Test(score, whose_bad_points_fade_enters_when_their_time_has_come)
{
    static const struct hy_score_rule rules[] = {
        {.name = {"seminar", 7}, .on = &attended, .points = 20},
        {.name = {"complaint", 9}, .on = &complained, .points = -12, .half_life_s = 10 * DAY_S},
    };
    struct hy_score_plan plan = plan_of(rules, 2);
    bool more = true;
    begin(1700000000000);
    did(&plan, HY_ACTIVITY_COMPLAINT, 7, txn.now);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now);
    cr_expect_not(score_at(&plan, 7, txn.now).thresholds[0].is_over);
    for (int minute = 0; minute < 30; minute++) {
        txn.now = 1700000000000 + 10 * DAY + minute * 60000;
        cr_assert_eq(hy_scores_due(&txn, &plan, txn.now, 10, &more), 0);
    }
    cr_expect(score_at(&plan, 7, txn.now).thresholds[0].is_over, "20 - 6 are 14");
    commit();
}

struct person {
    bool is_director;
};
static struct hy_str no_attribute(void *ctx, struct hy_str name)
{
    (void)ctx;
    (void)name;
    return (struct hy_str){0};
}
static bool is_member(void *ctx, enum hy_segment_group group, struct hy_str name)
{
    (void)group;
    (void)name;
    return ((struct person *)ctx)->is_director;
}

Test(score, of_what_a_lead_is_lasts_while_it_is_true)
{
    static const struct hy_score_rule rule = {
        .name = {"decides", 7}, .when = &director, .points = 25, .group = 1};
    struct hy_score_plan plan = plan_of(&rule, 1);
    struct person p = {true};
    struct hy_segment_facts facts = {.ctx = &p, .attribute = no_attribute, .is_member = is_member};
    bool is_changed = false;
    begin(0);
    cr_assert_eq(hy_scores_review(&txn, &plan, 7, &facts, &is_changed), 0);
    cr_expect(is_changed);
    cr_assert_eq(hy_scores_review(&txn, &plan, 7, &facts, &is_changed), 0);
    cr_expect_not(is_changed);
    struct hy_score s = score_at(&plan, 7, txn.now + 900 * DAY);
    cr_expect_eq(s.groups[1], 25000);
    cr_expect_eq(s.groups[0], 0);
    cr_expect_eq(s.grades[0], 1, "B from 20");
    p.is_director = false;
    cr_assert_eq(hy_scores_review(&txn, &plan, 7, &facts, &is_changed), 0);
    cr_expect_eq(total(&plan, 7), 0);
    uint64_t n = 1;
    cr_assert_eq(hy_table_count(&txn, HY_TABLE_SCORE_LEDGER, &n), 0);
    cr_expect_eq(n, 0);
    commit();
}

Test(score, given_by_a_rule_that_changed_stays_until_all_is_given_anew)
{
    static const struct hy_score_rule changed[] = {
        {.name = {"key page", 8}, .on = &reached, .points = 5, .print = 1},
    };
    struct hy_score_plan old = plan_of(worked, 3), new = plan_of(changed, 1);
    struct hy_score_past past = {.deed = deed_of};
    bool is_changed = false;
    begin(0);
    did(&old, HY_ACTIVITY_KEY_PAGE, 7, txn.now);
    did(&old, HY_ACTIVITY_OFFLINE, 7, txn.now);
    did(&new, HY_ACTIVITY_KEY_PAGE, 7, txn.now);
    cr_expect_eq(total(&new, 7), 18000);
    cr_assert_eq(hy_scores_redo(&txn, &new, 7, &past, &is_changed), 0);
    cr_expect(is_changed);
    cr_expect_eq(total(&new, 7), 10000);
    cr_assert_eq(hy_scores_redo(&txn, &new, 7, &past, &is_changed), 0);
    cr_expect_not(is_changed);
    commit();
}

static uint64_t rows(enum hy_table table)
{
    struct hy_txn t;
    uint64_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_table_count(&t, table, &n), 0);
    hy_txn_end(&t);
    return n;
}

Test(score, of_trimmed_activities_is_carried_on)
{
    static const struct hy_score_rule rules[] = {
        {.name = {"click", 5}, .on = &clicked, .points = 8, .half_life_s = 10 * DAY_S},
        {.name = {"first", 5}, .on = &clicked, .points = 5, .is_first_only = true},
    };
    struct hy_score_plan plan = plan_of(rules, 2);
    struct hy_score_past past = {.deed = deed_of};
    struct hy_trim_job trim;
    begin(0);
    hy_wall_ms now = txn.now;
    for (int i = 0; i < 50; i++)
        did(&plan, HY_ACTIVITY_CLICK, 7, now - i * DAY);
    int64_t before = total(&plan, 7);
    commit();
    cr_expect_eq(rows(HY_TABLE_SCORE_LEDGER), 100);
    hy_trim_job_init(&trim, hy_clock_wall_ms() + 1000);
    cr_assert_eq(run_request(env, &trim.req), 0);
    cr_expect_eq(rows(HY_TABLE_ACTIVITIES), 0);
    cr_expect_eq(rows(HY_TABLE_SCORE_LEDGER), 2, "one a rule");
    begin(now);
    cr_expect_eq(total(&plan, 7), before);
    cr_assert_eq(hy_scores_redo(&txn, &plan, 7, &past, NULL), 0);
    cr_expect_lt(llabs(total(&plan, 7) - before), 2, "%lld and %lld", (long long)total(&plan, 7),
                 (long long)before);
    before = total(&plan, 7);
    did(&plan, HY_ACTIVITY_CLICK, 7, now);
    cr_expect_eq(total(&plan, 7), before + 8000, "the first was long ago");
    cr_assert_eq(hy_scores_join(&txn, 7, 8), 0);
    cr_assert_eq(hy_scores_redo(&txn, &plan, 8, &past, NULL), 0);
    cr_expect_eq(total(&plan, 7), 0);
    cr_expect_lt(llabs(total(&plan, 8) - before), 2);
    commit();
}

Test(score, of_an_erased_lead_leaves_nothing)
{
    struct hy_score_plan plan = plan_of(worked, 3);
    begin(0);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now);
    cr_assert_eq(hy_scores_erase(&txn, 7), 0);
    commit();
    cr_expect_eq(rows(HY_TABLE_SCORE_LEDGER), 0);
    cr_expect_eq(rows(HY_TABLE_SCORES), 0);
    cr_expect_eq(rows(HY_TABLE_SCORE_DUE), 0);
    begin(0);
    struct hy_lead_set set = {.kind = HY_LEAD_SET_THRESHOLD, .no = 1};
    bool is_in = true;
    cr_assert_eq(hy_lead_set_has(&txn, set, 7, &is_in), 0);
    cr_expect_not(is_in);
    commit();
}

static struct hy_score_plan handed_plan(struct hy_score_threshold *hot)
{
    static const struct hy_score_rule rules[] = {
        {.name = {"seminar", 7}, .on = &attended, .points = 20},
        {.name = {"complaint", 9}, .on = &complained, .points = -20},
    };
    static const struct hy_str owners[] = {{"a@sales.test", 12}};
    static const struct hy_score_handoff handoffs[] = {
        {.name = {"mail", 4}, .owners = owners, .n_owners = 1},
        {.name = {"crm", 3}, .url = "https://crm.test"},
    };
    struct hy_score_plan plan = plan_of(rules, 2);
    *hot = plan.thresholds[0];
    hot->again_after_s = 30 * DAY_S;
    plan.thresholds = hot;
    plan.handoffs = handoffs;
    plan.n_handoffs = 2;
    return plan;
}

Test(score, that_enters_a_threshold_is_handed_over_and_not_again_soon)
{
    struct hy_score_threshold hot;
    struct hy_score_plan plan = handed_plan(&hot);
    struct hy_handoff h = {0}, again;
    uint64_t pending = 0, failed = 0;
    begin(1700000000000);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now);
    cr_assert_eq(hy_handoff_count(&txn, &pending, &failed), 0);
    cr_expect_eq(pending, 2);
    cr_assert_eq(hy_handoff_next(&txn, &h, &h), 0);
    cr_expect(hy_str_eq(h.name, HY_STR("mail")) && hy_str_eq(h.threshold, HY_STR("hot")));
    cr_expect(h.lead == 7 && h.entered == txn.now && h.tries == 0);
    cr_assert_eq(hy_handoff_again(&txn, &h, h.due_s + 60, HY_STR("no answer")), 0);
    cr_expect_eq(hy_handoff_again(&txn, &h, h.due_s + 60, HY_STR("x")), HY_ENOTFOUND, "it moved");
    again = (struct hy_handoff){.due_s = h.due_s + 1};
    cr_assert_eq(hy_handoff_next(&txn, &again, &again), 0);
    cr_expect(again.id == h.id && again.tries == 1 && hy_str_eq(again.why, HY_STR("no answer")));
    cr_assert_eq(hy_handoff_again(&txn, &again, HY_HANDOFF_FAILED, HY_STR("never")), 0);
    cr_assert_eq(hy_handoff_count(&txn, &pending, &failed), 0);
    cr_expect(pending == 1 && failed == 1);
    did(&plan, HY_ACTIVITY_COMPLAINT, 7, txn.now);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now);
    cr_expect_eq(count(HY_ACTIVITY_SCORE_REACHED), 2);
    cr_assert_eq(hy_handoff_count(&txn, &pending, &failed), 0);
    cr_expect_eq(pending, 1, "it was handed over just now");
    txn.now += 31 * DAY;
    did(&plan, HY_ACTIVITY_COMPLAINT, 7, txn.now);
    did(&plan, HY_ACTIVITY_OFFLINE, 7, txn.now);
    cr_assert_eq(hy_handoff_count(&txn, &pending, &failed), 0);
    cr_expect_eq(pending, 3);
    commit();
}

/* The entry of a lane as it was before there were lanes. */
static void make_old(const struct hy_handoff *h)
{
    uint8_t key[14];
    char room[512];
    struct hy_str value;
    hy_put_be16(key, h->lane);
    hy_put_be32(key + 2, h->due_s);
    hy_put_be64(key + 6, h->id);
    cr_assert_eq(hy_get(&txn, HY_TABLE_HANDOFFS, hy_str_make(key, 14), &value), 0);
    memcpy(room, value.p, value.n);
    value.p = room;
    cr_assert_eq(hy_put(&txn, HY_TABLE_HANDOFFS, hy_str_make(key + 2, 12), value, HY_PUT_NEW), 0);
    cr_assert_eq(hy_handoff_done(&txn, h), 0);
}

/* Damages the value of an entry; returns the problems that an audit finds then. */
static uint64_t damage(const uint8_t *key, size_t n)
{
    cr_assert_eq(
        hy_put(&txn, HY_TABLE_HANDOFFS, hy_str_make(key, n), HY_STR("\x01\xff\xff"), HY_PUT_SET),
        0);
    commit();
    uint64_t problems = case_problems();
    begin(1700000000000);
    return problems;
}

Test(score, a_damaged_hand_off_is_passed_over_and_named_by_the_audit)
{
    struct hy_score_threshold hot;
    struct hy_score_plan plan = handed_plan(&hot);
    struct hy_handoff h = {0}, next, last;
    uint8_t key[14], old[12];
    uint64_t n = 9;
    uint16_t lane = 0;
    begin(1700000000000);
    for (hy_lead_no lead = 7; lead < 10; lead++)
        did(&plan, HY_ACTIVITY_OFFLINE, lead, txn.now);
    cr_assert_eq(hy_handoff_next(&txn, &h, &h), 0);
    cr_assert_eq(hy_handoff_next(&txn, &h, &next), 0);
    hy_put_be16(key, h.lane);
    hy_put_be32(key + 2, h.due_s);
    hy_put_be64(key + 6, h.id);
    commit();
    uint64_t before = case_problems();
    begin(1700000000000);
    cr_expect_eq(damage(key, sizeof key), before + 1);
    last = (struct hy_handoff){0};
    cr_assert_eq(hy_handoff_next(&txn, &last, &last), 0);
    cr_expect(last.id == next.id && last.lane == h.lane, "the one behind it is found");
    cr_assert_eq(hy_handoff_next_lane(&txn, 0, &lane), 0);
    cr_expect_eq(lane, h.lane);
    cr_assert_eq(hy_handoff_damaged(&txn, NULL, NULL, &n), 0);
    cr_expect_eq(n, 1u);

    /* one of before there were lanes, behind a good one of these */
    cr_assert_eq(hy_handoff_next(&txn, &last, &last), 0);
    make_old(&last);
    hy_put_be32(old, UINT32_MAX);
    hy_put_be64(old + 4, 1);
    cr_expect_eq(damage(old, sizeof old), before + 2);
    cr_assert_eq(hy_handoff_move_old(&txn), 0);
    next = (struct hy_handoff){.lane = last.lane, .due_s = last.due_s, .id = last.id - 1};
    cr_assert_eq(hy_handoff_next(&txn, &next, &next), 0);
    cr_expect_eq(next.id, last.id, "it has its lane");
    commit();
}

Test(score, a_hand_off_has_a_lane_of_its_own)
{
    struct hy_score_threshold hot;
    struct hy_score_plan plan = handed_plan(&hot);
    struct hy_handoff h = {0}, mail, crm;
    uint64_t pending = 0, failed = 0;
    uint16_t lane = 0;
    begin(1700000000000);
    for (hy_lead_no lead = 7; lead < 10; lead++)
        did(&plan, HY_ACTIVITY_OFFLINE, lead, txn.now);
    cr_assert_eq(hy_handoff_next_lane(&txn, 0, &lane), 0);
    mail.lane = lane;
    cr_assert_eq(hy_handoff_next_lane(&txn, lane, &lane), 0);
    crm = (struct hy_handoff){.lane = lane};
    cr_expect_eq(hy_handoff_next_lane(&txn, lane, &lane), HY_ENOTFOUND);
    for (hy_lead_no lead = 7; lead < 10; lead++) {
        cr_assert_eq(hy_handoff_next(&txn, &crm, &crm), 0);
        cr_expect(crm.lead == lead && hy_str_eq(crm.name, HY_STR("crm")));
    }
    cr_expect_eq(hy_handoff_next(&txn, &crm, &crm), HY_ENOTFOUND);

    cr_assert_eq(hy_handoff_next(&txn, &h, &h), 0);
    cr_expect(h.lane == mail.lane && hy_str_eq(h.name, HY_STR("mail")));
    cr_assert_eq(hy_handoff_again(&txn, &h, HY_HANDOFF_FAILED, HY_STR("never")), 0);
    make_old(&crm);
    cr_assert_eq(hy_handoff_move_old(&txn), 0);
    cr_assert_eq(hy_handoff_move_old(&txn), 0, "again changes nothing");
    struct hy_handoff again = {.lane = crm.lane, .due_s = crm.due_s, .id = crm.id - 1};
    cr_assert_eq(hy_handoff_next(&txn, &again, &again), 0);
    cr_expect(again.id == crm.id && again.lead == 9 && hy_str_eq(again.name, HY_STR("crm")));
    cr_assert_eq(hy_handoff_count(&txn, &pending, &failed), 0);
    cr_expect(pending == 5 && failed == 1);
    commit();
}
