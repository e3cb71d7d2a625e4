/* Handing in: a message, its rows and what finds them again go into the store in one transaction.
 */
#include "hayauma/store/spool.h"

#include <stdlib.h>

#include "due.h"
#include "env_priv.h"
#include "hayauma/base/hash.h"
#include "hayauma/base/list.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/tenant.h"
#include "progress.h"
#include "spool_message.h"
#include "spool_priv.h"

enum { FLOOR_STEPS = 4 }; /* blocks that the floor may rise by for each message: it catches up */

/* ---- the record of a spool: version u8, 0 x 3, next u32, floor u32, rows trimmed by state u64 x
 * 8, their attempts u64 ---- */

int hy_spool_get(struct hy_txn *t, hy_id spool, struct hy_spool *ret)
{
    uint8_t key[8];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_SPOOLS, spool_key(key, spool), &value);
    if (err)
        return err;
    err = hy_value_check(value, SPOOL_VERSION);
    if (err || value.n != SPOOL_BYTES)
        return hy_txn_fail(t, err ? err : HY_ECORRUPT);
    const char *p = value.p;
    struct hy_spool s = {.next = hy_get_le32(p + 4), .floor = hy_get_le32(p + 8)};
    for (size_t i = 0; i < HY_RCPT_STATES; i++)
        s.trimmed[i] = hy_get_le64(p + 12 + 8 * i);
    s.trimmed_attempts = hy_get_le64(p + 12 + 8 * HY_RCPT_STATES);
    *ret = s;
    return 0;
}

int hy_spool_store(struct hy_txn *t, hy_id spool, const struct hy_spool *s, enum hy_put_mode mode)
{
    uint8_t key[8], value[SPOOL_BYTES] = {SPOOL_VERSION};
    hy_put_le32(value + 4, s->next);
    hy_put_le32(value + 8, s->floor);
    for (size_t i = 0; i < HY_RCPT_STATES; i++)
        hy_put_le64(value + 12 + 8 * i, s->trimmed[i]);
    hy_put_le64(value + 12 + 8 * HY_RCPT_STATES, s->trimmed_attempts);
    return hy_put(t, HY_TABLE_SPOOLS, spool_key(key, spool), hy_str_make(value, sizeof value),
                  mode);
}

/* The newest epoch of a tenant's spool; HY_ENOTFOUND. */
static int newest(struct hy_txn *t, uint32_t tenant, enum hy_spool_priority p, hy_id *ret)
{
    uint8_t key[8];
    struct hy_cursor c;
    hy_id last = hy_spool_id(tenant, p, UINT32_MAX), found = 0;
    int err = hy_cursor_open(t, HY_TABLE_SPOOLS, &c);
    if (!err) {
        err = hy_cursor_seek(&c, spool_key(key, last));
        err = err == HY_ENOTFOUND ? hy_cursor_last(&c) : err ? err : hy_cursor_prev(&c);
    }
    if (!err && c.key.n != 8)
        err = hy_txn_fail(t, HY_ECORRUPT);
    if (!err)
        found = hy_get_be64(c.key.p);
    hy_cursor_close(&c);
    if (!err && found >> 32 != last >> 32)
        err = HY_ENOTFOUND;
    if (!err)
        *ret = found;
    return err;
}

static int begin_spool(struct hy_txn *t, hy_id spool)
{
    struct hy_progress p = {.state = HY_CAMPAIGN_RUNNING, .started = t->now};
    int err = hy_progress_create(t, spool, &p);
    if (!err)
        err = hy_spool_store(t, spool, &(struct hy_spool){0}, HY_PUT_NEW);
    return err == HY_EEXIST ? hy_txn_fail(t, HY_ECORRUPT) : err;
}

/* The spool that has numbers for `blocks` more blocks. */
static int open_spool(struct hy_txn *t, const struct hy_spool_message *m, uint32_t blocks,
                      hy_id *ret_id, struct hy_spool *ret)
{
    struct hy_spool s = {0};
    hy_id id = hy_spool_id(m->tenant, m->priority, 0);
    int err = newest(t, m->tenant, m->priority, &id);
    if (!err)
        err = hy_spool_get(t, id, &s);
    bool is_used_up = !err && s.next > UINT32_MAX - blocks;
    if (is_used_up && (uint32_t)id == UINT32_MAX - 1)
        return HY_ELIMIT;
    if (is_used_up)
        id++;
    if (err == HY_ENOTFOUND || is_used_up) {
        s = (struct hy_spool){0};
        err = begin_spool(t, id);
    }
    if (!err) {
        *ret_id = id;
        *ret = s;
    }
    return err;
}

