/* Calls of many items that the writer does in slices: how far such a call is, and what came of its
 * items so far. With an Idempotency-Key all of it is in the store as well, in the transaction of
 * the slice: a call that is made again, after a crash or while the first is on its way, goes on
 * where it is, and each item is done once. */
#pragma once
#include "hayauma/store/once.h"

enum { WEB_BATCH_COUNTS = 3 };

struct web_batch_state {
    size_t done;                       /* items */
    uint32_t counts[WEB_BATCH_COUNTS]; /* the caller's own */
    size_t len;                        /* of results */
};
struct web_batch {
    struct hy_once once; /* key.n 0: none */
    struct web_batch_state now, kept;
    struct hy_buf results; /* the caller's text of each item that is done, one behind the other */
};

void web_batch_init(struct web_batch *b, const struct hy_once *once);
void web_batch_free(struct web_batch *b);

/* At the beginning of each slice, also of one that is applied again: b->now is where it goes on.
 * HY_EEXIST: another call with the key was done, or asked for something else (web_once_answer).
 * Writer thread, as those below. */
HY_MUST_USE int web_batch_begin(struct web_batch *b, struct hy_txn *t, size_t items);
/* Ends a slice: HY_EMORE, or an error. */
HY_MUST_USE int web_batch_pause(struct web_batch *b, struct hy_txn *t);
/* The slice is durable. */
void web_batch_keep(struct web_batch *b);
/* The last slice: remembers the whole answer, when there is a key. */
HY_MUST_USE int web_batch_end(struct web_batch *b, struct hy_txn *t, struct hy_str answer);
