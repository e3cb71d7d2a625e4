/* Sets of leads: blocks of 4,096 lead numbers, each a bitmap or, with few members, their places.
 *
 * Key: kind u8, no be64, what u8, block be32. Value: version u8, then 512 bytes of bits (lead
 * 4096 * block + i is bit i % 8 of byte i / 8), or up to 255 places le16, ascending: the size tells
 * which. Under block 0xffffffff: version u8, how many members le64. Empty blocks and counts of 0
 * are not kept. */
#include "lead_set_priv.h"

enum { VERSION = 1, KEY_BYTES = 14, COUNT_BYTES = 9 };
enum { BITS_BYTES = HY_LEAD_SET_BLOCK / 8, PLACES_MAX = 255, VALUE_MAX = 1 + BITS_BYTES };
static const uint32_t count_block = UINT32_MAX;

struct block {
    uint64_t bits[HY_LEAD_SET_WORDS];
};

static struct hy_str key_of(struct hy_lead_set s, uint32_t block, uint8_t room[KEY_BYTES])
{
    room[0] = s.kind;
    hy_put_be64(room + 1, s.no);
    room[9] = s.what;
    hy_put_be32(room + 10, block);
    return hy_str_make(room, KEY_BYTES);
}

static uint32_t block_at(struct hy_str key)
{
    return hy_get_be32(key.p + 10);
}

static unsigned population(const struct block *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < HY_LEAD_SET_WORDS; i++)
        n += (unsigned)__builtin_popcountll(b->bits[i]);
    return n;
}

/* The places of the members, `add` added to each; `out` has room for a block. */
static unsigned places_of(const struct block *b, uint32_t add, uint32_t *out)
{
    unsigned n = 0;
    for (unsigned i = 0; i < HY_LEAD_SET_WORDS; i++)
        for (uint64_t w = b->bits[i]; w; w &= w - 1)
            out[n++] = add + 64 * i + (unsigned)__builtin_ctzll(w);
    return n;
}

static int decode_places(struct hy_str places, struct block *b)
{
    if (places.n == 0 || places.n % 2 || places.n / 2 > PLACES_MAX)
        return HY_ECORRUPT;
    for (size_t i = 0; i < places.n; i += 2) {
        unsigned place = hy_get_le16(places.p + i);
        if (place >= HY_LEAD_SET_BLOCK)
            return HY_ECORRUPT;
        b->bits[place / 64] |= UINT64_C(1) << place % 64;
    }
    return HY_OK;
}

static int decode(struct hy_str value, struct block *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    memset(ret, 0, sizeof *ret);
    if (value.n != VALUE_MAX)
        return decode_places(hy_str_slice(value, 1, value.n), ret);
    for (unsigned i = 0; i < HY_LEAD_SET_WORDS; i++)
        ret->bits[i] = hy_get_le64(value.p + 1 + 8 * i);
    return HY_OK;
}

/* Whether a place is among the members, without decoding the rest of them. */
static int holds(struct hy_str value, unsigned place, bool *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (value.n == VALUE_MAX) {
        *ret = (uint8_t)value.p[1 + place / 8] >> place % 8 & 1;
        return HY_OK;
    }
    if (value.n % 2 == 0 || value.n == 1 || value.n / 2 > PLACES_MAX ||
        hy_get_le16(value.p + value.n - 2) >= HY_LEAD_SET_BLOCK)
        return HY_ECORRUPT;
    size_t low = 0, high = value.n / 2;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (hy_get_le16(value.p + 1 + 2 * mid) < place)
            low = mid + 1;
        else
            high = mid;
    }
    *ret = low < value.n / 2 && hy_get_le16(value.p + 1 + 2 * low) == place;
    return HY_OK;
}

static struct hy_str encode(const struct block *b, unsigned n, uint8_t room[VALUE_MAX])
{
    room[0] = VERSION;
    if (n <= PLACES_MAX) {
        uint32_t places[PLACES_MAX];
        places_of(b, 0, places);
        for (unsigned i = 0; i < n; i++)
            hy_put_le16(room + 1 + 2 * i, (uint16_t)places[i]);
        return hy_str_make(room, 1 + 2 * n);
    }
    for (unsigned i = 0; i < HY_LEAD_SET_WORDS; i++)
        hy_put_le64(room + 1 + 8 * i, b->bits[i]);
    return hy_str_make(room, VALUE_MAX);
}

