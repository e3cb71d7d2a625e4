/* Records of companies, and what leads to them. */
#include "company_priv.h"

#include "hayauma/store/identity.h"
#include "record.h"

enum { FOUND = 1 };

/* ---- keys of text ---- */

static struct hy_str text_key(char part, struct hy_str text, struct hy_key *k)
{
    hy_key_start(k);
    hy_key_bytes(k, hy_str_make(&part, 1));
    hy_key_bytes(k, text);
    return hy_key_str(k);
}

int hy_company_get_key(struct hy_txn *t, char part, struct hy_str text, hy_company_no *ret)
{
    struct hy_key k;
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_COMPANIES, text_key(part, text, &k), &value);
    return err ? err : hy_name_number(value, ret);
}

int hy_company_put_key(struct hy_txn *t, char part, struct hy_str text, hy_company_no no)
{
    struct hy_key k;
    uint8_t value[5] = {NAME_VERSION};
    hy_put_le32(value + 1, no);
    return hy_put(t, HY_TABLE_COMPANIES, text_key(part, text, &k), hy_str_make(value, sizeof value),
                  HY_PUT_SET);
}

int hy_company_del_key(struct hy_txn *t, char part, struct hy_str text)
{
    struct hy_key k;
    return hy_del(t, HY_TABLE_COMPANIES, text_key(part, text, &k));
}

/* ---- records ---- */

static size_t get_texts(struct hy_rec_in *in, struct hy_str *out, size_t max, size_t longest)
{
    size_t n = (size_t)rec_get_varint(in, max);
    for (size_t i = 0; i < n; i++)
        out[i] = rec_get_str(in, longest);
    return n;
}

static int decode(struct hy_str value, hy_company_no no, struct hy_company_record *ret)
{
    int err = hy_value_check(value, COMPANY_VERSION);
    if (err)
        return err;
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    *ret = (struct hy_company_record){.no = no};
    ret->is_found = rec_get_u8(&in) & FOUND;
    ret->created = rec_get_varint(&in, UINT64_MAX);
    ret->changed = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    ret->name = rec_get_str(&in, HY_COMPANY_NAME_MAX);
    ret->n_aliases = get_texts(&in, ret->aliases, HY_COMPANY_ALIASES_MAX, HY_COMPANY_NAME_MAX);
    ret->n_domains = get_texts(&in, ret->domains, HY_COMPANY_DOMAINS_MAX, HY_DOMAIN_MAX);
    ret->n_ids = get_texts(&in, ret->ids, HY_COMPANY_IDS_MAX, HY_IDENTITY_MAX);
    struct hy_str packed = hy_str_make(in.p, in.n);
    while (!in.bad && packed.n) {
        if (ret->n_attrs == HY_COMPANY_ATTRS_MAX)
            return HY_ECORRUPT;
        err = hy_lead_attr_next(&packed, &ret->attrs[ret->n_attrs++]);
        if (err)
            return err;
    }
    return in.bad || ret->name.n == 0 ? HY_ECORRUPT : 0;
}

static void put_varint(struct hy_buf *b, uint64_t v)
{
    uint8_t room[10];
    hy_buf_add(b, room, hy_varint_put(room, v));
}

static void put_text(struct hy_buf *b, struct hy_str s)
{
    put_varint(b, s.n);
    hy_buf_add_str(b, s);
}

static void put_texts(struct hy_buf *b, const struct hy_str *a, size_t n)
{
    put_varint(b, n);
    for (size_t i = 0; i < n; i++)
        put_text(b, a[i]);
}

static void encode(const struct hy_company_record *c, struct hy_buf *b)
{
    hy_buf_add_c(b, COMPANY_VERSION);
    hy_buf_add_c(b, c->is_found ? FOUND : 0);
    put_varint(b, c->created);
    put_varint(b, (uint64_t)c->changed);
    put_text(b, c->name);
    put_texts(b, c->aliases, c->n_aliases);
    put_texts(b, c->domains, c->n_domains);
    put_texts(b, c->ids, c->n_ids);
    for (size_t i = 0; i < c->n_attrs; i++) {
        put_varint(b, c->attrs[i].no);
        put_text(b, c->attrs[i].value);
    }
}

