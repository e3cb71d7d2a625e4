/* What picking and altering share. */
#pragma once
#include "block.h"
#include "hayauma/store/pick.h"

/* Whether the header of a block counts rows of a state that is picked. */
bool hy_pick_has_state(const struct hy_pick *p, const uint8_t *b);
/* Which rows of a block of `n` bytes are picked, and how many. HY_ECORRUPT. */
HY_MUST_USE int hy_pick_block(struct hy_txn *t, const struct hy_pick *p, struct hy_block_key k,
                              const uint8_t *b, size_t n, bool takes[HY_QUEUE_BLOCK_ROWS],
                              unsigned *ret_n);
