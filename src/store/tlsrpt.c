/* The table of TLS tallies. Key: day be32, domain, 0, then either 0xff for "reported", or policy
 * u8, hash of its text be64, result u8, hash of the rest be64. Value: version u8; varint count; the
 * policy's text, host, reason (length, bytes); both addresses (16 bytes each). Of "reported":
 * version u8, and behind it, while not all have it, the hashes (be64) of the URIs that it was sent
 * to. */
#include "hayauma/store/tlsrpt.h"

#include "hayauma/base/hash.h"
#include "hayauma/base/list.h"
#include "record.h"

enum { VERSION = 1, HOST_MAX = 255, MARK = 0xff, TAIL_BYTES = 1 + 8 + 1 + 8 };
enum { HASH_BYTES = 8, URI_SEED = 2 };
enum { RECORD_MAX = 1 + 4 * 10 + HY_TALLY_POLICY_MAX + HOST_MAX + HY_TALLY_REASON_MAX + 32 };

/* Stored hashes: the same in every process. */
static uint64_t hash(struct hy_str s, uint64_t seed)
{
    const struct hy_hash_key key = {0x7461696c, seed};
    return s.n || seed ? hy_siphash(&key, s.p, s.n) : 0;
}

static void key_of_domain(struct hy_key *k, uint32_t day, struct hy_str domain)
{
    hy_key_start(k);
    hy_key_u32(k, day);
    hy_key_bytes(k, domain);
    hy_key_bytes(k, hy_str_make("", 1));
}

static void key_of(struct hy_key *k, const struct hy_tally *a)
{
    const uint8_t policy = (uint8_t)a->policy, result = (uint8_t)a->result;
    uint64_t rest = hash(a->mx_host, 1);
    rest = hash(a->reason, rest | 1);
    rest = hash(hy_str_make(a->mx_ip, 16), rest | 1);
    rest = hash(hy_str_make(a->our_ip, 16), rest | 1);
    key_of_domain(k, a->day, a->domain);
    hy_key_bytes(k, hy_str_make(&policy, 1));
    hy_key_u64(k, hash(a->policy_text, 0));
    hy_key_bytes(k, hy_str_make(&result, 1));
    hy_key_u64(k, rest);
}

static int decode(struct hy_str key, struct hy_str value, struct hy_tally *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (key.n < 4 + 2 + TAIL_BYTES)
        return HY_ECORRUPT;
    struct hy_tally a = {.day = hy_get_be32(key.p),
                         .domain = hy_str_slice(key, 4, key.n - TAIL_BYTES - 1)};
    struct hy_str tail = hy_str_slice(key, key.n - TAIL_BYTES, key.n);
    a.policy = (enum hy_tlsrpt_policy)(uint8_t)tail.p[0];
    a.result = (enum hy_tlsrpt_result)(uint8_t)tail.p[9];
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    a.count = rec_get_varint(&in, UINT64_MAX);
    a.policy_text = rec_get_str(&in, HY_TALLY_POLICY_MAX);
    a.mx_host = rec_get_str(&in, HOST_MAX);
    a.reason = rec_get_str(&in, HY_TALLY_REASON_MAX);
    memcpy(a.mx_ip, rec_get(&in, 16), 16);
    memcpy(a.our_ip, rec_get(&in, 16), 16);
    if (in.bad || in.n)
        return HY_ECORRUPT;
    *ret = a;
    return 0;
}

static int store(struct hy_txn *t, const struct hy_key *k, const struct hy_tally *a)
{
    uint8_t record[RECORD_MAX];
    struct hy_rec_out o = {.p = record, .max = sizeof record};
    rec_put_u8(&o, VERSION);
    rec_put_varint(&o, a->count);
    rec_put_str(&o, a->policy_text);
    rec_put_str(&o, a->mx_host);
    rec_put_str(&o, a->reason);
    rec_put(&o, a->mx_ip, 16);
    rec_put(&o, a->our_ip, 16);
    if (o.bad)
        return hy_txn_fail(t, HY_ELIMIT);
    return hy_put(t, HY_TABLE_TLS_TALLIES, hy_key_str(k), hy_str_make(record, o.n), HY_PUT_SET);
}

/* How many kinds the domain has that day, up to the maximum. */
static int count_kinds(struct hy_txn *t, const struct hy_tally *a, unsigned *ret)
{
    struct hy_key k;
    struct hy_cursor c;
    unsigned n = 0;
    key_of_domain(&k, a->day, a->domain);
    int err = hy_cursor_open(t, HY_TABLE_TLS_TALLIES, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_key_str(&k));
    while (!err && n < HY_TALLIES_PER_DOMAIN) {
        n++;
        err = hy_cursor_prefix_next(&c, hy_key_str(&k));
    }
    hy_cursor_close(&c);
    *ret = n;
    return err == HY_ENOTFOUND ? 0 : err;
}

