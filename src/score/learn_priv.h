/* Shared by the files that learn points. */
#pragma once
#include "hayauma/base/arena.h"
#include "hayauma/score/learn.h"

enum { LEARN_NO_WORD = UINT16_MAX, LEARN_TABLE = 2048 };

struct learn_column {
    enum hy_learn_kind kind;
    struct hy_str text;
    /* of an attribute */
    struct hy_str *words; /* HY_LEARN_WORDS_MAX */
    uint16_t *table;      /* LEARN_TABLE numbers of words + 1 */
    size_t n_words;
    bool is_free, is_text; /* more words than that; a value that is no number */
};

struct learn_entry {
    uint16_t column, word;
    float value; /* age in days, number; 1 */
};

struct learn_person {
    uint64_t who;
    uint32_t first; /* entry; it ends where the next begins */
    bool is_good;
};

struct hy_learn {
    struct hy_arena arena; /* texts */
    unsigned part;
    struct learn_column *columns;
    size_t n_columns, cap_columns;
    uint32_t *index; /* of columns by text: a table of numbers + 1 */
    struct learn_person *people;
    size_t n_people, cap_people;
    struct learn_entry *entries;
    size_t n_entries, cap_entries;
    size_t kept[2];
    uint64_t told[2];
    unsigned shift[2]; /* one in 2^shift of an end is kept */
};

uint64_t learn_hash(uint64_t who, uint64_t salt);
bool learn_is_judge(const struct hy_learn *l, const struct learn_person *p);
size_t learn_entries_end(const struct hy_learn *l, size_t person);

/* ---- conditions ---- */

struct learn_feature {
    uint16_t column;
    enum { LEARN_WORD, LEARN_AT_LEAST, LEARN_DID, LEARN_IS } kind;
    uint16_t word;
    double edge;
    unsigned most; /* of a DID: so many in LEARN_PER_DAYS */
    const char *text;
    uint32_t people, goods;
    double contrast; /* how far it holds those that end well and the others apart */
};
enum { LEARN_PER_DAYS = 30, LEARN_ROW_MAX = 1 << 16 };

/* Rows of few numbers: those of row i are [first[i], first[i + 1]). */
struct learn_matrix {
    size_t n_rows, n_features;
    uint32_t *first;
    uint16_t *feature;
    float *value;
    double *weight; /* of a row */
    uint8_t *good, *fold;
    uint64_t *who;
    size_t cap;
};
void learn_matrix_free(struct learn_matrix *m);

/* Conditions that tell something, by those that are learned from. To be freed. */
HY_MUST_USE int learn_features(struct hy_learn *l, struct learn_feature **ret, size_t *ret_n);
/* The people of one side: `judges`, or those that are learned from. */
HY_MUST_USE int learn_matrix_make(struct hy_learn *l, const struct learn_feature *f, size_t n,
                                  uint32_t half_life_s, bool judges, struct learn_matrix *ret);

/* ---- weights ---- */

/* The rows that are (or are not) of a fold; none: all. */
struct learn_rows {
    const struct learn_matrix *m;
    int fold;       /* -1: all rows */
    bool is_inside; /* those of the fold; else the others */
    unsigned step;  /* every so many-th row, 1: each */
};
/* weights[n_features] is what all have. HY_ENOMEM. */
HY_MUST_USE int learn_weigh(const struct learn_rows *rows, double penalty, double *weights);
double learn_loss(const struct learn_rows *rows, const double *weights);

/* ---- judging ---- */

/* AUC of scores, and its standard error when rows of one person are one draw. HY_ENOMEM. */
HY_MUST_USE int learn_auc(const struct learn_matrix *m, const double *scores, double *ret_auc,
                          double *ret_error);
/* Bands, slope, best tenth; of `m` that judges. HY_ENOMEM. */
HY_MUST_USE int learn_calibrate(const struct learn_matrix *m, const double *scores, double base_log,
                                struct hy_learn_result *r);
/* The log odds at 0 points, and points that one in ten has, by those that are learned from. */
HY_MUST_USE int learn_base(const struct learn_matrix *m, const double *scores, double *ret_log,
                           double *ret_tenth);
#define LEARN_POINTS 28.853900817779268 /* of a weight of 1: 20 / ln 2 */
