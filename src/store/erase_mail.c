/* Erasing one person: mail. Rows stay as numbers; what is still to be sent is cancelled; servers'
 * words about the person go; ready messages lose the recipient and what they say of it. */
#include <stdlib.h>

#include "attempt.h"
#include "block.h"
#include "dsn_mark.h"
#include "erase.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/settle.h"
#include "lead_priv.h"
#include "spool_message.h"
#include "spool_priv.h"

/* ---- rows ---- */

/* It will not be sent: as a settle without an attempt, so that ledger, due index and log move with
 * the row. What is on the wire at this moment may still tell its outcome. */
static int cancel_row(struct erasing *e, const struct hy_queue_row *row)
{
    struct hy_settle s;
    if (hy_rcpt_is_final(row->state))
        return 0;
    hy_settle_init(&s);
    s.attempt = (struct hy_attempt){
        .ref = row->ref,
        .state = HY_RCPT_CANCELLED,
        .outcome = {.kind = HY_OUTCOME_BOUNCED,
                    .spoils = HY_SPOILS_RECIPIENT,
                    .phase = HY_PHASE_POLICY,
                    .enhanced = {5, 7, 1},
                    .text = HY_STR("the person was erased")},
    };
    int err = hy_settle_apply(e->t, &s);
    e->r.cancelled += !err && s.result == HY_SETTLE_APPLIED;
    return err;
}

