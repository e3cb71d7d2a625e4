/* Pattern rules: what the words of a server's reply make hayauma do, besides what its code says.
 * Regular expressions are PCRE2's, compiled once and matched within limits. */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/base/err.h"
#include "hayauma/model/outcome.h"

enum hy_reply_action {
    HY_REPLY_NOTHING = 0,   /* found, and left to the code: ends the search */
    HY_REPLY_SLOW = 1,      /* the lane sends less, and grows again from there: hy_window_slow */
    HY_REPLY_SUSPEND = 2,   /* the lane sends nothing for a while: hy_window_suspend */
    HY_REPLY_FAIL_OVER = 3, /* the lane rests as with SUSPEND, and the message is kept: what waits,
                               and its next try, go by other sources */
    HY_REPLY_DEFER = 4,     /* this message is tried again, though the code says never */
    HY_REPLY_BOUNCE = 5,    /* this message is given up, though the code says later */
};
const char *hy_reply_action_name(enum hy_reply_action a); /* "suspend" */

enum {
    HY_REPLY_RULES_MAX = 200,   /* of one set */
    HY_REPLY_PATTERN_MAX = 500, /* bytes */
};

/* One rule as written. */
struct hy_reply_rule {
    const char *pattern; /* PCRE2, UTF-8; letters match in either case unless it says (?-i) */
    enum hy_reply_action action;
    hy_us for_us;          /* SUSPEND, FAIL_OVER: how long */
    uint32_t keep_percent; /* SLOW: 1..99 of the pace of now */
    const char *file;      /* where it stands */
    uint32_t line;
};

/* A set in order, compiled; not changed once it is in use, and then free for any thread. */
struct hy_reply_rules;
HY_MUST_USE int hy_reply_rules_new(struct hy_reply_rules **ret); /* HY_ENOMEM */
/* Appends one; what it points to must outlive the set. HY_EPARSE: the pattern is none, or could run
 * wild (noted, with the place in it); HY_EINVAL: it matches every reply (noted); HY_ELIMIT,
 * HY_ENOMEM. */
HY_MUST_USE int hy_reply_rules_add(struct hy_reply_rules *set, const struct hy_reply_rule *rule,
                                   struct hy_diag *diag);
size_t hy_reply_rules_count(const struct hy_reply_rules *set);
/* The rule at `i` < count. */
const struct hy_reply_rule *hy_reply_rules_at(const struct hy_reply_rules *set, size_t i);
/* The first rule whose pattern is found in the reply as it came over the wire, "421 4.7.0 text",
 * the lines joined by " / "; NULL when none is. `set` may be NULL. Only refusals of a server count,
 * 4xx and 5xx: an outcome of our own (a time-out) matches nothing. A pattern that needs more than
 * its share of steps does not match. */
const struct hy_reply_rule *hy_reply_rules_match(const struct hy_reply_rules *set,
                                                 const struct hy_outcome *o);
/* The same for any text behind a code, whoever's words they are: "0 time-out" for our own. */
const struct hy_reply_rule *hy_reply_rules_find(const struct hy_reply_rules *set, unsigned code,
                                                struct hy_str words);
void hy_reply_rules_free(struct hy_reply_rules *set);
