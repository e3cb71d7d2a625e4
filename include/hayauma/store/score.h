/* Points of leads at rest: a ledger of what every activity gave, the sums that a score is made of,
 * who is over a threshold, and the moments at which fading points are to be looked at again.
 *
 * What a rule gave is a function of the activities that count, in the order in which they happened:
 * one that comes late, or is withdrawn, changes what a limit left for the ones behind it. A rule is
 * known by its name: one that was changed leaves what it gave before as it was, until
 * hy_scores_redo() gives all of it anew. */
#pragma once
#include "hayauma/score/plan.h"
#include "hayauma/store/activity.h"

/* ---- giving: the writer's transaction ------------------------------------------------------- */

/* An activity SALES by this text: won and lost close, recycled opens again. */
#define HY_SALES_WON      "won"
#define HY_SALES_LOST     "lost"
#define HY_SALES_RECYCLED "recycled"

/* Points of an activity that counts (sign > 0) or counts no more (sign < 0), with what filters ask
 * it for. Calling it again changes nothing. *ret_changed (may be NULL): the lead's points did. An
 * activity of no lead gives none; one that is dated later than it was noted happened then. */
HY_MUST_USE int hy_scores_note(struct hy_txn *t, const struct hy_score_plan *plan,
                               const struct hy_activity *a, const struct hy_segment_deed *deed,
                               int sign, bool *ret_changed);
/* Rules with `when`: gives or takes what is true of the lead now. */
HY_MUST_USE int hy_scores_review(struct hy_txn *t, const struct hy_score_plan *plan,
                                 hy_lead_no lead, const struct hy_segment_facts *facts,
                                 bool *ret_changed);
/* Looks at the leads, `max` of them at most, whose moment has come by `now`. *ret_more: there are
 * others. */
HY_MUST_USE int hy_scores_due(struct hy_txn *t, const struct hy_score_plan *plan, hy_wall_ms now,
                              unsigned max, bool *ret_more);

/* What a lead did, for giving all anew. */
struct hy_score_past {
    void *ctx;
    /* What filters ask an activity for, valid until the next call; NULL: it does not count. */
    const struct hy_segment_deed *(*deed)(void *ctx, struct hy_txn *t, const struct hy_activity *a);
    const struct hy_segment_facts *facts; /* for rules with `when`; NULL: they give nothing */
    bool is_silent; /* who enters or leaves a threshold does so without an activity */
};
/* Gives all points of a lead anew, by the rules as they are, for all activities that are kept and
 * count. What was given for activities that were trimmed stays. HY_EMORE: the transaction should
 * end, and it is to be called again; what is done stands in the store, and until the rest is,
 * nobody enters or leaves a threshold by it. *ret_changed when it is done. */
HY_MUST_USE int hy_scores_redo(struct hy_txn *t, const struct hy_score_plan *plan, hy_lead_no lead,
                               const struct hy_score_past *past, bool *ret_changed);

/* How far all leads have been given their points anew, by which rules. */
struct hy_score_applied {
    uint64_t print;  /* hy_score_plan_print() */
    hy_lead_no next; /* the lead that is next; 0: all are done */
    hy_wall_ms at;   /* begun, or done */
};
/* HY_ENOTFOUND: that never was. */
HY_MUST_USE int hy_scores_applied(struct hy_txn *t, struct hy_score_applied *ret);
HY_MUST_USE int hy_scores_apply_mark(struct hy_txn *t, const struct hy_score_applied *a);

/* An activity is about to be trimmed: its points go into one entry for all such of their rule. */
HY_MUST_USE int hy_scores_carry(struct hy_txn *t, const struct hy_activity *a);
/* Forgets the lead: its place over thresholds at once, then its points. HY_EMORE: the transaction
 * should end, and it is to be called again. */
HY_MUST_USE int hy_scores_erase(struct hy_txn *t, hy_lead_no lead);
/* What was carried for trimmed activities of `from` becomes another lead's; the rest of `from` is
 * forgotten, but for what takes longer than the transaction should: hy_scores_erase() of `from`
 * follows, and hy_scores_redo() of `into`, once it has the other's activities. */
