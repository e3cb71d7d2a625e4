/* People as rows of numbers: how far each condition is true of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn_priv.h"

enum { FOLDS = 5 };

void learn_matrix_free(struct learn_matrix *m)
{
    free(m->first);
    free(m->feature);
    free(m->value);
    free(m->weight);
    free(m->good);
    free(m->fold);
    free(m->who);
    *m = (struct learn_matrix){0};
}

/* The features of each column: [first[c], first[c + 1]) of those in order of columns. */
static uint32_t *places_of(const struct hy_learn *l, const struct learn_feature *f, size_t n)
{
    uint32_t *first = calloc(l->n_columns + 2, sizeof *first);
    for (size_t i = 0; first && i < n; i++)
        first[f[i].column + 1]++;
    for (size_t c = 0; first && c < l->n_columns; c++)
        first[c + 1] += first[c];
    return first;
}

static int put(struct learn_matrix *m, size_t *n, size_t feature, double value)
{
    if (*n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 4096;
        uint16_t *features = realloc(m->feature, cap * sizeof *features);
        if (features)
            m->feature = features;
        float *values = realloc(m->value, cap * sizeof *values);
        if (values)
            m->value = values;
        if (!features || !values)
            return HY_ENOMEM;
        m->cap = cap;
    }
    m->feature[*n] = (uint16_t)feature;
    m->value[*n] = (float)value;
    ++*n;
    return HY_OK;
}

/* What a rule with this limit and half-life would give for deeds [from, to), the oldest first. */
static double deeds(const struct learn_entry *e, size_t n, unsigned most, double half_life_days)
{
    double sum = 0, given[16]; /* ages of the last `most` that were given */
    size_t n_given = 0;
    for (size_t i = 0; i < n; i++) {
        double age = e[i].value;
        if (n_given >= most && given[n_given % most] < age + LEARN_PER_DAYS)
            continue;
        given[n_given++ % most] = age;
        sum += half_life_days > 0 ? exp2(-age / half_life_days) : 1;
    }
    return sum;
}

static double value_of(const struct learn_feature *f, const struct learn_entry *e, size_t n,
                       double half_life_days)
{
    switch (f->kind) {
    case LEARN_DID:
        return deeds(e, n, f->most, half_life_days);
    case LEARN_WORD:
        return e->word == f->word;
    case LEARN_AT_LEAST:
        return (double)e->value >= f->edge;
    default:
        return 1;
    }
}

static int make_row(struct hy_learn *l, size_t person, const struct learn_feature *f,
                    const uint32_t *places, double half_life_days, struct learn_matrix *m,
                    size_t *n)
{
    size_t end = learn_entries_end(l, person);
    int err = HY_OK;
    for (size_t from = l->people[person].first, to; from < end && err == HY_OK; from = to) {
        const struct learn_entry *e = &l->entries[from];
        for (to = from + 1; to < end && l->entries[to].column == e->column;)
            to++;
        for (size_t i = places[e->column]; i < places[e->column + 1] && err == HY_OK; i++) {
            double v = value_of(&f[i], e, to - from, half_life_days);
            if (v > 0)
                err = put(m, n, i, v);
        }
    }
    return err;
}

int learn_matrix_make(struct hy_learn *l, const struct learn_feature *f, size_t n,
                      uint32_t half_life_s, bool judges, struct learn_matrix *ret)
{
    size_t rows = l->n_people ? l->n_people : 1, used = 0;
    uint32_t *places = places_of(l, f, n);
    struct learn_matrix m = {
        .n_features = n,
        .first = calloc(rows + 1, sizeof *m.first),
        .weight = calloc(rows, sizeof *m.weight),
        .good = calloc(rows, 1),
        .fold = calloc(rows, 1),
        .who = calloc(rows, sizeof *m.who),
    };
    bool has_all = places && m.first && m.weight && m.good && m.fold && m.who;
    int err = has_all ? HY_OK : HY_ENOMEM;
    for (size_t i = 0; i < l->n_people && err == HY_OK; i++) {
        const struct learn_person *p = &l->people[i];
        if (learn_is_judge(l, p) != judges)
            continue;
        m.weight[m.n_rows] = (double)(UINT64_C(1) << l->shift[p->is_good]);
        m.good[m.n_rows] = p->is_good;
        m.fold[m.n_rows] = (uint8_t)(learn_hash(p->who, 3) % FOLDS);
        m.who[m.n_rows] = p->who;
        err = make_row(l, i, f, places, half_life_s / 86400.0, &m, &used);
        m.first[++m.n_rows] = (uint32_t)used;
    }
    free(places);
    if (err == HY_OK)
        *ret = m;
    else
        learn_matrix_free(&m);
    return err;
}
