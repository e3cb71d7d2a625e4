#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/rand.h"
#include "hayauma/track/verdict.h"

#define NOW ((hy_wall_ms)1796000000000)

static struct hy_verdicts *verdicts;
static struct hy_verdict_change changes[HY_VERDICT_CHANGES_MAX];
static hy_id last_id;

static void setup(void)
{
    struct hy_verdict_settings s;
    struct hy_hash_key key = {1, 2};
    hy_verdict_settings_init(&s);
    cr_assert_eq(hy_verdicts_new(&s, &key, &verdicts), HY_OK);
    last_id = 0;
}

static void teardown(void)
{
    hy_verdicts_free(verdicts);
}

TestSuite(verdict, .init = setup, .fini = teardown);

static struct hy_hit at(int ms, enum hy_hit_kind kind, uint32_t lead, uint32_t link, uint8_t ip)
{
    return (struct hy_hit){.id = ++last_id,
                           .at = NOW + ms,
                           .kind = kind,
                           .campaign = 77,
                           .lead = lead,
                           .link = link,
                           .ip = {[15] = ip},
                           .agent = HY_STR("Mozilla/5.0 (Windows NT 10.0)")};
}

/* "3:human 1:machine burst": the hit, and what changed by it. */
static const char *judge(struct hy_hit hit)
{
    static char text[1024];
    size_t n = hy_verdicts_judge(verdicts, &hit, changes), len = 0;
    for (size_t i = 0; i < n; i++) {
        const char *reason = hy_verdict_reason_name(changes[i].reason);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%llu:%s%s%s", i ? " " : "",
                                (unsigned long long)changes[i].id,
                                hy_verdict_name(changes[i].verdict), *reason ? " " : "", reason);
    }
    return text;
}

Test(verdict, believes_a_person_who_takes_time)
{
    cr_expect_str_eq(judge(at(0, HY_HIT_OPEN, 1, 0, 9)), "1:human");
    cr_expect_str_eq(judge(at(4000, HY_HIT_CLICK, 1, 1, 9)), "2:human");
    cr_expect_str_eq(judge(at(7000, HY_HIT_CLICK, 1, 2, 9)), "3:human");
    cr_expect_str_eq(judge(at(7200, HY_HIT_CLICK, 1, 2, 9)), "4:human", "a double click");
    cr_expect_str_eq(judge(at(8100, HY_HIT_CLICK, 1, 3, 9)), "5:human", "in tabs, one by one");
}

