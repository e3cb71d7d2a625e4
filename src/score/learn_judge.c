/* How well points tell who ends well, by people that nothing was learned from. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn_priv.h"

struct scored {
    double score;
    uint32_t row;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Rows by their scores, the least first. To be freed. */
static struct scored *in_order(const struct learn_matrix *m, const double *scores)
{
    struct scored *s = malloc((m->n_rows ? m->n_rows : 1) * sizeof *s);
    for (size_t i = 0; s && i < m->n_rows; i++)
        s[i] = (struct scored){scores[i], (uint32_t)i};
    if (s && m->n_rows)
        qsort(s, m->n_rows, sizeof *s, by_score);
    return s;
}

/* ---- AUC ---- */

/* Of a row: with how many of the other end it is in the right order, as a share; same scores count
 * half (DeLong, DeLong, Clarke-Pearson, 1988). */
static void place(const struct learn_matrix *m, const struct scored *s, const double n[2],
                  double *ret)
{
    double below[2] = {0, 0};
    for (size_t from = 0, to; from < m->n_rows; from = to) {
        double same[2] = {0, 0};
        for (to = from; to < m->n_rows && s[to].score == s[from].score; to++)
            same[m->good[s[to].row]]++;
        for (size_t i = from; i < to; i++) {
            bool is_good = m->good[s[i].row];
            double under = below[!is_good] + same[!is_good] / 2;
            ret[s[i].row] = (is_good ? under : n[1] - under) / n[!is_good];
        }
        below[0] += same[0];
        below[1] += same[1];
    }
}

struct draw {
    uint64_t who;
    double part;
};

static int by_who(const void *a, const void *b)
{
    const struct draw *x = a, *y = b;
    return x->who < y->who ? -1 : x->who > y->who;
}

/* Rows of one person count as one draw (Obuchowski, 1997). */
static int error_of(const struct learn_matrix *m, const double *places, double auc,
                    const double n[2], double *ret)
{
    struct draw *d = malloc(m->n_rows * sizeof *d);
    double sum = 0;
    if (!d)
        return HY_ENOMEM;
    for (size_t i = 0; i < m->n_rows; i++)
        d[i] = (struct draw){m->who[i], (places[i] - auc) / n[m->good[i]]};
    qsort(d, m->n_rows, sizeof *d, by_who);
    for (size_t from = 0, to; from < m->n_rows; from = to) {
        double one = 0;
        for (to = from; to < m->n_rows && d[to].who == d[from].who; to++)
            one += d[to].part;
        sum += one * one;
    }
    free(d);
    *ret = sqrt(sum);
    return HY_OK;
}

int learn_auc(const struct learn_matrix *m, const double *scores, double *ret_auc,
              double *ret_error)
{
    double n[2] = {0, 0}, sum = 0;
    struct scored *s = in_order(m, scores);
    double *places = malloc((m->n_rows ? m->n_rows : 1) * sizeof *places);
    int err = s && places ? HY_OK : HY_ENOMEM;
    for (size_t i = 0; i < m->n_rows; i++)
        n[m->good[i]]++;
    if (err == HY_OK && n[0] > 0 && n[1] > 0) {
        place(m, s, n, places);
        for (size_t i = 0; i < m->n_rows; i++)
            sum += m->good[i] ? places[i] : 0;
        *ret_auc = sum / n[1];
        err = error_of(m, places, *ret_auc, n, ret_error);
    }
    free(s);
    free(places);
    return err;
}

/* ---- shares ---- */

