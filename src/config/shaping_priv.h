/* What the files that read shaping rules share. */
#pragma once
#include "hayauma/config/shaping.h"
#include "hayauma/shape/reply_rules.h"
#include "schema.h"

enum { SHAPING_RULES_MAX = 10000 };

/* shaping_schema.c: the keys of a rule; those of the default block are its last ones. */
extern const struct schema shaping_rule_schema;
enum { SHAPING_SELECTORS = 8 }; /* rows that only a rule has */
extern const struct schema shaping_default_schema, shaping_reply_schema;
/* The row of a key; SIZE_MAX when there is none. */
size_t shaping_row(const char *path);
/* Where the value of a key stands; never NULL. */
const struct hy_shape_origin *shaping_origin(const struct hy_shape_rule *r, const char *path);
/* Said for the rule, not taken over from the default block (or it is that). */
bool shaping_is_own(const struct hy_shape_rules *set, const struct hy_shape_rule *r,
                    const char *path);

/* The set and the memory behind it. */
struct shaping_set {
    struct hy_shape_rules set; /* first: freed by its address */
    struct hy_shape_rule base;
    struct hy_arena arena;
};

/* shaping_check.c: notes what contradicts itself or has no effect. */
void shaping_check(const struct hy_shape_rules *set, struct hy_problems *problems);

/* shaping_files.c: the layers of paths; texts and names live in `arena`. HY_ENOMEM; what cannot be
 * read is noted. */
HY_MUST_USE int shaping_read_files(const char *const *paths, size_t n, struct hy_arena *arena,
                                   struct hy_problems *problems,
                                   struct hy_shaping_layer ret[HY_SHAPING_FILES_MAX],
                                   size_t *ret_n);
