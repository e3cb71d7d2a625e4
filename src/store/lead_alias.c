/* Leads merged into others. Key: 'o', part be32 -> version, kept le32, note; 'k', kept be32, part
 * be32 -> version. */
#include "lead_alias.h"

#include "hayauma/base/bytes.h"

enum { VERSION = 1, HEAD = 5 };

static struct hy_str up_key(hy_lead_no part, uint8_t key[5])
{
    key[0] = 'o';
    hy_put_be32(key + 1, part);
    return hy_str_make(key, 5);
}

static struct hy_str down_key(hy_lead_no kept, hy_lead_no part, uint8_t key[9])
{
    key[0] = 'k';
    hy_put_be32(key + 1, kept);
    hy_put_be32(key + 5, part);
    return hy_str_make(key, 9);
}

int hy_lead_alias_get(struct hy_txn *t, hy_lead_no part, hy_lead_no *ret_kept,
                      struct hy_str *ret_note)
{
    uint8_t key[5];
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_LEAD_ALIASES, up_key(part, key), &v);
    if (err)
        return err;
    err = hy_value_check(v, VERSION);
    if (!err && v.n < HEAD)
        err = HY_ECORRUPT;
    if (err)
        return hy_txn_fail(t, err);
    *ret_kept = hy_get_le32(v.p + 1);
    *ret_note = hy_str_slice(v, HEAD, v.n);
    return 0;
}

int hy_lead_kept(struct hy_txn *t, hy_lead_no lead, hy_lead_no *ret)
{
    struct hy_str note;
    int err = 0;
    for (unsigned i = 0; i < HY_LEAD_PARTS_MAX; i++) {
        err = hy_lead_alias_get(t, lead, &lead, &note);
        if (err == HY_ENOTFOUND) {
            *ret = lead;
            return 0;
        }
        if (err)
            return err;
    }
    return hy_txn_fail(t, HY_ECORRUPT);
}

/* The parts of one lead behind those in `parts`. */
static int add_parts(struct hy_cursor *c, hy_lead_no kept, hy_lead_no *parts, size_t *n)
{
    uint8_t key[9];
    struct hy_str prefix = hy_str_slice(down_key(kept, 0, key), 0, 5);
    int err = hy_cursor_prefix_first(c, prefix);
    for (; !err; err = hy_cursor_prefix_next(c, prefix)) {
        if (c->key.n != 9 || *n == HY_LEAD_PARTS_MAX)
            return HY_ECORRUPT;
        parts[(*n)++] = hy_get_be32(c->key.p + 5);
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_lead_parts(struct hy_txn *t, hy_lead_no lead, hy_lead_no parts[HY_LEAD_PARTS_MAX],
                  size_t *ret_n)
{
    struct hy_cursor c;
    size_t n = 1;
    parts[0] = lead;
    int err = hy_cursor_open(t, HY_TABLE_LEAD_ALIASES, &c);
    for (size_t i = 0; i < n && !err; i++)
        err = add_parts(&c, parts[i], parts, &n);
    hy_cursor_close(&c);
    if (!err)
        *ret_n = n;
    return err == HY_ECORRUPT ? hy_txn_fail(t, err) : err;
}

int hy_lead_alias_put(struct hy_txn *t, hy_lead_no part, hy_lead_no kept, struct hy_str note)
{
    enum { NOTE_MAX = 1 << 20 };
    static const uint8_t version = VERSION;
    hy_lead_no parts[HY_LEAD_PARTS_MAX], top;
    uint8_t key[9], *room;
    size_t n = 0, more = 0;
    int err = hy_lead_kept(t, kept, &top);
    if (!err)
        err = hy_lead_parts(t, top, parts, &n);
    if (!err)
        err = hy_lead_parts(t, part, parts, &more);
    if (!err && (n + more > HY_LEAD_PARTS_MAX || note.n > NOTE_MAX))
        err = HY_ELIMIT;
    if (err)
        return err;
    err = hy_put_reserve(t, HY_TABLE_LEAD_ALIASES, up_key(part, key), HEAD + note.n, HY_PUT_NEW,
                         &room);
    if (err)
        return err;
    room[0] = VERSION;
    hy_put_le32(room + 1, kept);
    if (note.n)
        memcpy(room + HEAD, note.p, note.n);
    return hy_put(t, HY_TABLE_LEAD_ALIASES, down_key(kept, part, key), hy_str_make(&version, 1),
                  HY_PUT_SET);
}

int hy_lead_alias_del(struct hy_txn *t, hy_lead_no part)
{
    uint8_t key[9];
    struct hy_str note;
    hy_lead_no kept;
    int err = hy_lead_alias_get(t, part, &kept, &note);
    if (!err)
        err = hy_del(t, HY_TABLE_LEAD_ALIASES, down_key(kept, part, key));
    if (!err)
        err = hy_del(t, HY_TABLE_LEAD_ALIASES, up_key(part, key));
    return err;
}
