/* Shaping files read into rules: the presets, and an operator's own on top of them. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/config/problems.h"
#include "hayauma/shape/limits.h"

/* In paths.shaping this word stands for the rules that come with hayauma. */
#define HY_SHAPING_PRESETS "presets"

enum { HY_SHAPING_FILES_MAX = 64 };

/* One file's name and text. */
struct hy_shaping_layer {
    const char *file;
    struct hy_str text;
};

/* Reads and checks files, folders (their *.yaml in the order of their names) and the presets; a
 * later one lies on top of those before it. Rules meet by name and each key counts on its own; a
 * rule that only a later file has comes before all of the earlier files; patterns under `on` are
 * asked before those of earlier files. Problems as hy_config_load. The set is immutable; its owner
 * frees it when no thread uses it any more. */
HY_MUST_USE int hy_shaping_load(const char *const *paths, size_t n, struct hy_problems *problems,
                                struct hy_shape_rules **ret_rules);
HY_MUST_USE int hy_shaping_parse(const struct hy_shaping_layer *layers, size_t n,
                                 struct hy_problems *problems, struct hy_shape_rules **ret_rules);
/* No rules, only the built-in limits. */
HY_MUST_USE int hy_shaping_builtin(struct hy_shape_rules **ret_rules);
void hy_shaping_free(struct hy_shape_rules *rules);

/* The file that a word or path of paths.shaping means. */
const char *hy_shaping_path(const char *path);

/* Calls `fn` with every limit of a rule (NULL: the default block) as it is written in a file, and
 * where it stands: in the rule, in the default block, or nowhere. Not mx, domains and patterns. */
typedef void hy_shaping_value_fn(void *ctx, const char *key, const char *value,
                                 const struct hy_shape_origin *origin);
void hy_shaping_each(const struct hy_shape_rules *set, const struct hy_shape_rule *rule,
                     hy_shaping_value_fn *fn, void *ctx);
/* Appends the whole set as one file, each value with its place in a comment. Reads back as the same
 * set, but that a rule which another file's makes useless is an error within one file. */
void hy_shaping_dump(const struct hy_shape_rules *set, struct hy_buf *out);
/* Appends every key of the language, one a line: "default retry.first", "rule mx", "on reply". */
void hy_shaping_keys(struct hy_buf *out);
