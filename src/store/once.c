/* Calls and their answers. Key: 'k', tenant be32, hash of the key (16 bytes). Value: version u8,
 * time (ms) u64, hash of the request (32 bytes), since version 2 whether it is a part u8; answer.
 * Beside it 'x', time be64, tenant, hash: what is the oldest; and 'n': bytes of all values u64.
 * Each call that is remembered takes a few old ones along, so that the table stays as large as a
 * day. */
#include "hayauma/store/once.h"

#include "env_priv.h"
#include "hayauma/base/bytes.h"
#include "hayauma/base/hash.h"

enum {
    VERSION = 2,
    MARK_VERSION = 1,
    HASH_BYTES = 16,
    KEY_BYTES = 1 + 4 + HASH_BYTES,
    AGE_BYTES = 1 + 8 + 4 + HASH_BYTES,
    HEAD_BYTES = 1 + 8 + 32 + 1,
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

struct entry {
    hy_wall_ms at;
    const char *request;
    bool is_part;
    struct hy_str answer; /* a view */
};

static int decode(struct hy_str value, struct entry *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    size_t head = HEAD_BYTES - (value.p[0] == 1);
    if (value.n < head)
        return HY_ECORRUPT;
    *ret = (struct entry){.at = (hy_wall_ms)hy_get_le64(value.p + 1),
                          .request = value.p + 9,
                          .is_part = value.p[0] > 1 && value.p[head - 1],
                          .answer = hy_str_slice(value, head, value.n)};
    return 0;
}

/* Also one that is over a day old. */
static int get(struct hy_txn *t, struct hy_str key, struct entry *ret)
{
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_ONCE, key, &value);
    if (err)
        return err;
    err = decode(value, ret);
    return err ? hy_txn_fail(t, err) : 0;
}

static int find(struct hy_txn *t, const struct hy_once *o, bool is_part, struct hy_buf *out)
{
    uint8_t key[KEY_BYTES];
    struct entry e = {.at = 0};
    if (o->key.n == 0 || o->key.n > HY_ONCE_KEY_MAX)
        return HY_ELIMIT;
    int err = get(t, put_key(key, t, o), &e);
    if (err)
        return err;
    if (e.at <= oldest(now_of(t)))
        return HY_ENOTFOUND;
    if (memcmp(e.request, o->request, sizeof o->request) != 0)
        return HY_EINVAL;
    if (e.is_part != is_part)
        return HY_ENOTFOUND;
    hy_buf_add_str(out, e.answer);
    return out->err;
}

int hy_once_find(struct hy_txn *t, const struct hy_once *o, struct hy_buf *out)
{
    return find(t, o, false, out);
}

int hy_once_part(struct hy_txn *t, const struct hy_once *o, struct hy_buf *out)
{
    return find(t, o, true, out);
}

/* ---- how much there is ---- */

static int read_bytes(struct hy_txn *t, int64_t *ret)
{
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_ONCE, HY_STR("n"), &value);
    if (err == HY_ENOTFOUND) {
        *ret = 0;
        return 0;
    }
    if (!err && value.n != 9)
        err = hy_txn_fail(t, HY_ECORRUPT);
    if (!err)
        *ret = (int64_t)hy_get_le64(value.p + 1);
    return err;
}

/* What a store of before did not count goes without being taken off. */
static int add_bytes(struct hy_txn *t, int64_t n)
{
    uint8_t value[9] = {MARK_VERSION};
    int64_t bytes = 0;
    int err = read_bytes(t, &bytes);
    if (err)
        return err;
    hy_put_le64(value + 1, (uint64_t)(bytes + n > 0 ? bytes + n : 0));
    return hy_put(t, HY_TABLE_ONCE, HY_STR("n"), hy_str_make(value, sizeof value), HY_PUT_SET);
}

/* ---- forgetting ---- */

