/* What people did and are, made into conditions that a person can read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn_priv.h"

enum {
    EDGES = 10,   /* a number is cut at most so often */
    FEW = 20,     /* people for whom a condition must be true */
    ENOUGH = 200, /* so many are enough, however small a part they are */
    CANDIDATES = 60000,
    FIRST_LOOK_S = 90 * 86400, /* the half-life by which deeds are chosen */
};
#define RARE 0.01 /* a condition that holds for fewer, or for all but fewer, tells little */

struct features {
    struct hy_learn *l;
    struct learn_feature *all;
    size_t n, cap;
    int err;
};

static int by_column(const void *a, const void *b)
{
    const struct learn_entry *x = a, *y = b;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->value > y->value ? -1 : x->value < y->value; /* of deeds the oldest first */
}

static void put_in_order(struct hy_learn *l)
{
    for (size_t i = 0; i < l->n_people; i++) {
        size_t first = l->people[i].first, end = learn_entries_end(l, i);
        if (end > first + 1)
            qsort(&l->entries[first], end - first, sizeof *l->entries, by_column);
    }
}

static void add(struct features *f, struct learn_feature one)
{
    if (f->err != HY_OK || f->n == CANDIDATES)
        return;
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 256;
        struct learn_feature *all = realloc(f->all, cap * sizeof *all);
        if (!all) {
            f->err = HY_ENOMEM;
            return;
        }
        f->all = all;
        f->cap = cap;
    }
    f->all[f->n++] = one;
}

/* ---- words ---- */

static const char *keep(struct features *f, struct hy_buf *b)
{
    struct hy_str s = hy_arena_str(&f->l->arena, hy_buf_str(b));
    if (b->err || !s.p)
        f->err = HY_ENOMEM;
    hy_buf_free(b);
    return s.p;
}

static const char *compare(struct features *f, struct hy_str name, enum hy_segment_op op,
                           struct hy_segment_value v)
{
    struct hy_buf b = HY_BUF_INIT(HY_SEGMENT_TEXT_MAX);
    struct hy_segment_node n = {
        .kind = HY_SEGMENT_COMPARE, .op = op, .name = name, .values = &v, .n_values = 1};
    hy_segment_put(&b, &n);
    return keep(f, &b);
}

/* ---- attributes ---- */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* The values of a column of those that are learned from, in order; *ret_n may be 0. To be freed. */
static float *values_of(struct hy_learn *l, uint16_t column, size_t *ret_n)
{
    float *v = malloc((l->n_people ? l->n_people : 1) * sizeof *v);
    size_t n = 0;
    for (size_t i = 0; v && i < l->n_people; i++) {
        if (learn_is_judge(l, &l->people[i]))
            continue;
        for (size_t k = l->people[i].first; k < learn_entries_end(l, i); k++)
            if (l->entries[k].column == column) {
                v[n++] = l->entries[k].value;
                break;
            }
    }
    if (n)
        qsort(v, n, sizeof *v, by_value);
    *ret_n = n;
    return v;
}

static void number_text(double v, char out[40])
{
    snprintf(out, 40, "%.4f", v);
    size_t n = strlen(out);
    while (out[n - 1] == '0')
        out[--n] = 0;
    if (out[n - 1] == '.')
        out[n - 1] = 0;
}

static void add_edge(struct features *f, uint16_t column, double edge)
{
    char text[40];
    number_text(edge, text);
    const char *words =
        compare(f, f->l->columns[column].text, HY_SEGMENT_GE,
                (struct hy_segment_value){.kind = HY_SEGMENT_NUMBER, .text = hy_str_of(text)});
    add(f,
        (struct learn_feature){
            .kind = LEARN_AT_LEAST, .column = column, .edge = strtod(text, NULL), .text = words});
}

/* "At least so much": more than the least there is, cut into parts with as many people each. */
static void add_number(struct features *f, uint16_t column)
{
    size_t n, least = 0;
    float *v = values_of(f->l, column, &n);
    double last = -INFINITY;
    if (!v)
        f->err = HY_ENOMEM;
    while (least < n && v[least] == v[0])
        least++;
    for (size_t i = 0; i < EDGES && least < n && f->err == HY_OK; i++) {
        double place = (double)(n - least - 1) * (double)i / EDGES;
        size_t low = least + (size_t)place;
        double part = place - floor(place), edge = v[low];
        if (low + 1 < n)
            edge += part * ((double)v[low + 1] - edge);
        edge = round(edge * 1e4) / 1e4;
        if (edge > last)
            add_edge(f, column, edge);
        last = edge;
    }
    free(v);
}

