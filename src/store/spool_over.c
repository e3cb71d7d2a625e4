/* The end of messages: contents go with the last recipient, once its sender was told, everything
 * else after its time. */
#include "hayauma/base/list.h"
#include "hayauma/store/log_reader.h"
#include "spool_message.h"
#include "spool_priv.h"

int hy_spool_block_over(struct hy_txn *t, const uint8_t *b, size_t n)
{
    struct hy_spool_tail tail;
    int err = hy_spool_tail(b, n, &tail);
    return err ? hy_txn_fail(t, err) : hy_spool_message_close_block(t, tail.message);
}

/* ---- trimming ---- */

static int drop_index(struct hy_txn *t, enum hy_spool_kind kind, hy_id spool, uint32_t block,
                      struct hy_str text)
{
    uint8_t key[SPOOL_INDEX_BYTES];
    int err = hy_del(t, HY_TABLE_SPOOL_INDEX, hy_spool_index_key(key, t, kind, spool, block, text));
    return err == HY_ENOTFOUND ? 0 : err; /* twice the same address hash in one block */
}

/* The block under the cursor, with its entries of the index. */
static int drop_block(struct hy_cursor *c, struct hy_spool *s)
{
    uint8_t copy[BLOCK_MAX_BYTES];
    struct hy_spool_tail tail;
    struct hy_spool_rcpt r;
    const uint8_t *b;
    struct hy_txn *t = c->txn;
    int err = hy_block_check(c->key, c->value, &b);
    if (err)
        return hy_txn_fail(t, err);
    struct hy_block_key k = block_key_get(c->key, b);
    size_t n = c->value.n;
    memcpy(copy, b, n);
    err = hy_spool_tail(copy, n, &tail);
    for (unsigned i = 0; i < block_count(copy) && !err; i++) {
        s->trimmed[row_state(block_row(copy, i)) & (HY_RCPT_STATES - 1)]++;
        s->trimmed_attempts += row_attempts(block_row(copy, i));
        err = hy_spool_tail_next(&tail, &r);
        if (!err)
            err = drop_index(t, HY_SPOOL_BY_ADDRESS, k.campaign, k.block, r.address);
    }
    return err ? hy_txn_fail(t, err) : hy_cursor_delete(c);
}

static int drop_message(struct hy_txn *t, hy_id id, const struct hy_spool_message *m)
{
    uint8_t key[BLOCK_KEY_BYTES], id_key[8];
    struct hy_cursor c;
    struct hy_spool s;
    hy_id spool = m->spool;
    uint32_t first = m->first_block, blocks = m->n_blocks;
    int err = hy_spool_get(t, spool, &s);
    if (!err && m->message_id.n)
        err = drop_index(t, HY_SPOOL_BY_MESSAGE_ID, spool, first, m->message_id);
    if (!err)
        err = hy_del(t, HY_TABLE_SPOOL_MESSAGES, spool_key(id_key, id));
    if (!err)
        err = hy_cursor_open(t, HY_TABLE_SPOOL_BLOCKS, &c);
    if (err)
        return err == HY_ENOTFOUND ? hy_txn_fail(t, HY_ECORRUPT) : err;
    for (uint32_t i = 0; i < blocks && !err; i++) {
        struct hy_block_key k = {.campaign = spool, .block = first + i};
        err = hy_cursor_find(&c, block_key_put(key, k));
        if (!err)
            err = drop_block(&c, &s);
    }
    hy_cursor_close(&c);
    if (!err)
        err = hy_spool_store(t, spool, &s, HY_PUT_SET);
    return err == HY_ENOTFOUND ? hy_txn_fail(t, HY_ECORRUPT) : err;
}

/* Messages lie in the order of their arrival; those that are not over stay and are passed over. A
 * slice begins behind the message that the last commit left, so that it may be applied twice. */
static int trim_slice(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_spool_trim_job *j = hy_container_of(r, struct hy_spool_trim_job, req);
    hy_id id = j->at, end;
    int err = hy_log_trim_end(t, j->before, j->unread_before, &end);
    if (err)
        return err;
    for (;;) {
        uint8_t key[8];
        struct hy_spool_message m;
        struct hy_cursor c;
        err = hy_cursor_open(t, HY_TABLE_SPOOL_MESSAGES, &c);
        if (!err)
            err = hy_cursor_seek(&c, spool_key(key, id + 1));
        if (!err) {
            err = hy_spool_message_decode(c.key, c.value, &m);
            if (err)
                hy_txn_fail(t, err);
        }
        hy_cursor_close(&c);
        if (err)
            return err == HY_ENOTFOUND ? 0 : err;
        id = m.id;
        if (id >= end)
            return 0;
        if (m.open_blocks == 0 && m.dsn_due_s == 0)
            err = drop_message(t, id, &m);
        if (err)
            return err;
        j->next = id;
        if (hy_txn_should_yield(t))
            return HY_EMORE;
    }
}

static void on_trim_slice(struct hy_write_req *r)
{
    struct hy_spool_trim_job *j = hy_container_of(r, struct hy_spool_trim_job, req);
    j->at = j->next;
}

void hy_spool_trim_job_init(struct hy_spool_trim_job *j, hy_wall_ms before)
{
    *j = (struct hy_spool_trim_job){
        .req = {.class = HY_WRITE_ADMIN,
                .on_full = HY_WRITE_FULL_WAIT,
                .apply = trim_slice,
                .slice = on_trim_slice},
        .before = before,
        .unread_before = before,
    };
}
