/* Marks of messages that have something to tell their senders: for the files that end rows. */
#pragma once
#include "hayauma/store/dsn.h"

/* Row `slot` of the block copy `b` of a spool has its new state: marks its message when the sender
 * is to be told. `is_passed_on`: the server that took it reports deliveries itself. May change the
 * recipient's note in `b`, which is to be stored behind it. */
int hy_dsn_note(struct hy_txn *t, uint8_t *b, size_t n, unsigned slot, bool is_passed_on);
/* Whether the mark of a message is in the index as its record says. */
bool hy_dsn_is_marked(struct hy_txn *t, hy_id message, uint32_t due_s);
