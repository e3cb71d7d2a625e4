#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "hayauma/base/rand.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/campaign_tally.h"
#include "hayauma/store/retention.h"

enum { HOUR = 3600 * 1000 };
static const hy_wall_ms noon = 470000LL * HOUR;

static hy_id campaign;

static void setup(void)
{
    case_open();
    campaign = campaign_make(env, "spring");
}
TestSuite(campaign_tally, .init = setup, .fini = case_close);

static hy_id put(struct hy_activity a)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_activity_put(&t, &a), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return a.id;
}

static char problem_text[400];
static void keep(void *ctx, const char *text)
{
    (void)ctx;
    snprintf(problem_text, sizeof problem_text, "%s", text);
}
static uint64_t problems(void)
{
    struct hy_audit_sink sink = {.problem = keep};
    struct hy_audit_report r;
    cr_assert_eq(hy_audit(env, &sink, &r), 0);
    return r.problems;
}
static void assert_sound(void)
{
    cr_assert_eq(problems(), 0, "%s", problem_text);
}

/* Everything that is counted, as one line: columns in all, sets, links. */
static const char *told(void)
{
    static char text[512];
    uint64_t n[HY_TALLY_COLUMNS] = {0}, people;
    struct hy_tally_hour h;
    struct hy_tally_link l;
    struct hy_txn t;
    size_t at = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (uint32_t from = 0; hy_campaign_tally_hour(&t, campaign, from, &h) == 0; from = h.hour + 1)
        for (unsigned i = 0; i < HY_TALLY_COLUMNS; i++)
            n[i] += h.n[i];
    for (unsigned i = 0; i < HY_TALLY_COLUMNS; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%d%s", (int)n[i],
                               i == 2 || i == 5 ? " " : "");
    for (unsigned deed = HY_LEAD_SET_OPENED; deed <= HY_LEAD_SET_BOUNCED; deed++) {
        struct hy_lead_set set = {HY_LEAD_SET_CAMPAIGN, campaign, (uint8_t)deed};
        cr_assert_eq(hy_lead_set_count(&t, set, &people), 0);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", deed == 1 ? " / " : "",
                               (int)people);
    }
    for (uint32_t from = 0; hy_campaign_tally_link(&t, campaign, from, &l) == 0; from = l.link + 1)
        at +=
            (size_t)snprintf(text + at, sizeof text - at, " %d:%d,%d,%d,%d", (int)l.link,
                             (int)l.clicks[0], (int)l.clicks[1], (int)l.clicks[2], (int)l.n_people);
    hy_txn_end(&t);
    return text;
}

enum { H = HY_ACTIVITY_HUMAN, M = HY_ACTIVITY_MACHINE, U = 0 };

Test(campaign_tally, what_is_noted_is_counted_by_who_did_it)
{
    static const struct {
        enum hy_activity_kind kind;
        hy_lead_no lead;
        uint32_t link;
        uint8_t flags;
        const char *want; /* opens h m u, clicks h m u, the rest / sets / links h, m, u, people */
    } steps[] = {
        {HY_ACTIVITY_OPEN, 5, 0, U, "001 000 0000 / 010000000"},
        {HY_ACTIVITY_OPEN, 5, 0, H, "101 000 0000 / 110000000"},
        {HY_ACTIVITY_OPEN, 5, 0, H, "201 000 0000 / 110000000"},
        {HY_ACTIVITY_OPEN, 6, 0, M, "211 000 0000 / 120000000"},
        {HY_ACTIVITY_CLICK, 5, 2, H, "211 100 0000 / 121100000 2:1,0,0,1"},
        {HY_ACTIVITY_CLICK, 5, 2, M | HY_ACTIVITY_HUMAN, "211 110 0000 / 121100000 2:1,1,0,1"},
        {HY_ACTIVITY_CLICK, 5, 1, U, "211 111 0000 / 121100000 1:0,0,1,0 2:1,1,0,1"},
        {HY_ACTIVITY_CLICK, 0, 9999, H, "211 211 0000 / 121100000 0:1,0,0,0 1:0,0,1,0 2:1,1,0,1"},
        {HY_ACTIVITY_UNSUBSCRIBE, 7, 0, 0,
         "211 211 1000 / 121110000 0:1,0,0,0 1:0,0,1,0 2:1,1,0,1"},
        {HY_ACTIVITY_COMPLAINT, 7, 0, 0, "211 211 1100 / 121111000 0:1,0,0,0 1:0,0,1,0 2:1,1,0,1"},
        {HY_ACTIVITY_REPLY, 8, 0, 0, "211 211 1110 / 121111100 0:1,0,0,0 1:0,0,1,0 2:1,1,0,1"},
        {HY_ACTIVITY_LATE_BOUNCE, 9, 0, HY_ACTIVITY_HARD,
         "211 211 1111 / 121111101 0:1,0,0,0 1:0,0,1,0 2:1,1,0,1"},
        {HY_ACTIVITY_AUTO_REPLY, 9, 0, 0, "211 211 1111 / 121111101 0:1,0,0,0 1:0,0,1,0 2:1,1,0,1"},
        {HY_ACTIVITY_RESUBSCRIBE, 7, 0, 0,
         "211 211 1111 / 121101101 0:1,0,0,0 1:0,0,1,0 2:1,1,0,1"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        put((struct hy_activity){.kind = steps[i].kind,
                                 .campaign = campaign,
                                 .lead = steps[i].lead,
                                 .link = steps[i].link,
                                 .flags = steps[i].flags});
        cr_expect_str_eq(told(), steps[i].want, "step %zu: got  %s\nwant %s", i, told(),
                         steps[i].want);
    }
    assert_sound();
}

Test(campaign_tally, hours_are_those_in_which_it_happened)
{
    struct hy_tally_hour h;
    struct hy_txn t;
    put((struct hy_activity){
        .kind = HY_ACTIVITY_OPEN, .campaign = campaign, .lead = 1, .at = noon + HOUR - 1});
    put((struct hy_activity){
        .kind = HY_ACTIVITY_OPEN, .campaign = campaign, .lead = 1, .at = noon - 1});
    put((struct hy_activity){
        .kind = HY_ACTIVITY_OPEN, .campaign = campaign, .lead = 1, .at = noon + HOUR});
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_campaign_tally_hour(&t, campaign, 0, &h), 0);
    cr_assert_eq(h.hour, 469999);
    cr_assert_eq(hy_campaign_tally_hour(&t, campaign, 470000, &h), 0);
    cr_assert_eq(h.hour, 470000);
    cr_assert_eq(h.n[HY_TALLY_OPENS + HY_TALLY_UNKNOWN], 1);
    cr_assert_eq(hy_campaign_tally_hour(&t, campaign, 470001, &h), 0);
    cr_assert_eq(hy_campaign_tally_hour(&t, campaign, 470002, &h), HY_ENOTFOUND);
    hy_txn_end(&t);
}

