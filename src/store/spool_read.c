/* Reading spools: fresh rows for sending, a row's recipient, and rows by what people know of them.
 */
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "progress.h"
#include "spool_message.h"
#include "spool_priv.h"
#include "walk.h"

int hy_spool_next(struct hy_txn *t, hy_id after, hy_id *ret_spool)
{
    uint8_t key[8];
    struct hy_cursor c;
    if (after == UINT64_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_SPOOLS, &c);
    if (!err)
        err = hy_cursor_seek(&c, spool_key(key, after + 1));
    if (!err && c.key.n != 8)
        err = hy_txn_fail(t, HY_ECORRUPT);
    if (!err)
        *ret_spool = hy_get_be64(c.key.p);
    hy_cursor_close(&c);
    return err;
}

int hy_spool_state(struct hy_txn *t, hy_id spool, enum hy_campaign_state *ret)
{
    struct hy_progress p;
    int err = hy_progress_get(t, spool, &p);
    if (!err)
        *ret = p.state;
    return err;
}

int hy_spool_floor(struct hy_txn *t, hy_id spool, uint32_t *ret_block)
{
    struct hy_spool s;
    int err = hy_spool_get(t, spool, &s);
    if (!err)
        *ret_block = s.floor;
    return err;
}

/* ---- fresh rows ---- */

static int walk_from(struct hy_txn *t, hy_id spool, uint32_t block, struct hy_block_walk *ret)
{
    return hy_walk_from(t, (struct hy_block_key){.campaign = spool, .block = block}, 0, ret);
}

static size_t take_fresh(const struct hy_block_walk *w, struct hy_queue_row *out)
{
    size_t n = 0;
    if (block_of_state(w->b, HY_RCPT_FRESH) == 0)
        return 0;
    for (unsigned i = 0; i < block_count(w->b); i++)
        if (row_state(block_row(w->b, i)) == HY_RCPT_FRESH)
            out[n++] = hy_block_row(w->b, w->k, i);
    return n;
}

int hy_spool_read_fresh(struct hy_txn *t, hy_id spool, uint32_t *block, unsigned blocks,
                        struct hy_queue_row *out, size_t max, size_t *ret_n)
{
    struct hy_block_walk w;
    size_t n = 0;
    uint32_t at = *block;
    unsigned seen = 0;
    int err = walk_from(t, spool, at, &w);
    while (!err && seen < blocks && n + block_count(w.b) <= max) {
        n += take_fresh(&w, out + n);
        at = w.k.block + 1;
        seen++;
        err = hy_walk_next(&w);
    }
    hy_walk_close(&w);
    if (err && err != HY_ENOTFOUND)
        return err;
    *block = at;
    *ret_n = n;
    return seen ? 0 : err;
}

int hy_spool_oldest_fresh(struct hy_txn *t, hy_id spool, hy_wall_ms *ret_received)
{
    enum { LOOKED_AT = 65536 };
    struct hy_block_walk w;
    struct hy_queue_row row = {0};
    struct hy_spool_rcpt rcpt;
    uint32_t floor = 0;
    hy_id message = 0;
    int err = hy_spool_floor(t, spool, &floor);
    if (err)
        return err;
    err = walk_from(t, spool, floor, &w);
    for (unsigned i = 0; !err && i < LOOKED_AT && block_of_state(w.b, HY_RCPT_FRESH) == 0; i++)
        err = hy_walk_next(&w);
    if (!err)
        row = hy_block_row(w.b, w.k, 0);
    hy_walk_close(&w);
    if (!err)
        err = hy_spool_rcpt(t, &row.ref, &rcpt, &message);
    if (!err)
        *ret_received = hy_id_time(message);
    return err;
}

