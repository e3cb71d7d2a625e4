/* Reading the queue: domains with fresh rows, fresh rows of a domain, rows of a due entry, one row.
 */
#include "hayauma/store/queue.h"

#include "block.h"
#include "progress.h"

/* Where the walk ended: for good, or only until the enqueue has made more. `domain` is complete
 * when the enqueue has gone past it. */
static int end_of_rows(struct hy_txn *t, hy_id campaign, hy_domain_no domain)
{
    struct hy_progress p;
    int err = hy_progress_get(t, campaign, &p);
    if (err)
        return err;
    bool open = !p.p.queued_all && p.state != HY_CAMPAIGN_CANCELLED && p.p.domain <= domain;
    return open ? HY_EMORE : HY_ENOTFOUND;
}

/* The block under the cursor, if it belongs to the campaign; HY_ENOTFOUND behind it. */
static int block_here(struct hy_cursor *c, hy_id campaign, struct hy_block_key *ret_key,
                      const uint8_t **ret_block)
{
    int err = hy_block_check(c->key, c->value, ret_block);
    if (err)
        return hy_txn_fail(c->txn, err);
    *ret_key = block_key_get(c->key, *ret_block);
    return ret_key->campaign == campaign ? 0 : HY_ENOTFOUND;
}

static unsigned first_fresh(const uint8_t *b, unsigned slot)
{
    while (slot < block_count(b) && row_state(block_row(b, slot)) != HY_RCPT_FRESH)
        slot++;
    return slot;
}

int hy_queue_next_domain(struct hy_txn *t, hy_id campaign, hy_domain_no after,
                         hy_domain_no *ret_domain, struct hy_queue_pos *ret_pos,
                         uint32_t *ret_fresh)
{
    uint8_t key[BLOCK_KEY_BYTES];
    struct hy_cursor c;
    struct hy_block_key k = {0};
    const uint8_t *b = NULL;
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_QUEUE, &c);
    if (!err)
        err = hy_cursor_seek(&c, block_key_put(key, (struct hy_block_key){campaign, after + 1, 0}));
    for (; !err; err = hy_cursor_next(&c)) {
        err = block_here(&c, campaign, &k, &b);
        if (err || block_of_state(b, HY_RCPT_FRESH) > 0)
            break;
    }
    if (!err) {
        *ret_domain = k.domain;
        *ret_pos = (struct hy_queue_pos){k.block, (uint16_t)first_fresh(b, 0)};
        *ret_fresh = block_of_state(b, HY_RCPT_FRESH);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? end_of_rows(t, campaign, UINT32_MAX) : err;
}

static size_t take_fresh(const uint8_t *b, struct hy_block_key k, struct hy_queue_pos *pos,
                         struct hy_queue_row *out, size_t max)
{
    size_t n = 0;
    unsigned slot = k.block == pos->block ? pos->slot : 0;
    if (block_of_state(b, HY_RCPT_FRESH) == 0)
        slot = block_count(b);
    for (slot = first_fresh(b, slot); slot < block_count(b) && n < max;
         slot = first_fresh(b, slot + 1))
        out[n++] = hy_block_row(b, k, slot);
    *pos = slot < block_count(b) ? (struct hy_queue_pos){k.block, (uint16_t)slot}
                                 : (struct hy_queue_pos){k.block + 1, 0};
    return n;
}

int hy_queue_read_fresh(struct hy_txn *t, hy_id campaign, hy_domain_no domain,
                        struct hy_queue_pos *pos, struct hy_queue_row *out, size_t max,
                        size_t *ret_n)
{
    uint8_t key[BLOCK_KEY_BYTES];
    struct hy_cursor c;
    struct hy_block_key k;
    const uint8_t *b;
    size_t n = 0;
    int err = hy_cursor_open(t, HY_TABLE_QUEUE, &c);
    if (!err)
        err = hy_cursor_seek(
            &c, block_key_put(key, (struct hy_block_key){campaign, domain, pos->block}));
    for (; !err && n < max; err = n < max ? hy_cursor_next(&c) : 0) {
        err = block_here(&c, campaign, &k, &b);
        if (!err && k.domain != domain)
            err = HY_ENOTFOUND;
        if (err)
            break;
        n += take_fresh(b, k, pos, out + n, max - n);
    }
    hy_cursor_close(&c);
    if (err == HY_ENOTFOUND)
        err = n ? 0 : end_of_rows(t, campaign, domain);
    if (!err || err == HY_EMORE || err == HY_ENOTFOUND)
        *ret_n = n;
    return err;
}