/* Rises over blocks that have no fresh row any more, a few at a time. */
static int raise_floor(struct hy_txn *t, hy_id id, struct hy_spool *s)
{
    for (int i = 0; i < FLOOR_STEPS && s->floor < s->next; i++) {
        uint8_t key[BLOCK_KEY_BYTES];
        struct hy_str ks = block_key_put(key, (struct hy_block_key){id, 0, s->floor}), value;
        const uint8_t *b;
        int err = hy_get(t, HY_TABLE_SPOOL_BLOCKS, ks, &value);
        if (err && err != HY_ENOTFOUND)
            return err;
        if (!err && hy_block_check(ks, value, &b) != 0)
            return hy_txn_fail(t, HY_ECORRUPT);
        if (!err && block_of_state(b, HY_RCPT_FRESH))
            return 0;
        s->floor++; /* settled, or trimmed */
    }
    return 0;
}

/* Appends when the key is the last of its table, which fills pages to the brim. */
static int put_newest(struct hy_txn *t, enum hy_table table, struct hy_str key, size_t n,
                      uint8_t **ret_room)
{
    int err = hy_put_reserve(t, table, key, n, HY_PUT_APPEND, ret_room);
    if (err == HY_EEXIST)
        err = hy_put_reserve(t, table, key, n, HY_PUT_NEW, ret_room);
    return err == HY_EEXIST ? hy_txn_fail(t, HY_ECORRUPT) : err;
}

/* ---- the index ---- */

struct hy_str hy_spool_index_key(uint8_t key[SPOOL_INDEX_BYTES], struct hy_txn *t,
                                 enum hy_spool_kind kind, hy_id spool, uint32_t block,
                                 struct hy_str text)
{
    const uint8_t *secret = hy_env_secret(t->env);
    struct hy_hash_key hk = {hy_get_le64(secret), hy_get_le64(secret + 8)};
    key[0] = (uint8_t)kind;
    hy_put_be64(key + 1, spool);
    hy_put_be32(key + 9, block >> SPOOL_CHUNK_BITS);
    hy_put_be32(key + 13, (uint32_t)hy_siphash(&hk, text.p, text.n));
    hy_put_be32(key + 17, block);
    return hy_str_make(key, SPOOL_INDEX_BYTES);
}

static int put_index(struct hy_txn *t, enum hy_spool_kind kind, hy_id spool, uint32_t block,
                     struct hy_str text)
{
    static const char version = 1;
    uint8_t key[SPOOL_INDEX_BYTES];
    return hy_put(t, HY_TABLE_SPOOL_INDEX, hy_spool_index_key(key, t, kind, spool, block, text),
                  hy_str_make(&version, 1), HY_PUT_SET);
}

/* ---- rows ---- */

static size_t rcpt_bytes(const struct hy_spool_rcpt *r)
{
    uint8_t room[10];
    return 1 + hy_varint_put(room, r->address.n) + r->address.n + hy_varint_put(room, r->orcpt.n) +
           r->orcpt.n;
}

/* How many recipients from `at` on make the next block, and how large it is. */
static size_t next_block(const struct hy_spool_message *m, size_t at, size_t *ret_bytes)
{
    struct hy_str domain = hy_wire_domain(m->rcpts[at].address);
    size_t n = 0, bytes = BLOCK_HEADER_BYTES + BLOCK_TAIL_BYTES;
    while (at + n < m->n_rcpts && n < HY_QUEUE_BLOCK_ROWS) {
        const struct hy_spool_rcpt *r = &m->rcpts[at + n];
        size_t more = BLOCK_ROW_BYTES + rcpt_bytes(r);
        if (bytes + more > BLOCK_MAX_BYTES || !hy_str_eq(hy_wire_domain(r->address), domain))
            break;
        bytes += more;
        n++;
    }
    *ret_bytes = bytes;
    return n;
}

static uint32_t count_blocks(const struct hy_spool_message *m)
{
    uint32_t n = 0;
    size_t bytes;
    for (size_t at = 0; at < m->n_rcpts; n++)
        at += next_block(m, at, &bytes);
    return n;
}

/* When its rows are due, 0: at once. */
static uint32_t due_of(const struct hy_txn *t, const struct hy_spool_message *m)
{
    hy_wall_ms s = m->send_at / 1000;
    return m->send_at <= t->now ? 0 : hy_due_round(t, s < UINT32_MAX ? (uint32_t)s : UINT32_MAX);
}

