/* The records of endings: written by those who change whole blocks, read by the timeline.
 *
 * Key: be64 id of the last row. Value: version u8, cause u8, state u8; varints: id of the first row
 * (how much less), when it happened (ms), campaign, domain, block, rows; for each row, ascending:
 * varint slot (less that of the row before) x 4 + the lead's status, varint lead (likewise). The
 * rows have the ids from the first to the last, as they were given one after the other. */
#pragma once
#include "block.h"
#include "hayauma/store/ending.h"
#include "record.h"

enum {
    ENDING_HEAD_MAX = 3 + 6 * 10,
    ENDING_ROW_MAX = 3 + 5, /* varints of a slot with two bits more, and of a lead */
    ENDING_RECORD_MAX = ENDING_HEAD_MAX + HY_QUEUE_BLOCK_ROWS * ENDING_ROW_MAX,
};

/* Rows of one block that end alike, in one transaction. */
struct ending_rows {
    struct hy_block_key key;
    enum hy_ending_cause cause;
    enum hy_rcpt_state state;
    unsigned n, slot;
    hy_lead_no lead;
    struct hy_rec_out out;
    uint8_t bytes[HY_QUEUE_BLOCK_ROWS * ENDING_ROW_MAX];
};
void hy_ending_start(struct ending_rows *e, struct hy_block_key key, enum hy_ending_cause cause,
                     enum hy_rcpt_state state);
/* Slots and leads ascend. */
void hy_ending_add(struct ending_rows *e, unsigned slot, hy_lead_no lead,
                   enum hy_lead_status status);
/* Stores them; nothing when there are none. */
HY_MUST_USE int hy_ending_put(struct hy_txn *t, const struct ending_rows *e);

/* The record begins; views of `value` in *ret. HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_ending_open(struct hy_str key, struct hy_str value,
                               struct hy_ending_reader *ret);
/* HY_ENOTFOUND behind the last, HY_ECORRUPT. */
HY_MUST_USE int hy_ending_next(struct hy_ending_reader *r, struct hy_ending *ret);