Test(verdict, takes_a_hit_at_its_word)
{
    static const struct {
        unsigned signs;
        const char *said;
    } cases[] = {
        {HY_HIT_HEAD, "1:machine head"},
        {HY_HIT_PREFETCH, "2:machine prefetch"},
        {HY_HIT_ROBOT, "3:machine agent"},
        {HY_HIT_EARLY, "4:machine early"},
        {HY_HIT_PRIVACY, "5:unknown privacy"},
        {HY_HIT_PROXY, "6:human proxy"},
        {HY_HIT_PROXY | HY_HIT_ROBOT, "7:machine agent"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_hit h = at((int)i * 60000, HY_HIT_OPEN, 1, 0, 9);
        h.signs = cases[i].signs;
        cr_expect_str_eq(judge(h), cases[i].said);
    }
}

Test(verdict, of_a_burst_falls_on_its_first_hits_too)
{
    cr_expect_str_eq(judge(at(-60000, HY_HIT_CLICK, 1, 1, 9)), "1:human", "a minute before");
    cr_expect_str_eq(judge(at(0, HY_HIT_OPEN, 1, 0, 7)), "2:human");
    cr_expect_str_eq(judge(at(100, HY_HIT_CLICK, 1, 1, 7)), "3:human");
    cr_expect_str_eq(judge(at(900, HY_HIT_CLICK, 1, 2, 7)), "4:human");
    cr_expect_str_eq(judge(at(1700, HY_HIT_CLICK, 1, 3, 7)),
                     "5:machine burst 2:machine burst 3:machine burst 4:machine burst");
    cr_expect_str_eq(judge(at(1900, HY_HIT_CLICK, 1, 4, 8)), "6:machine burst",
                     "from another of its addresses");
    cr_expect_str_eq(judge(at(1950, HY_HIT_OPEN, 1, 0, 9)), "7:human", "the person opens it now");
    cr_expect_str_eq(judge(at(9000, HY_HIT_CLICK, 1, 2, 9)), "8:human", "and clicks later");
    cr_expect_str_eq(judge(at(9010, HY_HIT_CLICK, 2, 2, 9)), "9:human", "another message");
}

Test(verdict, no_hand_is_at_two_links_at_once)
{
    cr_expect_str_eq(judge(at(0, HY_HIT_CLICK, 1, 1, 7)), "1:human");
    cr_expect_str_eq(judge(at(300, HY_HIT_CLICK, 1, 2, 7)), "2:machine burst 1:machine burst");
}

Test(verdict, of_a_crowd_from_one_address_falls_on_all)
{
    for (uint32_t lead = 1; lead < 5; lead++)
        (void)judge(at((int)lead * 500, HY_HIT_CLICK, lead, 1, 7));
    cr_expect_str_eq(judge(at(2500, HY_HIT_CLICK, 5, 1, 7)),
                     "5:machine crowd 1:machine crowd 2:machine crowd 3:machine crowd "
                     "4:machine crowd");
    for (uint32_t lead = 11; lead < 20; lead++)
        cr_expect_str_eq(strchr(judge(at((int)lead * 2000, HY_HIT_CLICK, lead, 1, 8)), ':'),
                         ":human", "an office, one after the other");
    for (uint32_t lead = 21; lead < 30; lead++) {
        struct hy_hit h = at((int)lead * 10, HY_HIT_OPEN, lead, 0, 6);
        h.signs = HY_HIT_PROXY;
        cr_expect_str_eq(strchr(judge(h), ':'), ":human proxy", "a mail service's");
    }
}

Test(verdict, is_lifted_by_what_a_person_does_later)
{
    struct hy_hit h = at(-300000, HY_HIT_OPEN, 5, 0, 3);
    h.signs = HY_HIT_PRIVACY;
    cr_expect_str_eq(judge(h), "1:unknown privacy");
    for (uint32_t lead = 1; lead < 5; lead++)
        (void)judge(at((int)lead * 500, HY_HIT_CLICK, lead, 1, 7));
    (void)judge(at(2500, HY_HIT_CLICK, 5, 1, 7));
    h = at(4000, HY_HIT_PROOF, 5, 0, 7);
    cr_expect_str_eq(judge(h), "7:human 1:human proof 6:human proof");
    cr_expect_str_eq(judge(at(4100, HY_HIT_CLICK, 6, 1, 7)), "8:machine crowd",
                     "the others stay, what was proved too");
    h = at(5000, HY_HIT_PROOF, 4, 0, 9);
    cr_expect_str_eq(judge(h), "9:human", "another place proves nothing of that click");
    h = at(5000, HY_HIT_PROOF, 4, 0, 7);
    h.signs = HY_HIT_ROBOT;
    cr_expect_str_eq(judge(h), "10:machine agent", "a robot proves nothing");
}

Test(verdict, of_a_person_is_proved_by_what_follows)
{
    (void)judge(at(0, HY_HIT_OPEN, 5, 0, 3));
    (void)judge(at(5000, HY_HIT_CLICK, 5, 1, 7));
    cr_expect_str_eq(judge(at(6000, HY_HIT_PROOF, 5, 0, 7)), "3:human 1:human proof 2:human proof");
    cr_expect_str_eq(judge(at(7000, HY_HIT_PROOF, 5, 0, 7)), "4:human", "once is enough");
}

/* A million hits of anybody: memory stays, and each id is spoken of only after its hit. */
Test(verdict, stays_within_its_bounds)
{
    struct hy_rng rng;
    hy_rng_seed(&rng, 3);
    for (int i = 0; i < 1000000; i++) {
        struct hy_hit h = at(i / 20, (enum hy_hit_kind)hy_rng_below(&rng, 3),
                             (uint32_t)hy_rng_below(&rng, 100000) + 1,
                             (uint32_t)hy_rng_below(&rng, 5), (uint8_t)hy_rng_below(&rng, 256));
        h.ip[14] = (uint8_t)hy_rng_below(&rng, 256);
        h.signs = hy_rng_below(&rng, 4) ? 0 : 1u << hy_rng_below(&rng, 6);
        size_t n = hy_verdicts_judge(verdicts, &h, changes);
        cr_assert(n >= 1 && n <= HY_VERDICT_CHANGES_MAX);
        cr_assert_eq(changes[0].id, h.id);
        for (size_t k = 1; k < n; k++)
            cr_assert(changes[k].id < h.id && changes[k].id > 0);
    }
}