static int put_block(struct hy_txn *t, const struct hy_spool_message *m, size_t at, size_t n,
                     size_t bytes, uint32_t block)
{
    uint32_t due_s = due_of(t, m);
    uint8_t key[BLOCK_KEY_BYTES], *b;
    hy_domain_no domain = 0;
    int err = hy_domain_intern(t, hy_wire_domain(m->rcpts[at].address), &domain);
    if (!err)
        err = put_newest(t, HY_TABLE_SPOOL_BLOCKS,
                         block_key_put(key, (struct hy_block_key){m->spool, domain, block}), bytes,
                         &b);
    if (err)
        return err;
    hy_block_init(b, (unsigned)n);
    for (size_t i = 0; i < n; i++) {
        hy_block_fill(b, (unsigned)i, (hy_lead_no)(at + i + 1), HY_RCPT_FRESH);
        if (due_s)
            hy_block_set_state(b, (unsigned)i, HY_RCPT_DEFERRED, due_s);
    }
    size_t rows_end = BLOCK_HEADER_BYTES + n * BLOCK_ROW_BYTES;
    hy_put_be32(b + rows_end, domain);
    hy_put_be64(b + rows_end + 4, m->id);
    struct hy_rec_out out = {.p = b, .n = rows_end + BLOCK_TAIL_BYTES, .max = bytes};
    for (size_t i = 0; i < n; i++) {
        rec_put_u8(&out, m->rcpts[at + i].notify & 15);
        rec_put_str(&out, m->rcpts[at + i].address);
        rec_put_str(&out, m->rcpts[at + i].orcpt);
    }
    if (due_s)
        err = hy_due_put(t, &(struct hy_due){due_s, m->spool, domain, block});
    for (size_t i = 0; i < n && !err; i++)
        err = put_index(t, HY_SPOOL_BY_ADDRESS, m->spool, block, m->rcpts[at + i].address);
    return err;
}

static int put_rows(struct hy_txn *t, const struct hy_spool_message *m)
{
    struct hy_progress *p;
    uint32_t block = m->first_block;
    int err = 0;
    for (size_t at = 0, bytes; at < m->n_rcpts && !err; block++) {
        size_t n = next_block(m, at, &bytes);
        err = put_block(t, m, at, n, bytes, block);
        at += n;
    }
    if (!err)
        err = hy_progress_edit(t, m->spool, &p);
    if (err)
        return err == HY_ENOTFOUND ? hy_txn_fail(t, HY_ECORRUPT) : err;
    p->p.ledger.queued += m->n_rcpts;
    p->p.ledger.by_state[due_of(t, m) ? HY_RCPT_DEFERRED : HY_RCPT_FRESH] += m->n_rcpts;
    return 0;
}

static int put_content(struct hy_txn *t, const struct hy_spool_message *m)
{
    struct hy_str left = m->content;
    for (uint32_t piece = 0; left.n; piece++) {
        uint8_t key[12], *room;
        struct hy_str part = hy_str_slice(left, 0, SPOOL_PIECE_BYTES);
        hy_put_be64(key, m->id);
        hy_put_be32(key + 8, piece);
        int err =
            put_newest(t, HY_TABLE_SPOOL_CONTENTS, hy_str_make(key, sizeof key), part.n + 1, &room);
        if (err)
            return err;
        room[0] = SPOOL_CONTENT_VERSION;
        memcpy(room + 1, part.p, part.n);
        left = hy_str_slice(left, part.n, left.n);
    }
    return 0;
}

/* ---- putting it together ---- */

static int compare(const void *x, const void *y)
{
    const struct hy_spool_rcpt *a = x, *b = y;
    struct hy_str da = hy_wire_domain(a->address), db = hy_wire_domain(b->address);
    size_t n = da.n < db.n ? da.n : db.n;
    int c = n ? memcmp(da.p, db.p, n) : 0;
    if (c == 0 && da.n != db.n)
        return da.n < db.n ? -1 : 1;
    if (c)
        return c;
    n = a->address.n < b->address.n ? a->address.n : b->address.n;
    c = n ? memcmp(a->address.p, b->address.p, n) : 0;
    return c ? c : a->address.n < b->address.n ? -1 : a->address.n > b->address.n;
}

size_t hy_spool_sort(struct hy_spool_rcpt *rcpts, size_t n)
{
    size_t kept = 0;
    if (n > 1)
        qsort(rcpts, n, sizeof *rcpts, compare);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !hy_str_eq(rcpts[kept - 1].address, rcpts[i].address))
            rcpts[kept++] = rcpts[i];
    return kept;
}

