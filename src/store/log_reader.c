/* The readers of the logs. Key: name. Value: version u8, flags u8 (1: holds), 0 x 6, cursor u64,
 * the reader's own state. */
#include "hayauma/store/log_reader.h"

enum { VERSION = 1, HOLDS = 1, HEAD = 16 };

static int decode(struct hy_str key, struct hy_str value, struct hy_log_reader *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (value.n < HEAD || value.n > HEAD + HY_LOG_READER_STATE_MAX)
        return HY_ECORRUPT;
    *ret = (struct hy_log_reader){.name = key,
                                  .cursor = hy_get_le64(value.p + 8),
                                  .holds = value.p[1] & HOLDS,
                                  .state = hy_str_slice(value, HEAD, value.n)};
    return 0;
}

int hy_log_reader_put(struct hy_txn *t, const struct hy_log_reader *r)
{
    uint8_t *b;
    struct hy_str old;
    uint64_t n = 0;
    if (r->name.n == 0 || r->name.n > HY_LOG_READER_NAME_MAX)
        return HY_EINVAL;
    if (r->state.n > HY_LOG_READER_STATE_MAX)
        return HY_ELIMIT;
    int err = hy_get(t, HY_TABLE_LOG_READERS, r->name, &old);
    if (err == HY_ENOTFOUND) {
        err = hy_table_count(t, HY_TABLE_LOG_READERS, &n);
        if (!err && n >= HY_LOG_READERS_MAX)
            return HY_ELIMIT;
    }
    if (!err)
        err = hy_put_reserve(t, HY_TABLE_LOG_READERS, r->name, HEAD + r->state.n, HY_PUT_SET, &b);
    if (err)
        return err;
    memset(b, 0, HEAD);
    b[0] = VERSION;
    b[1] = r->holds ? HOLDS : 0;
    hy_put_le64(b + 8, r->cursor);
    if (r->state.n)
        memcpy(b + HEAD, r->state.p, r->state.n);
    return 0;
}

int hy_log_reader_del(struct hy_txn *t, struct hy_str name)
{
    return hy_del(t, HY_TABLE_LOG_READERS, name);
}

int hy_log_reader_get(struct hy_txn *t, struct hy_str name, struct hy_log_reader *ret)
{
    struct hy_str value;
    if (name.n == 0 || name.n > HY_LOG_READER_NAME_MAX)
        return HY_ENOTFOUND;
    int err = hy_get(t, HY_TABLE_LOG_READERS, name, &value);
    return err ? err : decode(name, value, ret);
}

int hy_log_reader_next(struct hy_txn *t, struct hy_str after, struct hy_log_reader *ret)
{
    struct hy_key k;
    struct hy_cursor c;
    hy_key_start(&k);
    hy_key_bytes(&k, after);
    hy_key_bytes(&k, hy_str_make("", 1)); /* the least name behind it */
    int err = hy_cursor_open(t, HY_TABLE_LOG_READERS, &c);
    if (!err)
        err = after.n ? hy_cursor_seek(&c, hy_key_str(&k)) : hy_cursor_first(&c);
    if (!err)
        err = decode(c.key, c.value, ret);
    hy_cursor_close(&c);
    return err;
}

int hy_log_trim_end(struct hy_txn *t, hy_wall_ms before, hy_wall_ms unread_before, hy_id *ret_end)
{
    struct hy_log_reader r;
    struct hy_cursor c;
    hy_id end = hy_id_floor(before), least = hy_id_floor(unread_before);
    int err = hy_cursor_open(t, HY_TABLE_LOG_READERS, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c))
        if (decode(c.key, c.value, &r) == 0 && r.holds && r.cursor < end)
            end = r.cursor + 1;
    hy_cursor_close(&c);
    if (err != HY_ENOTFOUND)
        return err;
    *ret_end = end > least ? end : least;
    return 0;
}
