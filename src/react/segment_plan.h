/* The segments of a store in memory: their trees, in an order in which one stands behind those it
 * names, and which of them are concerned by what. */
#pragma once
#include "hayauma/audience/segment.h"
#include "hayauma/store/segments.h"

/* What a segment looks at, besides activities. */
enum plan_use {
    PLAN_ATTRIBUTES = 1, /* given ones */
    PLAN_RECORD = 2,     /* email, mail_status ... */
    PLAN_SCORE = 4,
    PLAN_TAGS = 8,
    PLAN_GROUPS = 16,
    PLAN_LISTS = 32,
    PLAN_DEEDS = 64,
    PLAN_MAIL = 128, /* received, bounced */
    PLAN_SHOP = 256, /* carts and orders as they stand */
    PLAN_COMPANY = 512,
};

struct plan_segment {
    hy_segment_no no;
    enum hy_segment_state state;
    uint64_t version;
    bool announces;
    struct hy_str name;
    const struct hy_segment_node *tree;
    unsigned uses;        /* of enum plan_use */
    uint32_t *dependents; /* places of those that name it */
    size_t n_dependents;
    uint8_t mark; /* while they are put in order */
};

struct plan_did {
    const struct hy_segment_node *did;
    uint32_t segment; /* its place */
};

struct plan_leaf {
    const struct hy_segment_node *leaf;
    uint32_t segment; /* its place */
};

struct segment_plan {
    struct hy_arena arena;
    uint64_t generation;
    struct plan_segment *segments;
    size_t n;
    struct plan_did *by_kind[HY_ACTIVITY_KINDS];
    size_t n_by_kind[HY_ACTIVITY_KINDS];
    struct plan_leaf *by_company; /* conditions on companies */
    size_t n_by_company;
    unsigned uses; /* of any */
};

/* Reads all of them; those whose words cannot be read any more are left out. HY_ENOMEM. */
HY_MUST_USE int segment_plan_read(struct hy_txn *t, struct segment_plan *ret);
void segment_plan_free(struct segment_plan *p);
/* Its place; SIZE_MAX: it is not there. */
size_t segment_plan_find(const struct segment_plan *p, hy_segment_no no);

/* Calls `each` for the leaves of a tree, until it answers other than 0. */
int segment_leaves(const struct hy_segment_node *n,
                   int (*each)(void *ctx, const struct hy_segment_node *leaf), void *ctx);
unsigned segment_uses(const struct hy_segment_node *tree);
