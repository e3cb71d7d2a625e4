/* The inside of finding a segment from scratch. */
#pragma once
#include <roaring/roaring.h>

#include "facts_priv.h"
#include "hayauma/react/segment_search.h"
#include "hayauma/store/segments.h"

enum {
    SEARCH_FLIPS = 1024,     /* leads that a leaf collects before they go into its set */
    SEARCH_CHECK = 8192,     /* steps between looks at whether it was cancelled */
    SEARCH_PAIRS = 16 << 20, /* counted activities that a leaf holds before they are thinned out */
};
static const uint64_t search_memory = UINT64_C(2) << 30; /* for what is kept of each lead */

/* A condition, and who passes it: those who do, or, when `rest`, all others. */
struct search_leaf {
    const struct hy_segment_node *node;
    bool rest;
    roaring_bitmap_t *set;
    hy_lead_no flips[SEARCH_FLIPS];
    size_t n_flips;
    /* COMPARE */
    enum fact_name fact;
    bool is_score;
    enum hy_segment_given given; /* of carts and orders */
    struct hy_str group;         /* of the score */
    struct search_leaf *next;    /* of the same attribute */
    hy_id created;               /* what was said of this one ... */
    bool is_true;
    hy_wall_ms changes; /* ... holds up to then */
    /* DID */
    hy_wall_ms from, until;
    uint32_t enough;
    uint32_t *newest; /* by lead: second + 1 of the newest that counts; 0: none */
    uint64_t *pairs;  /* lead << 32 | second */
    size_t n_pairs, cap_pairs;
};

struct search {
    struct hy_txn *t;
    const struct hy_segment_search *o;
    struct hy_diag *diag;
    struct search_leaf *leaves;
    size_t n;
    hy_lead_no end; /* all leads are less */
    roaring_bitmap_t *everyone;
    uint64_t *due;
    size_t n_due, cap_due;
    uint64_t memory;
    unsigned steps;
};

/* One more step; HY_ECANCELED now and then. */
HY_MUST_USE int search_step(struct search *s);
/* The leaf says of the lead what it says of few. */
void search_flip(struct search_leaf *l, hy_lead_no lead);
/* The lead is to be looked at again. */
HY_MUST_USE int search_due(struct search *s, hy_lead_no lead, hy_wall_ms moment);

/* Whether the leaf says so of a value (empty: none). */
bool search_says(const struct search *s, const struct search_leaf *l, struct hy_str value);
/* The lead has this value; it is looked at again when that says something else. */
HY_MUST_USE int search_value(struct search *s, struct search_leaf *l, hy_lead_no lead,
                             struct hy_str value);
/* COMPARE leaves of carts and orders: by those who have some. */
HY_MUST_USE int search_shop(struct search *s);
/* Those of companies: by the companies. */
HY_MUST_USE int search_companies(struct search *s);

/* Fill the sets of COMPARE, and of DID leaves. */
HY_MUST_USE int search_attributes(struct search *s);
HY_MUST_USE int search_deeds(struct search *s);
/* Sorts ascending. HY_ENOMEM. */
HY_MUST_USE int search_sort(uint64_t *v, size_t n);
