#include <criterion/criterion.h>

#include "hayauma/shape/limits.h"
#include "hayauma/shape/verdict.h"

#define SEC HY_US_PER_SEC

static const struct hy_retry_plan plan = {
    .first_us = 60 * SEC, .longest_us = 600 * SEC, .jitter_percent = 10, .expire_us = 3600 * SEC};

Test(retry, doubles_up_to_the_longest_and_stays_within_its_jitter)
{
    static const int64_t want_s[] = {60, 120, 240, 480, 600, 600, 600};
    struct hy_rng rng;
    hy_rng_seed(&rng, 1);
    bool differs = false;
    for (uint32_t a = 1; a <= 7; a++) {
        for (int k = 0; k < 200; k++) {
            hy_us w = hy_retry_wait(&plan, a, &rng), want = want_s[a - 1] * SEC;
            cr_assert(w >= want * 90 / 100 && w <= want * 110 / 100, "attempt %u: %ld", a, w);
            differs |= w != want;
        }
    }
    cr_assert(differs, "no jitter at all");
}

Test(retry, knows_how_long_a_number_of_failures_takes)
{
    static const struct hy_retry_plan p = {.first_us = 60 * SEC, .longest_us = 200 * SEC};
    static const int64_t want_s[] = {0, 60, 180, 380, 580, 780};
    for (uint32_t i = 0; i < sizeof want_s / sizeof *want_s; i++)
        cr_assert_eq(hy_retry_spent(&p, i), want_s[i] * SEC, "%u: got %ld", i,
                     hy_retry_spent(&p, i));
}

Test(retry, counts_its_time_without_what_something_else_held_up)
{
    static const struct hy_retry_plan p = {.first_us = 60 * SEC, .longest_us = 200 * SEC};
    static const struct {
        hy_wall_ms queued, now, want;
        uint32_t attempts;
    } cases[] = {
        {1000, 1000, 1000, 0},     {1000, 50000, 50000, 0}, /* never tried: its time begins now */
        {1000, 61000, 1000, 1},                             /* as the plan has it */
        {1000, 50000, 1000, 1},                             /* sooner: by jitter */
        {1000, 999000, 819000, 2}, /* 180 s of failures, the rest was a pause */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(hy_retry_since(&p, cases[i].queued, cases[i].attempts, cases[i].now),
                     cases[i].want, "case %zu", i);
}

Test(verdict, follows_kind_age_and_greylisting)
{
    struct hy_rng rng;
    static const struct {
        const char *name;
        enum hy_outcome_kind kind;
        enum hy_phase phase;
        uint16_t code;
        const char *text;
        uint32_t attempts;
        int64_t age_s;
        enum hy_rcpt_state want;
        int64_t due_from_s, due_to_s;
    } cases[] = {
        {"delivered", HY_OUTCOME_DELIVERED, HY_PHASE_DOT, 250, "ok", 1, 0, HY_RCPT_DELIVERED, 0, 0},
        {"bounced", HY_OUTCOME_BOUNCED, HY_PHASE_RCPT, 550, "no", 1, 0, HY_RCPT_BOUNCED, 0, 0},
        {"deferred", HY_OUTCOME_DEFERRED, HY_PHASE_RCPT, 450, "later", 2, 0, HY_RCPT_DEFERRED, 108,
         132},
        {"greylisted", HY_OUTCOME_DEFERRED, HY_PHASE_RCPT, 450, "4.2.0 Greylisted, see ...", 1, 0,
         HY_RCPT_DEFERRED, 54, 66},
        {"greylisted with a time", HY_OUTCOME_DEFERRED, HY_PHASE_RCPT, 451,
         "4.7.1 Greylisting in action, come back in 90 seconds", 2, 0, HY_RCPT_DEFERRED, 95, 95},
        {"too old", HY_OUTCOME_DEFERRED, HY_PHASE_RCPT, 450, "later", 4, 3500, HY_RCPT_EXPIRED, 0,
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hy_rng_seed(&rng, i);
        struct hy_outcome o = {.kind = cases[i].kind,
                               .phase = cases[i].phase,
                               .code = cases[i].code,
                               .text = hy_str_of(cases[i].text)};
        hy_wall_ms now = 1800000000000;
        struct hy_verdict v =
            hy_verdict_of(&o, &plan, cases[i].attempts, now - cases[i].age_s * 1000, now, &rng);
        cr_assert_eq(v.state, cases[i].want, "%s: got %s", cases[i].name,
                     hy_rcpt_state_name(v.state));
        if (v.state == HY_RCPT_DEFERRED)
            cr_assert(v.due >= now + cases[i].due_from_s * 1000 &&
                          v.due <= now + cases[i].due_to_s * 1000,
                      "%s: due in %ld ms", cases[i].name, v.due - now);
    }
}

Test(rules, a_domain_comes_before_an_mx_and_every_host_must_match)
{
    static const char *const google[] = {"*.google.com", "*.googlemail.com"};
    static const char *const own[] = {"example.jp", "*.example.jp"};
    const struct hy_shape_rule rules[] = {
        {.name = "google", .mx = google, .n_mx = 2},
        {.name = "own", .domains = own, .n_domains = 2},
    };
    const struct hy_shape_rules set = {.rules = rules, .n_rules = 2};
    const struct hy_str good[] = {HY_STR("aspmx.l.google.com"), HY_STR("alt1.aspmx.L.GOOGLE.com")};
    const struct hy_str mixed[] = {HY_STR("aspmx.l.google.com"), HY_STR("backup.example.net")};
    const struct hy_str bare[] = {HY_STR("google.com")};
    const struct hy_str evil[] = {HY_STR("mx.evilgoogle.com")};
    cr_assert_str_eq(hy_shape_find(&set, HY_STR("a.test"), good, 2)->name, "google");
    cr_assert_null(hy_shape_find(&set, HY_STR("a.test"), mixed, 2));
    cr_assert_null(hy_shape_find(&set, HY_STR("a.test"), bare, 1));
    cr_assert_null(hy_shape_find(&set, HY_STR("a.test"), evil, 1));
    cr_assert_null(hy_shape_find(&set, HY_STR("a.test"), NULL, 0));
    cr_assert_str_eq(hy_shape_find(&set, HY_STR("m.example.jp"), good, 2)->name, "own");
}
