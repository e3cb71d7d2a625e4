/* Logistic regression with a ridge penalty, by Newton's method (Hastie, Tibshirani, Friedman: The
 * Elements of Statistical Learning, 4.4). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn_priv.h"

enum { STEPS = 50 };
#define STEEP     30   /* a log odds beyond is as good as that */
#define PRECISE   1e-7 /* of a weight */
#define FREE_BASE 1e-6 /* penalty of what all have */

static bool is_in(const struct learn_rows *r, size_t row)
{
    if (row % r->step)
        return false;
    return r->fold < 0 || (r->m->fold[row] == r->fold) == r->is_inside;
}

static double odds_of(const struct learn_matrix *m, size_t row, const double *weights)
{
    double z = weights[m->n_features];
    for (size_t k = m->first[row]; k < m->first[row + 1]; k++)
        z += weights[m->feature[k]] * (double)m->value[k];
    return z < -STEEP ? -STEEP : z > STEEP ? STEEP : z;
}

double learn_loss(const struct learn_rows *rows, const double *weights)
{
    const struct learn_matrix *m = rows->m;
    double sum = 0;
    for (size_t i = 0; i < m->n_rows; i++) {
        if (!is_in(rows, i))
            continue;
        double z = odds_of(m, i, weights);
        sum += m->weight[i] * (log1p(exp(-fabs(z))) + (z > 0 ? z : 0) - (m->good[i] ? z : 0));
    }
    return sum;
}

/* Slope and the lower half of the bend of the loss of the rows. */
static void add_rows(const struct learn_rows *rows, const double *weights, double *slope,
                     double *bend)
{
    const struct learn_matrix *m = rows->m;
    size_t n = m->n_features + 1, base = m->n_features;
    for (size_t i = 0; i < m->n_rows; i++) {
        if (!is_in(rows, i))
            continue;
        double p = 1 / (1 + exp(-odds_of(m, i, weights)));
        double error = m->weight[i] * (m->good[i] - p), curve = m->weight[i] * p * (1 - p);
        slope[base] += error;
        bend[base * n + base] += curve;
        for (size_t a = m->first[i]; a < m->first[i + 1]; a++) {
            size_t at = m->feature[a];
            double one = curve * (double)m->value[a];
            slope[at] += error * (double)m->value[a];
            bend[base * n + at] += one;
            for (size_t b = m->first[i]; b <= a; b++)
                bend[at * n + m->feature[b]] += one * (double)m->value[b];
        }
    }
}

/* Cholesky: bend x = slope, in place; false: it is not positive. Features of a row ascend, so the
 * lower half is all there is. */
static bool solve(double *bend, double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k <= i; k++) {
            double sum = bend[i * n + k];
            for (size_t j = 0; j < k; j++)
                sum -= bend[i * n + j] * bend[k * n + j];
            if (i == k && sum <= 0)
                return false;
            bend[i * n + k] = i == k ? sqrt(sum) : sum / bend[k * n + k];
        }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            x[i] -= bend[i * n + j] * x[j];
        x[i] /= bend[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t j = i + 1; j < n; j++)
            x[i] -= bend[j * n + i] * x[j];
        x[i] /= bend[i * n + i];
    }
    return true;
}

static double step(const struct learn_rows *rows, double penalty, double *weights, double *slope,
                   double *bend)
{
    size_t n = rows->m->n_features + 1;
    double most = 0;
    memset(slope, 0, n * sizeof *slope);
    memset(bend, 0, n * n * sizeof *bend);
    add_rows(rows, weights, slope, bend);
    for (size_t i = 0; i < n; i++) {
        double held = i == n - 1 ? FREE_BASE : penalty;
        slope[i] -= held * weights[i];
        bend[i * n + i] += held;
    }
    if (!solve(bend, slope, n))
        return 0;
    for (size_t i = 0; i < n; i++) {
        double by = slope[i] < -5 ? -5 : slope[i] > 5 ? 5 : slope[i]; /* not off the map */
        weights[i] += by;
        most = fabs(by) > most ? fabs(by) : most;
    }
    return most;
}

int learn_weigh(const struct learn_rows *rows, double penalty, double *weights)
{
    size_t n = rows->m->n_features + 1;
    double *slope = malloc(n * sizeof *slope), *bend = malloc(n * n * sizeof *bend);
    bool has_room = slope && bend;
    memset(weights, 0, n * sizeof *weights);
    for (int i = 0; has_room && i < STEPS && step(rows, penalty, weights, slope, bend) > PRECISE;)
        i++;
    free(slope);
    free(bend);
    return has_room ? HY_OK : HY_ENOMEM;
}