int hy_spool_read_domain(struct hy_txn *t, hy_id spool, hy_domain_no domain, uint32_t first,
                         uint32_t last, struct hy_queue_row *out, size_t max, size_t *ret_n)
{
    struct hy_block_walk w;
    size_t n = 0;
    int err = walk_from(t, spool, first, &w);
    while (!err && w.k.block <= last) {
        if (w.k.domain == domain && n + block_count(w.b) <= max)
            n += take_fresh(&w, out + n);
        err = hy_walk_next(&w);
    }
    hy_walk_close(&w);
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret_n = n;
    return 0;
}

/* ---- recipients ---- */

int hy_spool_tail(const uint8_t *b, size_t n, struct hy_spool_tail *ret)
{
    size_t rows_end = BLOCK_HEADER_BYTES + (size_t)block_count(b) * BLOCK_ROW_BYTES;
    if (n < rows_end + BLOCK_TAIL_BYTES)
        return HY_ECORRUPT;
    *ret = (struct hy_spool_tail){
        .domain = hy_get_be32(b + rows_end),
        .message = hy_get_be64(b + rows_end + 4),
        .rcpts = {.p = b + rows_end + BLOCK_TAIL_BYTES, .n = n - rows_end - BLOCK_TAIL_BYTES},
    };
    return 0;
}

int hy_spool_tail_next(struct hy_spool_tail *tail, struct hy_spool_rcpt *ret)
{
    uint8_t notes = rec_get_u8(&tail->rcpts);
    struct hy_spool_rcpt r = {.notify = notes & 15, .told = notes & 0xf0};
    r.address = rec_get_str(&tail->rcpts, HY_ADDRESS_MAX);
    r.orcpt = rec_get_str(&tail->rcpts, HY_SPOOL_ORCPT_MAX);
    if (tail->rcpts.bad)
        return HY_ECORRUPT;
    *ret = r;
    return 0;
}

/* A block with its views: *ret_tail stands before the first recipient. */
static int find_block(struct hy_txn *t, hy_id spool, uint32_t block, const uint8_t **ret_b,
                      struct hy_block_key *ret_key, struct hy_spool_tail *ret_tail)
{
    uint8_t key[BLOCK_KEY_BYTES];
    struct hy_str ks = block_key_put(key, (struct hy_block_key){spool, 0, block}), value;
    int err = hy_get(t, HY_TABLE_SPOOL_BLOCKS, ks, &value);
    if (err)
        return err;
    err = hy_block_check(ks, value, ret_b);
    if (!err)
        err = hy_spool_tail(*ret_b, value.n, ret_tail);
    if (err)
        return hy_txn_fail(t, err);
    *ret_key = block_key_get(ks, *ret_b);
    return 0;
}

int hy_spool_rcpt(struct hy_txn *t, const struct hy_rcpt_ref *ref, struct hy_spool_rcpt *ret,
                  hy_id *ret_message)
{
    struct hy_spool_tail tail;
    struct hy_block_key k;
    struct hy_spool_rcpt r = {0};
    const uint8_t *b;
    int err = find_block(t, ref->campaign, ref->block, &b, &k, &tail);
    if (err)
        return err;
    if (ref->slot >= block_count(b) || row_lead(block_row(b, ref->slot)) != ref->lead)
        return HY_ENOTFOUND;
    for (unsigned i = 0; i <= ref->slot && !err; i++)
        err = hy_spool_tail_next(&tail, &r);
    if (err)
        return hy_txn_fail(t, err);
    *ret = r;
    *ret_message = tail.message;
    return 0;
}

/* ---- looking ---- */

/* Which rows of a block to show. */
struct wanted {
    enum { WANT_ALL, WANT_ADDRESS, WANT_MESSAGE_ID } what;
    struct hy_str text;
    hy_spool_each *each;
    void *ctx;
};

