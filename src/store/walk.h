/* Blocks of a campaign or a spool, one behind the other, as the cursor shows them. */
#pragma once
#include "block.h"

struct hy_block_walk {
    struct hy_cursor c;
    hy_id campaign;      /* or a spool */
    hy_domain_no domain; /* of a campaign: only its blocks; 0 = of all */
    struct hy_block_key k;
    const uint8_t *b; /* dies with the next step */
};
/* Begins at `from` or the first block behind it. HY_ENOTFOUND: there is none (any more);
 * HY_ECORRUPT and HY_EVERSION stick to the transaction. To be closed in any case, before the
 * transaction ends. */
HY_MUST_USE int hy_walk_from(struct hy_txn *t, struct hy_block_key from, hy_domain_no only,
                             struct hy_block_walk *ret);
HY_MUST_USE int hy_walk_next(struct hy_block_walk *w);
/* Goes straight to block `no` of the spool that is walked, which may be behind or before. */
HY_MUST_USE int hy_walk_to(struct hy_block_walk *w, uint32_t no);
void hy_walk_close(struct hy_block_walk *w);