static uint64_t entries(enum hy_table table)
{
    struct hy_txn t;
    uint64_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_table_count(&t, table, &n), 0);
    hy_txn_end(&t);
    return n;
}

Test(campaign_tally, a_campaign_that_is_not_there_counts_nothing)
{
    put((struct hy_activity){.kind = HY_ACTIVITY_CLICK, .campaign = 77, .lead = 1, .link = 1});
    cr_assert_eq(entries(HY_TABLE_CAMPAIGN_TALLIES), 0);
    cr_assert_eq(entries(HY_TABLE_LEAD_SETS), 0);
    assert_sound();
}

Test(campaign_tally, counts_outlive_the_log_and_the_audit_knows_what_went)
{
    struct hy_trim_job job;
    uint64_t gone[HY_TALLY_COLUMNS];
    struct hy_txn t;
    char before[512];
    for (hy_lead_no lead = 1; lead <= 20; lead++)
        put((struct hy_activity){
            .kind = HY_ACTIVITY_CLICK, .campaign = campaign, .lead = lead, .link = 3, .flags = H});
    snprintf(before, sizeof before, "%s", told());
    hy_trim_job_init(&job, hy_clock_wall_ms() + 1000);
    cr_assert_eq(run_request(env, &job.req), 0);
    cr_assert_eq(entries(HY_TABLE_ACTIVITIES), 0);
    cr_assert_str_eq(told(), before);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_campaign_tally_gone(&t, campaign, gone), 0);
    hy_txn_end(&t);
    cr_assert_eq(gone[HY_TALLY_CLICKS + HY_TALLY_HUMAN], 20);
    assert_sound();
}

Test(campaign_tally, counts_and_sets_go_with_the_campaign)
{
    struct hy_drop_job job;
    hy_id other = campaign_make(env, "autumn");
    for (hy_lead_no lead = 1; lead <= 20; lead++)
        for (uint32_t link = 1; link <= 3; link++)
            put((struct hy_activity){.kind = HY_ACTIVITY_CLICK,
                                     .campaign = lead % 2 ? campaign : other,
                                     .lead = lead,
                                     .link = link,
                                     .flags = H});
    campaign_cancel(env, campaign);
    hy_drop_job_init(&job, campaign);
    cr_assert_eq(run_request(env, &job.req), 0);
    cr_assert_str_eq(told(), "000 000 0000 / 000000000");
    campaign = other;
    cr_assert_str_eq(told(), "000 3000 0000 / 00101000000 1:10,0,0,10 2:10,0,0,10 3:10,0,0,10");
    assert_sound();
}

