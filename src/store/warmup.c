/* The table of warm-ups. Key: "SOURCE/PROVIDER". Value: version byte, start i64, day u32, step u32,
 * good u32, bad u32 (little-endian), verdict u8; since version 2 also sent u32, first u32. A
 * handful of records for each source: they are not trimmed. */
#include "hayauma/store/warmup.h"

#include "hayauma/base/bytes.h"

enum { VERSION = 2, OLD_BYTES = 1 + 8 + 4 * 4 + 1, VALUE_BYTES = OLD_BYTES + 4 * 2 };

static int decode(struct hy_str v, struct hy_warmup *ret)
{
    int err = hy_value_check(v, VERSION);
    if (err)
        return err;
    const uint8_t *p = (const uint8_t *)v.p;
    bool is_old = p[0] == 1;
    if (v.n != (is_old ? OLD_BYTES : VALUE_BYTES) || p[25] > HY_WARMUP_BACK_ONE)
        return HY_ECORRUPT;
    *ret = (struct hy_warmup){.start = (hy_wall_ms)hy_get_le64(p + 1),
                              .day = hy_get_le32(p + 9),
                              .step = hy_get_le32(p + 13),
                              .good = hy_get_le32(p + 17),
                              .bad = hy_get_le32(p + 21),
                              .verdict = (enum hy_warmup_verdict)p[25],
                              .sent = is_old ? 0 : hy_get_le32(p + 26),
                              .first = is_old ? 0 : hy_get_le32(p + 30)};
    return HY_OK;
}

int hy_warmup_load(struct hy_txn *t, struct hy_str key, struct hy_warmup *ret)
{
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_WARMUP, key, &v);
    return err ? err : decode(v, ret);
}

int hy_warmup_load_any(struct hy_txn *t, struct hy_str source, hy_wall_ms start,
                       struct hy_warmup *ret)
{
    struct hy_cursor c;
    struct hy_warmup w;
    int err = hy_cursor_open(t, HY_TABLE_WARMUP, &c);
    if (err)
        return err;
    bool is_found = false;
    for (err = hy_cursor_seek(&c, source); err == HY_OK && !is_found; err = hy_cursor_next(&c)) {
        if (!hy_str_starts(c.key, source))
            break;
        is_found = c.key.n > source.n && c.key.p[source.n] == '/' && decode(c.value, &w) == HY_OK &&
                   w.start == start;
    }
    hy_cursor_close(&c);
    if (is_found)
        *ret = w;
    else if (err == HY_OK)
        err = HY_ENOTFOUND;
    return is_found ? HY_OK : err;
}

int hy_warmup_store(struct hy_txn *t, struct hy_str key, const struct hy_warmup *w)
{
    uint8_t v[VALUE_BYTES] = {VERSION};
    hy_put_le64(v + 1, (uint64_t)w->start);
    hy_put_le32(v + 9, w->day);
    hy_put_le32(v + 13, w->step);
    hy_put_le32(v + 17, w->good);
    hy_put_le32(v + 21, w->bad);
    v[25] = (uint8_t)w->verdict;
    hy_put_le32(v + 26, w->sent);
    hy_put_le32(v + 30, w->first);
    return hy_put(t, HY_TABLE_WARMUP, key, hy_str_make(v, sizeof v), HY_PUT_SET);
}