static int show_block(struct hy_txn *t, hy_id spool, uint32_t block, const struct wanted *w)
{
    struct hy_spool_tail tail;
    struct hy_block_key k;
    struct hy_spool_view v;
    const uint8_t *b;
    int err = find_block(t, spool, block, &b, &k, &tail);
    if (!err)
        err = hy_spool_message(t, tail.message, &v.message);
    if (err) /* trimmed meanwhile, for which the index may be late */
        return err == HY_ENOTFOUND ? 0 : err;
    if (w->what == WANT_MESSAGE_ID && !hy_str_eq(v.message.message_id, w->text))
        return 0;
    for (unsigned i = 0; i < block_count(b) && !err; i++) {
        err = hy_spool_tail_next(&tail, &v.rcpt);
        if (err)
            return hy_txn_fail(t, err);
        v.row = hy_block_row(b, k, i);
        if (w->what != WANT_ADDRESS || hy_str_eq(v.rcpt.address, w->text))
            err = w->each(w->ctx, &v);
    }
    return err;
}

static int show_message(struct hy_txn *t, const struct hy_spool_message *m, const struct wanted *w)
{
    int err = 0;
    for (uint32_t i = 0; i < m->n_blocks && !err; i++)
        err = show_block(t, m->spool, m->first_block + i, w);
    return err;
}

int hy_spool_each_of_message(struct hy_txn *t, hy_id message, hy_spool_each *each, void *ctx)
{
    struct hy_spool_message m;
    struct wanted w = {WANT_ALL, {0}, each, ctx};
    int err = hy_spool_message(t, message, &m);
    return err ? err : show_message(t, &m, &w);
}

/* An entry of the index that fits. */
static int show_hit(struct hy_txn *t, hy_id spool, uint32_t block, const struct wanted *w)
{
    struct hy_spool_tail tail;
    struct hy_block_key k;
    struct hy_spool_message m;
    const uint8_t *b;
    if (w->what == WANT_ADDRESS)
        return show_block(t, spool, block, w);
    int err = find_block(t, spool, block, &b, &k, &tail);
    if (!err)
        err = hy_spool_message(t, tail.message, &m);
    if (err)
        return err == HY_ENOTFOUND ? 0 : err;
    return m.first_block == block ? show_message(t, &m, w) : 0;
}

