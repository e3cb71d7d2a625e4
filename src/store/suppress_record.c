/* Keys and values of the suppression list, and its words. */
#include "record.h"
#include "suppress_priv.h"

enum {
    FLAG_DOMAIN = 1,
    FLAG_HASHED = 2,
    ENTRY_MAX =
        2 + 2 * 10 + 3 * 10 + HY_SUPPRESS_WHAT_MAX + HY_SUPPRESS_SOURCE_MAX + HY_SUPPRESS_BY_MAX,
    ACT_MAX = 8 + 3 * 10 + 2 * 10 + HY_SUPPRESS_SOURCE_MAX + HY_SUPPRESS_BY_MAX,
};

/* ---- names ---- */

static const char *const scopes[] = {"all", "tenant", "stream", "list"};
static const char *const reasons[] = {
    "", "hard-bounce", "soft-bounces", "complaint", "unsubscribe", "manual", "imported", "erased"};
static const char *const streams[] = {"marketing", "transactional"};
static const char *const ops[] = {"", "added", "changed", "removed", "expired"};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *name_in(const char *const *names, size_t n, size_t i)
{
    return i < n ? names[i] : "?";
}

static int find_in(const char *const *names, size_t n, struct hy_str name, unsigned *ret)
{
    for (size_t i = 0; i < n; i++) {
        if (name.n && hy_str_eq(name, hy_str_of(names[i]))) {
            *ret = (unsigned)i;
            return 0;
        }
    }
    return HY_ENOTFOUND;
}

const char *hy_suppress_scope_name(enum hy_suppress_scope s)
{
    return name_in(scopes, COUNT(scopes), s);
}

const char *hy_suppress_reason_name(enum hy_suppress_reason r)
{
    return name_in(reasons, COUNT(reasons), r);
}

const char *hy_stream_name(enum hy_stream s)
{
    return name_in(streams, COUNT(streams), s);
}

const char *hy_suppress_op_name(enum hy_suppress_op op)
{
    return name_in(ops, COUNT(ops), op);
}

enum hy_lead_status hy_suppress_status(enum hy_suppress_reason r)
{
    switch (r) {
    case HY_SUPPRESS_HARD_BOUNCE:
    case HY_SUPPRESS_SOFT_BOUNCES:
        return HY_LEAD_DEAD;
    case HY_SUPPRESS_COMPLAINT:
        return HY_LEAD_COMPLAINED;
    default:
        return HY_LEAD_UNSUBSCRIBED;
    }
}

int hy_suppress_scope_find(struct hy_str name, enum hy_suppress_scope *ret)
{
    unsigned i = 0;
    int err = find_in(scopes, COUNT(scopes), name, &i);
    if (!err)
        *ret = (enum hy_suppress_scope)i;
    return err;
}

int hy_suppress_reason_find(struct hy_str name, enum hy_suppress_reason *ret)
{
    unsigned i = 0;
    int err = find_in(reasons, COUNT(reasons), name, &i);
    if (!err)
        *ret = (enum hy_suppress_reason)i;
    return err;
}

int hy_stream_find(struct hy_str name, enum hy_stream *ret)
{
    unsigned i = 0;
    int err = find_in(streams, COUNT(streams), name, &i);
    if (!err)
        *ret = (enum hy_stream)i;
    return err;
}

/* ---- keys ---- */

struct hy_str suppress_prefix(uint8_t out[SUPPRESS_PREFIX_BYTES], struct hy_suppress_id id,
                              enum suppress_part part)
{
    hy_put_be64(out, id.a);
    hy_put_be64(out + 8, id.b);
    out[16] = (uint8_t)part;
    return hy_str_make(out, SUPPRESS_PREFIX_BYTES);
}