Test(campaign_tally, the_audit_sees_a_count_that_is_wrong)
{
    struct hy_txn t;
    struct hy_cursor c;
    uint8_t value[64];
    put((struct hy_activity){
        .kind = HY_ACTIVITY_OPEN, .campaign = campaign, .lead = 4, .flags = H});
    assert_sound();
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_CAMPAIGN_TALLIES, &c), 0);
    cr_assert_eq(hy_cursor_last(&c), 0);
    memcpy(value, c.value.p, c.value.n);
    value[1]++;
    cr_assert_eq(hy_cursor_replace(&c, hy_str_make(value, c.value.n)), 0);
    hy_cursor_close(&c);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(problems(), 1);
    cr_assert(strstr(problem_text, "counts 2 opens by people, the log has 1"), "%s", problem_text);
}

Test(campaign_tally, the_audit_sees_somebody_missing_and_somebody_too_much)
{
    const struct hy_lead_set set = {HY_LEAD_SET_CAMPAIGN, campaign, HY_LEAD_SET_CLICKED};
    struct hy_txn t;
    put((struct hy_activity){
        .kind = HY_ACTIVITY_CLICK, .campaign = campaign, .lead = 4, .link = 1, .flags = H});
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_set_remove(&t, set, 4, NULL), 0);
    cr_assert_eq(hy_lead_set_add(&t, set, 5, NULL), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(problems(), 2);
    cr_assert(strstr(problem_text, "lead 5 is among the people who clicked, but did not"), "%s",
              problem_text);
}

/* ---- judging ---- */

static void judge(hy_id id, uint8_t flags)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_activity_judge(&t, id, flags, 0), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

Test(campaign_tally, what_a_verdict_takes_from_one_it_gives_to_another)
{
    static const struct {
        unsigned hit; /* of those below */
        uint8_t flags;
        const char *want;
    } steps[] = {
        {0, H, "001 103 0000 / 011100000 1:0,0,2,0 2:1,0,1,1"},
        {1, H, "001 202 0000 / 011100000 1:0,0,2,0 2:2,0,0,1"},
        {0, M, "001 112 0000 / 011100000 1:0,0,2,0 2:1,1,0,1"}, /* another click stays */
        {2, H, "001 211 0000 / 011100000 1:1,0,1,1 2:1,1,0,1"},
        {1, M, "001 121 0000 / 011100000 1:1,0,1,1 2:0,2,0,0"}, /* it stays, by the other link */
        {2, U, "001 022 0000 / 010100000 1:0,0,2,0 2:0,2,0,0"},
        {2, H | HY_ACTIVITY_COUNTED, "001 121 0000 / 011100000 1:1,0,1,1 2:0,2,0,0"},
        {2, H, "001 121 0000 / 011100000 1:1,0,1,1 2:0,2,0,0"},
        {3, H, "100 121 0000 / 111100000 1:1,0,1,1 2:0,2,0,0"},
        {3, M, "010 121 0000 / 011100000 1:1,0,1,1 2:0,2,0,0"},
        {4, M, "010 130 0000 / 011100000 1:1,1,0,1 2:0,2,0,0"},
    };
    hy_id hits[5];
    const struct hy_activity click = {
        .kind = HY_ACTIVITY_CLICK, .campaign = campaign, .lead = 5, .link = 2};
    for (unsigned i = 0; i < 5; i++) {
        struct hy_activity a = click;
        a.link = i >= 2 ? 1 : 2;
        a.kind = i == 3 ? HY_ACTIVITY_OPEN : HY_ACTIVITY_CLICK;
        hits[i] = put(a);
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        judge(hits[steps[i].hit], steps[i].flags);
        cr_expect_str_eq(told(), steps[i].want, "step %zu: got  %s\nwant %s", i, told(),
                         steps[i].want);
        assert_sound();
    }
}

Test(campaign_tally, counts_are_those_of_the_log_after_thousands_of_revisions)
{
    enum { HITS = 3000, LEADS = 40, LINKS = 4, STEPS = 6000 };
    static hy_id ids[HITS];
    static const uint8_t flags[] = {H, M, U, H | HY_ACTIVITY_COUNTED};
    struct hy_rng r;
    struct hy_txn t;
    hy_rng_seed(&r, 7);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (unsigned i = 0; i < HITS; i++) {
        struct hy_activity a = {.kind = hy_rng_below(&r, 2) ? HY_ACTIVITY_CLICK : HY_ACTIVITY_OPEN,
                                .campaign = campaign,
                                .at = noon + (hy_wall_ms)hy_rng_below(&r, 30u * HOUR),
                                .lead = 1 + (hy_lead_no)hy_rng_below(&r, LEADS)};
        a.link = a.kind == HY_ACTIVITY_CLICK ? 1 + (uint32_t)hy_rng_below(&r, LINKS) : 0;
        cr_assert_eq(hy_activity_put(&t, &a), 0);
        ids[i] = a.id;
    }
    for (unsigned i = 0; i < STEPS; i++)
        cr_assert_eq(hy_activity_judge(&t, ids[hy_rng_below(&r, HITS)],
                                       flags[hy_rng_below(&r, sizeof flags)], 0),
                     0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    assert_sound();
}
