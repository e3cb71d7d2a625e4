/* A store full of leads, who do things at random under a clock that runs ahead, with segments made
 * up at random: what is kept up to date is held against what is found anew. */
#pragma once
#include "hayauma/base/rand.h"
#include "hayauma/react/scores.h"
#include "hayauma/react/segment_build.h"
#include "hayauma/react/segment_edit.h"
#include "hayauma/react/segments.h"
#include "hayauma/score/plan.h"
#include "hayauma/store/lead_change.h"

struct crowd {
    struct hy_env *env;
    struct hy_segments *segments;
    struct hy_scorer *scorer;
    struct hy_segments_meter meter;
    struct hy_rng rng;
    hy_wall_ms now;
    hy_lead_no leads; /* 1 .. leads; some but the first two were deleted */
    uint64_t activities, changes, looks;
    double fault; /* share of transactions that are dropped in the middle */
};

/* Opens the store in `dir` with a large map. */
void crowd_open(struct crowd *c, const char *dir, uint64_t seed);
void crowd_close(struct crowd *c);
/* Makes leads, a list and tags; `n` segments, all of them ready. */
void crowd_make(struct crowd *c, hy_lead_no leads, unsigned n);
/* Does `n` things in transactions of about 20; time passes. */
void crowd_live(struct crowd *c, uint64_t n);
/* All that is due is looked at; builds what is to be built. */
void crowd_settle(struct crowd *c);
/* Fails the test unless every segment has exactly those of whom it is true. */
void crowd_compare(struct crowd *c);

/* A segment's words at random; `segments`: there are so many, "s0" ..., that it may name. */
void crowd_words(struct hy_rng *r, unsigned segments, char *out, size_t n);
/* What was logged of leads behind `after` is noted, as the reader of the log does. */
void crowd_follow_changes(struct crowd *c, struct hy_txn *t, hy_id after);

/* Points for clicks and forms, which fade. */
extern const struct hy_score_plan crowd_plan;
/* A condition on a company; the name of one, or none. */
int crowd_company_leaf(struct hy_rng *r, const char *time, char *out, size_t n);
const char *crowd_firm(struct hy_rng *r, char out[16]);
/* A company is changed, dropped or becomes part of another; what that leaves to do on leads. */
void crowd_companies_change(struct crowd *c, struct hy_txn *t);
void crowd_companies_work(struct crowd *c, struct hy_txn *t);

/* Edits or makes one in a transaction of its own. */
int crowd_edit(struct crowd *c, const char *name, const char *text, struct hy_diag *diag);