HY_MUST_USE int hy_scores_join(struct hy_txn *t, hy_lead_no from, hy_lead_no into);

/* ---- reading: any thread with a transaction; views die with it ------------------------------ */

struct hy_score {
    int64_t total_milli;
    int64_t groups[HY_SCORE_GROUPS_MAX]; /* thousandths, by the plan's groups; points of groups that
                                            are gone are in the total only */
    uint8_t grades[HY_SCORE_GROUPS_MAX]; /* by the plan's grades: place of the level, n: none */
    struct {
        bool is_over;
        bool is_closed; /* sales told how it ended: it is no more on the list of hot leads */
        hy_wall_ms since;
    } thresholds[HY_SCORE_THRESHOLDS_MAX]; /* by the plan's */
};
/* A lead without points has zeros. */
HY_MUST_USE int hy_score_read(struct hy_txn *t, const struct hy_score_plan *plan, hy_lead_no lead,
                              hy_wall_ms now, struct hy_score *ret);
enum { HY_SCORE_SUMS_MAX = 128 };
/* What a lead's points are made of, each half-life of each group: of a group, or (empty) of all. */
HY_MUST_USE int hy_score_sums(struct hy_txn *t, hy_lead_no lead, struct hy_str group,
                              struct hy_score_sum ret[HY_SCORE_SUMS_MAX], size_t *ret_n);
/* The first lead > `after` that has points. HY_ENOTFOUND. */
HY_MUST_USE int hy_score_lead_next(struct hy_txn *t, hy_lead_no after, hy_lead_no *ret);
/* The first lead behind `after` (0: of all) that has, or had, points. HY_ENOTFOUND. */
HY_MUST_USE int hy_score_next_lead(struct hy_txn *t, hy_lead_no after, hy_lead_no *ret);
/* The number of a threshold: of the set HY_LEAD_SET_THRESHOLD of leads that are over it.
 * HY_ENOTFOUND: nobody ever was. */
HY_MUST_USE int hy_score_threshold_no(struct hy_txn *t, struct hy_str name, uint32_t *ret_no);

enum hy_score_item_kind {
    HY_SCORE_GIVEN,
    HY_SCORE_CARRIED,   /* what activities that are trimmed gave, in one */
    HY_SCORE_WITHDRAWN, /* worth nothing any more */
};
/* An entry of the ledger. */
struct hy_score_item {
    enum hy_score_item_kind kind;
    struct hy_str rule, group;
    hy_id activity; /* 0: the rule is true of the lead; or carried */
    hy_wall_ms at;  /* when it happened; CARRIED: the last of them */
    double points;  /* CARRIED: what they were worth at `at` */
    int32_t given;  /* CARRIED: what they were worth when they happened; else the points */
    int32_t wanted; /* what the rule says; more than the points: a limit cut them */
    uint32_t n;     /* CARRIED: how many; else 1 */
    uint32_t half_life_s;
    hy_wall_ms withdrawn; /* when */
};
double hy_score_item_worth(const struct hy_score_item *i, hy_wall_ms now);

/* Where a reader of a ledger is. Zeroed: before its first entry. */
struct hy_score_place {
    uint8_t key[32];
    uint8_t n;
};
/* The next entry of a lead, by rule, what was carried first, then by time. HY_ENOTFOUND. */
HY_MUST_USE int hy_score_ledger_next(struct hy_txn *t, hy_lead_no lead, struct hy_score_place *at,
                                     struct hy_score_item *ret);

enum { HY_SCORE_REASONS_MAX = 8 };
struct hy_score_reason {
    struct hy_str rule;
    double worth;
    uint32_t times;
};
/* The rules that a score is made of, those that give the most first; returns up to `max` (at most
 * HY_SCORE_REASONS_MAX) of them. */
HY_MUST_USE int hy_score_reasons(struct hy_txn *t, hy_lead_no lead, hy_wall_ms now,
                                 struct hy_score_reason *out, size_t max, size_t *ret_n);
