#include <criterion/criterion.h>

#include "hayauma/bounce/reason.h"
#include "hayauma/shape/warmup.h"

#define DAY   ((hy_wall_ms)24 * 3600 * 1000)
#define START ((hy_wall_ms)1795600800000)

static const uint32_t limits[] = {20, 40, 80}, of_gmail[] = {5, 10};
static const struct hy_warmup_provider providers[] = {{"gmail", {of_gmail, 2}}};
static const struct hy_warmup_plan plan = {
    .name = "p", .days = {limits, 3}, .providers = providers, .n_providers = 1, .bad_percent = 5};

static void count(struct hy_warmup *w, uint32_t good, uint32_t bad)
{
    const struct hy_outcome taken = {.kind = HY_OUTCOME_DELIVERED, .code = 250};
    const struct hy_outcome slow = {.kind = HY_OUTCOME_DEFERRED,
                                    .phase = HY_PHASE_DOT,
                                    .code = 421,
                                    .enhanced = {4, 7, 0},
                                    .from_server = true,
                                    .text = HY_STR("unusual rate of mail")};
    for (uint32_t i = 0; i < good; i++)
        hy_warmup_count(w, &taken);
    for (uint32_t i = 0; i < bad; i++)
        hy_warmup_count(w, &slow);
}

Test(warmup, judges_each_day)
{
    static const struct {
        uint32_t step, good, bad, want;
        enum hy_warmup_verdict verdict;
    } cases[] = {
        {0, 20, 0, 1, HY_WARMUP_ON},       {0, 10, 0, 1, HY_WARMUP_ON},
        {0, 9, 0, 0, HY_WARMUP_UNUSED},    {1, 38, 2, 2, HY_WARMUP_ON},
        {1, 37, 3, 1, HY_WARMUP_STAY},     {1, 33, 7, 0, HY_WARMUP_BACK_ONE},
        {0, 0, 20, 0, HY_WARMUP_BACK_ONE}, {2, 80, 0, 3, HY_WARMUP_ON},
        {1, 0, 9, 1, HY_WARMUP_UNUSED}, /* too few answers to call it bad */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_warmup w = {.start = START, .day = 4, .step = cases[i].step};
        count(&w, cases[i].good, cases[i].bad);
        cr_expect_not(hy_warmup_turn(&w, &plan, plan.days, START + 5 * DAY - 1));
        cr_expect(hy_warmup_turn(&w, &plan, plan.days, START + 5 * DAY));
        cr_expect_eq(w.step, cases[i].want, "%zu: step %u", i, w.step);
        cr_expect_eq(w.verdict, cases[i].verdict, "%zu: %s", i, hy_warmup_verdict_name(w.verdict));
        cr_expect(w.good == 0 && w.bad == 0 && w.day == 5);
    }
}

Test(warmup, moves_one_step_however_many_days_went_by)
{
    struct hy_warmup w;
    hy_warmup_begin(&w, START, NULL, START + 5);
    cr_expect_eq(w.step, 0u);
    count(&w, 20, 0);
    cr_expect(hy_warmup_turn(&w, &plan, plan.days, START + 30 * DAY));
    cr_expect_eq(w.step, 1u);
    cr_expect_eq(w.day, 30u);
    cr_expect_not(hy_warmup_turn(&w, &plan, plan.days, START + 3 * DAY), "the clock went back");
}

Test(warmup, says_what_may_go_on_a_day)
{
    struct hy_warmup w;
    hy_warmup_begin(&w, START, NULL, START - DAY);
    cr_expect_eq(hy_warmup_limit(&w, plan.days, START - 1), 0u);
    cr_expect_eq(hy_warmup_day_end(&w, START - DAY), START);
    cr_expect_eq(hy_warmup_limit(&w, plan.days, START), 20u);
    cr_expect_eq(hy_warmup_day_end(&w, START + DAY + 1), START + 2 * DAY);
    hy_warmup_begin(&w, START, NULL, START + 2 * DAY);
    cr_expect_eq(hy_warmup_limit(&w, plan.days, START + 2 * DAY), 80u, "its start is believed");
    struct hy_warmup late;
    hy_warmup_begin(&late, START, &w, START + 9 * DAY);
    cr_expect(late.step == 2 && late.day == 9, "with a later provider, too: %u", late.step);
    hy_warmup_begin(&w, START, NULL, START + 1);
    w.step = 2;
    hy_warmup_begin(&late, START, &w, START + 9 * DAY);
    cr_expect_eq(late.step, 0u, "what one provider has seen is nothing to another");
    hy_warmup_begin(&w, START, NULL, START + 3 * DAY);
    cr_expect_eq(hy_warmup_limit(&w, plan.days, START + 3 * DAY), UINT32_MAX);
    cr_expect(hy_warmup_is_over(&w, plan.days));
    count(&w, 0, 1000);
    cr_expect_not(hy_warmup_turn(&w, &plan, plan.days, START + 9 * DAY), "warm for good");
}

