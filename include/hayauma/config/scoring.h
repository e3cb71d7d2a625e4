/* A file of scoring rules (conf/scoring.yaml) read into a plan. */
#pragma once
#include "hayauma/config/problems.h"
#include "hayauma/score/plan.h"

/* A plan and the texts it points to; counted. */
struct hy_scoring;

/* One reference is the caller's. HY_EINVAL: something is wrong with the file (noted); HY_ENOMEM. */
HY_MUST_USE int hy_scoring_load(const char *path, struct hy_problems *problems,
                                struct hy_scoring **ret);
/* The same for a text; `file` names it. */
HY_MUST_USE int hy_scoring_parse(const char *file, struct hy_str text, struct hy_problems *problems,
                                 struct hy_scoring **ret);
/* Lives as long as `s`. */
const struct hy_score_plan *hy_scoring_plan(const struct hy_scoring *s);
struct hy_scoring *hy_scoring_ref(struct hy_scoring *s);
void hy_scoring_free(struct hy_scoring *s); /* drops a reference; NULL is fine */
