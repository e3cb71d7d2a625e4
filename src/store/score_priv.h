/* The inside of scores: names and their numbers, the record of a lead, entries of the ledger.
 * Layouts: docs/storage.md. */
#pragma once
#include "hayauma/store/score.h"

/* ---- names: what the ledger says in place of a rule, a group or a threshold ---- */

enum score_name { SCORE_RULE = 'r', SCORE_GROUP = 'g', SCORE_THRESHOLD = 'h', SCORE_HANDOFF = 'o' };
enum { SCORE_NAMES_MAX = 65535 }; /* of each: numbers are 1 .. */

/* HY_ENOTFOUND. */
HY_MUST_USE int hy_score_name_find(struct hy_txn *t, enum score_name kind, struct hy_str name,
                                   uint16_t *ret_no);
/* Gives it the next number when it has none. HY_ELIMIT. */
HY_MUST_USE int hy_score_name_intern(struct hy_txn *t, enum score_name kind, struct hy_str name,
                                     uint16_t *ret_no);
HY_MUST_USE int hy_score_name_text(struct hy_txn *t, enum score_name kind, uint16_t no,
                                   struct hy_str *ret_name);

/* ---- the record of a lead ---- */

enum {
    SCORE_SUMS_MAX = 128, /* groups by half-lives, of all rules there ever were */
    SCORE_OVERS_MAX = 32,
};

struct score_sum {
    uint16_t group;
    uint32_t n; /* entries in it that are not 0 */
    struct hy_score_sum sum;
};

struct score_over {
    uint16_t threshold;
    bool is_over;
    bool is_closed;    /* sales told how it ended: won, lost */
    hy_wall_ms since;  /* it entered, or left */
    hy_wall_ms handed; /* when it was last handed over; 0: never */
};

struct score_record {
    uint32_t due_s; /* its entry in score_due; 0: none */
    size_t n_sums, n_overs;
    struct score_sum sums[SCORE_SUMS_MAX];
    struct score_over overs[SCORE_OVERS_MAX];
    /* All points are being given anew, in several transactions: until that is done nobody enters or
     * leaves a threshold. */
    struct {
        bool is_held;
        bool is_giving; /* the old entries are gone */
        uint64_t print; /* of the plan */
        hy_id after;    /* the activity whose points were given last */
    } redo;
};

/* A lead without one has an empty one. */
HY_MUST_USE int hy_score_record_get(struct hy_txn *t, hy_lead_no lead, struct score_record *ret);
/* An empty one is deleted. */
HY_MUST_USE int hy_score_record_put(struct hy_txn *t, hy_lead_no lead,
                                    const struct score_record *r);
/* Room for points of a group with a half-life; NULL: there is none. */
struct score_sum *hy_score_record_sum(struct score_record *r, uint16_t group, uint32_t half_life_s);
int64_t hy_score_record_total(const struct score_record *r, hy_wall_ms now);

/* ---- entries of the ledger ---- */

enum { SCORE_KEY = 4 + 2 + 1 + 8 + 8 };
/* Also their order within a rule. */
enum score_entry_kind { SCORE_CARRIED = 'c', SCORE_GIVEN = 'g', SCORE_WITHDRAWN = 'w' };

struct score_entry {
    hy_lead_no lead;
    uint16_t rule;
    enum score_entry_kind kind;
    hy_wall_ms at;
    hy_id activity;
    /* the value */
    uint16_t group;
    uint32_t half_life_s;
    int32_t points, wanted;
    uint32_t print;        /* of the rule that gave it */
    hy_wall_ms shut_until; /* until then its rule gives nothing more; 0: it may */
    hy_wall_ms withdrawn;
    /* of a carried one: `at` of its sum, and of the last, is the value's */
    double worth;
    uint32_t n;
};

struct hy_str hy_score_entry_key(const struct score_entry *e, uint8_t room[SCORE_KEY]);
/* The key that all entries of the kind of this rule begin with. */
struct hy_str hy_score_rule_prefix(hy_lead_no lead, uint16_t rule, enum score_entry_kind kind,
                                   uint8_t room[SCORE_KEY]);
HY_MUST_USE int hy_score_entry_decode(struct hy_str key, struct hy_str value,
                                      struct score_entry *ret);
HY_MUST_USE int hy_score_entry_put(struct hy_txn *t, const struct score_entry *e);
HY_MUST_USE int hy_score_entry_replace(struct hy_cursor *c, const struct score_entry *e);
HY_MUST_USE int hy_score_entry_get(struct hy_txn *t, struct score_entry *e); /* by its key */
/* The next rule, behind `after` (0: the first), that the lead has entries of. HY_ENOTFOUND. */
HY_MUST_USE int hy_score_next_rule(struct hy_txn *t, hy_lead_no lead, uint16_t after,
                                   uint16_t *ret_rule);

/* The next entry of a lead behind a place. HY_ENOTFOUND. */
HY_MUST_USE int hy_score_entry_next(struct hy_txn *t, hy_lead_no lead, struct hy_score_place *at,
                                    struct score_entry *ret);

/* ---- points of one lead: its record is changed in memory, and stored by hy_score_settle() ---- */

struct score_book {
    struct hy_txn *t;
    const struct hy_score_plan *plan;
    hy_lead_no lead;
    bool is_changed;
    struct score_record r;
};

HY_MUST_USE int hy_score_book_open(struct hy_txn *t, const struct hy_score_plan *plan,
                                   hy_lead_no lead, struct score_book *ret);
/* Adds to its sums; `n` entries come (or go). */
void hy_score_book_add(struct score_book *b, const struct score_entry *e, int32_t points, int n);
/* Notes, or withdraws, what a rule gives for an activity at a moment. */
HY_MUST_USE int hy_score_book_give(struct score_book *b, const struct hy_score_rule *rule,
                                   hy_id activity, hy_wall_ms at);
/* Takes an entry out; kept: it stays to be seen as a withdrawn one. */
HY_MUST_USE int hy_score_book_take(struct score_book *b, const struct score_entry *e, bool is_kept);
HY_MUST_USE int hy_score_book_withdraw(struct score_book *b, hy_id activity, hy_wall_ms at);

/* What the rules give for an activity, which counts; the rules with `when`. */
HY_MUST_USE int hy_score_book_note(struct score_book *b, const struct hy_activity *a,
                                   const struct hy_segment_deed *deed);
HY_MUST_USE int hy_score_book_review(struct score_book *b, const struct hy_segment_facts *facts);
/* Whether any rule gives points for activities of the kind. */
bool hy_score_is_of_interest(const struct hy_score_plan *plan, enum hy_activity_kind kind);

/* Adds a carried entry to the sums. */
void hy_score_book_carry(struct score_book *b, const struct score_entry *e);

/* Makes `at` the moment at which the lead is looked at again (INT64_MAX: none). */
HY_MUST_USE int hy_score_due_set(struct hy_txn *t, hy_lead_no lead, struct score_record *r,
                                 hy_wall_ms at);
/* It entered the threshold of the plan: an entry for each hand-off of it, unless it was handed over
 * not long ago. */
HY_MUST_USE int hy_score_hand_over(struct score_book *b, size_t threshold, struct score_over *o);
/* Who is over a threshold, when the score is to be looked at again; stores the record. */
HY_MUST_USE int hy_score_settle(struct score_book *b, bool is_silent);
