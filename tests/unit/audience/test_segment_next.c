#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/audience/segment.h"
#include "hayauma/base/rand.h"

#define NOW  ((hy_wall_ms)1796000000000) /* 2026-11-30T00:53:20Z */
#define DAY  ((hy_wall_ms)86400000)
#define HOUR ((hy_wall_ms)3600000)

enum { DEEDS_MAX = 12, DATES = 3 };

/* A lead made up at random. */
struct person {
    struct {
        enum hy_activity_kind kind;
        hy_wall_ms at;
    } deeds[DEEDS_MAX];
    unsigned n_deeds;
    char dates[DATES][32]; /* attributes a, b and c */
    double points;         /* the score: it halves each day */
    hy_wall_ms scored;
    hy_wall_ms now;
    char score[32];
};

static double score_at(const struct person *p, hy_wall_ms t)
{
    double v = p->points;
    for (hy_wall_ms at = p->scored; at + DAY <= t; at += DAY) /* in steps of a day */
        v /= 2;
    return v;
}

static struct hy_str attribute(void *ctx, struct hy_str name)
{
    struct person *p = ctx;
    if (hy_str_eq(name, HY_STR("score"))) {
        snprintf(p->score, sizeof p->score, "%.3f", score_at(p, p->now));
        return hy_str_of(p->score);
    }
    return name.p[0] >= 'a' && name.p[0] < 'a' + DATES ? hy_str_of(p->dates[name.p[0] - 'a'])
                                                       : HY_STR("");
}

static bool is_member(void *ctx, enum hy_segment_group group, struct hy_str name)
{
    (void)ctx;
    (void)group;
    return hy_str_eq(name, HY_STR("in"));
}

static unsigned moments(const struct person *p, const struct hy_segment_node *did, hy_wall_ms from,
                        hy_wall_ms until, hy_wall_ms out[DEEDS_MAX])
{
    unsigned n = 0;
    for (unsigned i = 0; i < p->n_deeds; i++)
        if (p->deeds[i].kind == did->did && p->deeds[i].at >= from && p->deeds[i].at < until) {
            unsigned k = n++;
            for (; k > 0 && out[k - 1] < p->deeds[i].at; k--)
                out[k] = out[k - 1];
            out[k] = p->deeds[i].at;
        }
    return n;
}

static uint32_t count(void *ctx, const struct hy_segment_node *did, hy_wall_ms from,
                      hy_wall_ms until, uint32_t enough)
{
    hy_wall_ms out[DEEDS_MAX];
    unsigned n = moments(ctx, did, from, until, out);
    return n < enough ? n : enough;
}

static hy_wall_ms nth(void *ctx, const struct hy_segment_node *did, hy_wall_ms from,
                      hy_wall_ms until, uint32_t rank)
{
    hy_wall_ms out[DEEDS_MAX];
    unsigned n = moments(ctx, did, from, until, out);
    return rank >= 1 && rank <= n ? out[rank - 1] : INT64_MIN;
}

static hy_wall_ms stays_until(void *ctx, const struct hy_segment_node *n)
{
    struct person *p = ctx;
    hy_wall_ms at = p->scored;
    if (!hy_str_eq(n->name, HY_STR("score")))
        return INT64_MAX;
    while (at <= p->now)
        at += DAY;
    return at;
}

static struct hy_segment_facts facts_of(struct person *p, hy_wall_ms now)
{
    p->now = now;
    return (struct hy_segment_facts){.ctx = p,
                                     .attribute = attribute,
                                     .is_member = is_member,
                                     .count = count,
                                     .nth = nth,
                                     .stays_until = stays_until,
                                     .now = now};
}

static struct person somebody(struct hy_rng *r)
{
    struct person p = {.points = (double)hy_rng_below(r, 100),
                       .scored = NOW - (hy_wall_ms)hy_rng_below(r, 5) * DAY,
                       .n_deeds = (unsigned)hy_rng_below(r, DEEDS_MAX)};
    for (unsigned i = 0; i < p.n_deeds; i++) {
        p.deeds[i].kind = hy_rng_below(r, 2) ? HY_ACTIVITY_CLICK : HY_ACTIVITY_OPEN;
        p.deeds[i].at = NOW - (hy_wall_ms)hy_rng_below(r, (uint64_t)(10 * DAY));
    }
    for (unsigned i = 0; i < DATES; i++) {
        hy_wall_ms at = NOW + (hy_wall_ms)hy_rng_below(r, (uint64_t)(20 * DAY)) - 10 * DAY;
        hy_wall_format(at, p.dates[i]);
        if (hy_rng_below(r, 2))
            p.dates[i][10] = 0; /* the day alone */
    }
    return p;
}

static const char *const texts[] = {
    "clicked(within 3d)",
    "not clicked(within 3d)",
    "clicked(within 5d) >= 3",
    "clicked(within 5d) > 2",
    "clicked(within 5d) = 2",
    "clicked(within 5d) != 1",
    "clicked(within 5d) < 2",
    "opened(within 4d) <= 1",
    "clicked() >= 2",
    "clicked(within 6d, since 2026-11-27)",
    "clicked(within 6d, before 2026-11-27) = 1",
    "a within 3d",
    "a older than 3d",
    "a within 90s or b within 4d and not c older than 1d",
    "score >= 20",
    "score < 10 or clicked(within 2d)",
    "tag(\"in\") and clicked(within 4d) and opened(within 2d)",
    "tag(\"out\") and clicked(within 4d)",
    "tag(\"in\") or clicked(within 4d)",
    "(clicked(within 1d) or opened(within 7d)) and not (a within 5d and score >= 30)",
    "not (clicked(within 1d) or opened(within 2d) or b older than 2d)",
};

