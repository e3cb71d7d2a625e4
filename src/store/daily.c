/* The table of daily counters. Key: text. Value: version byte, hour u32, 25 counters u32
 * (little-endian), that of hour h at h % 25. */
#include "hayauma/store/daily.h"

#include "hayauma/base/bytes.h"

enum { VERSION = 1, VALUE_BYTES = 1 + 4 + 4 * HY_DAY_HOURS };

static int decode(struct hy_str v, struct hy_day_count *ret)
{
    int err = hy_value_check(v, VERSION);
    if (err)
        return err;
    if (v.n != VALUE_BYTES)
        return HY_ECORRUPT;
    const uint8_t *p = (const uint8_t *)v.p + 1;
    ret->hour = hy_get_le32(p);
    for (int i = 0; i < HY_DAY_HOURS; i++)
        ret->sent[i] = hy_get_le32(p + 4 + 4 * i);
    return HY_OK;
}

int hy_daily_get(struct hy_txn *t, struct hy_str key, struct hy_day_count *ret)
{
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_DAILY, key, &v);
    return err ? err : decode(v, ret);
}

int hy_daily_put(struct hy_txn *t, struct hy_str key, const struct hy_day_count *c)
{
    uint8_t v[VALUE_BYTES] = {VERSION};
    uint64_t all = 0;
    hy_put_le32(v + 1, c->hour);
    for (int i = 0; i < HY_DAY_HOURS; i++) {
        hy_put_le32(v + 5 + 4 * i, c->sent[i]);
        all += c->sent[i];
    }
    if (all == 0) {
        int err = hy_del(t, HY_TABLE_DAILY, key);
        return err == HY_ENOTFOUND ? HY_OK : err;
    }
    return hy_put(t, HY_TABLE_DAILY, key, hy_str_make(v, sizeof v), HY_PUT_SET);
}

int hy_daily_trim(struct hy_txn *t, hy_wall_ms now, unsigned most, unsigned *ret_n)
{
    struct hy_cursor c;
    struct hy_day_count count;
    unsigned n = 0;
    int err = hy_cursor_open(t, HY_TABLE_DAILY, &c);
    if (err)
        return err;
    for (err = hy_cursor_first(&c); err == HY_OK && n < most; err = hy_cursor_next(&c)) {
        if (decode(c.value, &count) == HY_OK && hy_day_total(&count, now) > 0)
            continue;
        err = hy_cursor_delete(&c);
        if (err)
            break;
        n++;
    }
    hy_cursor_close(&c);
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret_n = n;
    return HY_OK;
}
