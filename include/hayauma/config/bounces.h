/* Files of bounce rules read into a set: those that come with hayauma, and an operator's own before
 * them. */
#pragma once
#include "hayauma/bounce/rules.h"
#include "hayauma/config/problems.h"

/* In paths.bounces this word stands for the rules that come with hayauma: they are in the program,
 * so that they are always those it was made with. */
#define HY_BOUNCES_PRESETS "presets"

enum { HY_BOUNCES_FILES_MAX = 16 };

/* A set and the texts it points to. */
struct hy_bounces;

/* Reads files in turn; the rules of a later one are asked before those of earlier ones, each file's
 * in its order. HY_EINVAL: something is wrong with a file (noted); HY_ENOMEM. The set is not
 * changed any more: any thread may use it. */
HY_MUST_USE int hy_bounces_load(const char *const *paths, size_t n, struct hy_problems *problems,
                                struct hy_bounces **ret);
/* The same for one text, for tests: `file` names it. */
HY_MUST_USE int hy_bounces_parse(const char *file, struct hy_str text, struct hy_problems *problems,
                                 struct hy_bounces **ret);
/* Lives as long as `b`; NULL for NULL. */
const struct hy_bounce_rules *hy_bounces_rules(const struct hy_bounces *b);
void hy_bounces_free(struct hy_bounces *b);