/* The oldest call, when it was before `end`. HY_ENOTFOUND. */
static int drop_oldest(struct hy_txn *t, hy_wall_ms end)
{
    uint8_t key[KEY_BYTES] = {'k'};
    struct hy_cursor c;
    hy_wall_ms at = 0;
    int err = hy_cursor_open(t, HY_TABLE_ONCE, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, HY_STR("x"));
    if (!err && c.key.n != AGE_BYTES)
        err = hy_txn_fail(t, HY_ECORRUPT);
    if (!err && (at = (hy_wall_ms)hy_get_be64(c.key.p + 1)) > end)
        err = HY_ENOTFOUND;
    if (!err) {
        memcpy(key + 1, c.key.p + 9, KEY_BYTES - 1);
        err = hy_cursor_delete(&c);
    }
    hy_cursor_close(&c);
    if (err)
        return err;
    /* The same key may have been used anew since: that one stays. */
    struct hy_str ks = hy_str_make(key, sizeof key);
    struct entry e = {.at = 0};
    err = get(t, ks, &e);
    if (err || e.at > at)
        return err == HY_ENOTFOUND ? 0 : err;
    int64_t bytes = HEAD_BYTES + (int64_t)e.answer.n;
    err = hy_del(t, HY_TABLE_ONCE, ks);
    return err ? err : add_bytes(t, -bytes);
}

int hy_once_trim(struct hy_txn *t)
{
    int err = 0;
    while (!err && (err = drop_oldest(t, oldest(t->now))) == 0)
        err = hy_txn_should_yield(t) ? HY_EMORE : 0;
    return err == HY_ENOTFOUND ? 0 : err;
}

static int make_room(struct hy_txn *t)
{
    int64_t bytes = 0;
    int err = read_bytes(t, &bytes);
    hy_wall_ms end = bytes >= HY_ONCE_BYTES_MAX ? t->now : oldest(t->now);
    for (int i = 0; i < DROPS && !err; i++)
        err = drop_oldest(t, end);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* ---- remembering ---- */

/* What is there of the same call goes on: its time, and with it the entry of its age. */
static int put(struct hy_txn *t, const struct hy_once *o, struct hy_str answer, bool is_part)
{
    uint8_t key[KEY_BYTES], age[AGE_BYTES], *room;
    static const char version = MARK_VERSION;
    struct entry old = {.at = 0};
    if (o->key.n == 0 || o->key.n > HY_ONCE_KEY_MAX || answer.n > HY_ONCE_ANSWER_MAX)
        return HY_ELIMIT;
    struct hy_str ks = put_key(key, t, o);
    int err = make_room(t);
    if (!err)
        err = get(t, ks, &old);
    if (err && err != HY_ENOTFOUND)
        return err;
    int64_t was = err ? 0 : HEAD_BYTES + (int64_t)old.answer.n;
    bool goes_on = !err && old.is_part && old.at > oldest(t->now);
    hy_wall_ms at = goes_on ? old.at : t->now;
    err = hy_put_reserve(t, HY_TABLE_ONCE, ks, HEAD_BYTES + answer.n, HY_PUT_SET, &room);
    if (err)
        return err;
    room[0] = VERSION;
    hy_put_le64(room + 1, (uint64_t)at);
    memcpy(room + 9, o->request, sizeof o->request);
    room[HEAD_BYTES - 1] = is_part;
    if (answer.n)
        memcpy(room + HEAD_BYTES, answer.p, answer.n);
    err = add_bytes(t, HEAD_BYTES + (int64_t)answer.n - was);
    if (err || goes_on)
        return err;
    return hy_put(t, HY_TABLE_ONCE, put_age(age, at, key), hy_str_make(&version, 1), HY_PUT_SET);
}

int hy_once_put(struct hy_txn *t, const struct hy_once *o, struct hy_str answer)
{
    return put(t, o, answer, false);
}

int hy_once_put_part(struct hy_txn *t, const struct hy_once *o, struct hy_str done)
{
    return put(t, o, done, true);
}