/* a + b z that fits the ends best, by Newton's method: a alone where b is held. */
static void fit_line(const struct learn_matrix *m, const double *z, bool holds_slope, double *a,
                     double *b)
{
    for (int i = 0; i < 50; i++) {
        double ga = 0, gb = 0, haa = 1e-9, hab = 0, hbb = 1e-9;
        for (size_t k = 0; k < m->n_rows; k++) {
            double p = 1 / (1 + exp(-(*a + *b * z[k])));
            double error = m->weight[k] * (m->good[k] - p), curve = m->weight[k] * p * (1 - p);
            ga += error;
            gb += error * z[k];
            haa += curve;
            hab += curve * z[k];
            hbb += curve * z[k] * z[k];
        }
        double det = haa * hbb - hab * hab;
        double da = holds_slope ? ga / haa : (hbb * ga - hab * gb) / det;
        double db = holds_slope ? 0 : (haa * gb - hab * ga) / det;
        if (!isfinite(da) || !isfinite(db))
            return;
        *a += da < -5 ? -5 : da > 5 ? 5 : da;
        *b += db < -1 ? -1 : db > 1 ? 1 : db;
        if (fabs(da) < 1e-9 && fabs(db) < 1e-9)
            return;
    }
}

static double *odds_of(const struct learn_matrix *m, const double *scores)
{
    double *z = malloc((m->n_rows ? m->n_rows : 1) * sizeof *z);
    for (size_t i = 0; z && i < m->n_rows; i++)
        z[i] = scores[i] / LEARN_POINTS;
    return z;
}

static double weight_of(const struct learn_matrix *m)
{
    double sum = 0;
    for (size_t i = 0; i < m->n_rows; i++)
        sum += m->weight[i];
    return sum;
}

int learn_base(const struct learn_matrix *m, const double *scores, double *ret_log,
               double *ret_tenth)
{
    struct scored *s = in_order(m, scores);
    double *z = odds_of(m, scores), slope = 1, left = weight_of(m) * 0.9;
    int err = s && z ? HY_OK : HY_ENOMEM;
    *ret_log = 0;
    *ret_tenth = 0;
    if (err == HY_OK)
        fit_line(m, z, true, ret_log, &slope);
    for (size_t i = 0; err == HY_OK && i < m->n_rows && left > 0; i++) {
        left -= m->weight[s[i].row];
        *ret_tenth = s[i].score;
    }
    free(s);
    free(z);
    return err;
}

static void tell_bands(const struct learn_matrix *m, const struct scored *s, double base_log,
                       struct hy_learn_result *r)
{
    double all = weight_of(m), before = 0, goods = 0, top = 0;
    double people[HY_LEARN_BANDS] = {0};
    for (size_t i = 0; i < m->n_rows; i++) {
        uint32_t row = s[i].row;
        double w = m->weight[row];
        size_t at = (size_t)(HY_LEARN_BANDS * before / all);
        at = at < HY_LEARN_BANDS ? at : HY_LEARN_BANDS - 1;
        struct hy_learn_band *b = &r->bands[at];
        if (people[at] == 0)
            b->from = s[i].score;
        b->people++;
        people[at] += w;
        b->expected += w / (1 + exp(-(base_log + s[i].score / LEARN_POINTS)));
        b->got += m->good[row] ? w : 0;
        goods += m->good[row] ? w : 0;
        top += m->good[row] && before >= 0.9 * all ? w : 0;
        before += w;
    }
    for (size_t i = 0; i < HY_LEARN_BANDS; i++) {
        r->bands[i].expected /= people[i] > 0 ? people[i] : 1;
        r->bands[i].got /= people[i] > 0 ? people[i] : 1;
    }
    r->best_tenth = goods > 0 ? top / goods : 0;
}

int learn_calibrate(const struct learn_matrix *m, const double *scores, double base_log,
                    struct hy_learn_result *r)
{
    struct scored *s = in_order(m, scores);
    double *z = odds_of(m, scores), a = base_log;
    int err = s && z ? HY_OK : HY_ENOMEM;
    r->slope = 1;
    if (err == HY_OK) {
        tell_bands(m, s, base_log, r);
        fit_line(m, z, false, &a, &r->slope);
    }
    free(s);
    free(z);
    return err;
}