static int add_one(struct hy_txn *t, const struct hy_tally *given, uint64_t *dropped)
{
    struct hy_tally a = *given, old;
    struct hy_key k;
    struct hy_str value;
    uint64_t total;
    unsigned kinds = 0;
    a.domain = hy_str_slice(a.domain, 0, HY_TALLY_DOMAIN_MAX);
    a.policy_text = hy_str_slice(a.policy_text, 0, HY_TALLY_POLICY_MAX);
    a.mx_host = hy_str_slice(a.mx_host, 0, HOST_MAX);
    a.reason = hy_str_slice(a.reason, 0, HY_TALLY_REASON_MAX);
    for (int round = 0;; round++) {
        key_of(&k, &a);
        int err = hy_get(t, HY_TABLE_TLS_TALLIES, hy_key_str(&k), &value);
        if (!err)
            err = decode(hy_key_str(&k), value, &old);
        if (!err) {
            a.count += old.count;
            return store(t, &k, &a);
        }
        if (err != HY_ENOTFOUND)
            return hy_txn_fail(t, err);
        err = hy_table_count(t, HY_TABLE_TLS_TALLIES, &total);
        if (!err)
            err = count_kinds(t, &a, &kinds);
        if (!err && total >= HY_TALLIES_MAX)
            *dropped += given->count;
        if (err || total >= HY_TALLIES_MAX)
            return err;
        if (kinds < HY_TALLIES_PER_DOMAIN || round > 0)
            return store(t, &k, &a);
        a.mx_host = a.reason = HY_STR(""); /* one for all that is left */
        memset(a.mx_ip, 0, 16);
        memset(a.our_ip, 0, 16);
    }
}

static int add(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_tally_add *a = hy_container_of(r, struct hy_tally_add, req);
    int err = 0;
    a->dropped = 0;
    for (size_t i = 0; i < a->n && !err; i++)
        if (a->tallies[i].domain.n)
            err = add_one(t, &a->tallies[i], &a->dropped);
    return err;
}

void hy_tally_add_init(struct hy_tally_add *a)
{
    *a = (struct hy_tally_add){
        .req = {.class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_FAIL, .apply = add}};
}

