/* From people to points: the penalty and the half-life that do best on folds of those that are
 * learned from, the weights, whole points, and what the others say of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn_priv.h"

enum { FOLDS = 5, CHOOSING_MAX = 20000 };

static const double penalties[] = {1, 10, 100, 1000};
static const uint32_t half_lives_d[] = {30, 90, 180, 0};
enum {
    N_PENALTIES = sizeof penalties / sizeof *penalties,
    N_HALF_LIVES = sizeof half_lives_d / sizeof *half_lives_d,
    STEPS = FOLDS * (N_HALF_LIVES + N_PENALTIES) + 1,
    FIRST_PENALTY = 10,
};

struct fit {
    struct hy_learn *l;
    struct learn_feature *features;
    size_t n;
    struct learn_matrix m; /* those that are learned from */
    double *weights, *scores;
    int (*told)(void *ctx, unsigned done, unsigned all);
    void *ctx;
    unsigned done;
};

static int tell(struct fit *f)
{
    return f->told && f->told(f->ctx, ++f->done, STEPS) ? HY_ECANCELED : HY_OK;
}

/* The loss on what was left out, over all folds. */
static int left_out(struct fit *f, double penalty, double *ret)
{
    unsigned step = (unsigned)(f->m.n_rows / CHOOSING_MAX) + 1;
    int err = HY_OK;
    *ret = 0;
    for (int fold = 0; fold < FOLDS && err == HY_OK; fold++) {
        struct learn_rows rows = {.m = &f->m, .fold = fold, .step = step};
        err = learn_weigh(&rows, penalty, f->weights);
        rows.is_inside = true;
        if (err == HY_OK)
            *ret += learn_loss(&rows, f->weights);
        if (err == HY_OK)
            err = tell(f);
    }
    return err;
}

static bool has_deeds(const struct fit *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->features[i].kind == LEARN_DID)
            return true;
    return false;
}

static int remake(struct fit *f, uint32_t half_life_s)
{
    learn_matrix_free(&f->m);
    return learn_matrix_make(f->l, f->features, f->n, half_life_s, false, &f->m);
}

static int choose_half_life(struct fit *f, struct hy_learn_result *r)
{
    double best = INFINITY, loss;
    int err = HY_OK;
    r->half_life_s = 0;
    for (size_t i = 0; i < N_HALF_LIVES && has_deeds(f) && err == HY_OK; i++) {
        err = remake(f, half_lives_d[i] * 86400);
        if (err == HY_OK)
            err = left_out(f, FIRST_PENALTY, &loss);
        if (err == HY_OK && loss < best) {
            best = loss;
            r->half_life_s = half_lives_d[i] * 86400;
        }
    }
    return err == HY_OK ? remake(f, r->half_life_s) : err;
}

static int choose_penalty(struct fit *f, struct hy_learn_result *r)
{
    double best = INFINITY, loss;
    int err = HY_OK;
    f->done = FOLDS * N_HALF_LIVES;
    for (size_t i = 0; i < N_PENALTIES && err == HY_OK; i++) {
        err = left_out(f, penalties[i], &loss);
        if (err == HY_OK && loss < best) {
            best = loss;
            r->penalty = penalties[i];
        }
    }
    return err;
}

/* ---- the result ---- */

static int32_t points_of(double weight)
{
    double p = round(weight * LEARN_POINTS);
    return p > HY_SCORE_POINTS_MAX    ? HY_SCORE_POINTS_MAX
           : p < -HY_SCORE_POINTS_MAX ? -HY_SCORE_POINTS_MAX
                                      : (int32_t)p;
}

static void score_all(const struct learn_matrix *m, const double *weights, bool as_points,
                      double *ret)
{
    for (size_t i = 0; i < m->n_rows; i++) {
        double sum = 0;
        for (size_t k = m->first[i]; k < m->first[i + 1]; k++) {
            double w = weights[m->feature[k]];
            sum += (as_points ? points_of(w) : w) * (double)m->value[k];
        }
        ret[i] = sum;
    }
}

static int by_weight(const void *a, const void *b)
{
    const struct hy_learn_rule *x = a, *y = b;
    double d = fabs(y->coefficient) - fabs(x->coefficient);
    return d < 0 ? -1 : d > 0 ? 1 : strcmp(x->condition, y->condition);
}

static int tell_rules(struct fit *f, struct hy_learn_result *r)
{
    r->rules = calloc(f->n + 1, sizeof *r->rules);
    if (!r->rules)
        return HY_ENOMEM;
    for (size_t i = 0; i < f->n; i++) {
        const struct learn_feature *of = &f->features[i];
        if (points_of(f->weights[i]) == 0)
            continue;
        r->rules[r->n_rules++] = (struct hy_learn_rule){
            .condition = of->text,
            .is_deed = of->kind == LEARN_DID,
            .most = of->most,
            .most_per_s = LEARN_PER_DAYS * 86400,
            .points = points_of(f->weights[i]),
            .coefficient = f->weights[i],
            .people = of->people,
            .goods = of->goods,
        };
    }
    if (r->n_rules)
        qsort(r->rules, r->n_rules, sizeof *r->rules, by_weight);
    return HY_OK;
}

