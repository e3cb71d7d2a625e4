/* Writing lead records. */
#include "lead_priv.h"

static size_t varint_size(uint64_t v)
{
    size_t n = 1;
    while (v >>= 7)
        n++;
    return n;
}

size_t hy_lead_attrs_size(const struct hy_lead_attr *attrs, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += varint_size(attrs[i].no) + varint_size(attrs[i].value.n) + attrs[i].value.n;
    return size;
}

void hy_lead_attrs_pack(const struct hy_lead_attr *attrs, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        out += hy_varint_put(out, attrs[i].no);
        out += hy_varint_put(out, attrs[i].value.n);
        memcpy(out, attrs[i].value.p, attrs[i].value.n);
        out += attrs[i].value.n;
    }
}

int hy_lead_record_put(struct hy_txn *t, hy_lead_no no, const struct lead_record *r,
                       const struct hy_lead_attr *attrs, size_t n_attrs, enum hy_put_mode mode)
{
    uint8_t key[4], *out = NULL;
    size_t size = LEAD_HEAD + r->address.n + hy_lead_attrs_size(attrs, n_attrs);
    int err = hy_put_reserve(t, HY_TABLE_LEADS, lead_key(no, key), size, mode, &out);
    if (err)
        return err;
    out[0] = LEAD_VERSION;
    out[1] = (uint8_t)r->status;
    out[2] = (uint8_t)r->address.n;
    out[3] = 0;
    hy_put_le32(out + 4, r->domain);
    hy_put_le64(out + 8, r->created);
    if (r->address.n)
        memcpy(out + LEAD_HEAD, r->address.p, r->address.n);
    hy_lead_attrs_pack(attrs, n_attrs, out + LEAD_HEAD + r->address.n);
    return 0;
}
