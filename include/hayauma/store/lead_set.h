/* Sets of leads at rest: who has a tag, is in a segment, clicked in a campaign. A set is kept in
 * blocks of 4,096 lead numbers with their members, and knows how many it has.
 *
 * Reading: any thread with a transaction. Changing: the writer's transaction. */
#pragma once
#include "hayauma/model/id.h"
#include "hayauma/model/lead.h"
#include "hayauma/store/env.h"

/* Stored: never renumber. */
enum hy_lead_set_kind {
    HY_LEAD_SET_TAG = 1,
    HY_LEAD_SET_GROUP,
    HY_LEAD_SET_SEGMENT,
    HY_LEAD_SET_CAMPAIGN, /* `no` is its id, `what` of enum hy_lead_set_deed */
    HY_LEAD_SET_THRESHOLD,
    HY_LEAD_SET_LINK,    /* people who clicked a link of a campaign; `no` is told by its tally */
    HY_LEAD_SET_DUE,     /* leads whom a segment is to look at (store/segments.h) */
    HY_LEAD_SET_COMPANY, /* who belongs to a company (store/company.h) */
};

/* What leads did with a campaign, or what became of its mail to them. Stored: never renumber. */
enum hy_lead_set_deed {
    HY_LEAD_SET_OPENED = 1, /* by a person */
    HY_LEAD_SET_OPENED_ANY, /* by whatever */
    HY_LEAD_SET_CLICKED,    /* by a person */
    HY_LEAD_SET_CLICKED_ANY,
    HY_LEAD_SET_UNSUBSCRIBED,
    HY_LEAD_SET_COMPLAINED,
    HY_LEAD_SET_REPLIED,
    HY_LEAD_SET_CONVERTED,
    HY_LEAD_SET_BOUNCED, /* a notice came after a server had taken it */
};

struct hy_lead_set {
    uint8_t kind; /* enum hy_lead_set_kind */
    uint64_t no;  /* of what: number of the tag, id of the campaign ... */
    uint8_t what; /* which of its sets; 0 where there is one */
};

enum {
    HY_LEAD_SET_BLOCK = 4096,
    HY_LEAD_SET_WORDS = HY_LEAD_SET_BLOCK / 64,
};

/* All of these: HY_ECORRUPT and HY_EVERSION when stored bytes mean nothing (sticks in a write
 * transaction); a set that never had a member is empty. */

HY_MUST_USE int hy_lead_set_has(struct hy_txn *t, struct hy_lead_set s, hy_lead_no lead,
                                bool *ret_has);
HY_MUST_USE int hy_lead_set_count(struct hy_txn *t, struct hy_lead_set s, uint64_t *ret_n);
/* The next members with numbers > `after`, ascending; up to `max` into `out`. *ret_n < max only at
 * the end. */
HY_MUST_USE int hy_lead_set_next(struct hy_txn *t, struct hy_lead_set s, hy_lead_no after,
                                 hy_lead_no *out, size_t max, size_t *ret_n);
/* The members of one block as bits: lead 4096 * block + 64 * i + j is bit j of word i. */
HY_MUST_USE int hy_lead_set_block(struct hy_txn *t, struct hy_lead_set s, uint32_t block,
                                  uint64_t ret_bits[HY_LEAD_SET_WORDS]);
/* The first set behind `after` (zeroed: the first of all) that has members. HY_ENOTFOUND. */
HY_MUST_USE int hy_lead_set_following(struct hy_txn *t, struct hy_lead_set after,
                                      struct hy_lead_set *ret);

/* *ret_changed: whether it was not there, or was; may be NULL. HY_EINVAL: lead 0. */
int hy_lead_set_add(struct hy_txn *t, struct hy_lead_set s, hy_lead_no lead, bool *ret_changed);
int hy_lead_set_remove(struct hy_txn *t, struct hy_lead_set s, hy_lead_no lead, bool *ret_changed);
/* Those of `leads`, which ascend, that were not there (or were) change. */
int hy_lead_set_add_many(struct hy_txn *t, struct hy_lead_set s, const hy_lead_no *leads, size_t n);
int hy_lead_set_remove_many(struct hy_txn *t, struct hy_lead_set s, const hy_lead_no *leads,
                            size_t n);
/* Empties it, in slices: HY_EMORE until it is done. */
HY_MUST_USE int hy_lead_set_clear(struct hy_txn *t, struct hy_lead_set s);

/* ---- with bitmaps (CRoaring) ---- */

struct roaring_bitmap_s;
/* A bitmap of the caller's, who frees it (roaring_bitmap_free). HY_ENOMEM. */
HY_MUST_USE int hy_lead_set_load(struct hy_txn *t, struct hy_lead_set s,
                                 struct roaring_bitmap_s **ret);
/* Makes the set's members those of the bitmap, block by block from *block (0 at first), which moves
 * on. HY_EMORE: the slice is over, call again in another transaction; changes in between to blocks
 * that are done stay, others are written over. The count is right at every commit. */
HY_MUST_USE int hy_lead_set_store(struct hy_txn *t, struct hy_lead_set s,
                                  const struct roaring_bitmap_s *leads, uint32_t *block);
