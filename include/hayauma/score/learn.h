/* Points learned from people whose end is known.
 *
 * Each person is told with what they did (and how long before), what is true of them, and whether
 * it ended well. Deeds and values become conditions that a person can read; a logistic regression
 * (Newton's method, ridge penalty and half-life chosen by cross-validation) weighs them; 20 points
 * double the odds, so a weight is 20 / ln 2 points, as a whole number. Seven tenths of the people,
 * chosen by a hash, are learned from; the others judge. The same people give the same points.
 * docs/decisions/0181 and 0185 say why. Pure; one thread. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/score/score.h"

enum {
    HY_LEARN_COLUMNS_MAX = 4000, /* deeds, attributes, facts */
    HY_LEARN_WORDS_MAX = 1000,   /* values of an attribute; more: it is free text, and left out */
    HY_LEARN_KEPT_MAX = 50000,   /* people of either end; of more, a part chosen by a hash */
    HY_LEARN_OF_ONE_MAX = 1024,  /* deeds and values of a person: those told first */
    HY_LEARN_ENTRIES_MAX = 20000000, /* of all that are kept */
    HY_LEARN_RULES_MAX = 300,
    HY_LEARN_FILE_MAX = 1 << 20, /* bytes of the rules as a file; as JSON four times as many */
    HY_LEARN_BANDS = 5,
    HY_LEARN_GOODS_MIN = 20,  /* people of either end, below which nothing can be learned */
    HY_LEARN_GOODS_FEW = 200, /* below which points are rough */
};

enum hy_learn_kind {
    HY_LEARN_DEED,      /* by a DID node as text: clicked(url: "*pricing*") */
    HY_LEARN_ATTRIBUTE, /* by its name; numbers, if all values are, else words */
    HY_LEARN_FACT,      /* by a condition that is true or not: tag("vip") */
};

struct hy_learn;
/* `part` 0..: which three tenths judge. HY_ENOMEM. */
HY_MUST_USE int hy_learn_new(unsigned part, struct hy_learn **ret);
void hy_learn_free(struct hy_learn *l); /* NULL is fine */

/* The number of a column, found or made; the text is copied. HY_EINVAL: conditions cannot name such
 * an attribute; HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_learn_column(struct hy_learn *l, enum hy_learn_kind kind, struct hy_str text,
                                uint16_t *ret);
/* Begins a person; `who` may be told several times, as they were at several times: they stay on one
 * side. *ret_wanted: whether what follows of them is needed. HY_ENOMEM. */
HY_MUST_USE int hy_learn_person(struct hy_learn *l, uint64_t who, bool is_good, bool *ret_wanted);
/* Of the person begun last. The age of a deed: how long before. HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_learn_deed(struct hy_learn *l, uint16_t column, double age_days);
HY_MUST_USE int hy_learn_value(struct hy_learn *l, uint16_t column, struct hy_str value);
HY_MUST_USE int hy_learn_fact(struct hy_learn *l, uint16_t column);

struct hy_learn_rule {
    const char *condition; /* of `on` or `when` */
    bool is_deed;
    uint32_t most, most_per_s; /* of a deed: so many count within this time */
    int32_t points;
    double coefficient;
    uint32_t people, goods; /* of those learned from: for whom it is true, and who of them ended
                               well */
};

struct hy_learn_band {
    double from; /* points */
    uint64_t people;
    double expected, got; /* shares that end well */
};

struct hy_learn_result {
    uint64_t people, goods;   /* told */
    uint64_t learned, judged; /* kept for it */
    uint64_t learned_goods, judged_goods;
    struct hy_learn_rule *rules; /* those that weigh most first */
    size_t n_rules;
    uint32_t half_life_s; /* of deeds; 0: for ever */
    double penalty;
    double base;           /* share that ends well at 0 points */
    double auc, low, high; /* of the points, by those that judge; the bounds are of 95 % */
    double auc_of_weights; /* before they were rounded */
    double slope;          /* of the ends on what the points expect; 1: as expected */
    double best_tenth;     /* the share of good ends among the tenth with most points */
    int32_t hot;           /* points that one in ten has */
    struct hy_learn_band bands[HY_LEARN_BANDS]; /* a fifth of the people each, the least first */
    double strongest;                           /* AUC of the one condition that tells most */
    const char *strongest_of;
};

/* Fits and judges. `told(ctx, done, all)` is asked now and then; other than 0 ends it with
 * HY_ECANCELED. HY_EINVAL: too few people of one end, or nothing that could tell (noted in diag).
 * The result's texts are l's. */
HY_MUST_USE int hy_learn_fit(struct hy_learn *l,
                             int (*told)(void *ctx, unsigned done, unsigned all), void *ctx,
                             struct hy_diag *diag, struct hy_learn_result *ret);
void hy_learn_result_free(struct hy_learn_result *r);

/* The rules as a file of scoring rules, with what is known of each as comments. `source` lines are
 * comments at its head. */
void hy_learn_put_rules(struct hy_buf *out, const struct hy_learn_result *r,
                        const char *const *head, size_t n_head);
/* The result with that file and the warnings, as one JSON object. */
void hy_learn_put_json(struct hy_buf *out, const struct hy_learn_result *r, const char *const *head,
                       size_t n_head);
/* How to read a result: what makes it rough or too good to be true; returns how many. */
enum { HY_LEARN_WARNINGS = 4 };
size_t hy_learn_warnings(const struct hy_learn_result *r, struct hy_diag ret[HY_LEARN_WARNINGS]);