static void add_words(struct features *f, uint16_t column)
{
    struct hy_learn *l = f->l;
    const struct learn_column *c = &l->columns[column];
    size_t count[HY_LEARN_WORDS_MAX] = {0}, without = 0, usual = 0;
    for (size_t i = 0; i < l->n_people; i++) {
        if (learn_is_judge(l, &l->people[i]))
            continue;
        bool has_one = false;
        for (size_t k = l->people[i].first; k < learn_entries_end(l, i); k++)
            if (l->entries[k].column == column && l->entries[k].word != LEARN_NO_WORD) {
                count[l->entries[k].word]++;
                has_one = true;
            }
        without += !has_one;
    }
    for (size_t w = 1; w < c->n_words; w++)
        if (count[w] > count[usual])
            usual = w;
    for (size_t w = 0; w < c->n_words; w++) {
        if (count[w] < FEW || (w == usual && count[w] > without))
            continue; /* what the others are held against */
        const char *words =
            compare(f, c->text, HY_SEGMENT_EQ,
                    (struct hy_segment_value){.kind = HY_SEGMENT_TEXT, .text = c->words[w]});
        add(f, (struct learn_feature){
                   .kind = LEARN_WORD, .column = column, .word = (uint16_t)w, .text = words});
    }
}

/* ---- all there could be ---- */

static void add_column(struct features *f, uint16_t column)
{
    static const unsigned mosts[] = {1, 3, 10};
    const struct learn_column *c = &f->l->columns[column];
    bool is_number = !c->is_text && (c->n_words > EDGES || c->is_free);
    if (c->kind == HY_LEARN_DEED)
        for (size_t i = 0; i < sizeof mosts / sizeof *mosts; i++)
            add(f, (struct learn_feature){
                       .kind = LEARN_DID, .column = column, .most = mosts[i], .text = c->text.p});
    else if (c->kind == HY_LEARN_FACT)
        add(f, (struct learn_feature){.kind = LEARN_IS, .column = column, .text = c->text.p});
    else if (is_number)
        add_number(f, column);
    else if (!c->is_free)
        add_words(f, column);
}

/* ---- those that tell something ---- */

struct moments {
    double sum[2], squares[2];
    uint32_t n[2];
};

static double contrast_of(const struct moments *m, const double weights[2])
{
    double mean[2], error = 0;
    for (int g = 0; g < 2; g++) {
        mean[g] = m->sum[g] / weights[g];
        double spread = m->squares[g] / weights[g] - mean[g] * mean[g];
        error += spread > 0 ? spread / weights[g] : 0;
    }
    return error > 0 ? fabs(mean[1] - mean[0]) / sqrt(error) : 0;
}

static int look(struct features *f)
{
    struct learn_matrix m = {0};
    double people[2] = {0};
    struct moments *all = calloc(f->n + 1, sizeof *all);
    int err = all ? learn_matrix_make(f->l, f->all, f->n, FIRST_LOOK_S, false, &m) : HY_ENOMEM;
    for (size_t i = 0; err == HY_OK && i < m.n_rows; i++) {
        people[m.good[i]]++;
        for (size_t k = m.first[i]; k < m.first[i + 1]; k++) {
            struct moments *one = &all[m.feature[k]];
            one->sum[m.good[i]] += m.value[k];
            one->squares[m.good[i]] += (double)m.value[k] * m.value[k];
            one->n[m.good[i]]++;
        }
    }
    for (size_t i = 0; err == HY_OK && i < f->n; i++) {
        struct learn_feature *one = &f->all[i];
        one->people = all[i].n[0] + all[i].n[1];
        one->goods = all[i].n[1];
        bool is_many = one->people >= FEW && (one->kind == LEARN_DID || one->people >= ENOUGH ||
                                              one->people >= RARE * (double)m.n_rows);
        bool is_all = one->people > (1 - RARE) * (double)m.n_rows && one->kind != LEARN_DID;
        one->contrast = is_many && !is_all ? contrast_of(&all[i], people) : 0;
    }
    learn_matrix_free(&m);
    free(all);
    return err;
}

static int by_contrast(const void *a, const void *b)
{
    const struct learn_feature *x = a, *y = b;
    if (x->contrast != y->contrast)
        return x->contrast > y->contrast ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return strcmp(x->text, y->text);
}

static int by_place(const void *a, const void *b)
{
    const struct learn_feature *x = a, *y = b;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    if (x->edge != y->edge)
        return x->edge < y->edge ? -1 : 1;
    return x->word < y->word ? -1 : x->word > y->word;
}

/* Of a deed the limit that tells most; of all those that tell most. */
static void choose(struct features *f)
{
    bool seen[HY_LEARN_COLUMNS_MAX] = {false};
    size_t n = 0;
    if (f->n)
        qsort(f->all, f->n, sizeof *f->all, by_contrast);
    for (size_t i = 0; i < f->n && n < HY_LEARN_RULES_MAX && f->all[i].contrast > 0; i++) {
        struct learn_feature one = f->all[i];
        if (one.kind == LEARN_DID && seen[one.column])
            continue;
        seen[one.column] = true;
        f->all[n++] = one;
    }
    f->n = n;
    if (n)
        qsort(f->all, n, sizeof *f->all, by_place);
}

int learn_features(struct hy_learn *l, struct learn_feature **ret, size_t *ret_n)
{
    struct features f = {.l = l};
    put_in_order(l);
    for (size_t i = 0; i < l->n_columns && f.err == HY_OK; i++)
        add_column(&f, (uint16_t)i);
    int err = f.err == HY_OK ? look(&f) : f.err;
    if (err != HY_OK) {
        free(f.all);
        return err;
    }
    choose(&f);
    *ret = f.all;
    *ret_n = f.n;
    return HY_OK;
}
