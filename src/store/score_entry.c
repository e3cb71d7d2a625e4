/* Entries of the ledger. Key: lead be32, rule be16, kind u8, moment be64 (ms), activity be64; of a
 * carried one its half-life and group stand there. Value, all of one size so that it is changed in
 * place: version u8, 0, group u16, half-life u32 (s), points i32, what the rule says i32, print of
 * the rule u32, count u32, until when the rule gives nothing more u64 (ms), withdrawn u64 (ms), or
 * the moment of a carried one; its worth then (a double). */
#include <string.h>

#include "hayauma/base/bytes.h"
#include "score_priv.h"

enum { VERSION = 1, VALUE_BYTES = 48 };

struct hy_str hy_score_rule_prefix(hy_lead_no lead, uint16_t rule, enum score_entry_kind kind,
                                   uint8_t room[SCORE_KEY])
{
    hy_put_be32(room, lead);
    hy_put_be16(room + 4, rule);
    room[6] = (uint8_t)kind;
    return hy_str_make(room, 7);
}

struct hy_str hy_score_entry_key(const struct score_entry *e, uint8_t room[SCORE_KEY])
{
    bool is_carried = e->kind == SCORE_CARRIED;
    (void)hy_score_rule_prefix(e->lead, e->rule, e->kind, room);
    hy_put_be64(room + 7, is_carried ? e->half_life_s : (uint64_t)e->at);
    hy_put_be64(room + 15, is_carried ? e->group : e->activity);
    return hy_str_make(room, SCORE_KEY);
}

static struct hy_str encode(const struct score_entry *e, uint8_t v[VALUE_BYTES])
{
    uint64_t worth;
    memcpy(&worth, &e->worth, sizeof worth);
    v[0] = VERSION;
    v[1] = 0;
    hy_put_le16(v + 2, e->group);
    hy_put_le32(v + 4, e->half_life_s);
    hy_put_le32(v + 8, (uint32_t)e->points);
    hy_put_le32(v + 12, (uint32_t)e->wanted);
    hy_put_le32(v + 16, e->print);
    hy_put_le32(v + 20, e->n);
    hy_put_le64(v + 24, (uint64_t)e->shut_until);
    hy_put_le64(v + 32, (uint64_t)(e->kind == SCORE_CARRIED ? e->at : e->withdrawn));
    hy_put_le64(v + 40, worth);
    return hy_str_make(v, VALUE_BYTES);
}

int hy_score_entry_decode(struct hy_str key, struct hy_str value, struct score_entry *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (key.n != SCORE_KEY || value.n != VALUE_BYTES)
        return HY_ECORRUPT;
    const uint8_t *k = (const uint8_t *)key.p, *v = (const uint8_t *)value.p;
    uint64_t worth = hy_get_le64(v + 40);
    struct score_entry e = {
        .lead = hy_get_be32(k),
        .rule = hy_get_be16(k + 4),
        .kind = (enum score_entry_kind)k[6],
        .at = (hy_wall_ms)hy_get_be64(k + 7),
        .activity = hy_get_be64(k + 15),
        .group = hy_get_le16(v + 2),
        .half_life_s = hy_get_le32(v + 4),
        .points = (int32_t)hy_get_le32(v + 8),
        .wanted = (int32_t)hy_get_le32(v + 12),
        .print = hy_get_le32(v + 16),
        .n = hy_get_le32(v + 20),
        .shut_until = (hy_wall_ms)hy_get_le64(v + 24),
    };
    memcpy(&e.worth, &worth, sizeof worth);
    if (e.kind == SCORE_CARRIED) {
        e.at = (hy_wall_ms)hy_get_le64(v + 32);
        e.activity = 0;
    } else {
        e.withdrawn = (hy_wall_ms)hy_get_le64(v + 32);
    }
    *ret = e;
    return 0;
}

int hy_score_entry_put(struct hy_txn *t, const struct score_entry *e)
{
    uint8_t key[SCORE_KEY], value[VALUE_BYTES];
    return hy_put(t, HY_TABLE_SCORE_LEDGER, hy_score_entry_key(e, key), encode(e, value),
                  HY_PUT_SET);
}

int hy_score_entry_replace(struct hy_cursor *c, const struct score_entry *e)
{
    uint8_t value[VALUE_BYTES];
    return hy_cursor_replace(c, encode(e, value));
}

int hy_score_entry_get(struct hy_txn *t, struct score_entry *e)
{
    uint8_t key[SCORE_KEY];
    struct hy_str k = hy_score_entry_key(e, key), value;
    int err = hy_get(t, HY_TABLE_SCORE_LEDGER, k, &value);
    if (!err)
        err = hy_score_entry_decode(k, value, e);
    return err == HY_ECORRUPT || err == HY_EVERSION ? hy_txn_fail(t, err) : err;
}

int hy_score_next_rule(struct hy_txn *t, hy_lead_no lead, uint16_t after, uint16_t *ret_rule)
{
    uint8_t key[6];
    struct hy_cursor c;
    if (after == UINT16_MAX)
        return HY_ENOTFOUND;
    hy_put_be32(key, lead);
    hy_put_be16(key + 4, (uint16_t)(after + 1));
    int err = hy_cursor_open(t, HY_TABLE_SCORE_LEDGER, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(key, sizeof key));
    if (!err && c.key.n != SCORE_KEY)
        err = hy_txn_fail(t, HY_ECORRUPT);
    if (!err && hy_get_be32(c.key.p) != lead)
        err = HY_ENOTFOUND;
    if (!err)
        *ret_rule = hy_get_be16(c.key.p + 4);
    hy_cursor_close(&c);
    return err;
}
