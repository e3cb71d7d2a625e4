/* Scores tried without storing anything are what giving all anew makes of them. */
#include "hayauma/react/scores.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "hayauma/base/rand.h"
#include "hayauma/store/lead_change.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/merge.h"
#include "hayauma/store/retention.h"

TestSuite(scores, .init = case_open, .fini = case_close);

#define DAY   ((hy_wall_ms)86400000)
#define DAY_S 86400u

static const struct hy_segment_node *tree(struct hy_arena *a, const char *text)
{
    struct hy_diag diag = {""};
    const struct hy_segment_node *n = NULL;
    cr_assert_eq(hy_segment_parse(hy_str_of(text), a, &diag, &n), 0, "%s", diag.text);
    return n;
}

static const struct hy_score_group groups[] = {{{"engagement", 10}, 0}, {{"fit", 3}, 0}};

/* Rules of every kind. */
static struct hy_score_plan plan_in(struct hy_arena *a)
{
    static struct hy_score_rule rules[5];
    rules[0] = (struct hy_score_rule){.name = HY_STR("page"),
                                      .on = tree(a, "reached(name: \"pricing\")"),
                                      .points = 3,
                                      .most = 7,
                                      .most_per_s = DAY_S,
                                      .half_life_s = 30 * DAY_S};
    rules[1] = (struct hy_score_rule){
        .name = HY_STR("first"), .on = tree(a, "reached()"), .points = 5, .is_first_only = true};
    rules[2] =
        (struct hy_score_rule){.name = HY_STR("order"), .on = tree(a, "ordered()"), .points = 11};
    rules[3] = (struct hy_score_rule){.name = HY_STR("complaint"),
                                      .on = tree(a, "complained()"),
                                      .points = -9,
                                      .most = -20,
                                      .most_per_s = 3 * DAY_S};
    rules[4] = (struct hy_score_rule){.name = HY_STR("decides"),
                                      .when = tree(a, "title = \"director\""),
                                      .points = 20,
                                      .group = 1};
    return (struct hy_score_plan){.groups = groups, .n_groups = 2, .rules = rules, .n_rules = 5};
}

static hy_lead_no lead_made(struct hy_txn *t, unsigned no)
{
    char address[64];
    struct hy_lead_edit_attr attr = {HY_STR("title"), no % 2 ? HY_STR("director") : HY_STR("cat")};
    struct hy_lead_edit_result r = {0};
    struct hy_diag diag = {""};
    snprintf(address, sizeof address, "p%u@cats.test", no);
    struct hy_lead_edit e = {
        .address = hy_str_of(address), .attrs = &attr, .n_attrs = 1, .by = HY_STR("test")};
    cr_assert_eq(hy_lead_edit(t, &e, &r, &diag), 0, "%s", diag.text);
    return r.lead;
}

static void live(struct hy_txn *t, struct hy_scorer *s, struct hy_rng *rng, hy_lead_no lead)
{
    static const enum hy_activity_kind kinds[] = {HY_ACTIVITY_KEY_PAGE, HY_ACTIVITY_ORDER,
                                                  HY_ACTIVITY_COMPLAINT, HY_ACTIVITY_PAGE_VIEW};
    for (int i = 0; i < 80; i++) {
        struct hy_activity a = {
            .kind = kinds[hy_rng_below(rng, 4)],
            .lead = lead,
            .at = t->now - (hy_wall_ms)hy_rng_below(rng, 20 * DAY_S) * 1000,
            .text = hy_rng_below(rng, 3) ? HY_STR("pricing") : HY_STR("about"),
        };
        cr_assert_eq(hy_activity_put(t, &a), 0);
        cr_assert_eq(hy_scorer_note(s, t, &a, 1, NULL), 0);
    }
    cr_assert_eq(hy_scorer_lead(s, t, lead, 1, NULL), 0);
}

static void compare(struct hy_txn *t, struct hy_scorer *s, const struct hy_score_plan *plan,
                    hy_lead_no lead, const char *when)
{
    struct hy_score score;
    struct hy_score_tried tried = {0};
    cr_assert_eq(hy_score_read(t, plan, lead, t->now, &score), 0);
    cr_assert_eq(hy_scorer_try(s, t, lead, t->now, &tried), 0);
    cr_expect_leq(llabs(tried.total_milli - score.total_milli), 1, "%s: lead %u: %lld, tried %lld",
                  when, lead, (long long)score.total_milli, (long long)tried.total_milli);
    for (size_t g = 0; g < 2; g++)
        cr_expect_leq(llabs(tried.groups[g] - score.groups[g]), 1);
}

