/* A YAML document as a tree in which every node knows its place. A small YAML: no anchors, no
 * tags, one document, and limits on size, depth and number, since a file may be hostile. */
#pragma once
#include "hayauma/config/problems.h"

enum {
    YAML_TEXT_MAX = 4 * 1024 * 1024, /* bytes of a file */
    YAML_DEPTH_MAX = 16,
    YAML_NODES_MAX = 200000,
};

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node;
struct yaml_entry {
    const struct yaml_node *key; /* NULL in lists */
    const struct yaml_node *value;
};

struct yaml_node {
    enum yaml_kind kind;
    bool is_null;          /* a plain scalar that says nothing: "", ~ or null */
    uint32_t line, column; /* 1.. */
    struct hy_str text;    /* scalars; NUL-terminated, holds no NUL */
    struct yaml_entry *entries;
    size_t n;
};

/* A file's text and what is noted about it. */
struct yaml_source {
    const char *file;
    struct hy_problems *problems;
};

/* Reads a whole file into the arena. HY_EIO, HY_ELIMIT, HY_ENOMEM: noted. */
HY_MUST_USE int yaml_slurp(const struct yaml_source *src, struct hy_arena *arena,
                           struct hy_str *ret_text);
/* Parses `text` into the arena. Duplicate keys are noted and the first kept, so that further
 * checks can go on; what leaves no tree to check gives HY_EINVAL. An empty document is an empty
 * map. */
HY_MUST_USE int yaml_read(const struct yaml_source *src, struct hy_str text, struct hy_arena *arena,
                          const struct yaml_node **ret_root);
/* The value under a key; NULL when it is no map or has none. */
const struct yaml_node *yaml_get(const struct yaml_node *map, struct hy_str key);
/* The node under a dotted path, or the nearest one above it. */
const struct yaml_node *yaml_find(const struct yaml_node *root, const char *path);
const char *yaml_kind_name(enum yaml_kind kind); /* "a value", "a list", "a section" */
