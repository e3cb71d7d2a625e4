/* Leads to whom something happened, with the segments that it concerns: a bit for each, by its
 * place in the plan. */
#pragma once
#include "hayauma/model/lead.h"

enum { CONCERNS_MAX = 1024 };

struct concerns {
    size_t n, words;   /* leads; of each one's bits */
    hy_lead_no *leads; /* in the order in which they came */
    uint64_t *bits;
    uint16_t *slots; /* number of a lead, from 1, by its hash */
};

/* For so many segments. HY_ENOMEM. */
HY_MUST_USE int concerns_new(size_t segments, struct concerns *ret);
void concerns_free(struct concerns *c);
/* The bits of a lead, which is added when it is new; NULL: there are too many of them. */
uint64_t *concerns_of(struct concerns *c, hy_lead_no lead);
bool concerns_any(const struct concerns *c, const uint64_t *bits);
/* Their places in `leads` by ascending numbers, into `order`, which has room for all. */
void concerns_sort(const struct concerns *c, uint16_t *order);
/* Forgets all of them. */
void concerns_clear(struct concerns *c);