/* What servers said in the attempts of a row, the newest first; older ones may be trimmed. */
static int hush_attempts(struct erasing *e, hy_id last)
{
    struct hy_attempt a;
    int err = 0;
    for (hy_id id = last; id && !err; id = a.previous) {
        err = hy_attempt_get(e->t, id, &a);
        bool is_ours = a.outcome.phase == HY_PHASE_POLICY && !a.outcome.from_server;
        if (err || is_ours || a.outcome.text.n == 0)
            continue;
        err = hy_attempt_take_words(e->t, id);
        e->r.attempts++;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

static int erase_row(struct erasing *e, const struct hy_queue_row *row)
{
    struct hy_queue_row now = *row;
    int err = cancel_row(e, row);
    if (!err)
        err = hy_queue_get(e->t, &row->ref, &now);
    return err ? err : hush_attempts(e, now.last_attempt);
}

static int next_campaign(struct hy_txn *t, hy_id after, hy_id *ret)
{
    uint8_t key[8];
    struct hy_cursor c;
    if (after == UINT64_MAX)
        return HY_ENOTFOUND;
    hy_put_be64(key, after + 1);
    int err = hy_cursor_open(t, HY_TABLE_CAMPAIGNS, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(key, sizeof key));
    if (!err)
        *ret = hy_get_be64(c.key.p);
    hy_cursor_close(&c);
    return err;
}

/* pos: the campaign that is done. */
int hy_erase_rows(struct erasing *e)
{
    hy_id campaign = e->r.pos[0];
    int err;
    while ((err = next_campaign(e->t, campaign, &campaign)) == 0) {
        for (size_t i = 0; i < e->n_parts && !err; i++) {
            struct hy_queue_row row;
            struct lead_record lead;
            err = hy_lead_record_get(e->t, e->parts[i], &lead);
            if (!err)
                err = hy_queue_find(e->t, campaign, lead.domain, e->parts[i], &row);
            if (!err)
                err = erase_row(e, &row);
            if (err == HY_ENOTFOUND)
                err = 0;
        }
        if (err)
            return err;
        e->r.pos[0] = campaign;
        if (hy_txn_should_yield(e->t))
            return HY_EMORE;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* ---- ready messages ---- */

struct hit {
    struct hy_queue_row row;
    hy_id message;
    uint32_t n_rcpts;
    char address[HY_ADDRESS_MAX]; /* as it stands there */
    size_t n;
};

/* The recipient's place in its block: the address becomes another of the same length, and its
 * sender is told nothing more of it. */
static int mask_rcpt(struct erasing *e, const struct hit *h)
{
    uint8_t key[BLOCK_KEY_BYTES], b[BLOCK_MAX_BYTES], index[SPOOL_INDEX_BYTES];
    const struct hy_rcpt_ref *ref = &h->row.ref;
    struct hy_spool_tail tail;
    struct hy_spool_rcpt r = {0};
    struct hy_str k = block_key_put(key, (struct hy_block_key){ref->campaign, 0, ref->block}), v;
    int err = hy_get(e->t, HY_TABLE_SPOOL_BLOCKS, k, &v);
    if (!err && v.n > sizeof b)
        err = HY_ECORRUPT;
    if (err)
        return err;
    memcpy(b, v.p, v.n);
    err = hy_spool_tail(b, v.n, &tail);
    size_t at = 0;
    for (unsigned i = 0; i <= ref->slot && !err; i++) {
        at = (size_t)(tail.rcpts.p - b);
        err = hy_spool_tail_next(&tail, &r);
    }
    if (err)
        return hy_txn_fail(e->t, err);
    size_t address = (size_t)((const uint8_t *)r.address.p - b),
           orcpt = (size_t)((const uint8_t *)r.orcpt.p - b), local = r.address.n;
    while (local > 0 && r.address.p[local - 1] != '@')
        local--;
    b[at] = (uint8_t)(HY_DSN_NEVER | HY_DSN_TOLD | (b[at] & HY_DSN_CAME_BACK));
    if (local > 1)
        memset(b + address, '~', local - 1);
    if (r.orcpt.n)
        memset(b + orcpt, '~', r.orcpt.n);
    err = hy_put(e->t, HY_TABLE_SPOOL_BLOCKS, k, hy_str_make(b, v.n), HY_PUT_SET);
    if (!err)
        err = hy_del(e->t, HY_TABLE_SPOOL_INDEX,
                     hy_spool_index_key(index, e->t, HY_SPOOL_BY_ADDRESS, ref->campaign, ref->block,
                                        hy_str_make(h->address, h->n)));
    return err == HY_ENOTFOUND ? 0 : err;
}

/* What is left of a message's content names the person no more; others may still get it. An address
 * may lie across two pieces. */
static int mask_content(struct erasing *e, hy_id message)
{
    enum { PIECE = 1 + SPOOL_PIECE_BYTES };
    uint8_t key[12];
    char two[2 * PIECE];
    struct hy_str k = hy_str_make(key, sizeof key), v;
    size_t before = 0;
    int err = 0;
    hy_put_be64(key, message);
    for (uint32_t piece = 0; !err; piece++) {
        hy_put_be32(key + 8, piece);
        err = hy_get(e->t, HY_TABLE_SPOOL_CONTENTS, k, &v);
        if (err || v.n < 2 || v.n > PIECE)
            break;
        memcpy(two + before, v.p + 1, v.n - 1);
        size_t n = v.n - 1;
        if (hy_erase_mask(&e->names, two, before + n)) {
            char whole[PIECE] = {v.p[0]};
            memcpy(whole + 1, two + before, n);
            err = hy_put(e->t, HY_TABLE_SPOOL_CONTENTS, k, hy_str_make(whole, n + 1), HY_PUT_SET);
            if (!err && before) {
                hy_put_be32(key + 8, piece - 1);
                memcpy(whole + 1, two, before);
                err = hy_put(e->t, HY_TABLE_SPOOL_CONTENTS, k, hy_str_make(whole, before + 1),
                             HY_PUT_SET);
            }
        }
        memmove(two, two + before, n);
        before = n;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* The record of a message: what its application noted of it goes when it was for this person alone;
 * otherwise, as everywhere, only the address. */
static int mask_message(struct erasing *e, const struct hit *h)
{
    uint8_t key[8];
    struct hy_str k = spool_key(key, h->message), v;
    struct hy_spool_message m;
    struct hy_buf copy = HY_BUF_INIT(1 << 20);
    int err = hy_get(e->t, HY_TABLE_SPOOL_MESSAGES, k, &v);
    if (!err)
        err = hy_spool_message_decode(k, v, &m);
    if (err)
        return err;
    hy_buf_add_str(&copy, v);
    err = copy.err;
    bool changed = !err && hy_erase_mask(&e->names, copy.data, copy.len) > 0;
    if (!err && h->n_rcpts == 1 && m.meta.n >= 2) {
        char *meta = copy.data + (m.meta.p - v.p);
        memset(meta, ' ', m.meta.n);
        memcpy(meta, "{}", 2);
        changed = true;
    }
    if (changed)
        err = hy_put(e->t, HY_TABLE_SPOOL_MESSAGES, k, hy_buf_str(&copy), HY_PUT_SET);
    hy_buf_free(&copy);
    return err;
}

/* Activities of a message that went to this person alone are about it. */
static int drop_activities(struct erasing *e, hy_id message)
{
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_MESSAGE, .message = message};
    return hy_erase_activities_of(e, &who);
}

static int erase_message(struct erasing *e, const struct hit *h)
{
    int err = mask_rcpt(e, h);
    if (!err)
        err = erase_row(e, &h->row);
    if (!err)
        err = mask_content(e, h->message);
    if (!err)
        err = mask_message(e, h);
    if (!err && h->n_rcpts == 1)
        err = drop_activities(e, h->message);
    e->r.messages += !err;
    return err;
}

static bool is_name(const struct erasing *e, struct hy_str address)
{
    for (size_t i = 0; i < e->names.n; i++)
        if (hy_str_ieq(address, hy_str_of(e->names.address[i])))
            return true;
    return false;
}

/* The first recipient of the block under the cursor who is the person. HY_ENOTFOUND. */
static int find_hit(struct erasing *e, const struct hy_cursor *c, struct hit *h)
{
    struct hy_spool_tail tail;
    struct hy_spool_rcpt r;
    struct hy_spool_message m;
    const uint8_t *b;
    int err = hy_block_check(c->key, c->value, &b);
    if (!err)
        err = hy_spool_tail(b, c->value.n, &tail);
    for (unsigned i = 0; !err && i < block_count(b); i++) {
        err = hy_spool_tail_next(&tail, &r);
        if (err || !is_name(e, r.address))
            continue;
        h->row = hy_block_row(b, block_key_get(c->key, b), i);
        h->message = tail.message;
        h->n = r.address.n;
        memcpy(h->address, r.address.p, r.address.n);
        err = hy_spool_message(e->t, tail.message, &m);
        h->n_rcpts = err ? 0 : m.n_rcpts;
        return err == HY_ENOTFOUND ? HY_ECORRUPT : err;
    }
    return err ? hy_txn_fail(e->t, err) : HY_ENOTFOUND;
}

/* The blocks from pos (spool, block) on: addresses may be written in any case of letters, which the
 * index does not know. A block is looked at until nobody of it is the person. */
int hy_erase_spool(struct erasing *e)
{
    int err = 0;
    while (!err && e->names.n) {
        uint8_t key[BLOCK_KEY_BYTES];
        struct hy_cursor c;
        struct hit h;
        hy_put_be64(key, e->r.pos[0]);
        hy_put_be32(key + 8, (uint32_t)e->r.pos[1]);
        err = hy_cursor_open(e->t, HY_TABLE_SPOOL_BLOCKS, &c);
        if (!err)
            err = hy_cursor_seek(&c, hy_str_make(key, BLOCK_SPOOL_KEY_BYTES));
        while (!err && (err = find_hit(e, &c, &h)) == HY_ENOTFOUND) {
            err = hy_cursor_next(&c);
            if (!err && hy_txn_should_yield(e->t))
                err = HY_EMORE;
        }
        if ((!err || err == HY_EMORE) && c.key.n == BLOCK_SPOOL_KEY_BYTES) {
            e->r.pos[0] = hy_get_be64(c.key.p);
            e->r.pos[1] = hy_get_be32(c.key.p + 8);
        }
        hy_cursor_close(&c);
        if (!err)
            err = erase_message(e, &h);
    }
    return err == HY_ENOTFOUND ? 0 : err;
}
