/* Calls and their answers. Key: 'k', tenant be32, hash of the key (16 bytes). Value: version u8,
 * time (ms) u64, hash of the request (32 bytes), answer. Beside it 'x', time be64, tenant, hash:
 * what is the oldest. Each call that is remembered takes a few old ones along, so that the table
 * stays as large as a day. */
#include "hayauma/store/once.h"

#include "env_priv.h"
#include "hayauma/base/bytes.h"
#include "hayauma/base/hash.h"

enum {
    VERSION = 1,
    HASH_BYTES = 16,
    KEY_BYTES = 1 + 4 + HASH_BYTES,
    AGE_BYTES = 1 + 8 + 4 + HASH_BYTES,
    HEAD_BYTES = 1 + 8 + 32,
    DROPS = 4, /* old calls that a new one takes along */
};

static struct hy_str put_key(uint8_t out[KEY_BYTES], struct hy_txn *t, const struct hy_once *o)
{
    const uint8_t *secret = hy_env_secret(t->env);
    struct hy_hash_key a = {hy_get_le64(secret), hy_get_le64(secret + 8)};
    struct hy_hash_key b = {hy_get_le64(secret + 16), hy_get_le64(secret + 24)};
    out[0] = 'k';
    hy_put_be32(out + 1, o->tenant);
    hy_put_be64(out + 5, hy_siphash(&a, o->key.p, o->key.n));
    hy_put_be64(out + 13, hy_siphash(&b, o->key.p, o->key.n));
    return hy_str_make(out, KEY_BYTES);
}

static struct hy_str put_age(uint8_t out[AGE_BYTES], hy_wall_ms at, const uint8_t key[KEY_BYTES])
{
    out[0] = 'x';
    hy_put_be64(out + 1, (uint64_t)at);
    memcpy(out + 9, key + 1, KEY_BYTES - 1);
    return hy_str_make(out, AGE_BYTES);
}

static hy_wall_ms oldest(hy_wall_ms now)
{
    return now - (hy_wall_ms)HY_ONCE_HOURS * 3600 * 1000;
}

static hy_wall_ms now_of(const struct hy_txn *t)
{
    return t->mode == HY_TXN_WRITE ? t->now : hy_clock_wall_ms();
}

int hy_once_find(struct hy_txn *t, const struct hy_once *o, struct hy_buf *out)
{
    uint8_t key[KEY_BYTES];
    struct hy_str value;
    if (o->key.n == 0 || o->key.n > HY_ONCE_KEY_MAX)
        return HY_ELIMIT;
    int err = hy_get(t, HY_TABLE_ONCE, put_key(key, t, o), &value);
    if (err)
        return err;
    err = hy_value_check(value, VERSION);
    if (err || value.n < HEAD_BYTES)
        return hy_txn_fail(t, err ? err : HY_ECORRUPT);
    if ((hy_wall_ms)hy_get_le64(value.p + 1) <= oldest(now_of(t)))
        return HY_ENOTFOUND;
    if (memcmp(value.p + 9, o->request, sizeof o->request) != 0)
        return HY_EINVAL;
    hy_buf_add_str(out, hy_str_slice(value, HEAD_BYTES, value.n));
    return out->err;
}

/* The oldest call, when it is over a day old. HY_ENOTFOUND. */
static int drop_oldest(struct hy_txn *t)
{
    uint8_t key[KEY_BYTES] = {'k'};
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_ONCE, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, HY_STR("x"));
    if (!err && c.key.n != AGE_BYTES)
        err = hy_txn_fail(t, HY_ECORRUPT);
    if (!err && (hy_wall_ms)hy_get_be64(c.key.p + 1) > oldest(t->now))
        err = HY_ENOTFOUND;
    if (!err) {
        memcpy(key + 1, c.key.p + 9, KEY_BYTES - 1);
        err = hy_cursor_delete(&c);
    }
    hy_cursor_close(&c);
    if (err)
        return err;
    /* The same key may have been used anew since: that one stays. */
    struct hy_str ks = hy_str_make(key, sizeof key), value;
    err = hy_get(t, HY_TABLE_ONCE, ks, &value);
    if (!err && value.n >= HEAD_BYTES && (hy_wall_ms)hy_get_le64(value.p + 1) <= oldest(t->now))
        err = hy_del(t, HY_TABLE_ONCE, ks);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_once_put(struct hy_txn *t, const struct hy_once *o, struct hy_str answer)
{
    uint8_t key[KEY_BYTES], age[AGE_BYTES], *room;
    static const char version = VERSION;
    if (o->key.n == 0 || o->key.n > HY_ONCE_KEY_MAX || answer.n > HY_ONCE_ANSWER_MAX)
        return HY_ELIMIT;
    int err = 0;
    for (int i = 0; i < DROPS && !err; i++)
        err = drop_oldest(t);
    if (err && err != HY_ENOTFOUND)
        return err;
    err = hy_put_reserve(t, HY_TABLE_ONCE, put_key(key, t, o), HEAD_BYTES + answer.n, HY_PUT_SET,
                         &room);
    if (err)
        return err;
    room[0] = VERSION;
    hy_put_le64(room + 1, (uint64_t)t->now);
    memcpy(room + 9, o->request, sizeof o->request);
    if (answer.n)
        memcpy(room + HEAD_BYTES, answer.p, answer.n);
    return hy_put(t, HY_TABLE_ONCE, put_age(age, t->now, key), hy_str_make(&version, 1),
                  HY_PUT_SET);
}