/* One chunk of the index: few entries have the hash. */
static int find_in_chunk(struct hy_txn *t, hy_id spool, uint32_t chunk, enum hy_spool_kind kind,
                         const struct wanted *w)
{
    enum { HITS_MAX = 256 };
    uint32_t hits[HITS_MAX];
    size_t n = 0;
    uint8_t key[SPOOL_INDEX_BYTES];
    struct hy_cursor c;
    hy_spool_index_key(key, t, kind, spool, chunk << SPOOL_CHUNK_BITS, w->text);
    struct hy_str prefix = hy_str_make(key, SPOOL_INDEX_BYTES - 4);
    int err = hy_cursor_open(t, HY_TABLE_SPOOL_INDEX, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    for (; !err; err = hy_cursor_prefix_next(&c, prefix)) {
        if (c.key.n != SPOOL_INDEX_BYTES) {
            err = hy_txn_fail(t, HY_ECORRUPT);
            break;
        }
        hits[n % HITS_MAX] = hy_get_be32(c.key.p + SPOOL_INDEX_BYTES - 4); /* the newest stay */
        n++;
    }
    hy_cursor_close(&c);
    if (err != HY_ENOTFOUND)
        return err;
    err = 0;
    for (size_t i = 0; i < n && i < HITS_MAX && !err; i++)
        err = show_hit(t, spool, hits[(n - 1 - i) % HITS_MAX], w);
    return err;
}

/* Each spool, each chunk, from the newest back to where blocks begin. */
static int find_indexed(struct hy_txn *t, enum hy_spool_kind kind, const struct wanted *w)
{
    hy_id spool = 0;
    int err;
    while ((err = hy_spool_next(t, spool, &spool)) == 0) {
        struct hy_spool s;
        struct hy_block_walk first;
        err = hy_spool_get(t, spool, &s);
        if (!err)
            err = walk_from(t, spool, 0, &first);
        if (err == HY_ENOTFOUND) { /* it has no blocks */
            hy_walk_close(&first);
            continue;
        }
        if (err)
            return err;
        uint32_t last = first.k.block >> SPOOL_CHUNK_BITS;
        hy_walk_close(&first);
        for (uint32_t chunk = (s.next - 1) >> SPOOL_CHUNK_BITS;; chunk--) {
            err = find_in_chunk(t, spool, chunk, kind, w);
            if (err)
                return err;
            if (chunk == last)
                break;
        }
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_spool_find_address(struct hy_txn *t, struct hy_str address, hy_spool_each *each, void *ctx)
{
    struct wanted w = {WANT_ADDRESS, address, each, ctx};
    return find_indexed(t, HY_SPOOL_BY_ADDRESS, &w);
}

int hy_spool_find_message_id(struct hy_txn *t, struct hy_str message_id, hy_spool_each *each,
                             void *ctx)
{
    struct wanted w = {WANT_MESSAGE_ID, hy_str_slice(message_id, 0, HY_SPOOL_MESSAGE_ID_MAX), each,
                       ctx};
    return find_indexed(t, HY_SPOOL_BY_MESSAGE_ID, &w);
}

/* ---- counting ---- */

struct counts { /* an open hash of domains */
    struct hy_queue_count *slots, others;
    size_t size, n, max;
};

static struct hy_queue_count *count_of(struct counts *c, hy_domain_no domain)
{
    size_t at = (size_t)(domain * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (c->size - 1);
    while (c->slots[at].domain && c->slots[at].domain != domain)
        at = (at + 1) & (c->size - 1);
    if (!c->slots[at].domain) {
        if (c->n == c->max)
            return &c->others;
        c->n++;
        c->slots[at].domain = domain;
    }
    return &c->slots[at];
}

static int count_fresh(struct hy_txn *t, hy_id spool, struct counts *counts)
{
    struct hy_block_walk w;
    uint32_t floor = 0;
    int err = hy_spool_floor(t, spool, &floor);
    if (err)
        return err;
    err = walk_from(t, spool, floor, &w);
    for (; !err; err = hy_walk_next(&w)) {
        unsigned fresh = block_of_state(w.b, HY_RCPT_FRESH);
        if (fresh)
            count_of(counts, w.k.domain)->by_state[HY_RCPT_FRESH] += fresh;
    }
    hy_walk_close(&w);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int count_deferred(struct hy_txn *t, hy_id spool, struct counts *counts)
{
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_due due = {0};
    int err;
    while ((err = hy_due_next(t, &due, UINT32_MAX)) == 0) {
        size_t n = 0;
        if (due.campaign != spool)
            continue;
        err = hy_queue_read_due(t, &due, rows, &n);
        if (err)
            return err;
        struct hy_queue_count *c = count_of(counts, due.domain);
        c->by_state[HY_RCPT_DEFERRED] += n;
        if (c->next_due_s == 0 || due.due_s < c->next_due_s)
            c->next_due_s = due.due_s;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_spool_count(struct hy_txn *t, hy_id spool, size_t max,
                   int (*each)(void *ctx, const struct hy_queue_count *n), void *ctx)
{
    struct counts c = {.size = 64, .max = max};
    while (c.size < 2 * max)
        c.size *= 2;
    c.slots = calloc(c.size, sizeof *c.slots);
    if (!c.slots)
        return HY_ENOMEM;
    int err = count_fresh(t, spool, &c);
    if (!err)
        err = count_deferred(t, spool, &c);
    for (size_t i = 0; i < c.size && !err; i++)
        if (c.slots[i].domain)
            err = each(ctx, &c.slots[i]);
    if (!err && (c.others.by_state[HY_RCPT_FRESH] || c.others.by_state[HY_RCPT_DEFERRED]))
        err = each(ctx, &c.others);
    free(c.slots);
    return err;
}
