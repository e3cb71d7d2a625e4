/* The due index: an entry exists exactly when its block has a row DEFERRED until that second. */
#pragma once
#include "hayauma/store/queue.h"

/* A deferral's time as it is stored: behind the horizon of this transaction; when it is more than a
 * minute away, on a 4 second grid, so that the rows of a block share entries. */
uint32_t hy_due_round(const struct hy_txn *t, uint32_t due_s);
int hy_due_put(struct hy_txn *t, const struct hy_due *due);
int hy_due_del(struct hy_txn *t, const struct hy_due *due);
bool hy_due_exists(struct hy_txn *t, const struct hy_due *due);
/* Reads an entry's key. HY_ECORRUPT. */
HY_MUST_USE int hy_due_decode(struct hy_str key, struct hy_due *ret);
/* Deletes the entries of all rows DEFERRED in this block. */
int hy_due_drop_block(struct hy_txn *t, hy_id campaign, hy_domain_no domain, uint32_t block,
                      const uint8_t *b);
