/* The table of warm-ups. Key: text. Value: version byte, start i64, day u32, step u32, good u32,
 * bad u32 (little-endian), verdict u8. A handful of records for each source: they are not trimmed.
 */
#include "hayauma/store/warmup.h"

#include "hayauma/base/bytes.h"

enum { VERSION = 1, VALUE_BYTES = 1 + 8 + 4 * 4 + 1 };

int hy_warmup_load(struct hy_txn *t, struct hy_str key, struct hy_warmup *ret)
{
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_WARMUP, key, &v);
    if (!err)
        err = hy_value_check(v, VERSION);
    if (err)
        return err;
    const uint8_t *p = (const uint8_t *)v.p;
    if (v.n != VALUE_BYTES || p[25] > HY_WARMUP_BACK_ONE)
        return HY_ECORRUPT;
    *ret = (struct hy_warmup){.start = (hy_wall_ms)hy_get_le64(p + 1),
                              .day = hy_get_le32(p + 9),
                              .step = hy_get_le32(p + 13),
                              .good = hy_get_le32(p + 17),
                              .bad = hy_get_le32(p + 21),
                              .verdict = (enum hy_warmup_verdict)p[25]};
    return HY_OK;
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
    return hy_put(t, HY_TABLE_WARMUP, key, hy_str_make(v, sizeof v), HY_PUT_SET);
}