struct hy_str suppress_entry_key(uint8_t out[SUPPRESS_ENTRY_KEY_BYTES],
                                 const struct hy_suppress_key *k)
{
    (void)suppress_prefix(out, k->id, SUPPRESS_ENTRY);
    uint8_t *p = out + SUPPRESS_PREFIX_BYTES;
    p[0] = (uint8_t)k->scope;
    hy_put_be32(p + 1, k->tenant);
    hy_put_be32(p + 5, k->no);
    p[9] = (uint8_t)k->reason;
    return hy_str_make(out, SUPPRESS_ENTRY_KEY_BYTES);
}

struct hy_str suppress_expiry_key(uint8_t out[SUPPRESS_EXPIRY_KEY_BYTES], hy_wall_ms expires,
                                  const struct hy_suppress_key *k)
{
    hy_put_be32(out, suppress_expiry_s(expires));
    (void)suppress_entry_key(out + 4, k);
    return hy_str_make(out, SUPPRESS_EXPIRY_KEY_BYTES);
}

int suppress_entry_key_read(struct hy_str key, struct hy_suppress_key *ret)
{
    if (key.n != SUPPRESS_ENTRY_KEY_BYTES || key.p[16] != SUPPRESS_ENTRY)
        return HY_ECORRUPT;
    const char *p = key.p + SUPPRESS_PREFIX_BYTES;
    struct hy_suppress_key k = {
        .id = {hy_get_be64(key.p), hy_get_be64(key.p + 8)},
        .scope = (enum hy_suppress_scope)(uint8_t)p[0],
        .tenant = hy_get_be32(p + 1),
        .no = hy_get_be32(p + 5),
        .reason = (enum hy_suppress_reason)(uint8_t)p[9],
    };
    if ((unsigned)k.scope >= HY_SUPPRESS_SCOPES || (unsigned)k.reason >= HY_SUPPRESS_REASONS ||
        k.reason == 0)
        return HY_ECORRUPT;
    *ret = k;
    return 0;
}

/* ---- entries: version u8, flags u8; varints: created, expires (ms); what, source, by (length,
 * bytes) ---- */

int suppress_entry_read(struct hy_str key, struct hy_str value, struct hy_suppress_entry *ret)
{
    struct hy_suppress_entry e = {0};
    int err = hy_value_check(value, SUPPRESS_VERSION);
    if (!err)
        err = suppress_entry_key_read(key, &e.key);
    if (err)
        return err;
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    uint8_t flags = rec_get_u8(&in);
    e.is_domain = flags & FLAG_DOMAIN;
    e.is_hashed = flags & FLAG_HASHED;
    e.created = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    e.expires = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    e.what = rec_get_str(&in, HY_SUPPRESS_WHAT_MAX);
    e.source = rec_get_str(&in, HY_SUPPRESS_SOURCE_MAX);
    e.by = rec_get_str(&in, HY_SUPPRESS_BY_MAX);
    if (in.bad || in.n || e.is_hashed != (e.what.n == 0))
        return HY_ECORRUPT;
    *ret = e;
    return 0;
}

int suppress_entry_write(struct hy_txn *t, const struct hy_suppress_entry *e)
{
    uint8_t key[SUPPRESS_ENTRY_KEY_BYTES],
        value[ENTRY_MAX + 1]; /* else the compiler thinks that it is overrun */
    struct hy_rec_out o = {.p = value, .max = ENTRY_MAX};
    rec_put_u8(&o, SUPPRESS_VERSION);
    rec_put_u8(&o, (uint8_t)((e->is_domain ? FLAG_DOMAIN : 0) | (e->is_hashed ? FLAG_HASHED : 0)));
    rec_put_varint(&o, (uint64_t)e->created);
    rec_put_varint(&o, (uint64_t)e->expires);
    rec_put_str(&o, e->what);
    rec_put_str(&o, e->source);
    rec_put_str(&o, e->by);
    if (o.bad)
        return hy_txn_fail(t, HY_ELIMIT);
    return hy_put(t, HY_TABLE_SUPPRESSIONS, suppress_entry_key(key, &e->key),
                  hy_str_make(value, o.n), HY_PUT_SET);
}