/* Damage spoils a write transaction, for what follows would be wrong. */
static int damaged(struct hy_txn *t, int err)
{
    return err && t->mode == HY_TXN_WRITE ? hy_txn_fail(t, err) : err;
}

static int get(struct hy_txn *t, struct hy_lead_set s, uint32_t block, struct block *ret)
{
    uint8_t key[KEY_BYTES];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_LEAD_SETS, key_of(s, block, key), &value);
    if (err == HY_ENOTFOUND) {
        memset(ret, 0, sizeof *ret);
        return HY_OK;
    }
    return err ? err : damaged(t, decode(value, ret));
}

static int put(struct hy_txn *t, struct hy_lead_set s, uint32_t no, const struct block *b,
               unsigned n)
{
    uint8_t key[KEY_BYTES], value[VALUE_MAX];
    struct hy_str k = key_of(s, no, key);
    if (n)
        return hy_put(t, HY_TABLE_LEAD_SETS, k, encode(b, n, value), HY_PUT_SET);
    int err = hy_del(t, HY_TABLE_LEAD_SETS, k);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int hy_lead_set_count(struct hy_txn *t, struct hy_lead_set s, uint64_t *ret_n)
{
    uint8_t key[KEY_BYTES];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_LEAD_SETS, key_of(s, count_block, key), &value);
    if (err == HY_ENOTFOUND) {
        *ret_n = 0;
        return HY_OK;
    }
    if (!err)
        err = hy_value_check(value, VERSION);
    if (!err && value.n != COUNT_BYTES)
        err = HY_ECORRUPT;
    if (err)
        return damaged(t, err);
    *ret_n = hy_get_le64(value.p + 1);
    return HY_OK;
}

static int count_change(struct hy_txn *t, struct hy_lead_set s, int64_t change)
{
    uint8_t key[KEY_BYTES], value[COUNT_BYTES] = {VERSION};
    struct hy_str k = key_of(s, count_block, key);
    uint64_t n;
    int err = change ? hy_lead_set_count(t, s, &n) : HY_OK;
    if (err || !change)
        return err;
    if (change < 0 && n < (uint64_t)-change)
        return hy_txn_fail(t, HY_ECORRUPT);
    n += (uint64_t)change;
    if (n == 0)
        return hy_del(t, HY_TABLE_LEAD_SETS, k);
    hy_put_le64(value + 1, n);
    return hy_put(t, HY_TABLE_LEAD_SETS, k, hy_str_make(value, sizeof value), HY_PUT_SET);
}

int hy_lead_set_block(struct hy_txn *t, struct hy_lead_set s, uint32_t block,
                      uint64_t ret_bits[HY_LEAD_SET_WORDS])
{
    struct block b;
    int err = get(t, s, block, &b);
    if (!err)
        memcpy(ret_bits, b.bits, sizeof b.bits);
    return err;
}