static int check_rcpts(const struct hy_spool_message *m)
{
    for (uint32_t i = 0; i < m->n_rcpts; i++) {
        const struct hy_spool_rcpt *r = &m->rcpts[i];
        if (r->address.n > HY_ADDRESS_MAX || r->orcpt.n > HY_SPOOL_ORCPT_MAX)
            return HY_ELIMIT;
        size_t domain_n = hy_wire_domain(r->address).n;
        if (domain_n == 0 || domain_n == r->address.n ||
            (i > 0 && compare(&m->rcpts[i - 1], r) >= 0))
            return HY_EINVAL;
        if (domain_n > HY_DOMAIN_MAX + 2)
            return HY_ELIMIT;
    }
    return 0;
}

static int check(const struct hy_spool_message *m)
{
    if (m->n_rcpts == 0 || m->content.n == 0 || m->header_bytes > m->content.n)
        return HY_EINVAL;
    if (m->n_rcpts > HY_SPOOL_RCPTS_MAX || m->content.n > HY_SPOOL_CONTENT_MAX ||
        m->tenant > HY_SPOOL_TENANT_MAX || m->sender.n > HY_ADDRESS_MAX ||
        m->from_domain.n > HY_DOMAIN_MAX || m->envid.n > HY_SPOOL_ENVID_MAX ||
        m->who.n > HY_SPOOL_WHO_MAX || m->meta.n > HY_SPOOL_META_MAX)
        return HY_ELIMIT;
    return check_rcpts(m);
}

int hy_spool_put(struct hy_txn *t, struct hy_spool_message *message)
{
    struct hy_spool_message m = *message;
    struct hy_spool s;
    m.message_id = hy_str_slice(m.message_id, 0, HY_SPOOL_MESSAGE_ID_MAX);
    int err = check(&m);
    if (err)
        return err;
    m.n_blocks = m.open_blocks = count_blocks(&m);
    err = open_spool(t, &m, m.n_blocks, &m.spool, &s);
    if (err)
        return err;
    m.id = hy_txn_new_id(t);
    m.first_block = s.next;
    m.content_bytes = m.content.n;
    s.next += m.n_blocks;
    err = put_rows(t, &m);
    if (!err)
        err = raise_floor(t, m.spool, &s);
    if (!err)
        err = hy_spool_store(t, m.spool, &s, HY_PUT_SET);
    if (!err && m.message_id.n)
        err = put_index(t, HY_SPOOL_BY_MESSAGE_ID, m.spool, m.first_block, m.message_id);
    if (!err)
        err = hy_spool_message_put(t, &m);
    if (!err)
        err = put_content(t, &m);
    if (!err)
        *message = m;
    return err;
}

static int put_and_count(struct hy_txn *t, struct hy_spool_message *m)
{
    int err = hy_spool_put(t, m);
    return err ? err : hy_tenant_count(t, m->tenant, m->n_rcpts, m->content.n);
}

int hy_spool_job_put(struct hy_spool_job *j, struct hy_txn *t)
{
    struct hy_spool_message *m = &j->message;
    if (j->is_free)
        return hy_spool_put(t, m);
    int err = hy_tenant_ask(t, m->tenant, &j->quota, m->n_rcpts, &j->verdict);
    return err ? err : put_and_count(t, m);
}

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    return hy_spool_job_put(hy_container_of(r, struct hy_spool_job, req), t);
}

void hy_spool_job_init(struct hy_spool_job *j)
{
    *j = (struct hy_spool_job){.req = {.class = HY_WRITE_INTAKE,
                                       .when = HY_WRITE_NOW,
                                       .on_full = HY_WRITE_FULL_FAIL,
                                       .apply = apply}};
}

static int apply_batch(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_spool_batch *b = hy_container_of(r, struct hy_spool_batch, req);
    int err = b->before ? b->before(b, t) : 0;
    uint32_t n_rcpts = 0;
    for (size_t i = 0; i < b->n; i++)
        n_rcpts += b->messages[i].n_rcpts;
    if (!err && b->n)
        err = hy_tenant_ask(t, b->messages[0].tenant, &b->quota, n_rcpts, &b->verdict);
    for (size_t i = 0; i < b->n && !err; i++)
        err = put_and_count(t, &b->messages[i]);
    return !err && b->behind ? b->behind(b, t) : err;
}

void hy_spool_batch_init(struct hy_spool_batch *b)
{
    struct hy_spool_job one;
    hy_spool_job_init(&one);
    *b = (struct hy_spool_batch){.req = one.req};
    b->req.apply = apply_batch;
}
