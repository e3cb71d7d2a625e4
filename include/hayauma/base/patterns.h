/* Regular expressions of people's rules over words of strangers: PCRE2, compiled once, each match
 * within limits of steps, depth and memory. */
#pragma once
#include "hayauma/base/str.h"

struct hy_patterns_limits {
    size_t n_max;       /* patterns of a set */
    size_t pattern_max; /* bytes of one */
    bool is_bytes;      /* a dot or a class is one byte, not one letter: faster, and letters beyond
                           ASCII match only as they are written */
};

/* A set in order; not changed once it is in use, and then free for any thread. */
struct hy_patterns;
HY_MUST_USE int hy_patterns_new(const struct hy_patterns_limits *limits,
                                struct hy_patterns **ret); /* HY_ENOMEM */
/* Appends one; letters match in either case unless it says (?-i). HY_EPARSE: it is no expression,
 * or could run wild (noted, with the place in it); HY_EINVAL: it is found in an empty text, and so
 * everywhere (noted); HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_patterns_add(struct hy_patterns *set, const char *pattern, struct hy_diag *diag);
size_t hy_patterns_count(const struct hy_patterns *set); /* NULL has none */
/* The number of the first that is found in the subject, any bytes; SIZE_MAX when none is. One that
 * needs more than its share of steps is not found. */
size_t hy_patterns_find(const struct hy_patterns *set, struct hy_str subject);

/* Of the pattern `i` < count alone, for whoever judges patterns: whether it is found in the
 * subject; and whether it could be found in some text that begins with `head`: false only when that
 * is sure. */
bool hy_patterns_one_is_in(const struct hy_patterns *set, size_t i, struct hy_str subject);
bool hy_patterns_one_may_begin(const struct hy_patterns *set, size_t i, struct hy_str head);
void hy_patterns_free(struct hy_patterns *set);
