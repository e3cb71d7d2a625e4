/* The members of a set of leads by domain, in lead order: what the queue of a campaign is made from
 * that goes to no list. Leads are stored by number, so that the first calls only sort them, in
 * slices: 8 bytes a member while that lasts, 4 from then on. */
#pragma once
#include "hayauma/store/audience.h"

struct roaring_bitmap_s;
struct member_walk;

/* `members` is copied. HY_ENOMEM. */
HY_MUST_USE int member_walk_new(const struct roaring_bitmap_s *members, struct member_walk **ret);
void member_walk_free(struct member_walk *w); /* NULL is fine */
/* Members behind a place, all of one domain; the place moves behind them. Who has no address, is
 * gone or moves to another domain meanwhile is left out. HY_EMORE: the slice is over before anybody
 * was found; HY_ENOTFOUND at the end; HY_ENOMEM, HY_ECORRUPT, HY_EVERSION. The writer's
 * transactions. */
HY_MUST_USE int member_walk_next(struct member_walk *w, struct hy_txn *t,
                                 struct hy_audience_pos *pos, hy_lead_no *leads, size_t max,
                                 size_t *ret_n);