int hy_lead_set_has(struct hy_txn *t, struct hy_lead_set s, hy_lead_no lead, bool *ret_has)
{
    uint8_t key[KEY_BYTES];
    struct hy_str value, k = key_of(s, lead / HY_LEAD_SET_BLOCK, key);
    int err = hy_get(t, HY_TABLE_LEAD_SETS, k, &value);
    if (err == HY_ENOTFOUND)
        *ret_has = false;
    else if (!err)
        err = damaged(t, holds(value, lead % HY_LEAD_SET_BLOCK, ret_has));
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* Sets or clears the bits of the leads that are in the first one's block; how many these are. */
static size_t turn(struct block *b, const hy_lead_no *leads, size_t n, bool is_in)
{
    size_t i = 0;
    for (; i < n && leads[i] / HY_LEAD_SET_BLOCK == leads[0] / HY_LEAD_SET_BLOCK; i++) {
        uint64_t bit = UINT64_C(1) << leads[i] % 64;
        uint64_t *word = &b->bits[leads[i] % HY_LEAD_SET_BLOCK / 64];
        *word = is_in ? *word | bit : *word & ~bit;
    }
    return i;
}

/* *ret_changed: how many were otherwise before. */
static int change(struct hy_txn *t, struct hy_lead_set s, const hy_lead_no *leads, size_t n,
                  bool is_in, uint64_t *ret_changed)
{
    int64_t moved = 0;
    if (n && leads[0] == 0)
        return HY_EINVAL;
    while (n) {
        struct block b;
        uint32_t no = leads[0] / HY_LEAD_SET_BLOCK;
        int err = get(t, s, no, &b);
        if (err)
            return err;
        unsigned before = population(&b);
        size_t here = turn(&b, leads, n, is_in);
        unsigned after = population(&b);
        if (after != before)
            err = put(t, s, no, &b, after);
        if (err)
            return err;
        moved += (int64_t)after - before;
        leads += here;
        n -= here;
    }
    *ret_changed = (uint64_t)(moved < 0 ? -moved : moved);
    return count_change(t, s, moved);
}

/* Most of the time there is nothing to change. */
static int change_one(struct hy_txn *t, struct hy_lead_set s, hy_lead_no lead, bool is_in,
                      bool *ret_changed)
{
    uint64_t n = 0;
    bool was_in;
    int err = lead ? hy_lead_set_has(t, s, lead, &was_in) : HY_EINVAL;
    if (!err && was_in != is_in)
        err = change(t, s, &lead, 1, is_in, &n);
    if (!err && ret_changed)
        *ret_changed = n > 0;
    return err;
}

int hy_lead_set_add(struct hy_txn *t, struct hy_lead_set s, hy_lead_no lead, bool *ret_changed)
{
    return change_one(t, s, lead, true, ret_changed);
}

int hy_lead_set_remove(struct hy_txn *t, struct hy_lead_set s, hy_lead_no lead, bool *ret_changed)
{
    return change_one(t, s, lead, false, ret_changed);
}

int hy_lead_set_add_many(struct hy_txn *t, struct hy_lead_set s, const hy_lead_no *leads, size_t n)
{
    uint64_t changed;
    return change(t, s, leads, n, true, &changed);
}

int hy_lead_set_remove_many(struct hy_txn *t, struct hy_lead_set s, const hy_lead_no *leads,
                            size_t n)
{
    uint64_t changed;
    return change(t, s, leads, n, false, &changed);
}

/* ---- walking ---- */

/* Stands on the first block of the set that is `from` or behind it. HY_ENOTFOUND. */
static int walk_from(struct hy_cursor *c, struct hy_lead_set s, uint32_t from)
{
    uint8_t key[KEY_BYTES];
    return hy_cursor_seek(c, key_of(s, from, key));
}

/* Reads the block where the cursor stands after a move that answered `err`; HY_ENOTFOUND when that
 * is no block of the set. */
static int walk_here(struct hy_cursor *c, struct hy_lead_set s, int err, uint32_t *ret_no,
                     struct block *ret)
{
    uint8_t key[KEY_BYTES];
    if (err)
        return err;
    if (c->key.n != KEY_BYTES)
        return damaged(c->txn, HY_ECORRUPT);
    if (memcmp(c->key.p, key_of(s, 0, key).p, KEY_BYTES - 4) != 0 ||
        block_at(c->key) == count_block)
        return HY_ENOTFOUND;
    *ret_no = block_at(c->key);
    return damaged(c->txn, decode(c->value, ret));
}

/* Takes the bits up to and with `lead` off. */
static void drop_until(struct block *b, hy_lead_no lead)
{
    unsigned place = lead % HY_LEAD_SET_BLOCK;
    memset(b->bits, 0, place / 64 * sizeof b->bits[0]);
    uint64_t last = UINT64_C(1) << place % 64;
    b->bits[place / 64] &= ~(last | (last - 1));
}

int hy_lead_set_next(struct hy_txn *t, struct hy_lead_set s, hy_lead_no after, hy_lead_no *out,
                     size_t max, size_t *ret_n)
{
    uint32_t no = 0, places[HY_LEAD_SET_BLOCK];
    struct hy_cursor c;
    struct block b;
    size_t n = 0;
    int err = hy_cursor_open(t, HY_TABLE_LEAD_SETS, &c);
    if (!err)
        err = walk_here(&c, s, walk_from(&c, s, after / HY_LEAD_SET_BLOCK), &no, &b);
    if (!err && no == after / HY_LEAD_SET_BLOCK)
        drop_until(&b, after);
    while (!err && n < max) {
        size_t here = places_of(&b, no * HY_LEAD_SET_BLOCK, places);
        size_t take = here < max - n ? here : max - n;
        memcpy(out + n, places, take * sizeof *out);
        n += take;
        if (n < max)
            err = walk_here(&c, s, hy_cursor_next(&c), &no, &b);
    }
    hy_cursor_close(&c);
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret_n = n;
    return HY_OK;
}

int hy_lead_set_following(struct hy_txn *t, struct hy_lead_set after, struct hy_lead_set *ret)
{
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_LEAD_SETS, &c);
    if (!err)
        err = walk_from(&c, after, count_block);
    if (!err && c.key.n == KEY_BYTES && block_at(c.key) == count_block &&
        (uint8_t)c.key.p[0] == after.kind && hy_get_be64(c.key.p + 1) == after.no &&
        (uint8_t)c.key.p[9] == after.what)
        err = hy_cursor_next(&c);
    if (!err && c.key.n != KEY_BYTES)
        err = damaged(t, HY_ECORRUPT);
    if (!err)
        *ret = (struct hy_lead_set){.kind = (uint8_t)c.key.p[0],
                                    .no = hy_get_be64(c.key.p + 1),
                                    .what = (uint8_t)c.key.p[9]};
    hy_cursor_close(&c);
    return err;
}

