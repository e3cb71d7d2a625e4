/* Records of messages and their contents. Key: message be64. Value: version u8, flags u8, ret u8,
 * 0; u32: open blocks, blocks, first block, recipients, header bytes, second when the sender is to
 * be told something; u64: spool, received (ms), content bytes; sender, From domain, ENVID,
 * Message-ID, who, meta (length varint, bytes). What changes has a place of its own, so that a
 * record never changes its size. */
#include "spool_message.h"

#include "spool_priv.h"

enum {
    AT_FLAGS = 1,
    AT_OPEN = 4,
    AT_DSN = 24,
    FIXED_BYTES = 52,
    VALUE_MAX = FIXED_BYTES + 6 * 5 + 2 * HY_ADDRESS_MAX + HY_SPOOL_ENVID_MAX +
                HY_SPOOL_MESSAGE_ID_MAX + HY_SPOOL_WHO_MAX + HY_SPOOL_META_MAX,
};

const char *hy_spool_priority_name(enum hy_spool_priority p)
{
    static const char *const names[] = {"transactional", "bulk", "tls-optional"};
    return (unsigned)p < sizeof names / sizeof *names ? names[p] : "?";
}

static size_t field_bytes(struct hy_str s)
{
    uint8_t room[10];
    return hy_varint_put(room, s.n) + s.n;
}

int hy_spool_message_put(struct hy_txn *t, const struct hy_spool_message *m)
{
    const struct hy_str fields[] = {m->sender,     m->from_domain, m->envid,
                                    m->message_id, m->who,         m->meta};
    size_t n = FIXED_BYTES;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        n += field_bytes(fields[i]);
    uint8_t key[8], *b;
    int err =
        hy_put_reserve(t, HY_TABLE_SPOOL_MESSAGES, spool_key(key, m->id), n, HY_PUT_APPEND, &b);
    if (err) /* ids only grow */
        return err == HY_EEXIST ? hy_txn_fail(t, HY_ECORRUPT) : err;
    memset(b, 0, FIXED_BYTES);
    b[0] = SPOOL_MESSAGE_VERSION;
    b[AT_FLAGS] = m->flags;
    b[2] = (uint8_t)m->ret;
    hy_put_le32(b + AT_OPEN, m->open_blocks);
    hy_put_le32(b + 8, m->n_blocks);
    hy_put_le32(b + 12, m->first_block);
    hy_put_le32(b + 16, m->n_rcpts);
    hy_put_le32(b + 20, m->header_bytes);
    hy_put_le64(b + 28, m->spool);
    hy_put_le64(b + 36, (uint64_t)m->received);
    hy_put_le64(b + 44, m->content_bytes);
    struct hy_rec_out out = {.p = b, .n = FIXED_BYTES, .max = n};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        rec_put_str(&out, fields[i]);
    return out.bad ? hy_txn_fail(t, HY_ECORRUPT) : 0;
}

int hy_spool_message_decode(struct hy_str key, struct hy_str value, struct hy_spool_message *ret)
{
    int err = hy_value_check(value, SPOOL_MESSAGE_VERSION);
    if (err)
        return err;
    if (key.n != 8 || value.n < FIXED_BYTES)
        return HY_ECORRUPT;
    const uint8_t *b = rec_in(value).p;
    struct hy_spool_message m = {
        .id = hy_get_be64(key.p),
        .flags = b[AT_FLAGS],
        .ret = (enum hy_dsn_ret)b[2],
        .open_blocks = hy_get_le32(b + AT_OPEN),
        .n_blocks = hy_get_le32(b + 8),
        .first_block = hy_get_le32(b + 12),
        .n_rcpts = hy_get_le32(b + 16),
        .header_bytes = hy_get_le32(b + 20),
        .dsn_due_s = hy_get_le32(b + AT_DSN),
        .spool = hy_get_le64(b + 28),
        .received = (hy_wall_ms)hy_get_le64(b + 36),
        .content_bytes = hy_get_le64(b + 44),
    };
    struct hy_rec_in in = {.p = b + FIXED_BYTES, .n = value.n - FIXED_BYTES};
    m.sender = rec_get_str(&in, HY_ADDRESS_MAX);
    m.from_domain = rec_get_str(&in, HY_DOMAIN_MAX);
    m.envid = rec_get_str(&in, HY_SPOOL_ENVID_MAX);
    m.message_id = rec_get_str(&in, HY_SPOOL_MESSAGE_ID_MAX);
    m.who = rec_get_str(&in, HY_SPOOL_WHO_MAX);
    m.meta = rec_get_str(&in, HY_SPOOL_META_MAX);
    if (in.bad || in.n || !hy_id_is_spool(m.spool) || m.open_blocks > m.n_blocks)
        return HY_ECORRUPT;
    m.tenant = hy_spool_tenant(m.spool);
    m.priority = hy_spool_priority(m.spool);
    *ret = m;
    return 0;
}

int hy_spool_message(struct hy_txn *t, hy_id id, struct hy_spool_message *ret)
{
    uint8_t key[8];
    struct hy_str value, ks = spool_key(key, id);
    int err = hy_get(t, HY_TABLE_SPOOL_MESSAGES, ks, &value);
    if (err)
        return err;
    err = hy_spool_message_decode(ks, value, ret);
    return err ? hy_txn_fail(t, err) : 0;
}