static int find_block(struct hy_txn *t, struct hy_block_key k, const uint8_t **ret)
{
    uint8_t key[BLOCK_KEY_BYTES];
    struct hy_str value, ks = block_key_put(key, k);
    int err = hy_get(t, block_table(k.campaign), ks, &value);
    if (err)
        return err;
    err = hy_block_check(ks, value, ret);
    return err ? hy_txn_fail(t, err) : 0;
}

int hy_queue_read_due(struct hy_txn *t, const struct hy_due *due, struct hy_queue_row *out,
                      size_t *ret_n)
{
    struct hy_block_key k = {due->campaign, due->domain, due->block};
    const uint8_t *b;
    size_t n = 0;
    int err = find_block(t, k, &b);
    if (err)
        return err;
    for (unsigned i = 0; i < block_count(b); i++) {
        const uint8_t *row = block_row(b, i);
        if (row_due(row) == due->due_s && row_state(row) == HY_RCPT_DEFERRED)
            out[n++] = hy_block_row(b, k, i);
    }
    *ret_n = n;
    return 0;
}

int hy_queue_get(struct hy_txn *t, const struct hy_rcpt_ref *ref, struct hy_queue_row *ret)
{
    struct hy_block_key k = {ref->campaign, ref->domain, ref->block};
    const uint8_t *b;
    int err = find_block(t, k, &b);
    if (err)
        return err;
    if (ref->slot >= block_count(b) || row_lead(block_row(b, ref->slot)) != ref->lead)
        return HY_ENOTFOUND;
    *ret = hy_block_row(b, k, ref->slot);
    return 0;
}

/* ---- finding a lead: leads ascend over the blocks of a domain, so both searches halve ---- */

static int last_block(struct hy_txn *t, hy_id campaign, hy_domain_no domain, uint32_t *ret)
{
    uint8_t key[BLOCK_KEY_BYTES];
    struct hy_cursor c;
    struct hy_block_key behind = {campaign, domain, UINT32_MAX}, k = {0};
    int err = hy_cursor_open(t, HY_TABLE_QUEUE, &c);
    if (!err) {
        err = hy_cursor_seek(&c, block_key_put(key, behind));
        err = err == HY_ENOTFOUND ? hy_cursor_last(&c) : err ? err : hy_cursor_prev(&c);
    }
    const uint8_t *b;
    if (!err)
        err = block_here(&c, campaign, &k, &b);
    if (!err && k.domain != domain)
        err = HY_ENOTFOUND;
    hy_cursor_close(&c);
    if (!err)
        *ret = k.block;
    return err;
}

static int find_in_block(const uint8_t *b, hy_lead_no lead, unsigned *ret_slot)
{
    unsigned lo = 0, hi = block_count(b);
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        hy_lead_no at = row_lead(block_row(b, mid));
        if (at == lead) {
            *ret_slot = mid;
            return 0;
        }
        if (at < lead)
            lo = mid + 1;
        else
            hi = mid;
    }
    return HY_ENOTFOUND;
}

int hy_queue_find(struct hy_txn *t, hy_id campaign, hy_domain_no domain, hy_lead_no lead,
                  struct hy_queue_row *ret)
{
    uint32_t lo = 0, hi;
    int err = last_block(t, campaign, domain, &hi);
    while (!err) {
        struct hy_block_key k = {campaign, domain, lo + (hi - lo + 1) / 2};
        const uint8_t *b;
        unsigned slot;
        err = find_block(t, k, &b);
        if (err == HY_ENOTFOUND)
            return hy_txn_fail(t, HY_ECORRUPT); /* block numbers have no holes */
        if (err)
            return err;
        if (lo == hi) {
            err = find_in_block(b, lead, &slot);
            if (!err)
                *ret = hy_block_row(b, k, slot);
            return err;
        }
        if (row_lead(block_row(b, 0)) <= lead)
            lo = k.block;
        else
            hi = k.block - 1;
    }
    return err;
}
