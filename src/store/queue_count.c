/* Counting the rows of a domain: all of them for people, about how many are left for the feeder. */
#include "hayauma/store/queue.h"
#include "walk.h"

static void add_block(const uint8_t *b, struct hy_queue_count *n)
{
    for (int s = 0; s < HY_RCPT_STATES; s++)
        n->by_state[s] += block_of_state(b, (enum hy_rcpt_state)s);
    if (block_of_state(b, HY_RCPT_DEFERRED) == 0)
        return;
    for (unsigned i = 0; i < block_count(b); i++) {
        const uint8_t *row = block_row(b, i);
        if (row_state(row) != HY_RCPT_DEFERRED)
            continue;
        if (n->next_due_s == 0 || row_due(row) < n->next_due_s)
            n->next_due_s = row_due(row);
    }
}

int hy_queue_count(struct hy_txn *t, hy_id campaign, hy_domain_no after, struct hy_queue_count *ret)
{
    struct hy_block_walk w;
    struct hy_queue_count n = {0};
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_walk_from(t, (struct hy_block_key){campaign, after + 1, 0}, 0, &w);
    for (; !err && (!n.domain || w.k.domain == n.domain); err = hy_walk_next(&w)) {
        n.domain = w.k.domain;
        add_block(w.b, &n);
    }
    hy_walk_close(&w);
    if (!err) /* the next domain */
        err = HY_ENOTFOUND;
    if (err != HY_ENOTFOUND)
        return err;
    if (n.domain == 0)
        return HY_ENOTFOUND;
    *ret = n;
    return HY_OK;
}

uint64_t hy_queue_rows_left(struct hy_txn *t, hy_id campaign, hy_domain_no domain,
                            struct hy_queue_pos pos)
{
    uint8_t key[BLOCK_KEY_BYTES];
    struct hy_cursor c;
    uint64_t rows = 0;
    if (domain == UINT32_MAX)
        return 0;
    int err = hy_cursor_open(t, HY_TABLE_QUEUE, &c);
    if (!err) {
        err =
            hy_cursor_seek(&c, block_key_put(key, (struct hy_block_key){campaign, domain + 1, 0}));
        err = err == HY_ENOTFOUND ? hy_cursor_last(&c) : err ? err : hy_cursor_prev(&c);
    }
    const uint8_t *b;
    if (!err)
        err = hy_block_check(c.key, c.value, &b);
    if (!err) {
        struct hy_block_key last = block_key_get(c.key, b);
        uint64_t end = (uint64_t)last.block * HY_QUEUE_BLOCK_ROWS + block_count(b),
                 at = (uint64_t)pos.block * HY_QUEUE_BLOCK_ROWS + pos.slot;
        if (last.campaign == campaign && last.domain == domain && end > at)
            rows = end - at;
    }
    hy_cursor_close(&c);
    return rows;
}