Test(segment_next, nothing_changes_before_the_moment_that_is_told)
{
    struct hy_rng r;
    hy_rng_seed(&r, 7);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        struct hy_arena arena = HY_ARENA_INIT(1 << 20);
        struct hy_diag diag = {0};
        const struct hy_segment_node *n;
        unsigned changes = 0;
        cr_assert_eq(hy_segment_parse(hy_str_of(texts[k]), &arena, &diag, &n), 0, "%s", diag.text);
        for (int i = 0; i < 300; i++) {
            struct person p = somebody(&r);
            hy_wall_ms now = NOW;
            for (int step = 0; step < 40; step++) { /* from change to change */
                struct hy_segment_facts f = facts_of(&p, now);
                bool is_true = false;
                hy_wall_ms next = hy_segment_next_change(n, &f, &is_true);
                cr_assert_eq(is_true, hy_segment_is_true(n, &f), "%s", texts[k]);
                cr_assert_gt(next, now, "%s", texts[k]);
                hy_wall_ms end = next < NOW + 40 * DAY ? next : NOW + 40 * DAY;
                for (int s = 0; s < 20 && end - now > 1; s++) {
                    hy_wall_ms at = s == 0
                                        ? end - 1
                                        : now + (hy_wall_ms)hy_rng_below(&r, (uint64_t)(end - now));
                    struct hy_segment_facts g = facts_of(&p, at);
                    cr_assert_eq(hy_segment_is_true(n, &g), is_true, "%s changed %lld ms early",
                                 texts[k], (long long)(next - at));
                }
                if (next == end) {
                    struct hy_segment_facts g = facts_of(&p, next);
                    changes += hy_segment_is_true(n, &g) != is_true;
                }
                if (next >= NOW + 40 * DAY)
                    break;
                now = next;
            }
        }
        bool is_settled = strcmp(texts[k], "clicked() >= 2") == 0 || strstr(texts[k], "\"out\"") ||
                          strncmp(texts[k], "tag(\"in\") or", 12) == 0;
        cr_expect_eq(changes == 0, is_settled, "%s changed %u times", texts[k], changes);
        hy_arena_free(&arena);
    }
}

Test(segment_next, what_cannot_matter_is_not_waited_for)
{
    static const char *const never[] = {
        "tag(\"out\") and clicked(within 4d)",
        "tag(\"in\") or a within 4d",
        "not (tag(\"out\") and (clicked(within 4d) or a older than 2d))",
        "clicked(within 1d) >= 50",
        "d within 4d",
    };
    struct hy_rng r;
    hy_rng_seed(&r, 8);
    for (size_t k = 0; k < sizeof never / sizeof *never; k++) {
        struct hy_arena arena = HY_ARENA_INIT(1 << 20);
        struct hy_diag diag = {0};
        const struct hy_segment_node *n;
        cr_assert_eq(hy_segment_parse(hy_str_of(never[k]), &arena, &diag, &n), 0, "%s", diag.text);
        for (int i = 0; i < 50; i++) {
            struct person p = somebody(&r);
            struct hy_segment_facts f = facts_of(&p, NOW);
            bool is_true;
            cr_expect_eq(hy_segment_next_change(n, &f, &is_true), INT64_MAX, "%s", never[k]);
        }
        hy_arena_free(&arena);
    }
}

/* -- items of an order ------------------------------------------------------------------------ */

static const char *const products[][2] = {{"tea", "5"}, {"cup", "1"}};

static struct hy_str item_value(void *ctx, struct hy_str key)
{
    unsigned *item = ctx;
    return hy_str_of(products[*item][hy_str_eq(key, HY_STR("product")) ? 0 : 1]);
}

static unsigned item_count(void *ctx)
{
    (void)ctx;
    return 2;
}

static void item_choose(void *ctx, unsigned item)
{
    *(unsigned *)ctx = item;
}

Test(segment_next, filters_are_passed_by_one_item_together)
{
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        {"ordered(product: \"tea\")", true},
        {"ordered(product: \"cup\")", true},
        {"ordered(product: \"pot\")", false},
        {"ordered(product: \"tea\", category: 5)", true},
        {"ordered(product: \"cup\", category: 5)", false},
        {"ordered(product != \"cup\")", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned item = 0;
        struct hy_arena arena = HY_ARENA_INIT(1 << 20);
        struct hy_diag diag = {0};
        const struct hy_segment_node *n;
        struct hy_segment_deed d = {item_value, &item, item_count, item_choose};
        cr_assert_eq(hy_segment_parse(hy_str_of(cases[i].text), &arena, &diag, &n), 0, "%s",
                     diag.text);
        cr_expect_eq(hy_segment_matches(n, &d), cases[i].want, "%s", cases[i].text);
        hy_arena_free(&arena);
    }
}
