/* What the bitmaps need of the tables of lead sets. */
#pragma once
#include "hayauma/store/lead_set.h"

/* Replaces a block's members, and moves the count. */
HY_MUST_USE int hy_lead_set_block_put(struct hy_txn *t, struct hy_lead_set s, uint32_t block,
                                      const uint64_t bits[HY_LEAD_SET_WORDS]);
/* The last block that has members. HY_ENOTFOUND. */
HY_MUST_USE int hy_lead_set_last_block(struct hy_txn *t, struct hy_lead_set s, uint32_t *ret);
