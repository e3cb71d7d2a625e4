/* Points learned from people whose end is known. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hayauma/base/rand.h"
#include "hayauma/score/learn.h"

static struct hy_learn *l;
static struct hy_rng rng;

static void open_it(void)
{
    cr_assert_eq(hy_learn_new(0, &l), 0);
    hy_rng_seed(&rng, 7);
}

static void close_it(void)
{
    hy_learn_free(l);
}

TestSuite(learn, .init = open_it, .fini = close_it);

static double chance(void)
{
    return (double)(hy_rng_u64(&rng) >> 11) / 9007199254740992.0;
}

static uint16_t column(enum hy_learn_kind kind, const char *text)
{
    uint16_t no = 0;
    cr_assert_eq(hy_learn_column(l, kind, hy_str_of(text), &no), 0);
    return no;
}

/* `n` people of whom each seminar (20 days ago, so many) and a title make good ends likelier. */
static void tell(uint64_t n)
{
    uint16_t seminar = column(HY_LEARN_DEED, "attended()"),
             page = column(HY_LEARN_DEED, "visited()");
    uint16_t title = column(HY_LEARN_ATTRIBUTE, "title"), size = column(HY_LEARN_ATTRIBUTE, "size");
    uint16_t tag = column(HY_LEARN_FACT, "tag(\"it's\")");
    for (uint64_t who = 1; who <= n; who++) {
        bool has_been = chance() < 0.3, is_head = chance() < 0.2, is_wanted,
             is_tagged = chance() < 0.5;
        double employees = floor(chance() * 1000), odds = -2 + 1.5 * has_been + is_head;
        odds -= employees >= 500 ? 1 : 0;
        char number[32];
        snprintf(number, sizeof number, "%.0f", employees);
        cr_assert_eq(hy_learn_person(l, who, chance() < 1 / (1 + exp(-odds)), &is_wanted), 0);
        if (!is_wanted)
            continue;
        if (has_been)
            cr_assert_eq(hy_learn_deed(l, seminar, 20), 0);
        for (int i = 0; i < 3; i++)
            cr_assert_eq(hy_learn_deed(l, page, chance() * 100), 0);
        cr_assert_eq(hy_learn_value(l, title, hy_str_of(is_head ? "head" : "clerk")), 0);
        cr_assert_eq(hy_learn_value(l, size, hy_str_of(number)), 0);
        if (is_tagged)
            cr_assert_eq(hy_learn_fact(l, tag), 0);
    }
}

static const struct hy_learn_rule *rule_of(const struct hy_learn_result *r, const char *condition)
{
    for (size_t i = 0; i < r->n_rules; i++)
        if (strcmp(r->rules[i].condition, condition) == 0)
            return &r->rules[i];
    return NULL;
}

Test(learn, what_makes_good_ends_likelier_has_points_and_chance_has_few)
{
    struct hy_learn_result r;
    tell(20000);
    cr_assert_eq(hy_learn_fit(l, NULL, NULL, NULL, &r), 0);
    const struct hy_learn_rule *seminar = rule_of(&r, "attended()");
    const struct hy_learn_rule *head = rule_of(&r, "title = \"head\"");
    const struct hy_learn_rule *tag = rule_of(&r, "tag(\"it's\")");
    cr_assert(seminar && head);
    cr_expect(seminar->is_deed && seminar->points > 0 && seminar->most_per_s == 30 * 86400);
    cr_expect_float_eq(head->coefficient, 1.0, 0.25, "%f", head->coefficient);
    cr_expect_eq(head->points, (int)round(head->coefficient * 20 / log(2)));
    cr_expect(!tag || abs(tag->points) <= 4, "what is chance: %d", tag ? tag->points : 0);
    cr_expect(!rule_of(&r, "title = \"clerk\""), "what the others are held against");
    cr_expect(r.auc > 0.68 && r.auc < 0.80, "%f", r.auc);
    cr_expect(r.low < r.auc && r.auc < r.high && r.high - r.low < 0.05, "%f %f", r.low, r.high);
    cr_expect_float_eq(r.slope, 1, 0.15, "%f", r.slope);
    cr_expect_eq(r.people, 20000);
    cr_expect_eq(r.learned + r.judged, 20000);
    for (size_t i = 0; i < HY_LEARN_BANDS; i++)
        cr_expect_float_eq(r.bands[i].got, r.bands[i].expected, 0.06, "band %zu: %f, %f", i,
                           r.bands[i].got, r.bands[i].expected);
    hy_learn_result_free(&r);
}

Test(learn, more_people_than_are_kept_give_the_same_odds)
{
    struct hy_learn_result r;
    tell(200000);
    cr_assert_eq(hy_learn_fit(l, NULL, NULL, NULL, &r), 0);
    cr_expect_eq(r.people, 200000);
    cr_expect(r.learned + r.judged <= 2 * HY_LEARN_KEPT_MAX);
    const struct hy_learn_rule *head = rule_of(&r, "title = \"head\"");
    cr_assert(head);
    cr_expect_float_eq(head->coefficient, 1.0, 0.15, "%f", head->coefficient);
    double share = (double)r.goods / (double)r.people, told = 0;
    for (size_t i = 0; i < HY_LEARN_BANDS; i++)
        told += r.bands[i].got / HY_LEARN_BANDS;
    cr_expect_float_eq(told, share, 0.02, "those that were left out count: %f of %f", told, share);
    hy_learn_result_free(&r);
}