/* ---- acts: version u8, op u8, scope u8, reason u8; varints: tenant, no, expires; by, source
 * (length, bytes) ---- */

int suppress_act_read(struct hy_str key, struct hy_str value, struct hy_suppress_act *ret)
{
    int err = hy_value_check(value, SUPPRESS_VERSION);
    if (err)
        return err;
    if (key.n != SUPPRESS_ACT_KEY_BYTES || key.p[16] != SUPPRESS_ACT)
        return HY_ECORRUPT;
    struct hy_suppress_act a = {.id = hy_get_be64(key.p + SUPPRESS_PREFIX_BYTES)};
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    a.op = (enum hy_suppress_op)rec_get_u8(&in);
    a.key.id = (struct hy_suppress_id){hy_get_be64(key.p), hy_get_be64(key.p + 8)};
    a.key.scope = (enum hy_suppress_scope)rec_get_u8(&in);
    a.key.reason = (enum hy_suppress_reason)rec_get_u8(&in);
    a.key.tenant = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    a.key.no = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    a.expires = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    a.by = rec_get_str(&in, HY_SUPPRESS_BY_MAX);
    a.source = rec_get_str(&in, HY_SUPPRESS_SOURCE_MAX);
    if (in.bad || in.n || (unsigned)a.key.scope >= HY_SUPPRESS_SCOPES ||
        (unsigned)a.key.reason >= HY_SUPPRESS_REASONS)
        return HY_ECORRUPT;
    *ret = a;
    return 0;
}

int suppress_act_write(struct hy_txn *t, const struct hy_suppress_act *a)
{
    uint8_t key[SUPPRESS_ACT_KEY_BYTES], value[ACT_MAX + 1]; /* likewise */
    struct hy_rec_out o = {.p = value, .max = ACT_MAX};
    (void)suppress_prefix(key, a->key.id, SUPPRESS_ACT);
    hy_put_be64(key + SUPPRESS_PREFIX_BYTES, a->id);
    rec_put_u8(&o, SUPPRESS_VERSION);
    rec_put_u8(&o, (uint8_t)a->op);
    rec_put_u8(&o, (uint8_t)a->key.scope);
    rec_put_u8(&o, (uint8_t)a->key.reason);
    rec_put_varint(&o, a->key.tenant);
    rec_put_varint(&o, a->key.no);
    rec_put_varint(&o, (uint64_t)a->expires);
    rec_put_str(&o, a->by);
    rec_put_str(&o, a->source);
    if (o.bad)
        return hy_txn_fail(t, HY_ELIMIT);
    return hy_put(t, HY_TABLE_SUPPRESSIONS, hy_str_make(key, sizeof key), hy_str_make(value, o.n),
                  HY_PUT_SET);
}

/* ---- soft bounces: version u8; varints: count, first, last (ms) ---- */

int suppress_soft_read(struct hy_str value, struct hy_suppress_soft *ret)
{
    int err = hy_value_check(value, SUPPRESS_VERSION);
    if (err)
        return err;
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    struct hy_suppress_soft s = {.count = (uint32_t)rec_get_varint(&in, UINT32_MAX)};
    s.first = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    s.last = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    if (in.bad || in.n)
        return HY_ECORRUPT;
    *ret = s;
    return 0;
}

/* ---- counts: version u8, 0 x 3; by reason u64 x 8; of domains u64 ---- */

int suppress_counts_read(struct hy_str value, struct hy_suppress_counts *ret)
{
    int err = hy_value_check(value, SUPPRESS_VERSION);
    if (err || value.n != SUPPRESS_COUNTS_BYTES)
        return err ? err : HY_ECORRUPT;
    struct hy_suppress_counts n = {0};
    for (size_t i = 0; i < HY_SUPPRESS_REASONS; i++)
        n.by_reason[i] = hy_get_le64(value.p + 4 + 8 * i);
    n.domains = hy_get_le64(value.p + 4 + 8 * HY_SUPPRESS_REASONS);
    *ret = n;
    return 0;
}
