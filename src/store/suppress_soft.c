/* Soft bounces, counted until they are too many, and what the outcome of a message does to the
 * list. A count is made by the first soft bounce and goes with the next delivery, so mail that
 * simply arrives costs nothing here. */
#include "env_priv.h"
#include "hayauma/store/spool.h"
#include "lead_priv.h"
#include "record.h"

enum { SOFT_MAX = 1 + 5 + 2 * 10 };

static struct hy_str soft_key(uint8_t out[SUPPRESS_SOFT_KEY_BYTES], struct hy_suppress_id id,
                              uint32_t tenant)
{
    (void)suppress_prefix(out, id, SUPPRESS_SOFTS);
    hy_put_be32(out + SUPPRESS_PREFIX_BYTES, tenant);
    return hy_str_make(out, SUPPRESS_SOFT_KEY_BYTES);
}

int hy_suppress_soft_get(struct hy_txn *t, struct hy_suppress_id id, uint32_t tenant,
                         struct hy_suppress_soft *ret)
{
    uint8_t key[SUPPRESS_SOFT_KEY_BYTES];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_SUPPRESSIONS, soft_key(key, id, tenant), &value);
    if (err)
        return err;
    err = suppress_soft_read(value, ret);
    return err ? hy_txn_fail(t, err) : 0;
}

static int soft_put(struct hy_txn *t, struct hy_suppress_id id, uint32_t tenant,
                    const struct hy_suppress_soft *s)
{
    uint8_t key[SUPPRESS_SOFT_KEY_BYTES], value[SOFT_MAX];
    struct hy_rec_out o = {.p = value, .max = sizeof value};
    rec_put_u8(&o, SUPPRESS_VERSION);
    rec_put_varint(&o, s->count);
    rec_put_varint(&o, (uint64_t)s->first);
    rec_put_varint(&o, (uint64_t)s->last);
    int err = suppress_filter_add(t, id, false);
    if (!err)
        err = hy_put(t, HY_TABLE_SUPPRESSIONS, soft_key(key, id, tenant), hy_str_make(value, o.n),
                     HY_PUT_SET);
    return err;
}

static int soft_drop(struct hy_txn *t, struct hy_suppress_id id, uint32_t tenant)
{
    uint8_t key[SUPPRESS_SOFT_KEY_BYTES];
    int err = hy_del(t, HY_TABLE_SUPPRESSIONS, soft_key(key, id, tenant));
    return err == HY_ENOTFOUND ? 0 : err;
}

static hy_wall_ms end_of(hy_wall_ms now, uint32_t seconds)
{
    return seconds ? now + (hy_wall_ms)seconds * 1000 : 0;
}

int hy_suppress_soft(struct hy_txn *t, struct hy_str address, uint32_t tenant, struct hy_str source,
                     bool *ret_suppressed)
{
    struct hy_suppress_rules rules = suppress_rules(t->env);
    struct hy_suppress_soft s = {0};
    struct hy_suppress_id id;
    int err = hy_suppress_id_of(t->env, address, &id);
    if (ret_suppressed)
        *ret_suppressed = false;
    if (err || rules.soft_count == 0)
        return err;
    err = hy_suppress_soft_get(t, id, tenant, &s);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (s.count++ == 0)
        s.first = t->now;
    s.last = t->now;
    if (s.count < rules.soft_count || s.last - s.first < (hy_wall_ms)rules.soft_span_s * 1000)
        return soft_put(t, id, tenant, &s);
    if (ret_suppressed)
        *ret_suppressed = true;
    struct hy_suppress_entry e = {
        .key = {.scope = HY_SUPPRESS_TENANT, .tenant = tenant, .reason = HY_SUPPRESS_SOFT_BOUNCES},
        .what = address,
        .expires = end_of(t->now, rules.soft_expire_s),
        .source = source,
        .by = HY_STR("bounce"),
    };
    err = hy_suppress_put(t, &e, NULL);
    return err ? err : soft_drop(t, id, tenant);
}

int hy_suppress_soft_reset(struct hy_txn *t, struct hy_str address, uint32_t tenant)
{
    struct hy_suppress_id id;
    int err = hy_suppress_id_of(t->env, address, &id);
    return err ? err : soft_drop(t, id, tenant);
}

/* ---- outcomes ---- */

/* The address of a row, copied: views die with the first write. */
static int address_of(struct hy_txn *t, const struct hy_rcpt_ref *ref, char out[HY_ADDRESS_MAX + 1],
                      size_t *ret_n)
{
    struct hy_spool_rcpt r;
    struct lead_record lead;
    struct hy_str address;
    hy_id message;
    int err;
    if (hy_id_is_spool(ref->campaign)) {
        err = hy_spool_rcpt(t, ref, &r, &message);
        address = err ? HY_STR("") : r.address;
    } else {
        err = hy_lead_record_get(t, ref->lead, &lead);
        address = err ? HY_STR("") : lead.address;
    }
    if (err)
        return err;
    if (address.n > HY_ADDRESS_MAX)
        return HY_ECORRUPT;
    memcpy(out, address.p, address.n);
    *ret_n = address.n;
    return 0;
}

int suppress_hard(struct hy_txn *t, struct hy_str address, uint32_t tenant, struct hy_str source)
{
    struct hy_suppress_entry e = {
        .key = {.scope = HY_SUPPRESS_TENANT, .tenant = tenant, .reason = HY_SUPPRESS_HARD_BOUNCE},
        .what = address,
        .expires = end_of(t->now, suppress_rules(t->env).hard_expire_s),
        .source = source,
        .by = HY_STR("bounce"),
    };
    return hy_suppress_put(t, &e, NULL);
}

static int apply(struct hy_txn *t, const struct hy_attempt *a, struct hy_str address)
{
    struct hy_str words = a->outcome.text;
    if (a->effect == HY_EFFECT_RESET)
        return hy_suppress_soft_reset(t, address, a->tenant);
    if (a->effect == HY_EFFECT_SOFT)
        return hy_suppress_soft(t, address, a->tenant, words, NULL);
    return suppress_hard(t, address, a->tenant, words);
}

int suppress_apply(struct hy_txn *t, const struct hy_attempt *a)
{
    char room[HY_ADDRESS_MAX + 1];
    size_t n = 0;
    int err = address_of(t, &a->ref, room, &n);
    if (!err)
        err = apply(t, a, hy_str_make(room, n));
    /* a lead that is gone, or an address that never was one, has nothing to suppress */
    return err == HY_ENOTFOUND || err == HY_EPARSE ? 0 : err;
}
