/* The log of changes of leads. Key: id be64. Value: version u8, what u8, 0, 0, number of leads
 * le32; leads as varints, each less the one before. */
#include "hayauma/store/lead_change.h"

#include "hayauma/base/bytes.h"

enum {
    VERSION = 1,
    HEAD = 8,
    VALUE_MAX = HEAD + HY_LEAD_CHANGE_MAX * 5, /* a lead takes 5 bytes at most */
};

static int put_record(struct hy_txn *t, uint8_t what, const hy_lead_no *leads, size_t n)
{
    uint8_t key[8], value[VALUE_MAX] = {VERSION, what};
    hy_put_le32(value + 4, (uint32_t)n);
    size_t at = HEAD;
    for (size_t i = 0; i < n; i++)
        at += hy_varint_put(value + at, leads[i] - (i ? leads[i - 1] : 0));
    hy_put_be64(key, hy_txn_new_id(t));
    return hy_put(t, HY_TABLE_LEAD_CHANGES, hy_str_make(key, sizeof key), hy_str_make(value, at),
                  HY_PUT_APPEND);
}

int hy_lead_changed(struct hy_txn *t, uint8_t what, const hy_lead_no *leads, size_t n)
{
    if (n == 0)
        return 0;
    if (what == 0 || leads[0] == 0)
        return HY_EINVAL;
    for (size_t i = 1; i < n; i++)
        if (leads[i] <= leads[i - 1])
            return HY_EINVAL;
    int err = 0;
    for (size_t at = 0, part; at < n && err == 0; at += part) {
        part = n - at < HY_LEAD_CHANGE_MAX ? n - at : HY_LEAD_CHANGE_MAX;
        err = put_record(t, what, leads + at, part);
    }
    return err;
}

/* A record whose leads can be read without looking again: as many as it says, ascending. */
static int decode(struct hy_str key, struct hy_str value, struct hy_lead_change *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (key.n != 8 || value.n < HEAD)
        return HY_ECORRUPT;
    struct hy_lead_change c = {
        .id = hy_get_be64(key.p),
        .what = (uint8_t)value.p[1],
        .n = hy_get_le32(value.p + 4),
        .packed = hy_str_slice(value, HEAD, value.n),
    };
    const uint8_t *p = (const uint8_t *)c.packed.p;
    size_t left = c.packed.n;
    uint64_t last = 0;
    if (c.n == 0 || c.n > HY_LEAD_CHANGE_MAX)
        return HY_ECORRUPT;
    for (uint32_t i = 0; i < c.n; i++) {
        uint64_t step = 0;
        size_t used = hy_varint_get(p, left, &step);
        if (used == 0 || step == 0 || step > UINT32_MAX - last)
            return HY_ECORRUPT;
        last += step;
        p += used;
        left -= used;
    }
    if (left)
        return HY_ECORRUPT;
    *ret = c;
    return 0;
}

int hy_lead_change_next(struct hy_txn *t, hy_id after, struct hy_lead_change *ret,
                        uint64_t *damaged)
{
    uint8_t key[8];
    struct hy_cursor c;
    if (after == UINT64_MAX)
        return HY_ENOTFOUND;
    hy_put_be64(key, after + 1);
    int err = hy_cursor_open(t, HY_TABLE_LEAD_CHANGES, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(key, sizeof key));
    while (!err && decode(c.key, c.value, ret) != 0) {
        if (damaged)
            ++*damaged;
        err = hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    return err;
}

void hy_lead_change_leads(const struct hy_lead_change *c, hy_lead_no *out)
{
    const uint8_t *p = (const uint8_t *)c->packed.p;
    size_t left = c->packed.n;
    hy_lead_no last = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        uint64_t step = 0;
        size_t used = hy_varint_get(p, left, &step); /* was checked when it was read */
        last += (hy_lead_no)step;
        out[i] = last;
        p += used;
        left -= used;
    }
}

int hy_lead_change_newest(struct hy_txn *t, hy_id *ret)
{
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_LEAD_CHANGES, &c);
    if (!err)
        err = hy_cursor_last(&c);
    if (!err && c.key.n != 8)
        err = HY_ECORRUPT;
    if (!err)
        *ret = hy_get_be64(c.key.p);
    else if (err == HY_ENOTFOUND)
        *ret = 0;
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}