Test(warmup, has_days_of_its_own_for_a_provider)
{
    cr_expect_eq(hy_warmup_days_of(&plan, "gmail").limits[1], 10u);
    cr_expect_eq(hy_warmup_days_of(&plan, "yahoo").n, 3u);
    cr_expect_null(hy_warmup_builtin(HY_STR("none")));
    for (size_t i = 0; hy_warmup_builtin_at(i); i++) {
        const struct hy_warmup_plan *p = hy_warmup_builtin_at(i);
        cr_expect_eq(hy_warmup_builtin(hy_str_of(p->name)), p);
        for (size_t k = 1; k < p->days.n; k++)
            cr_expect_gt(p->days.limits[k], p->days.limits[k - 1], "%s, day %zu", p->name, k);
    }
}

Test(warmup, counts_complaints_about_us_only)
{
    static const struct {
        struct hy_outcome o;
        uint32_t good, bad;
    } cases[] = {
        {{.kind = HY_OUTCOME_DELIVERED, .code = 250}, 1, 0},
        {{.kind = HY_OUTCOME_BOUNCED,
          .phase = HY_PHASE_RCPT,
          .code = 550,
          .enhanced = {5, 1, 1},
          .from_server = true,
          .text = HY_STR("no such user")},
         0,
         0},
        {{.kind = HY_OUTCOME_BOUNCED,
          .phase = HY_PHASE_DOT,
          .code = 550,
          .enhanced = {5, 7, 1},
          .from_server = true,
          .text = HY_STR("blocked")},
         0,
         1},
        {{.kind = HY_OUTCOME_DEFERRED,
          .phase = HY_PHASE_RCPT,
          .code = 450,
          .enhanced = {4, 2, 0},
          .from_server = true,
          .text = HY_STR("Greylisted")},
         0,
         0},
        {{.kind = HY_OUTCOME_DEFERRED,
          .phase = HY_PHASE_MAIL,
          .code = 451,
          .enhanced = {4, 7, 1},
          .from_server = true,
          .text = HY_STR("throttled")},
         0,
         1},
        {{.kind = HY_OUTCOME_DEFERRED,
          .phase = HY_PHASE_RCPT,
          .code = 450,
          .enhanced = {4, 7, 1},
          .from_server = true,
          .reason = HY_BOUNCE_RATE_LIMITED, /* as the rules call greylisting */
          .text = HY_STR("Please try again later")},
         0,
         0},
        {{.kind = HY_OUTCOME_DEFERRED,
          .phase = HY_PHASE_RCPT,
          .code = 450,
          .enhanced = {4, 7, 1},
          .from_server = true,
          .reason = HY_BOUNCE_BLOCKED,
          .text = HY_STR("Client host on our block list")},
         0,
         1},
        {{.kind = HY_OUTCOME_DEFERRED,
          .phase = HY_PHASE_CONNECT,
          .spoils = HY_SPOILS_HOST,
          .enhanced = {4, 4, 1},
          .text = HY_STR("refused")},
         0,
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_warmup w = {.start = START};
        hy_warmup_count(&w, &cases[i].o);
        cr_expect(w.good == cases[i].good && w.bad == cases[i].bad, "%zu: %u %u", i, w.good, w.bad);
    }
}

/* A blast of `n` each day at ten: what goes on which day. */
static void blast(const struct hy_warmup_plan *p, uint32_t n, uint32_t days, uint32_t *went)
{
    struct hy_warmup w;
    const struct hy_outcome taken = {.kind = HY_OUTCOME_DELIVERED, .code = 250};
    hy_warmup_begin(&w, START, NULL, START);
    for (uint32_t day = 0; day < days; day++) {
        hy_wall_ms now = START + (hy_wall_ms)day * DAY + 10 * DAY / 24;
        hy_warmup_turn(&w, p, p->days, now);
        went[day] = 0;
        while (went[day] < n && hy_warmup_take(&w, p->days, now) == 0)
            went[day]++;
        if (went[day] < n)
            cr_assert_eq(hy_warmup_take(&w, p->days, now), START + ((hy_wall_ms)day + 1) * DAY);
        for (uint32_t i = 0; i < went[day]; i++)
            hy_warmup_count(&w, &taken);
    }
}

Test(warmup, a_blast_on_each_day_sends_each_day_of_the_plan)
{
    const struct hy_warmup_plan *careful = hy_warmup_builtin(HY_STR("careful"));
    uint32_t went[31];
    cr_assert_eq(careful->days.n, 30u);
    blast(careful, 900000, 31, went);
    for (uint32_t i = 0; i < 30; i++)
        cr_expect_eq(went[i], careful->days.limits[i], "day %u: %u", i + 1, went[i]);
    cr_expect_eq(went[30], 900000u, "warm");
    static const uint32_t same[] = {100, 100, 100, 100};
    const struct hy_warmup_plan level = {.name = "level", .days = {same, 4}, .bad_percent = 5};
    blast(&level, 500, 5, went);
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(went[i], 100u, "day %u: %u", i + 1, went[i]);
    cr_expect_eq(went[4], 500u);
}

/* A server that puts off each recipient's first try by `words`, and takes the second. Each day new
 * mail comes, more than may go; what was put off and what is new go in turn. Returns the days until
 * the source is warm, or `most`. */
static uint32_t days_until_warm(const struct hy_outcome *first, uint32_t most, uint32_t *ret_taken)
{
    static const uint32_t days[] = {20, 40, 80, 160, 320, 640, 1280, 2560};
    static const struct hy_warmup_plan doubling = {
        .name = "doubling", .days = {days, sizeof days / sizeof *days}, .bad_percent = 5};
    const struct hy_warmup_plan *p = &doubling;
    const struct hy_outcome taken = {.kind = HY_OUTCOME_DELIVERED, .code = 250};
    struct hy_warmup w;
    uint32_t waiting = 0, day = 0;
    hy_warmup_begin(&w, START, NULL, START);
    *ret_taken = 0;
    for (; day < most && !hy_warmup_is_over(&w, p->days); day++) {
        hy_wall_ms now = START + (hy_wall_ms)day * DAY + 10 * DAY / 24;
        hy_warmup_turn(&w, p, p->days, now);
        for (uint32_t i = 0; !hy_warmup_is_over(&w, p->days); i++) {
            if (hy_warmup_take(&w, p->days, now) != 0)
                break;
            bool is_again = i % 2 && waiting > 0;
            hy_warmup_count(&w, is_again ? &taken : first);
            waiting += is_again ? UINT32_MAX : 1;
            *ret_taken += is_again;
        }
    }
    return day;
}

Test(warmup, greylisting_holds_no_plan_up_and_a_bad_name_does)
{
    static const struct {
        const char *name;
        struct hy_outcome first;
        bool is_held;
    } cases[] = {
        {"the default of postgrey",
         {.phase = HY_PHASE_RCPT, .code = 450, .enhanced = {4, 2, 0}, .text = HY_STR("Greylisted")},
         false},
        {"no word why, to the recipient",
         {.phase = HY_PHASE_RCPT,
          .code = 451,
          .enhanced = {4, 7, 1},
          .text = HY_STR("Please try again in 5 minutes")},
         false},
        {"the default of rspamd, behind the content",
         {.phase = HY_PHASE_DOT,
          .code = 451,
          .enhanced = {4, 7, 1},
          .text = HY_STR("Try again later")},
         false},
        {"without a status",
         {.phase = HY_PHASE_RCPT, .code = 450, .text = HY_STR("Temporary failure, come back")},
         false},
        {"reputation",
         {.phase = HY_PHASE_DOT,
          .code = 451,
          .enhanced = {4, 7, 650},
          .text = HY_STR("temporarily rate limited due to IP reputation")},
         true},
        {"complaints, to the recipient",
         {.phase = HY_PHASE_RCPT,
          .code = 451,
          .enhanced = {4, 7, 0},
          .text = HY_STR("deferred due to unexpected volume or user complaints")},
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_outcome first = cases[i].first;
        uint32_t taken;
        first.kind = HY_OUTCOME_DEFERRED;
        first.from_server = true;
        uint32_t days = days_until_warm(&first, 90, &taken);
        if (cases[i].is_held)
            cr_expect_eq(days, 90u, "%s: warm after %u days", cases[i].name, days);
        else
            cr_expect(days == 9 && taken > 2000, "%s: %u days, %u taken", cases[i].name, days,
                      taken);
    }
}

Test(warmup, a_day_that_reached_its_limit_was_used)
{
    static const struct {
        uint32_t sent, good;
        enum hy_warmup_verdict want;
    } cases[] = {{20, 1, HY_WARMUP_ON},      /* the others wait at a greylist */
                 {19, 9, HY_WARMUP_UNUSED},  /* there was room, and little mail */
                 {20, 0, HY_WARMUP_UNUSED}}; /* nobody took anything */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_warmup w;
        hy_warmup_begin(&w, START, NULL, START);
        for (uint32_t k = 0; k < cases[i].sent; k++)
            cr_expect_eq(hy_warmup_take(&w, plan.days, START), 0);
        count(&w, cases[i].good, 0);
        hy_warmup_turn(&w, &plan, plan.days, START + DAY);
        cr_expect_eq(w.verdict, cases[i].want, "%zu: %s", i, hy_warmup_verdict_name(w.verdict));
    }
}

Test(warmup, what_is_given_back_may_go_again)
{
    struct hy_warmup w;
    hy_warmup_begin(&w, START, NULL, START);
    hy_warmup_give_back(&w);
    for (uint32_t k = 0; k < 20; k++)
        cr_expect_eq(hy_warmup_take(&w, plan.days, START), 0);
    cr_expect_eq(hy_warmup_ask(&w, plan.days, START), START + DAY);
    hy_warmup_give_back(&w);
    cr_expect_eq(hy_warmup_ask(&w, plan.days, START), 0);
    cr_expect_eq(hy_warmup_take(&w, plan.days, START), 0);
    cr_expect_eq(hy_warmup_take(&w, plan.days, START), START + DAY);
}
