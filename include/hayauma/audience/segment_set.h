/* The leads of a segment as a set: bitmaps of leads (CRoaring) joined as the conditions are. Pure;
 * any thread that owns the sets. */
#pragma once
#include <roaring/roaring.h>

#include "hayauma/audience/segment.h"

/* The leads for whom one condition holds. */
struct hy_segment_leads {
    const roaring_bitmap_t *leads;
    roaring_bitmap_t *owned; /* the same, when it is to be freed; NULL: it is kept elsewhere */
};

struct hy_segment_leaves {
    void *ctx;
    /* Answers a COMPARE, MEMBER or DID node. An error ends the whole. */
    int (*leaf)(void *ctx, const struct hy_segment_node *node, struct hy_segment_leads *ret);
    const roaring_bitmap_t *everyone;
};

/* The leads of a tree: a set of the caller's, who frees it (roaring_bitmap_free). Each condition is
 * asked once, in the tree's order, until nobody can be left. What leaf() says must be among
 * everyone. HY_ENOMEM, and what leaf() fails with. */
HY_MUST_USE int hy_segment_set(const struct hy_segment_node *node,
                               const struct hy_segment_leaves *leaves, roaring_bitmap_t **ret);
