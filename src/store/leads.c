/* Lead records: reading one, finding one by its address, changing its status. */
#include "lead_priv.h"

#include <stdlib.h>

#include "hayauma/mail/address.h"
#include "hayauma/store/identity.h"
#include "meta.h"

int hy_lead_record_read(struct hy_str value, struct lead_record *ret)
{
    int err = hy_value_check(value, LEAD_VERSION);
    if (err)
        return err;
    if (value.n < LEAD_HEAD)
        return HY_ECORRUPT;
    const uint8_t *p = (const uint8_t *)value.p;
    size_t address_n = p[2];
    if (value.n - LEAD_HEAD < address_n || p[1] > HY_LEAD_COMPLAINED)
        return HY_ECORRUPT;
    ret->status = (enum hy_lead_status)p[1];
    ret->domain = hy_get_le32(p + 4);
    ret->created = hy_get_le64(p + 8);
    ret->address = hy_str_slice(value, LEAD_HEAD, LEAD_HEAD + address_n);
    ret->attrs = hy_str_slice(value, LEAD_HEAD + address_n, value.n);
    return (address_n == 0) == (ret->domain == 0) ? 0 : HY_ECORRUPT;
}

int hy_lead_record_get(struct hy_txn *t, hy_lead_no no, struct lead_record *ret)
{
    uint8_t key[4];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_LEADS, lead_key(no, key), &value);
    return err ? err : hy_lead_record_read(value, ret);
}

int hy_lead_attr_next(struct hy_str *packed, struct hy_lead_attr *ret)
{
    uint64_t no = 0, n = 0;
    const uint8_t *p = (const uint8_t *)packed->p;
    if (packed->n == 0)
        return HY_ENOTFOUND;
    size_t a = hy_varint_get(p, packed->n, &no);
    size_t b = a ? hy_varint_get(p + a, packed->n - a, &n) : 0;
    if (b == 0 || no >= HY_ATTR_MAX || n > packed->n - a - b)
        return HY_ECORRUPT;
    ret->no = (hy_attr_no)no;
    ret->value = hy_str_slice(*packed, a + b, a + b + (size_t)n);
    *packed = hy_str_slice(*packed, a + b + (size_t)n, packed->n);
    return 0;
}

int hy_lead_read(struct hy_txn *t, hy_lead_no no, struct hy_lead_attr *attrs, size_t cap,
                 struct hy_lead_view *ret)
{
    struct lead_record r;
    int err = hy_lead_record_get(t, no, &r);
    if (err)
        return err;
    size_t n = 0;
    while (r.attrs.n) {
        if (n == cap)
            return HY_ELIMIT;
        err = hy_lead_attr_next(&r.attrs, &attrs[n]);
        if (err)
            return err;
        n++;
    }
    struct hy_str domain = hy_wire_domain(r.address);
    if (r.address.n && domain.n == r.address.n)
        return HY_ECORRUPT;
    *ret = (struct hy_lead_view){
        .no = no,
        .domain_no = r.domain,
        .status = r.status,
        .created = r.created,
        .address = r.address,
        .domain = domain,
        .attrs = attrs,
        .n_attrs = n,
    };
    return 0;
}

int hy_lead_address(struct hy_txn *t, hy_lead_no no, struct hy_str *ret_address,
                    hy_domain_no *ret_domain)
{
    struct lead_record r;
    int err = hy_lead_record_get(t, no, &r);
    if (err)
        return err;
    *ret_address = r.address;
    *ret_domain = r.domain;
    return 0;
}

int hy_lead_created(struct hy_txn *t, hy_lead_no no, hy_id *ret)
{
    struct lead_record r;
    int err = hy_lead_record_get(t, no, &r);
    if (!err)
        *ret = r.created;
    return err;
}

int hy_lead_find(struct hy_txn *t, struct hy_str address, hy_lead_no *ret_no)
{
    const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    struct hy_address a;
    enum hy_address_reason why;
    int err = hy_address_parse(address, &rules, &a, &why);
    if (err)
        return err;
    struct hy_hash_key k = hy_lead_hash_key(t->env);
    struct hy_str key = hy_address_key(&a);
    err = hy_lead_index_find(t, hy_lead_hash(&k, key), key, ret_no);
    if (err != HY_ENOTFOUND)
        return err;
    struct hy_identity further = {HY_IDENTITY_ADDRESS, hy_address_wire(&a)};
    return hy_identity_find(t, &further, ret_no);
}

static const char retired[] = "retired_lead";

int hy_lead_no_retire(struct hy_txn *t, hy_lead_no no)
{
    const uint8_t *v;
    uint8_t le[4];
    int err = hy_meta_get(t, retired, 4, &v);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (!err && hy_get_le32(v) >= no)
        return 0;
    hy_put_le32(le, no);
    hy_meta_put(t, retired, le, sizeof le);
    return t->err;
}

int hy_lead_next_no(struct hy_txn *t, hy_lead_no *ret_no)
{
    struct hy_cursor c;
    uint32_t last = 0;
    int err = hy_cursor_open(t, HY_TABLE_LEADS, &c);
    if (err)
        return err;
    err = hy_cursor_last(&c);
    if (err == 0)
        last = c.key.n == 4 ? hy_get_be32(c.key.p) : UINT32_MAX;
    hy_cursor_close(&c);
    const uint8_t *v;
    if (err == 0 || err == HY_ENOTFOUND)
        err = hy_meta_get(t, retired, 4, &v);
    if (err == 0 && hy_get_le32(v) > last)
        last = hy_get_le32(v);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (last == UINT32_MAX)
        return HY_ELIMIT;
    *ret_no = last + 1;
    return 0;
}

int hy_lead_count(struct hy_txn *t, uint64_t *ret_n)
{
    return hy_table_count(t, HY_TABLE_LEADS, ret_n);
}

int hy_lead_set_status(struct hy_txn *t, hy_lead_no no, enum hy_lead_status s)
{
    uint8_t key[4];
    struct hy_str value;
    struct lead_record r;
    uint8_t *room = NULL;
    int err = hy_get(t, HY_TABLE_LEADS, lead_key(no, key), &value);
    if (err == 0)
        err = hy_lead_record_read(value, &r);
    if (err)
        return err;
    char *copy = malloc(value.n);
    if (!copy)
        return HY_ENOMEM;
    memcpy(copy, value.p, value.n); /* the view dies when the room is made */
    err = hy_put_reserve(t, HY_TABLE_LEADS, lead_key(no, key), value.n, HY_PUT_SET, &room);
    if (err == 0) {
        memcpy(room, copy, value.n);
        room[1] = (uint8_t)s;
    }
    free(copy);
    return err;
}
