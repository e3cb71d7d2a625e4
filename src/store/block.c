/* Blocks of queue rows: checking, reading, changing. */
#include "block.h"

int hy_block_check(struct hy_str key, struct hy_str value, const uint8_t **ret)
{
    int err = hy_value_check(value, BLOCK_VERSION);
    if (err)
        return err;
    bool is_spool = key.n == BLOCK_SPOOL_KEY_BYTES;
    if ((key.n != BLOCK_KEY_BYTES && !is_spool) || value.n < BLOCK_HEADER_BYTES)
        return HY_ECORRUPT;
    const uint8_t *b = rec_in(value).p;
    unsigned count = block_count(b);
    size_t rows_end = BLOCK_HEADER_BYTES + (size_t)count * BLOCK_ROW_BYTES;
    if (count == 0 || count > HY_QUEUE_BLOCK_ROWS)
        return HY_ECORRUPT;
    if (is_spool ? value.n < rows_end + BLOCK_TAIL_BYTES || value.n > BLOCK_MAX_BYTES
                 : value.n != rows_end)
        return HY_ECORRUPT;
    *ret = b;
    return 0;
}

struct hy_queue_row hy_block_row(const uint8_t *b, struct hy_block_key k, unsigned slot)
{
    const uint8_t *row = block_row(b, slot);
    return (struct hy_queue_row){
        .ref = {.campaign = k.campaign,
                .domain = k.domain,
                .block = k.block,
                .slot = (uint16_t)slot,
                .attempts = row_attempts(row),
                .lead = row_lead(row)},
        .state = row_state(row),
        .due_s = row_due(row),
        .last_attempt = row_last(row),
    };
}

static void count_move(uint8_t *b, enum hy_rcpt_state s, int by)
{
    uint8_t *p = b + 4 + 2 * (unsigned)s;
    hy_put_le16(p, (uint16_t)(hy_get_le16(p) + by));
}

static uint8_t *row_of(uint8_t *b, unsigned slot)
{
    return b + BLOCK_HEADER_BYTES + slot * BLOCK_ROW_BYTES;
}

void hy_block_init(uint8_t *b, unsigned count)
{
    memset(b, 0, BLOCK_HEADER_BYTES);
    b[0] = BLOCK_VERSION;
    hy_put_le16(b + 2, (uint16_t)count);
}

void hy_block_fill(uint8_t *b, unsigned slot, hy_lead_no lead, enum hy_rcpt_state state)
{
    uint8_t *row = row_of(b, slot);
    memset(row, 0, BLOCK_ROW_BYTES);
    hy_put_le32(row, lead);
    row[18] = (uint8_t)state;
    count_move(b, state, 1);
}

void hy_block_set_state(uint8_t *b, unsigned slot, enum hy_rcpt_state state, uint32_t due_s)
{
    uint8_t *row = row_of(b, slot);
    count_move(b, row_state(row), -1);
    count_move(b, state, 1);
    row[18] = (uint8_t)state;
    hy_put_le32(row + 4, state == HY_RCPT_DEFERRED ? due_s : 0);
}

void hy_block_set_attempt(uint8_t *b, unsigned slot, uint16_t attempts, hy_id last)
{
    uint8_t *row = row_of(b, slot);
    hy_put_le64(row + 8, last);
    hy_put_le16(row + 16, attempts);
}

unsigned hy_block_due_at(const uint8_t *b, uint32_t due_s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < block_count(b); i++) {
        const uint8_t *row = block_row(b, i);
        n += row_due(row) == due_s && row_state(row) == HY_RCPT_DEFERRED;
    }
    return n;
}
