/* The suppression list: putting and taking away, with the history beside it, and the sweep of what
 * has expired. */
#include "hayauma/store/suppress.h"

#include "env_priv.h"
#include "hayauma/base/list.h"
#include "record.h"

/* ---- counts ---- */

static struct hy_str counts_key(uint8_t out[SUPPRESS_PREFIX_BYTES])
{
    return suppress_prefix(out, (struct hy_suppress_id){0}, SUPPRESS_COUNTS);
}

int hy_suppress_counts(struct hy_txn *t, struct hy_suppress_counts *ret)
{
    uint8_t key[SUPPRESS_PREFIX_BYTES];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_SUPPRESSIONS, counts_key(key), &value);
    if (err == HY_ENOTFOUND) {
        *ret = (struct hy_suppress_counts){0};
        return 0;
    }
    return err ? err : suppress_counts_read(value, ret);
}

static int count(struct hy_txn *t, const struct hy_suppress_entry *e, int change)
{
    uint8_t key[SUPPRESS_PREFIX_BYTES], value[SUPPRESS_COUNTS_BYTES] = {SUPPRESS_VERSION};
    struct hy_suppress_counts n;
    int err = hy_suppress_counts(t, &n);
    if (err)
        return hy_txn_fail(t, err);
    n.by_reason[e->key.reason] += (uint64_t)(int64_t)change;
    n.domains += e->is_domain ? (uint64_t)(int64_t)change : 0;
    for (size_t i = 0; i < HY_SUPPRESS_REASONS; i++)
        hy_put_le64(value + 4 + 8 * i, n.by_reason[i]);
    hy_put_le64(value + 4 + 8 * HY_SUPPRESS_REASONS, n.domains);
    return hy_put(t, HY_TABLE_SUPPRESSIONS, counts_key(key), hy_str_make(value, sizeof value),
                  HY_PUT_SET);
}

/* ---- history ---- */

