/* How spools lie in the store, and what settling tells them. See docs/storage.md. */
#pragma once
#include "block.h"
#include "hayauma/store/spool.h"

enum {
    SPOOL_VERSION = 1,
    SPOOL_BYTES = 12 + 8 * (HY_RCPT_STATES + 1),
    SPOOL_MESSAGE_VERSION = 1,
    SPOOL_CONTENT_VERSION = 1,
    SPOOL_PIECE_BYTES = 4079, /* of content: with version and LMDB's header one page, never a run */
    SPOOL_CHUNK_BITS = 16,    /* the index is sorted within so many blocks */
};

/* The record of a spool: key be64 spool. */
struct hy_spool {
    uint32_t next;                                      /* number of the next block */
    uint32_t floor;                                     /* no block before it has a fresh row */
    uint64_t trimmed[HY_RCPT_STATES], trimmed_attempts; /* of rows that are forgotten */
};
HY_MUST_USE int hy_spool_get(struct hy_txn *t, hy_id spool, struct hy_spool *ret);
int hy_spool_store(struct hy_txn *t, hy_id spool, const struct hy_spool *s, enum hy_put_mode mode);

static inline struct hy_str spool_key(uint8_t key[8], hy_id id)
{
    hy_put_be64(key, id);
    return hy_str_make(key, 8);
}

/* Behind the rows of a block: domain be32, message be64, then each recipient. */
struct hy_spool_tail {
    hy_domain_no domain;
    hy_id message;
    struct hy_rec_in rcpts; /* one behind the other: see hy_spool_tail_next */
};
HY_MUST_USE int hy_spool_tail(const uint8_t *b, size_t n, struct hy_spool_tail *ret);
HY_MUST_USE int hy_spool_tail_next(struct hy_spool_tail *tail, struct hy_spool_rcpt *ret);

/* The last pending row of this block is over: the content goes with the message's last, unless its
 * sender is still to be told. In the transaction that settled it. */
int hy_spool_block_over(struct hy_txn *t, const uint8_t *b, size_t n);

/* ---- the index: what an address and a Message-ID lead to ---- */
enum hy_spool_kind { HY_SPOOL_BY_ADDRESS = 'a', HY_SPOOL_BY_MESSAGE_ID = 'm' };
enum { SPOOL_INDEX_BYTES = 1 + 8 + 4 + 4 + 4 };
/* kind, spool, chunk, hash, block: entries of one time lie together, so that a commit changes few
 * pages however many messages there are. */
struct hy_str hy_spool_index_key(uint8_t key[SPOOL_INDEX_BYTES], struct hy_txn *t,
                                 enum hy_spool_kind kind, hy_id spool, uint32_t block,
                                 struct hy_str text);