int hy_company_record_put(struct hy_txn *t, const struct hy_company_record *c)
{
    uint8_t key[5];
    struct hy_buf b = HY_BUF_INIT(COMPANY_TEXT_MAX);
    encode(c, &b);
    int err = b.err;
    if (!err)
        err = hy_put(t, HY_TABLE_COMPANIES, company_key(COMPANY_RECORD, c->no, key), hy_buf_str(&b),
                     HY_PUT_SET);
    hy_buf_free(&b);
    return err ? err : hy_company_touched(t, c->no);
}

int hy_company_copy(struct hy_txn *t, hy_company_no no, struct hy_buf *room,
                    struct hy_company_record *ret)
{
    uint8_t key[5];
    struct hy_str value;
    *room = HY_BUF_INIT(COMPANY_TEXT_MAX);
    int err = no ? hy_get(t, HY_TABLE_COMPANIES, company_key(COMPANY_RECORD, no, key), &value)
                 : HY_ENOTFOUND;
    if (err)
        return err;
    hy_buf_add_str(room, value);
    return room->err ? room->err : decode(hy_buf_str(room), no, ret);
}

int hy_company_next_no(struct hy_txn *t, hy_company_no *ret)
{
    uint8_t key[5], value[5] = {NAME_VERSION};
    struct hy_str v;
    hy_company_no newest = 0;
    int err = hy_get(t, HY_TABLE_COMPANIES, company_key(COMPANY_RECORD, 0, key), &v);
    if (!err)
        err = hy_name_number(v, &newest);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (newest >= HY_COMPANIES_STORED_MAX)
        return HY_ELIMIT;
    hy_put_le32(value + 1, ++newest);
    err = hy_put(t, HY_TABLE_COMPANIES, company_key(COMPANY_RECORD, 0, key),
                 hy_str_make(value, sizeof value), HY_PUT_SET);
    if (!err)
        *ret = newest;
    return err;
}

static int forget_name(struct hy_txn *t, struct hy_str name, hy_company_no no)
{
    char key[HY_COMPANY_KEY_MAX];
    size_t n = 0;
    hy_company_no has = 0;
    if (hy_company_fold(name, key, &n) != 0)
        return 0;
    int err = hy_company_get_key(t, COMPANY_NAME, hy_str_make(key, n), &has);
    if (!err && has == no)
        err = hy_company_del_key(t, COMPANY_NAME, hy_str_make(key, n));
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_company_forget(struct hy_txn *t, hy_company_no no)
{
    uint8_t key[5];
    struct hy_company_record c;
    struct hy_buf room;
    int err = hy_company_copy(t, no, &room, &c);
    if (!err)
        err = forget_name(t, c.name, no);
    for (size_t i = 0; !err && i < c.n_aliases; i++)
        err = forget_name(t, c.aliases[i], no);
    for (size_t i = 0; !err && i < c.n_domains; i++)
        err = hy_company_del_key(t, COMPANY_DOMAIN, c.domains[i]);
    for (size_t i = 0; !err && i < c.n_ids; i++)
        err = hy_company_del_key(t, COMPANY_ID, c.ids[i]);
    if (!err)
        err = hy_del(t, HY_TABLE_COMPANIES, company_key(COMPANY_RECORD, no, key));
    hy_buf_free(&room);
    return err ? err : hy_company_touched(t, no);
}

/* ---- finding ---- */

int hy_company_read(struct hy_txn *t, hy_company_no no, struct hy_company_record *ret)
{
    uint8_t key[5];
    struct hy_str value;
    int err = no ? hy_get(t, HY_TABLE_COMPANIES, company_key(COMPANY_RECORD, no, key), &value)
                 : HY_ENOTFOUND;
    return err ? err : decode(value, no, ret);
}

int hy_company_next(struct hy_txn *t, hy_company_no after, struct hy_company_record *ret)
{
    uint8_t key[5];
    struct hy_cursor c;
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_COMPANIES, &c);
    if (!err)
        err = hy_cursor_seek(&c, company_key(COMPANY_RECORD, after + 1, key));
    if (!err && (c.key.n != sizeof key || c.key.p[0] != COMPANY_RECORD))
        err = HY_ENOTFOUND;
    if (!err)
        err = decode(c.value, hy_get_be32(c.key.p + 1), ret);
    hy_cursor_close(&c);
    return err;
}