/* The oldest act of an id goes when there are too many. */
static int trim_history(struct hy_txn *t, struct hy_suppress_id id)
{
    uint8_t key[SUPPRESS_PREFIX_BYTES];
    struct hy_str prefix = suppress_prefix(key, id, SUPPRESS_ACT);
    struct hy_cursor c;
    unsigned n = 0;
    int err = hy_cursor_open(t, HY_TABLE_SUPPRESSIONS, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    for (; !err; err = hy_cursor_prefix_next(&c, prefix))
        n++;
    if (err == HY_ENOTFOUND)
        err = n > HY_SUPPRESS_HISTORY_MAX ? hy_cursor_prefix_first(&c, prefix) : HY_ENOTFOUND;
    if (!err)
        err = hy_cursor_delete(&c);
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int remember(struct hy_txn *t, enum hy_suppress_op op, const struct hy_suppress_entry *e,
                    struct hy_str by, struct hy_str source)
{
    struct hy_suppress_act a = {
        .id = hy_txn_new_id(t),
        .op = op,
        .key = e->key,
        .expires = e->expires,
        .by = hy_str_slice(by, 0, HY_SUPPRESS_BY_MAX),
        .source = e->is_hashed ? HY_STR("") : hy_str_slice(source, 0, HY_SUPPRESS_SOURCE_MAX),
    };
    int err = suppress_act_write(t, &a);
    return err ? err : trim_history(t, e->key.id);
}

/* ---- forgetting the address itself ---- */

/* The value of an entry or act without what could tell whose it is. Views die with the write, so
 * the record is copied first. */
static int anonymise_here(struct hy_txn *t, struct hy_str key, struct hy_str value)
{
    uint8_t key_copy[SUPPRESS_ENTRY_KEY_BYTES], copy[HY_SUPPRESS_WHAT_MAX + 1024];
    struct hy_suppress_entry e;
    struct hy_suppress_act a;
    if (key.n > sizeof key_copy || value.n > sizeof copy)
        return hy_txn_fail(t, HY_ECORRUPT);
    memcpy(key_copy, key.p, key.n);
    memcpy(copy, value.p, value.n);
    key = hy_str_make(key_copy, key.n);
    value = hy_str_make(copy, value.n);
    if (suppress_entry_read(key, value, &e) == 0) {
        e.is_hashed = true;
        e.what = e.source = HY_STR("");
        return suppress_entry_write(t, &e);
    }
    if (suppress_act_read(key, value, &a) == 0) {
        a.source = HY_STR("");
        return suppress_act_write(t, &a);
    }
    return 0;
}

static int anonymise(struct hy_txn *t, struct hy_suppress_id id)
{
    uint8_t prefix[SUPPRESS_PREFIX_BYTES], at[SUPPRESS_ENTRY_KEY_BYTES + 1];
    struct hy_str own =
        hy_str_make(suppress_prefix(prefix, id, SUPPRESS_ENTRY).p, SUPPRESS_ID_BYTES);
    size_t n = own.n;
    memcpy(at, own.p, n);
    for (;;) { /* a write spoils the cursor's views: each step seeks anew */
        struct hy_cursor c;
        int err = hy_cursor_open(t, HY_TABLE_SUPPRESSIONS, &c);
        if (!err)
            err = hy_cursor_seek(&c, hy_str_make(at, n));
        if (!err && (!hy_str_starts(c.key, own) || c.key.n >= sizeof at))
            err = HY_ENOTFOUND;
        if (!err) {
            n = c.key.n;
            memcpy(at, c.key.p, n);
            at[n++] = 0; /* the smallest key behind it */
            err = anonymise_here(t, c.key, c.value);
        }
        hy_cursor_close(&c);
        if (err)
            return err == HY_ENOTFOUND ? 0 : err;
    }
}

/* ---- putting ---- */

static bool is_known_key(const struct hy_suppress_key *k)
{
    if ((unsigned)k->scope >= HY_SUPPRESS_SCOPES || k->reason == 0 ||
        (unsigned)k->reason >= HY_SUPPRESS_REASONS)
        return false;
    switch (k->scope) {
    case HY_SUPPRESS_ALL:
        return k->tenant == 0 && k->no == 0;
    case HY_SUPPRESS_STREAM:
        return k->no < HY_STREAMS;
    case HY_SUPPRESS_LIST:
        return k->no > 0;
    default:
        return k->no == 0;
    }
}

static int read_entry(struct hy_txn *t, const struct hy_suppress_key *k,
                      struct hy_suppress_entry *ret)
{
    uint8_t room[SUPPRESS_ENTRY_KEY_BYTES];
    struct hy_str key = suppress_entry_key(room, k), value;
    int err = hy_get(t, HY_TABLE_SUPPRESSIONS, key, &value);
    if (err)
        return err;
    err = suppress_entry_read(key, value, ret);
    return err ? hy_txn_fail(t, err) : 0;
}

static int change_expiry(struct hy_txn *t, const struct hy_suppress_key *k, hy_wall_ms from,
                         hy_wall_ms to)
{
    static const char version = SUPPRESS_VERSION;
    uint8_t key[SUPPRESS_EXPIRY_KEY_BYTES];
    int err = 0;
    if (from == to)
        return 0;
    if (from)
        err = hy_del(t, HY_TABLE_SUPPRESS_EXPIRY, suppress_expiry_key(key, from, k));
    if (err == HY_ENOTFOUND)
        err = hy_txn_fail(t, HY_ECORRUPT);
    if (!err && to)
        err = hy_put(t, HY_TABLE_SUPPRESS_EXPIRY, suppress_expiry_key(key, to, k),
                     hy_str_make(&version, 1), HY_PUT_SET);
    return err;
}

/* What is stored when `e` meets what is there; tells what that changes. */
static enum hy_suppress_did meet(const struct hy_suppress_entry *old, struct hy_suppress_entry *e,
                                 hy_wall_ms now)
{
    bool is_over = old->expires && old->expires <= now;
    if (old->is_hashed)
        e->is_hashed = true;
    if (!is_over) {
        e->created = old->created;
        if (old->expires == 0 || (e->expires && e->expires < old->expires))
            e->expires = old->expires;
    }
    bool is_same = !is_over && e->expires == old->expires && e->is_hashed == old->is_hashed;
    return is_same ? HY_SUPPRESS_SAME : HY_SUPPRESS_CHANGED;
}

static int prepare(struct hy_txn *t, const struct hy_suppress_entry *given,
                   struct hy_suppress_entry *e)
{
    *e = *given;
    if (e->what.n) {
        int err = hy_suppress_id_of(t->env, e->what, &e->key.id);
        if (err)
            return err;
        e->is_domain = e->what.p[0] == '@';
    } else if (!e->is_hashed) {
        return HY_EINVAL;
    }
    if (!is_known_key(&e->key) || (e->key.id.a == 0 && e->key.id.b == 0) || e->expires < 0 ||
        e->created < 0)
        return HY_EINVAL;
    e->source = hy_str_slice(e->source, 0, HY_SUPPRESS_SOURCE_MAX);
    e->by = hy_str_slice(e->by, 0, HY_SUPPRESS_BY_MAX);
    if (e->created == 0)
        e->created = t->now;
    return 0;
}

int hy_suppress_put(struct hy_txn *t, const struct hy_suppress_entry *given,
                    enum hy_suppress_did *ret_did)
{
    struct hy_suppress_entry e, old;
    enum hy_suppress_did did = HY_SUPPRESS_ADDED;
    hy_wall_ms old_expires = 0;
    int err = prepare(t, given, &e);
    if (err)
        return err;
    err = read_entry(t, &e.key, &old);
    if (!err) {
        did = meet(&old, &e, t->now);
        old_expires = old.expires;
    } else if (err != HY_ENOTFOUND) {
        return err;
    }
    if (ret_did)
        *ret_did = did;
    if (did == HY_SUPPRESS_SAME)
        return 0;
    struct hy_str source = e.source;
    if (e.is_hashed)
        e.what = e.source = HY_STR("");
    err = suppress_filter_add(t, e.key.id, e.is_domain);
    if (!err)
        err = suppress_entry_write(t, &e); /* `old` is gone from here on */
    if (!err)
        err = change_expiry(t, &e.key, old_expires, e.expires);
    if (!err && did == HY_SUPPRESS_ADDED)
        err = count(t, &e, 1);
    if (!err)
        err = remember(t, did == HY_SUPPRESS_ADDED ? HY_SUPPRESS_OP_ADDED : HY_SUPPRESS_OP_CHANGED,
                       &e, e.by, source);
    if (!err && given->is_hashed)
        err = anonymise(t, e.key.id);
    return err;
}

/* ---- taking away ---- */

static int take_away(struct hy_txn *t, const struct hy_suppress_key *k, enum hy_suppress_op op,
                     struct hy_str by, struct hy_str why)
{
    uint8_t key[SUPPRESS_ENTRY_KEY_BYTES];
    struct hy_suppress_entry e;
    int err = read_entry(t, k, &e);
    if (err)
        return err;
    e.what = e.source = e.by = HY_STR(""); /* views that die */
    err = hy_del(t, HY_TABLE_SUPPRESSIONS, suppress_entry_key(key, k));
    if (!err)
        err = change_expiry(t, k, e.expires, 0);
    if (!err)
        err = count(t, &e, -1);
    return err ? err : remember(t, op, &e, by, why);
}

int hy_suppress_del(struct hy_txn *t, const struct hy_suppress_key *k, struct hy_str by,
                    struct hy_str why)
{
    return is_known_key(k) ? take_away(t, k, HY_SUPPRESS_OP_REMOVED, by, why) : HY_EINVAL;
}

static int sweep(struct hy_write_req *r, struct hy_txn *t)
{
    (void)r;
    for (;;) {
        struct hy_suppress_key k;
        struct hy_cursor c;
        int err = hy_cursor_open(t, HY_TABLE_SUPPRESS_EXPIRY, &c);
        if (!err)
            err = hy_cursor_first(&c);
        if (!err && c.key.n != SUPPRESS_EXPIRY_KEY_BYTES)
            err = hy_txn_fail(t, HY_ECORRUPT);
        if (!err && (hy_wall_ms)hy_get_be32(c.key.p) * 1000 > t->now)
            err = HY_ENOTFOUND;
        if (!err)
            err = suppress_entry_key_read(hy_str_slice(c.key, 4, c.key.n), &k);
        hy_cursor_close(&c);
        if (!err) {
            err = take_away(t, &k, HY_SUPPRESS_OP_EXPIRED, HY_STR("hayauma"), HY_STR(""));
            if (err == HY_ENOTFOUND)
                err = hy_txn_fail(t, HY_ECORRUPT);
        }
        if (err)
            return err == HY_ENOTFOUND ? 0 : err;
        if (hy_txn_should_yield(t))
            return HY_EMORE;
    }
}

void hy_suppress_sweep_init(struct hy_suppress_sweep_job *j)
{
    *j = (struct hy_suppress_sweep_job){
        .req = {.class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = sweep}};
}
