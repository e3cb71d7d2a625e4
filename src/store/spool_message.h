/* The record of a message in a spool: its envelope, whose it is, and how much of it is still open.
 */
#pragma once
#include "hayauma/store/spool.h"

int hy_spool_message_put(struct hy_txn *t, const struct hy_spool_message *m);
/* One of its blocks is over; *ret_left: how many are not. With the last the record says that the
 * content is gone. */
HY_MUST_USE int hy_spool_message_close_block(struct hy_txn *t, hy_id id, uint32_t *ret_left);
/* Deletes its content. */
HY_MUST_USE int hy_spool_message_empty(struct hy_txn *t, hy_id id);
HY_MUST_USE int hy_spool_message_decode(struct hy_str key, struct hy_str value,
                                        struct hy_spool_message *ret);
