/* What pattern rules can match at all, told before any reply comes: those that never act, those
 * that act on everything, and those that an earlier one takes all of. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "hayauma/shape/reply_rules.h"

/* No reply that is looked at begins as the rule wants it: "^250", "^4\.7\.0", "^421-". False when
 * that is not sure. `i` < count. */
bool hy_reply_rule_is_dead(const struct hy_reply_rules *set, size_t i);

/* The kinds of refusals of which the rule takes every one, whatever it says. */
enum { HY_REPLY_TAKES_TEMPORARY = 1, HY_REPLY_TAKES_PERMANENT = 2 };
unsigned hy_reply_rule_takes(const struct hy_reply_rules *set, size_t i);

/* Every reply that rule `b` matches is matched by rule `a`, too. False when that is not sure. */
bool hy_reply_rule_covers(const struct hy_reply_rules *set, size_t a, size_t b);