int hy_lead_set_block_put(struct hy_txn *t, struct hy_lead_set s, uint32_t block,
                          const uint64_t bits[HY_LEAD_SET_WORDS])
{
    struct block old, b;
    memcpy(b.bits, bits, sizeof b.bits);
    int err = get(t, s, block, &old);
    if (err || memcmp(&old, &b, sizeof b) == 0)
        return err;
    unsigned before = population(&old), n = population(&b);
    err = put(t, s, block, &b, n);
    return err ? err : count_change(t, s, (int64_t)n - before);
}

/* A set with members has a count, which lies behind its last block. */
int hy_lead_set_last_block(struct hy_txn *t, struct hy_lead_set s, uint32_t *ret)
{
    uint8_t key[KEY_BYTES];
    struct hy_cursor c;
    struct block b;
    int err = hy_cursor_open(t, HY_TABLE_LEAD_SETS, &c);
    if (!err)
        err = hy_cursor_find(&c, key_of(s, count_block, key));
    if (!err)
        err = walk_here(&c, s, hy_cursor_prev(&c), ret, &b);
    hy_cursor_close(&c);
    return err;
}

/* Blocks from the first on; the count goes with each, so that a slice may end anywhere. */
int hy_lead_set_clear(struct hy_txn *t, struct hy_lead_set s)
{
    struct hy_cursor c;
    struct block b;
    uint32_t no;
    int64_t gone = 0;
    int err = hy_cursor_open(t, HY_TABLE_LEAD_SETS, &c);
    if (!err)
        err = walk_here(&c, s, walk_from(&c, s, 0), &no, &b);
    while (!err) {
        gone += population(&b);
        err = hy_cursor_delete(&c);
        if (!err && hy_txn_should_yield(t))
            err = HY_EMORE;
        if (!err)
            err = walk_here(&c, s, hy_cursor_next(&c), &no, &b);
    }
    hy_cursor_close(&c);
    if (err && err != HY_ENOTFOUND && err != HY_EMORE)
        return err;
    int counted = count_change(t, s, -gone);
    return counted ? counted : err == HY_EMORE ? HY_EMORE : HY_OK;
}
