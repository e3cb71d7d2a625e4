/* conf/shaping.yaml read into rules. */
#pragma once
#include "hayauma/config/problems.h"
#include "hayauma/shape/limits.h"

/* Reads and checks; problems as hy_config_load. The set is immutable; its owner frees it when no
 * thread uses it any more. */
HY_MUST_USE int hy_shaping_load(const char *path, struct hy_problems *problems,
                                struct hy_shape_rules **ret_rules);
HY_MUST_USE int hy_shaping_parse(const char *path, struct hy_str text, struct hy_problems *problems,
                                 struct hy_shape_rules **ret_rules);
/* No rules, only the built-in limits. */
HY_MUST_USE int hy_shaping_builtin(struct hy_shape_rules **ret_rules);
void hy_shaping_free(struct hy_shape_rules *rules);
