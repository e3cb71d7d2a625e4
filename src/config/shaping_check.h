/* What the files that check shaping rules share. */
#pragma once
#include "shaping_priv.h"

struct shaping_checking {
    const struct hy_shape_rules *set;
    struct hy_problems *problems;
};

enum { SHAPING_PLACE_MAX = 400 };
/* "conf/shaping.yaml:12", "built in" */
const char *shaping_place(const struct hy_shape_origin *o, char out[SHAPING_PLACE_MAX]);

/* shaping_check_limits.c: a rule's numbers and switches, against each other. */
void shaping_check_limits(const struct shaping_checking *c, const struct hy_shape_rule *r);
/* shaping_check_replies.c: its patterns on replies. */
void shaping_check_replies(const struct shaping_checking *c, const struct hy_shape_rule *r);
/* shaping_check_names.c: what the rule at `at` matches, after all those before it. */
void shaping_check_names(const struct shaping_checking *c, size_t at);