int hy_spool_content_head(struct hy_txn *t, const struct hy_spool_message *m, uint64_t max,
                          struct hy_buf *out)
{
    if (m->flags & HY_SPOOL_EMPTIED)
        return HY_ENOTFOUND;
    uint64_t left = m->content_bytes < max ? m->content_bytes : max;
    int err = hy_buf_reserve(out, (size_t)left);
    for (uint32_t piece = 0; left && !err; piece++) {
        uint8_t key[12];
        struct hy_str part;
        hy_put_be64(key, m->id);
        hy_put_be32(key + 8, piece);
        err = hy_get(t, HY_TABLE_SPOOL_CONTENTS, hy_str_make(key, sizeof key), &part);
        if (!err)
            err = hy_value_check(part, SPOOL_CONTENT_VERSION);
        if (!err && (part.n == 1 || (part.n - 1 > left && max >= m->content_bytes)))
            err = HY_ECORRUPT;
        if (err)
            return hy_txn_fail(t, err == HY_ENOTFOUND ? HY_ECORRUPT : err);
        part = hy_str_slice(part, 1, (size_t)left + 1);
        hy_buf_add_str(out, part);
        left -= part.n;
        err = out->err;
    }
    return err;
}

int hy_spool_content(struct hy_txn *t, const struct hy_spool_message *m, struct hy_buf *out)
{
    return hy_spool_content_head(t, m, UINT64_MAX, out);
}

/* ---- changing, in place ---- */

static int find(struct hy_txn *t, hy_id id, struct hy_cursor *c)
{
    uint8_t key[8];
    int err = hy_cursor_open(t, HY_TABLE_SPOOL_MESSAGES, c);
    if (!err)
        err = hy_cursor_find(c, spool_key(key, id));
    if (!err) {
        err = hy_value_check(c->value, SPOOL_MESSAGE_VERSION);
        if (err || c->value.n < FIXED_BYTES || c->value.n > VALUE_MAX)
            err = hy_txn_fail(t, err ? err : HY_ECORRUPT);
    }
    return err == HY_ENOTFOUND ? hy_txn_fail(t, HY_ECORRUPT) : err;
}

/* Puts the value under the cursor back with other fixed bytes. */
static int replace_fixed(struct hy_cursor *c, const uint8_t fixed[FIXED_BYTES])
{
    uint8_t small[1024];
    struct hy_buf large = HY_BUF_INIT(VALUE_MAX);
    size_t n = c->value.n;
    uint8_t *b = small;
    if (n > sizeof small) { /* only with much meta */
        int err = hy_buf_reserve(&large, n);
        if (err)
            return hy_txn_fail(c->txn, err);
        b = (uint8_t *)large.data;
    }
    memcpy(b, c->value.p, n);
    memcpy(b, fixed, FIXED_BYTES);
    int err = hy_cursor_replace(c, hy_str_make(b, n));
    hy_buf_free(&large);
    return err;
}

/* Every recipient is over, and the sender knows what it wants to know. */
static bool is_through(const uint8_t fixed[FIXED_BYTES])
{
    return hy_get_le32(fixed + AT_OPEN) == 0 && hy_get_le32(fixed + AT_DSN) == 0;
}

/* Puts the value back; when the content is not needed any more, it goes. */
static int put_back(struct hy_cursor *c, hy_id id, uint8_t fixed[FIXED_BYTES])
{
    bool ends = is_through(fixed) && !(fixed[AT_FLAGS] & HY_SPOOL_EMPTIED);
    if (ends)
        fixed[AT_FLAGS] |= HY_SPOOL_EMPTIED;
    int err = replace_fixed(c, fixed);
    if (err || !ends)
        return err;
    uint8_t key[8];
    return hy_del_prefix(c->txn, HY_TABLE_SPOOL_CONTENTS, spool_key(key, id), NULL, NULL);
}

int hy_spool_message_close_block(struct hy_txn *t, hy_id id)
{
    struct hy_cursor c;
    uint8_t fixed[FIXED_BYTES];
    uint32_t open = 0;
    int err = find(t, id, &c);
    if (!err) {
        memcpy(fixed, c.value.p, sizeof fixed);
        open = hy_get_le32(fixed + AT_OPEN);
        if (open == 0)
            err = hy_txn_fail(t, HY_ECORRUPT);
    }
    if (!err) {
        hy_put_le32(fixed + AT_OPEN, open - 1);
        err = put_back(&c, id, fixed);
    }
    hy_cursor_close(&c);
    return err;
}

int hy_spool_message_set_dsn(struct hy_txn *t, hy_id id, uint32_t due_s)
{
    struct hy_cursor c;
    uint8_t fixed[FIXED_BYTES];
    int err = find(t, id, &c);
    if (!err) {
        memcpy(fixed, c.value.p, sizeof fixed);
        hy_put_le32(fixed + AT_DSN, due_s);
        err = put_back(&c, id, fixed);
    }
    hy_cursor_close(&c);
    return err;
}
