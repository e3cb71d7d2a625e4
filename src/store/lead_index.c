/* The index of addresses. A keyed hash of the dedupe key picks one of 2^18 buckets, a record of
 * (32 more bits of the hash, lead number) pairs. Two addresses that share 50 bits are told apart by
 * the lead's own address. Against one B-tree entry an address this takes half of the pages, so a
 * batch of new leads touches (and copies) half as many. */
#include "lead_priv.h"

#include <stdlib.h>

#include "hayauma/mail/address.h"

struct hy_hash_key hy_lead_hash_key(const struct hy_env *env)
{
    const uint8_t *secret = hy_env_secret(env);
    struct hy_hash_key root = {hy_get_le64(secret), hy_get_le64(secret + 8)};
    static const char first[] = "lead address 0", second[] = "lead address 1";
    return (struct hy_hash_key){hy_siphash(&root, first, sizeof first),
                                hy_siphash(&root, second, sizeof second)};
}

uint64_t hy_lead_hash(const struct hy_hash_key *k, struct hy_str key)
{
    return hy_siphash(k, key.p, key.n);
}

static struct hy_str bucket_key(uint32_t bucket, uint8_t room[4])
{
    hy_put_be32(room, bucket);
    return hy_str_make(room, 4);
}

static int check_bucket(struct hy_str value, struct hy_str *ret_entries)
{
    int err = hy_value_check(value, INDEX_VERSION);
    if (err)
        return err;
    if (value.n < INDEX_HEAD || (value.n - INDEX_HEAD) % INDEX_ENTRY)
        return HY_ECORRUPT;
    *ret_entries = hy_str_slice(value, INDEX_HEAD, value.n);
    return 0;
}

/* Whether the lead's address has this dedupe key. */
static int has_key(struct hy_txn *t, hy_lead_no no, struct hy_str key, bool *ret)
{
    struct lead_record r;
    char own[HY_ADDRESS_KEY_MAX];
    size_t n = 0;
    int err = hy_lead_record_get(t, no, &r);
    if (err == 0)
        err = hy_address_wire_key(r.address, own, &n);
    if (err)
        return err == HY_ENOTFOUND || err == HY_EPARSE ? HY_ECORRUPT : err;
    *ret = hy_str_eq(hy_str_make(own, n), key);
    return 0;
}

int hy_lead_index_find(struct hy_txn *t, uint64_t hash, struct hy_str key, hy_lead_no *ret_no)
{
    uint8_t room[4];
    struct hy_str value, entries;
    int err = hy_get(t, HY_TABLE_LEAD_ADDRESSES, bucket_key(index_bucket(hash), room), &value);
    if (err == 0)
        err = check_bucket(value, &entries);
    if (err)
        return err;
    for (size_t i = 0; i < entries.n; i += INDEX_ENTRY) {
        if (hy_get_le32(entries.p + i) != (uint32_t)hash)
            continue;
        hy_lead_no no = hy_get_le32(entries.p + i + 4);
        bool same = false;
        err = has_key(t, no, key, &same);
        if (err)
            return err;
        if (same) {
            *ret_no = no;
            return 0;
        }
    }
    return HY_ENOTFOUND;
}

/* Adds `n` entries to one bucket: the old ones are copied out first, as making room moves them. */
static int add_to_bucket(struct hy_txn *t, uint32_t bucket, const struct index_entry *e, size_t n)
{
    uint8_t room[4], *out = NULL;
    char small[2048], *old = small;
    struct hy_str value, entries = {0};
    int err = hy_get(t, HY_TABLE_LEAD_ADDRESSES, bucket_key(bucket, room), &value);
    if (err == 0)
        err = check_bucket(value, &entries);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (entries.n > sizeof small && !(old = malloc(entries.n)))
        return HY_ENOMEM;
    if (entries.n)
        memcpy(old, entries.p, entries.n);
    err = hy_put_reserve(t, HY_TABLE_LEAD_ADDRESSES, bucket_key(bucket, room),
                         INDEX_HEAD + entries.n + n * INDEX_ENTRY, HY_PUT_SET, &out);
    if (err == 0) {
        memcpy(out, (uint8_t[INDEX_HEAD]){INDEX_VERSION}, INDEX_HEAD);
        memcpy(out + INDEX_HEAD, old, entries.n);
        out += INDEX_HEAD + entries.n;
        for (size_t i = 0; i < n; i++, out += INDEX_ENTRY) {
            hy_put_le32(out, (uint32_t)e[i].hash);
            hy_put_le32(out + 4, e[i].lead);
        }
    }
    if (old != small)
        free(old);
    return err;
}

int hy_lead_index_add(struct hy_txn *t, const struct index_entry *e, size_t n)
{
    for (size_t i = 0, end; i < n; i = end) {
        uint32_t bucket = index_bucket(e[i].hash);
        for (end = i + 1; end < n && index_bucket(e[end].hash) == bucket; end++)
            ;
        int err = add_to_bucket(t, bucket, e + i, end - i);
        if (err)
            return err;
    }
    return 0;
}

int hy_lead_index_drop(struct hy_txn *t, uint64_t hash, hy_lead_no lead)
{
    uint8_t room[4];
    struct hy_str value, entries, key = bucket_key(index_bucket(hash), room);
    int err = hy_get(t, HY_TABLE_LEAD_ADDRESSES, key, &value);
    if (err == 0)
        err = check_bucket(value, &entries);
    size_t at = 0;
    while (
        err == 0 && at < entries.n &&
        (hy_get_le32(entries.p + at) != (uint32_t)hash || hy_get_le32(entries.p + at + 4) != lead))
        at += INDEX_ENTRY;
    if (err || at == entries.n)
        return err ? err : HY_ENOTFOUND;
    if (entries.n == INDEX_ENTRY)
        return hy_del(t, HY_TABLE_LEAD_ADDRESSES, key);
    char *rest = malloc(value.n); /* the view dies with the write */
    if (!rest)
        return HY_ENOMEM;
    size_t before = INDEX_HEAD + at, behind = value.n - before - INDEX_ENTRY;
    memcpy(rest, value.p, before);
    memcpy(rest + before, value.p + before + INDEX_ENTRY, behind);
    err = hy_put(t, HY_TABLE_LEAD_ADDRESSES, key, hy_str_make(rest, before + behind), HY_PUT_SET);
    free(rest);
    return err;
}