int hy_tally_each(struct hy_txn *t, uint32_t day, struct hy_str domain,
                  int (*each)(void *ctx, const struct hy_tally *tally), void *ctx)
{
    struct hy_key k;
    struct hy_cursor c;
    struct hy_tally a;
    key_of_domain(&k, day, domain);
    int err = hy_cursor_open(t, HY_TABLE_TLS_TALLIES, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_key_str(&k));
    while (!err) {
        if (c.key.n != k.n + 1 || (uint8_t)c.key.p[k.n] != MARK)
            err = decode(c.key, c.value, &a);
        else
            a.count = 0;
        if (!err && a.count)
            err = each(ctx, &a);
        if (!err)
            err = hy_cursor_prefix_next(&c, hy_key_str(&k));
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_tally_next_domain(struct hy_txn *t, uint32_t day, struct hy_str after,
                         char ret[HY_TALLY_DOMAIN_MAX + 1])
{
    struct hy_key k;
    struct hy_cursor c;
    hy_key_start(&k);
    hy_key_u32(&k, day);
    if (after.n) {
        hy_key_bytes(&k, after);
        hy_key_bytes(&k, HY_STR("\x01")); /* behind all of its keys */
    }
    int err = hy_cursor_open(t, HY_TABLE_TLS_TALLIES, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_key_str(&k));
    if (!err && (c.key.n < 4 || hy_get_be32(c.key.p) != day))
        err = HY_ENOTFOUND;
    if (!err) {
        struct hy_str rest = hy_str_slice(c.key, 4, c.key.n);
        size_t end = hy_str_find(rest, '\0', 0);
        if (end == SIZE_MAX || end > HY_TALLY_DOMAIN_MAX) {
            err = HY_ECORRUPT;
        } else {
            memcpy(ret, rest.p, end);
            ret[end] = '\0';
        }
    }
    hy_cursor_close(&c);
    return err;
}

/* ---- reported ---- */

static void key_of_mark(struct hy_key *k, uint32_t day, struct hy_str domain)
{
    const uint8_t mark = MARK;
    key_of_domain(k, day, domain);
    hy_key_bytes(k, hy_str_make(&mark, 1));
}

/* The mark's hashes; empty when all is done. HY_ENOTFOUND: nothing was marked. */
static int read_mark(struct hy_txn *t, uint32_t day, struct hy_str domain, struct hy_str *ret)
{
    struct hy_key k;
    struct hy_str value;
    key_of_mark(&k, day, domain);
    int err = hy_get(t, HY_TABLE_TLS_TALLIES, hy_key_str(&k), &value);
    if (!err)
        err = hy_value_check(value, VERSION);
    if (!err && (value.n - 1) % HASH_BYTES)
        err = HY_ECORRUPT;
    if (!err)
        *ret = hy_str_slice(value, 1, value.n);
    return err;
}

static bool has_hash(struct hy_str hashes, uint64_t h)
{
    for (size_t at = 0; at < hashes.n; at += HASH_BYTES)
        if (hy_get_be64(hashes.p + at) == h)
            return true;
    return false;
}

bool hy_tally_is_reported(struct hy_txn *t, uint32_t day, struct hy_str domain)
{
    struct hy_str hashes;
    return read_mark(t, day, domain, &hashes) == 0 && hashes.n == 0;
}

bool hy_tally_is_reported_to(struct hy_txn *t, uint32_t day, struct hy_str domain,
                             struct hy_str uri)
{
    struct hy_str hashes;
    return read_mark(t, day, domain, &hashes) == 0 &&
           (hashes.n == 0 || has_hash(hashes, hash(uri, URI_SEED)));
}

/* All of the domain and day, its mark too. */
int hy_tally_forget(struct hy_txn *t, uint32_t day, struct hy_str domain)
{
    struct hy_key k;
    struct hy_cursor c;
    key_of_domain(&k, day, domain);
    int err = hy_cursor_open(t, HY_TABLE_TLS_TALLIES, &c);
    while (!err && (err = hy_cursor_prefix_first(&c, hy_key_str(&k))) == 0)
        err = hy_cursor_delete(&c);
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_tally_mark_put(struct hy_txn *t, uint32_t day, struct hy_str domain, struct hy_str uri)
{
    uint8_t record[1 + HY_TLSRPT_URIS_MAX * HASH_BYTES];
    struct hy_rec_out o = {.p = record, .max = sizeof record};
    struct hy_str hashes = {NULL, 0};
    struct hy_key k;
    if (domain.n == 0 || domain.n > HY_TALLY_DOMAIN_MAX)
        return HY_EINVAL;
    int err = read_mark(t, day, domain, &hashes);
    if (err && err != HY_ENOTFOUND)
        return hy_txn_fail(t, err);
    bool is_over = !err && hashes.n == 0;
    rec_put_u8(&o, VERSION);
    if (uri.n && !is_over) {
        uint8_t h[HASH_BYTES];
        hy_put_be64(h, hash(uri, URI_SEED));
        rec_put(&o, hashes.p, hashes.n);
        rec_put(&o, h, sizeof h);
    }
    if (o.bad)
        return hy_txn_fail(t, HY_ELIMIT);
    err = uri.n ? 0 : hy_tally_forget(t, day, domain);
    if (err)
        return err;
    key_of_mark(&k, day, domain);
    return hy_put(t, HY_TABLE_TLS_TALLIES, hy_key_str(&k), hy_str_make(record, o.n), HY_PUT_SET);
}

static int mark(struct hy_write_req *r, struct hy_txn *t)
{
    const struct hy_tally_mark *m = hy_container_of(r, struct hy_tally_mark, req);
    return m->is_unwanted ? hy_tally_forget(t, m->day, m->domain)
                          : hy_tally_mark_put(t, m->day, m->domain, m->uri);
}

void hy_tally_mark_init(struct hy_tally_mark *m)
{
    *m = (struct hy_tally_mark){
        .req = {.class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_FAIL, .apply = mark}};
}

static int trim(struct hy_write_req *r, struct hy_txn *t)
{
    const struct hy_tally_trim *j = hy_container_of(r, struct hy_tally_trim, req);
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_TLS_TALLIES, &c);
    if (!err)
        err = hy_cursor_first(&c);
    while (!err) {
        if (c.key.n >= 4 && hy_get_be32(c.key.p) >= j->before_day)
            break;
        err = hy_cursor_delete(&c);
        if (!err)
            err = hy_txn_should_yield(t) ? HY_EMORE : hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

void hy_tally_trim_init(struct hy_tally_trim *j)
{
    *j = (struct hy_tally_trim){
        .req = {.class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = trim}};
}