static void put_file(struct hy_buf *out)
{
    struct hy_learn_result r;
    const char *head[] = {"one", "two"};
    open_it();
    tell(3000);
    cr_assert_eq(hy_learn_fit(l, NULL, NULL, NULL, &r), 0);
    hy_learn_put_rules(out, &r, head, 2);
    cr_assert_eq(out->err, 0);
    hy_learn_result_free(&r);
}

Test(learn, the_same_people_give_the_same_file)
{
    struct hy_buf a = HY_BUF_INIT(HY_LEARN_FILE_MAX), b = HY_BUF_INIT(HY_LEARN_FILE_MAX);
    hy_learn_free(l);
    put_file(&a);
    hy_learn_free(l);
    put_file(&b);
    cr_expect(hy_str_eq(hy_buf_str(&a), hy_buf_str(&b)));
    cr_expect(hy_str_starts(hy_buf_str(&a), HY_STR("# one\n# two\n# Learned from ")));
    hy_buf_free(&a);
    hy_buf_free(&b);
}

Test(learn, rows_of_one_person_make_an_interval_no_narrower)
{
    struct hy_learn_result once, often;
    uint16_t x = column(HY_LEARN_ATTRIBUTE, "x");
    bool is_wanted;
    for (int times = 1; times <= 4; times += 3) {
        hy_learn_free(l);
        open_it();
        x = column(HY_LEARN_ATTRIBUTE, "x");
        for (uint64_t who = 0; who < 2000; who++) {
            bool has = chance() < 0.5, is_good = chance() < (has ? 0.6 : 0.3);
            for (int i = 0; i < times; i++) {
                cr_assert_eq(hy_learn_person(l, who, is_good, &is_wanted), 0);
                cr_assert_eq(hy_learn_value(l, x, hy_str_of(has ? "a" : "b")), 0);
            }
        }
        cr_assert_eq(hy_learn_fit(l, NULL, NULL, NULL, times == 1 ? &once : &often), 0);
    }
    cr_expect_float_eq(once.high - once.low, often.high - often.low, 1e-9, "%f, %f",
                       once.high - once.low, often.high - often.low);
    hy_learn_result_free(&once);
    hy_learn_result_free(&often);
}

static int stop(void *ctx, unsigned done, unsigned all)
{
    cr_expect_leq(done, all);
    return ++*(int *)ctx == 3;
}

Test(learn, too_few_nothing_that_tells_and_an_end_by_the_caller_are_told_apart)
{
    struct hy_learn_result r;
    struct hy_diag diag = {""};
    bool is_wanted;
    int times = 0;
    for (uint64_t who = 0; who < 19; who++)
        cr_assert_eq(hy_learn_person(l, who, true, &is_wanted), 0);
    for (uint64_t who = 100; who < 200; who++)
        cr_assert_eq(hy_learn_person(l, who, false, &is_wanted), 0);
    cr_expect_eq(hy_learn_fit(l, NULL, NULL, &diag, &r), HY_EINVAL);
    cr_expect(strstr(diag.text, "of 119 people 19 ended well"), "%s", diag.text);
    diag.text[0] = 0;
    for (uint64_t who = 19; who < 60; who++)
        cr_assert_eq(hy_learn_person(l, who, true, &is_wanted), 0);
    cr_expect_eq(hy_learn_fit(l, NULL, NULL, &diag, &r), HY_EINVAL);
    cr_expect(strstr(diag.text, "nothing that people did"), "%s", diag.text);
    tell(2000);
    cr_expect_eq(hy_learn_fit(l, stop, &times, &diag, &r), HY_ECANCELED);
    cr_expect_eq(times, 3);
}

Test(learn, values_of_strangers_stay_within_quotes)
{
    struct hy_learn_result r;
    uint16_t x = column(HY_LEARN_ATTRIBUTE, "a b"), none = 7;
    bool is_wanted;
    cr_expect_eq(hy_learn_column(l, HY_LEARN_ATTRIBUTE, HY_STR("x` = 1"), &none), HY_EINVAL);
    cr_expect_eq(hy_learn_column(l, HY_LEARN_ATTRIBUTE, HY_STR("x\nrules:"), &none), HY_EINVAL);
    cr_expect_eq(none, 7);
    for (uint64_t who = 0; who < 400; who++) {
        bool has = who % 2, is_good = chance() < (has ? 0.9 : 0.1);
        cr_assert_eq(hy_learn_person(l, who, is_good, &is_wanted), 0);
        cr_assert_eq(hy_learn_value(l, x, hy_str_of(has ? "'\"\n  - points: 9" : "b")), 0);
        cr_assert_eq(hy_learn_value(l, column(HY_LEARN_ATTRIBUTE, "free"), hy_str_of("0123")), 0);
    }
    cr_assert_eq(hy_learn_fit(l, NULL, NULL, NULL, &r), 0);
    struct hy_buf out = HY_BUF_INIT(HY_LEARN_FILE_MAX);
    hy_learn_put_rules(&out, &r, NULL, 0);
    cr_expect(!strstr(hy_buf_cstr(&out), "\n  - points: 9"), "%s", hy_buf_cstr(&out));
    hy_buf_free(&out);
    hy_learn_result_free(&r);
}
