/* Points for what leads do and are: what an activity is worth, what it is still worth later, and
 * when a lead becomes hot or cools down. Pure: the ledger of a lead is another's.
 *
 * A rule gives points. What was given is an entry of the ledger, and never changes; the worth of an
 * entry halves with the half-life of its rule. A score is the sum of what its entries are worth
 * now; entries with the same half-life are kept as one sum, since they shrink alike. */
#pragma once
#include "hayauma/audience/segment.h"

enum {
    HY_SCORE_RULES_MAX = 1000,
    HY_SCORE_GROUPS_MAX = 16, /* fit, engagement ... */
    HY_SCORE_POINTS_MAX = 100000,
    HY_SCORE_NAME_MAX = 63, /* bytes of a name */
};

/* A rule as written; what it points to outlives it. */
struct hy_score_rule {
    struct hy_str name;
    const struct hy_segment_node *on;   /* a DID node without time or count: each such activity; */
    const struct hy_segment_node *when; /* or a tree: points while it is true of the lead */
    int32_t points;                     /* may be negative, not 0 */
    uint16_t group;
    bool is_first_only;
    int32_t most;         /* points of this rule within `most_per_s`, of their sign; 0: no limit */
    uint32_t most_per_s;  /* > 0 with `most` */
    uint32_t half_life_s; /* 0: for ever */
    uint32_t print;       /* of all that it says but its name: another one gives differently */
};

/* What a rule gave for an activity of a lead. */
struct hy_score_entry {
    hy_wall_ms at; /* when it happened */
    int32_t points;
};
/* What the rule gives for an activity at `at`, when it gave `earlier` (in any order) to the same
 * lead: less than its points where its limit is near, 0 when it gives nothing. Entries later than
 * `at` count as earlier ones, so that what comes late takes nothing away that was given. */
int32_t hy_score_grant(const struct hy_score_rule *rule, const struct hy_score_entry *earlier,
                       size_t n, hy_wall_ms at);

/* What points of `at` are worth at `now`; of the future they are worth all. */
double hy_score_worth(double points, uint32_t half_life_s, hy_wall_ms at, hy_wall_ms now);

/* Entries of one half-life as one number: `value` is what they were worth together at `at`. */
struct hy_score_sum {
    double value;
    hy_wall_ms at;
    uint32_t half_life_s;
};
/* Adds an entry; to withdraw one, add its points with the other sign at its own moment. */
void hy_score_sum_add(struct hy_score_sum *s, int32_t points, hy_wall_ms at);
double hy_score_sum_at(const struct hy_score_sum *s, hy_wall_ms now);
/* The sums of a lead together, in thousandths of a point, rounded: what is shown and compared. */
int64_t hy_score_total_milli(const struct hy_score_sum *sums, size_t n, hy_wall_ms now);

/* A lead enters at `from` points and leaves below `until` (<= from). */
struct hy_score_threshold {
    struct hy_str name; /* "hot" */
    int32_t from, until;
    uint32_t again_after_s; /* a lead is not handed over again within this time */
};
bool hy_score_is_over(const struct hy_score_threshold *t, bool was, int64_t total_milli);
/* A moment up to which a lead that is over surely stays, or one that is not surely does not enter
 * (bad points fade, too), if nothing happens to it: ask again then. INT64_MAX: for ever. */
hy_wall_ms hy_score_stays_until(const struct hy_score_threshold *t, bool is_over,
                                const struct hy_score_sum *sums, size_t n, hy_wall_ms now);

/* The same of any level (in points): whether the sums stand at it or above, or below, is sure up to
 * then. */
hy_wall_ms hy_score_crosses(double level, const struct hy_score_sum *sums, size_t n,
                            hy_wall_ms now);

/* The place of the highest level that is reached, of levels in descending order; n when none is. */
size_t hy_score_level(const int32_t *levels, size_t n, int64_t total_milli);
