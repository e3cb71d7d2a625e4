/* All leads in a row. */
#include "hayauma/store/lead_scan.h"

#include "lead_priv.h"

int hy_lead_scan_open(struct hy_txn *t, hy_lead_no from, struct hy_lead_scan *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->no = from ? from - 1 : 0;
    return hy_cursor_open(t, HY_TABLE_LEADS, &ret->cursor);
}

void hy_lead_scan_close(struct hy_lead_scan *s)
{
    hy_cursor_close(&s->cursor);
}

int hy_lead_scan_next(struct hy_lead_scan *s)
{
    uint8_t key[4];
    struct lead_record r;
    if (s->no == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = s->cursor.key.n ? hy_cursor_next(&s->cursor)
                              : hy_cursor_seek(&s->cursor, lead_key(s->no + 1, key));
    if (!err && s->cursor.key.n != 4)
        err = HY_ECORRUPT;
    if (!err)
        err = hy_lead_record_read(s->cursor.value, &r);
    if (err)
        return err;
    s->no = hy_get_be32(s->cursor.key.p);
    s->created = r.created;
    s->status = r.status;
    s->domain = r.domain;
    s->address = r.address;
    s->attrs = r.attrs;
    return HY_OK;
}

int hy_lead_scan_attr(struct hy_lead_scan *s, struct hy_lead_attr *ret)
{
    return hy_lead_attr_next(&s->attrs, ret);
}