Test(scores, that_are_tried_are_those_that_were_given_and_those_given_anew)
{
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_score_plan plan = plan_in(&arena);
    struct hy_scorer *s = NULL;
    hy_lead_no leads[20];
    struct hy_rng rng;
    struct hy_txn t;
    struct hy_trim_job trim;
    hy_rng_seed(&rng, 20261122);
    cr_assert_eq(hy_scorer_new(&(struct hy_scorer_options){.plan = &plan}, &s), 0);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (unsigned i = 0; i < 20; i++) {
        leads[i] = lead_made(&t, i);
        live(&t, s, &rng, leads[i]);
        compare(&t, s, &plan, leads[i], "as it came");
        cr_assert_eq(hy_scorer_redo(s, &t, leads[i], true, NULL), 0);
        compare(&t, s, &plan, leads[i], "given anew");
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_trim_job_init(&trim, hy_clock_wall_ms() + 1000);
    cr_assert_eq(run_request(env, &trim.req), 0);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (unsigned i = 0; i < 20; i++) {
        live(&t, s, &rng, leads[i]);
        cr_assert_eq(hy_scorer_redo(s, &t, leads[i], true, NULL), 0);
        compare(&t, s, &plan, leads[i], "behind what was trimmed");
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_scorer_free(s);
    hy_arena_free(&arena);
}

static unsigned said(struct hy_txn *t, hy_lead_no lead)
{
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    struct hy_activity a = {0};
    unsigned n = 0;
    while (hy_activity_next_of(t, &who, a.id, &a) == HY_OK)
        n += a.kind == HY_ACTIVITY_SCORE_REACHED || a.kind == HY_ACTIVITY_SCORE_LEFT;
    return n;
}

Test(scores, of_a_lead_that_did_much_are_given_anew_in_slices_while_it_does_more)
{
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_score_plan plan = plan_in(&arena);
    const struct hy_score_threshold hot = {HY_STR("hot"), 60, 40, 0};
    plan.thresholds = &hot;
    plan.n_thresholds = 1;
    struct hy_scorer *s = NULL;
    struct hy_rng rng;
    struct hy_txn t;
    unsigned slices = 0, told;
    bool is_changed = false;
    int err;
    hy_rng_seed(&rng, 5);
    cr_assert_eq(hy_scorer_new(&(struct hy_scorer_options){.plan = &plan}, &s), 0);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    hy_lead_no lead = lead_made(&t, 1);
    for (int i = 0; i < 6; i++)
        live(&t, s, &rng, lead);
    compare(&t, s, &plan, lead, "as it came");
    told = said(&t, lead);
    cr_assert_gt(told, 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    do {
        cr_assert_eq(hy_txn_write(env, &t), 0);
        if (slices % 3 == 1) { /* another does something beside it */
            struct hy_activity a = {.kind = HY_ACTIVITY_ORDER, .lead = lead, .at = t.now};
            cr_assert_eq(hy_activity_put(&t, &a), 0);
            cr_assert_eq(hy_scorer_note(s, &t, &a, 1, NULL), 0);
        }
        if (slices == 4) /* other rules, in their place: it begins anew */
            ((struct hy_score_rule *)(uintptr_t)plan.rules)[2].print = 77;
        t.yield_at = t.yield_by = 1;
        err = hy_scorer_redo(s, &t, lead, true, &is_changed);
        cr_assert(err == HY_OK || err == HY_EMORE, "%d", err);
        cr_expect_eq(said(&t, lead), told, "slice %u", slices);
        cr_assert_eq(hy_txn_commit(&t), 0);
        slices++;
    } while (err == HY_EMORE && slices < 1000);
    cr_expect_gt(slices, 10);
    cr_expect(err == HY_OK && is_changed);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    compare(&t, s, &plan, lead, "given anew in slices");
    struct hy_score score;
    cr_assert_eq(hy_score_read(&t, &plan, lead, t.now, &score), 0);
    int64_t sliced = score.total_milli;
    cr_expect(score.thresholds[0].is_over);
    cr_assert_eq(hy_scorer_redo(s, &t, lead, true, &is_changed), 0);
    cr_assert_eq(hy_score_read(&t, &plan, lead, t.now, &score), 0);
    cr_expect_eq(score.total_milli, sliced, "at once");
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_scorer_free(s);
    hy_arena_free(&arena);
}

/* As the reaction does it, in slices that end as soon as they may; every third is lost, as at a
 * kill, and so is what the process knew. How many slices it took. */
static unsigned follow(struct hy_scorer **s, const struct hy_score_plan *plan, hy_lead_no lead)
{
    unsigned slices = 0;
    int err = HY_EMORE;
    while (err == HY_EMORE && slices < 10000) {
        struct hy_txn t = case_write();
        t.yield_at = t.yield_by = 1;
        err = hy_scorer_lead(*s, &t, lead, HY_LEAD_MERGED, NULL);
        cr_assert(err == HY_OK || err == HY_EMORE, "%d", err);
        if (++slices % 3) {
            cr_assert_eq(hy_txn_commit(&t), 0);
            continue;
        }
        hy_txn_end(&t);
        err = HY_EMORE;
        hy_scorer_free(*s);
        cr_assert_eq(hy_scorer_new(&(struct hy_scorer_options){.plan = plan}, s), 0);
    }
    return slices;
}

Test(scores, of_leads_that_did_much_are_joined_and_taken_apart_in_slices_over_kills)
{
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_score_plan plan = plan_in(&arena);
    const struct hy_score_threshold hot = {HY_STR("hot"), 60, 40, 0};
    plan.thresholds = &hot;
    plan.n_thresholds = 1;
    struct hy_scorer *s = NULL;
    struct hy_merged did;
    struct hy_diag diag = {""};
    struct hy_score score;
    struct hy_rng rng;
    hy_lead_no leads[2];
    hy_rng_seed(&rng, 9);
    cr_assert_eq(hy_scorer_new(&(struct hy_scorer_options){.plan = &plan}, &s), 0);
    struct hy_txn t = case_write();
    for (unsigned i = 0; i < 2; i++) {
        leads[i] = lead_made(&t, i);
        for (int n = 0; n < 6; n++)
            live(&t, s, &rng, leads[i]);
    }
    cr_assert_eq(hy_txn_commit(&t), 0);

    t = case_write();
    t.yield_at = t.yield_by = 1;
    cr_assert_eq(hy_score_read(&t, &plan, leads[1], t.now, &score), 0);
    cr_assert(score.thresholds[0].is_over);
    cr_assert_eq(hy_lead_merge(&t, leads[0], leads[1], HY_STR("test"), &did, &diag), 0);
    cr_assert_eq(hy_score_read(&t, &plan, leads[1], t.now, &score), 0);
    cr_expect(!score.thresholds[0].is_over, "it stands for nobody from now on");
    uint64_t entries = 0;
    cr_assert_eq(hy_table_count(&t, HY_TABLE_SCORE_LEDGER, &entries), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_gt(entries, 400, "the merge deletes but a few: %lu", entries);
    cr_expect_gt(follow(&s, &plan, leads[0]), 10);
    cr_expect_gt(follow(&s, &plan, leads[1]), 3);
    t = case_write();
    compare(&t, s, &plan, leads[0], "joined");
    cr_assert_eq(hy_score_read(&t, &plan, leads[1], t.now, &score), 0);
    cr_expect_eq(score.total_milli, 0);
    cr_assert_eq(hy_txn_commit(&t), 0);

    t = case_write();
    cr_assert_eq(hy_lead_unmerge(&t, leads[1], HY_STR("test"), &did, &diag), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    for (int i = 0; i < 2; i++)
        cr_expect_gt(follow(&s, &plan, leads[i]), 10);
    t = case_write();
    for (int i = 0; i < 2; i++)
        compare(&t, s, &plan, leads[i], "taken apart");
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_scorer_free(s);
    hy_arena_free(&arena);
}

Test(scores, of_what_a_part_did_outlive_its_activities)
{
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_score_plan plan = plan_in(&arena);
    struct hy_scorer *s = NULL;
    struct hy_merged did;
    struct hy_diag diag = {""};
    struct hy_score score;
    struct hy_trim_job trim;
    cr_assert_eq(hy_scorer_new(&(struct hy_scorer_options){.plan = &plan}, &s), 0);
    struct hy_txn t = case_write();
    hy_lead_no kept = lead_made(&t, 0), part = lead_made(&t, 2);
    struct hy_activity a = {.kind = HY_ACTIVITY_ORDER, .lead = part, .at = t.now};
    cr_assert_eq(hy_activity_put(&t, &a), 0);
    cr_assert_eq(hy_lead_merge(&t, kept, part, HY_STR("test"), &did, &diag), 0);
    cr_assert_eq(hy_scorer_lead(s, &t, kept, HY_LEAD_MERGED, NULL), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_trim_job_init(&trim, hy_clock_wall_ms() + 1000);
    cr_assert_eq(run_request(env, &trim.req), 0);
    t = case_write();
    cr_assert_eq(hy_scorer_redo(s, &t, kept, true, NULL), 0);
    cr_assert_eq(hy_score_read(&t, &plan, kept, t.now, &score), 0);
    cr_expect_eq(score.total_milli, 11000);
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_scorer_free(s);
    hy_arena_free(&arena);
}
