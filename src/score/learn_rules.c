/* Learned points written as a file of scoring rules. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hayauma/score/learn.h"

enum { STRONG = 90 }; /* AUC of one condition, in hundredths, that is too good to be true */

/* 'it''s' */
static void put_quoted(struct hy_buf *out, struct hy_str s)
{
    hy_buf_add_c(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'')
            hy_buf_add_c(out, '\'');
        hy_buf_add_c(out, s.p[i]);
    }
    hy_buf_add_c(out, '\'');
}

/* The condition, short enough, with its number so that there is only one of it. */
static void put_name(struct hy_buf *out, const struct hy_learn_rule *r, size_t no)
{
    enum { ROOM = HY_SCORE_NAME_MAX - 6 };
    char name[HY_SCORE_NAME_MAX + 1];
    size_t n = strnlen(r->condition, ROOM);
    while (n && ((unsigned char)r->condition[n] & 0xc0) == 0x80) /* not within a letter */
        n--;
    snprintf(name, sizeof name, "%.*s #%zu", (int)n, r->condition, no + 1);
    put_quoted(out, hy_str_of(name));
}

static void put_rule(struct hy_buf *out, const struct hy_learn_rule *r, size_t no)
{
    hy_buf_printf(out,
                  "  # coefficient %.3f, odds x %.2f; true of %u people, %u of them ended well\n",
                  r->coefficient, exp(r->coefficient), r->people, r->goods);
    hy_buf_add_lit(out, "  - name: ");
    put_name(out, r, no);
    hy_buf_add_str(out, r->is_deed ? HY_STR("\n    on: ") : HY_STR("\n    when: "));
    put_quoted(out, hy_str_of(r->condition));
    hy_buf_printf(out, "\n    points: %d\n    group: %s\n", r->points,
                  r->is_deed ? "engagement" : "fit");
    int64_t most = (int64_t)r->points * r->most;
    most = most > HY_SCORE_POINTS_MAX    ? HY_SCORE_POINTS_MAX
           : most < -HY_SCORE_POINTS_MAX ? -HY_SCORE_POINTS_MAX
                                         : most;
    if (r->is_deed)
        hy_buf_printf(out, "    at_most: %lld per %ud\n", (long long)most, r->most_per_s / 86400);
}

static void put_judged(struct hy_buf *out, const struct hy_learn_result *r)
{
    hy_buf_printf(
        out,
        "# Learned from %lu people (%lu ended well); judged by %lu others (%lu):\n"
        "# AUC %.3f (95 %%: %.3f to %.3f); of those that ended well, %.0f %% are in the tenth "
        "with most points.\n"
        "# 20 points double the odds; at 0 points %.2f %% end well. Of the others, by their "
        "points, a fifth each:\n",
        r->learned, r->learned_goods, r->judged, r->judged_goods, r->auc, r->low, r->high,
        100 * r->best_tenth, 100 * r->base);
    for (size_t i = 0; i < HY_LEARN_BANDS; i++)
        hy_buf_printf(out, "#   from %5.0f points: %5.2f %% ended well, %5.2f %% expected\n",
                      r->bands[i].from, 100 * r->bands[i].got, 100 * r->bands[i].expected);
    hy_buf_printf(out, "# (slope %.2f; 1 is as expected, less: the points promise too much)\n",
                  r->slope);
}

/* "0.513": formats that are told in other languages have texts only. */
struct figure {
    char text[32];
};

static struct figure figure(double v)
{
    struct figure f;
    snprintf(f.text, sizeof f.text, "%.3f", v);
    return f;
}

size_t hy_learn_warnings(const struct hy_learn_result *r, struct hy_diag ret[HY_LEARN_WARNINGS])
{
    size_t n = 0;
    uint64_t fewer = r->goods < r->people - r->goods ? r->goods : r->people - r->goods;
    memset(ret, 0, HY_LEARN_WARNINGS * sizeof *ret);
    if (fewer < HY_LEARN_GOODS_FEW)
        (void)hy_fail(&ret[n++], 0, "only %lu people are of one kind: the points are rough", fewer);
    if (r->low < 0.5)
        (void)hy_fail(&ret[n++], 0, "the points may tell nothing: AUC %s, from %s to %s",
                      figure(r->auc).text, figure(r->low).text, figure(r->high).text);
    if (r->strongest * 100 > STRONG)
        (void)hy_fail(
            &ret[n++], 0,
            "%.150s nearly tells the end by itself: is it known before, or does it come of "
            "it?",
            r->strongest_of);
    if (r->slope < 0.7)
        (void)hy_fail(&ret[n++], 0, "the points promise more than comes true: slope %s",
                      figure(r->slope).text);
    return n;
}

void hy_learn_put_rules(struct hy_buf *out, const struct hy_learn_result *r,
                        const char *const *head, size_t n_head)
{
    struct hy_diag warnings[HY_LEARN_WARNINGS] = {{""}};
    size_t n = hy_learn_warnings(r, warnings);
    for (size_t i = 0; i < n_head; i++)
        hy_buf_printf(out, "# %s\n", head[i]);
    put_judged(out, r);
    for (size_t i = 0; i < n; i++)
        hy_buf_printf(out, "# Warning: %s.\n", warnings[i].text);
    hy_buf_add_lit(out, "\ngroups:\n");
    if (r->half_life_s)
        hy_buf_printf(out, "  - {name: engagement, half_life: %ud}\n", r->half_life_s / 86400);
    else
        hy_buf_add_lit(out, "  - {name: engagement}\n");
    hy_buf_add_lit(out, "  - {name: fit}\n\nrules:");
    hy_buf_add_str(out, r->n_rules ? HY_STR("\n") : HY_STR(" []\n"));
    for (size_t i = 0; i < r->n_rules; i++)
        put_rule(out, &r->rules[i], i);
    int32_t from = r->hot > 1 ? r->hot : 1;
    from = from < HY_SCORE_POINTS_MAX ? from : HY_SCORE_POINTS_MAX;
    hy_buf_printf(out,
                  "\nthresholds:\n"
                  "  # one in ten of those that were learned from has so many\n"
                  "  - {name: hot, from: %d, until: %d}\n",
                  from, from > 1 ? from - from / 5 - (from < 5) : 1);
}
