/* A block of queue rows: how it lies in its value.
 *
 * Key: campaign be64, domain be32, block no be32; in a spool: spool be64, block no be32, and what
 * the rows are of lies behind them (spool_priv.h). Value, little-endian: version u8, 0, count u16,
 * rows by state u16 x 8, 0 u32; then `count` rows of 20 bytes: lead u32, due second u32, last
 * attempt u64, attempts u16, state u8, 0. Leads ascend within a domain, over its blocks. A full
 * block with LMDB's page header fills a page; a block never changes its size. */
#pragma once
#include "hayauma/base/bytes.h"
#include "hayauma/model/recipient.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/spool.h"
#include "record.h"

enum {
    BLOCK_VERSION = 1,
    BLOCK_HEADER_BYTES = 24,
    BLOCK_ROW_BYTES = 20,
    BLOCK_MAX_BYTES = BLOCK_HEADER_BYTES + HY_QUEUE_BLOCK_ROWS * BLOCK_ROW_BYTES,
    BLOCK_TAIL_BYTES = 12, /* of a spool's block: domain, message; recipients come behind */
    BLOCK_KEY_BYTES = 16,
    BLOCK_SPOOL_KEY_BYTES = 12,
};

struct hy_block_key {
    hy_id campaign;
    hy_domain_no domain;
    uint32_t block;
};

static inline enum hy_table block_table(hy_id campaign)
{
    return hy_id_is_spool(campaign) ? HY_TABLE_SPOOL_BLOCKS : HY_TABLE_QUEUE;
}
static inline struct hy_str block_key_put(uint8_t out[BLOCK_KEY_BYTES], struct hy_block_key k)
{
    hy_put_be64(out, k.campaign);
    if (hy_id_is_spool(k.campaign)) {
        hy_put_be32(out + 8, k.block);
        return hy_str_make(out, BLOCK_SPOOL_KEY_BYTES);
    }
    hy_put_be32(out + 8, k.domain);
    hy_put_be32(out + 12, k.block);
    return hy_str_make(out, BLOCK_KEY_BYTES);
}
static inline unsigned block_count(const uint8_t *b)
{
    return hy_get_le16(b + 2);
}
static inline unsigned block_of_state(const uint8_t *b, enum hy_rcpt_state s)
{
    return hy_get_le16(b + 4 + 2 * (unsigned)s);
}
static inline unsigned block_pending(const uint8_t *b)
{
    return block_of_state(b, HY_RCPT_FRESH) + block_of_state(b, HY_RCPT_DEFERRED) +
           block_of_state(b, HY_RCPT_HELD);
}
static inline const uint8_t *block_row(const uint8_t *b, unsigned slot)
{
    return b + BLOCK_HEADER_BYTES + slot * BLOCK_ROW_BYTES;
}
static inline hy_lead_no row_lead(const uint8_t *row)
{
    return hy_get_le32(row);
}
static inline uint32_t row_due(const uint8_t *row)
{
    return hy_get_le32(row + 4);
}
static inline hy_id row_last(const uint8_t *row)
{
    return hy_get_le64(row + 8);
}
static inline uint16_t row_attempts(const uint8_t *row)
{
    return hy_get_le16(row + 16);
}
static inline enum hy_rcpt_state row_state(const uint8_t *row)
{
    return (enum hy_rcpt_state)row[18];
}

/* The block as a cursor shows it; 0, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_block_check(struct hy_str key, struct hy_str value, const uint8_t **ret);
/* The key of a block that was checked. */
static inline struct hy_block_key block_key_get(struct hy_str key, const uint8_t *b)
{
    hy_id campaign = hy_get_be64(key.p);
    if (key.n == BLOCK_SPOOL_KEY_BYTES)
        return (struct hy_block_key){campaign, hy_get_be32(block_row(b, block_count(b))),
                                     hy_get_be32(key.p + 8)};
    return (struct hy_block_key){campaign, hy_get_be32(key.p + 8), hy_get_be32(key.p + 12)};
}
/* Row `slot` for the outside. */
struct hy_queue_row hy_block_row(const uint8_t *b, struct hy_block_key k, unsigned slot);

/* ---- writing, on a copy ---- */
/* An empty block with room for `count` rows, all to be set by hy_block_fill. */
void hy_block_init(uint8_t *b, unsigned count);
void hy_block_fill(uint8_t *b, unsigned slot, hy_lead_no lead, enum hy_rcpt_state state);
/* Another state, with the counts. */
void hy_block_set_state(uint8_t *b, unsigned slot, enum hy_rcpt_state state, uint32_t due_s);
void hy_block_set_attempt(uint8_t *b, unsigned slot, uint16_t attempts, hy_id last);
/* How many rows are DEFERRED until exactly this second. */
unsigned hy_block_due_at(const uint8_t *b, uint32_t due_s);
