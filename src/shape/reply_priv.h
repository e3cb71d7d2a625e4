/* What the files that read pattern rules share. */
#pragma once
#include "hayauma/base/patterns.h"
#include "hayauma/shape/reply_rules.h"

/* The compiled patterns, in the order of the rules. */
const struct hy_patterns *reply_patterns(const struct hy_reply_rules *set);
