/* What the readers of a file of scoring rules share. */
#pragma once
#include "hayauma/config/config.h"
#include "hayauma/score/plan.h"
#include "schema.h"

struct raw_handoff {
    const char *name, *threshold, *url, *token_file, *body, *ca_file;
    struct hy_strings mail;
    struct hy_pairs headers;
    int method, language;
    bool allow_private;
};
extern const struct schema scoring_handoff_schema;

/* From what is written at `at` to the plan's; faults are noted. HY_ENOMEM. */
HY_MUST_USE int scoring_make_handoff(const struct schema_ctx *x, const struct yaml_node *at,
                                     const struct raw_handoff *raw,
                                     const struct hy_score_plan *plan,
                                     struct hy_score_handoff *ret);

/* What is wrong with a condition of a rule, for people; NULL: nothing. */
const char *scoring_condition_fault(const struct hy_segment_node *n, bool is_on);
/* Sets r->print, which tells a changed rule from what it was. HY_ENOMEM. */
HY_MUST_USE int scoring_make_print(struct hy_str group, struct hy_score_rule *r);