/* The one condition that tells most by itself. */
static int tell_strongest(struct fit *f, const struct learn_matrix *judges,
                          struct hy_learn_result *r)
{
    size_t best = 0;
    double error;
    for (size_t i = 1; i < f->n; i++)
        if (f->features[i].contrast > f->features[best].contrast)
            best = i;
    for (size_t i = 0; i < judges->n_rows; i++) {
        f->scores[i] = 0;
        for (size_t k = judges->first[i]; k < judges->first[i + 1]; k++)
            if (judges->feature[k] == best)
                f->scores[i] = (double)judges->value[k];
    }
    int err = learn_auc(judges, f->scores, &r->strongest, &error);
    r->strongest = r->strongest < 0.5 ? 1 - r->strongest : r->strongest;
    r->strongest_of = f->features[best].text;
    return err;
}

static int judge(struct fit *f, const struct learn_matrix *judges, struct hy_learn_result *r)
{
    double base_log = 0, tenth = 0, error = 0, unused;
    score_all(&f->m, f->weights, true, f->scores);
    int err = learn_base(&f->m, f->scores, &base_log, &tenth);
    r->base = 1 / (1 + exp(-base_log));
    r->hot = (int32_t)ceil(tenth);
    score_all(judges, f->weights, false, f->scores);
    if (err == HY_OK)
        err = learn_auc(judges, f->scores, &r->auc_of_weights, &unused);
    score_all(judges, f->weights, true, f->scores);
    if (err == HY_OK)
        err = learn_auc(judges, f->scores, &r->auc, &error);
    r->low = r->auc - 1.96 * error > 0 ? r->auc - 1.96 * error : 0;
    r->high = r->auc + 1.96 * error < 1 ? r->auc + 1.96 * error : 1;
    if (err == HY_OK)
        err = learn_calibrate(judges, f->scores, base_log, r);
    return err == HY_OK ? tell_strongest(f, judges, r) : err;
}

static int fit(struct fit *f, struct hy_diag *diag, struct hy_learn_result *r)
{
    struct learn_matrix judges = {0};
    int err = learn_features(f->l, &f->features, &f->n);
    if (err == HY_OK && f->n == 0)
        err = hy_fail(diag, HY_EINVAL, "nothing that people did or are tells who ends well");
    f->weights = calloc(f->n + 1, sizeof *f->weights);
    f->scores = calloc(f->l->n_people + 1, sizeof *f->scores);
    if (err == HY_OK && (!f->weights || !f->scores))
        err = HY_ENOMEM;
    if (err == HY_OK)
        err = choose_half_life(f, r);
    if (err == HY_OK)
        err = choose_penalty(f, r);
    struct learn_rows all = {.m = &f->m, .fold = -1, .step = 1};
    if (err == HY_OK)
        err = learn_weigh(&all, r->penalty, f->weights);
    if (err == HY_OK)
        err = learn_matrix_make(f->l, f->features, f->n, r->half_life_s, true, &judges);
    if (err == HY_OK)
        err = judge(f, &judges, r);
    if (err == HY_OK)
        err = tell_rules(f, r);
    learn_matrix_free(&judges);
    return err;
}

static int count(const struct hy_learn *l, struct hy_diag *diag, struct hy_learn_result *r)
{
    uint64_t n[2][2] = {{0}};
    for (size_t i = 0; i < l->n_people; i++)
        n[learn_is_judge(l, &l->people[i])][l->people[i].is_good]++;
    *r = (struct hy_learn_result){
        .people = l->told[0] + l->told[1],
        .goods = l->told[1],
        .learned = n[0][0] + n[0][1],
        .judged = n[1][0] + n[1][1],
        .learned_goods = n[0][1],
        .judged_goods = n[1][1],
    };
    uint64_t bads = l->kept[0], goods = l->kept[1];
    if (bads < HY_LEARN_GOODS_MIN || goods < HY_LEARN_GOODS_MIN || !n[1][0] || !n[1][1])
        return hy_fail(diag, HY_EINVAL,
                       "of %lu people %lu ended well: at least %d of both kinds are needed",
                       r->people, r->goods, HY_LEARN_GOODS_MIN);
    return HY_OK;
}

int hy_learn_fit(struct hy_learn *l, int (*told)(void *ctx, unsigned done, unsigned all), void *ctx,
                 struct hy_diag *diag, struct hy_learn_result *ret)
{
    struct fit f = {.l = l, .told = told, .ctx = ctx};
    struct hy_learn_result r;
    int err = count(l, diag, &r);
    if (err == HY_OK)
        err = fit(&f, diag, &r);
    learn_matrix_free(&f.m);
    free(f.features);
    free(f.weights);
    free(f.scores);
    if (err == HY_OK)
        *ret = r;
    else
        free(r.rules);
    return err;
}

void hy_learn_result_free(struct hy_learn_result *r)
{
    free(r->rules);
    *r = (struct hy_learn_result){0};
}