int hy_company_find(struct hy_txn *t, struct hy_str name, hy_company_no *ret)
{
    char key[HY_COMPANY_KEY_MAX];
    size_t n = 0;
    int err = hy_company_fold(name, key, &n);
    return err ? HY_ENOTFOUND : hy_company_get_key(t, COMPANY_NAME, hy_str_make(key, n), ret);
}

int hy_company_of_domain(struct hy_txn *t, struct hy_str domain, hy_company_no *ret)
{
    enum { LABELS_MAX = 6 }; /* deeper ones are asked by their ends */
    struct hy_str at[LABELS_MAX];
    size_t n = 0;
    if (domain.n == 0 || domain.n > HY_DOMAIN_MAX || domain.p[0] == '[')
        return HY_ENOTFOUND;
    for (size_t i = domain.n; i-- > 0 && n < LABELS_MAX;)
        if (i == 0 || domain.p[i - 1] == '.')
            at[n++] = hy_str_slice(domain, i, domain.n);
    while (n-- > 1) { /* the longest first; a top-level domain is nobody's */
        int err = hy_company_get_key(t, COMPANY_DOMAIN, at[n], ret);
        if (err != HY_ENOTFOUND)
            return err;
    }
    return HY_ENOTFOUND;
}

int hy_company_of(struct hy_txn *t, hy_lead_no lead, hy_company_no *ret)
{
    uint8_t key[5];
    struct hy_str value;
    uint64_t n = 0;
    int err = hy_table_count(t, HY_TABLE_COMPANIES, &n);
    if (!err && n <= 1) /* there was never a company: the cheap way out */
        err = HY_ENOTFOUND;
    if (!err)
        err = hy_get(t, HY_TABLE_COMPANIES, company_key(COMPANY_LEAD, lead, key), &value);
    if (!err)
        return hy_name_number(value, ret);
    if (err == HY_ENOTFOUND)
        *ret = 0;
    return err == HY_ENOTFOUND ? 0 : err;
}

static int by_number(struct hy_txn *t, struct hy_str text, hy_company_no *ret)
{
    struct hy_company_record c;
    uint64_t no = 0;
    if (hy_str_to_u64(text, UINT32_MAX, &no) != 0)
        return HY_EPARSE;
    int err = hy_company_read(t, (hy_company_no)no, &c);
    if (!err)
        *ret = (hy_company_no)no;
    return err;
}

int hy_company_resolve(struct hy_txn *t, struct hy_str text, hy_company_no *ret)
{
    char room[HY_IDENTITY_MAX], domain[HY_DOMAIN_MAX + 1];
    struct hy_str id;
    int err = by_number(t, text, ret);
    if (err != HY_EPARSE && err != HY_ENOTFOUND)
        return err;
    err = hy_company_find(t, text, ret);
    if (err == HY_ENOTFOUND && hy_str_starts(text, HY_STR("ext:")) &&
        hy_identity_read(HY_IDENTITY_EXTERNAL, hy_str_slice(text, 4, text.n), room, &id, NULL) == 0)
        err = hy_company_get_key(t, COMPANY_ID, id, ret);
    if (err == HY_ENOTFOUND && hy_company_domain_read(text, domain, &id) == 0)
        err = hy_company_of_domain(t, id, ret);
    return err;
}
