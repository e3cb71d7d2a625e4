/* The record of a message in a spool: its envelope, whose it is, and how much of it is still open.
 */
#pragma once
#include "hayauma/store/spool.h"

int hy_spool_message_put(struct hy_txn *t, const struct hy_spool_message *m);
/* One of its blocks is over, or it has something to tell its sender at `due_s` (0: nothing any
 * more). When every block is over and nothing is to be told, the content goes. */
HY_MUST_USE int hy_spool_message_close_block(struct hy_txn *t, hy_id id);
HY_MUST_USE int hy_spool_message_set_dsn(struct hy_txn *t, hy_id id, uint32_t due_s);
HY_MUST_USE int hy_spool_message_decode(struct hy_str key, struct hy_str value,
                                        struct hy_spool_message *ret);
