/* What activities are found by, and what is counted of them. Entries of the index lie behind each
 * other by time for each message, visitor, ref or address, and for each kind of what a lead did:
 * whoever asks whether it ordered steps over no page views. The youngest of a lead lie apart
 * (activity_young.c), and those that were made before the kind was in their key are read until
 * their records are trimmed. */
#include "activity.h"
#include "hayauma/base/hash.h"
#include "hayauma/store/lead_alias.h"
#include "lead_priv.h"

enum { ENTRY_VERSION = 1, COUNT_VERSION = 1 };
enum { COUNT_KEY = 8 + 3 + 4, COUNT_VALUE = 1 + 8 };

/* In this store: what strangers choose cannot be made to share one. */
static uint64_t hash_of_ref(const struct hy_env *env, struct hy_str ref)
{
    const struct hy_hash_key key = hy_lead_hash_key(env);
    return hy_siphash(&key, ref.p, ref.n);
}

static uint64_t hash_of(const struct hy_env *env, struct hy_str address)
{
    char lower[HY_ADDRESS_MAX];
    size_t n = address.n < sizeof lower ? address.n : sizeof lower;
    for (size_t i = 0; i < n; i++)
        lower[i] = hy_ascii_lower(address.p[i]);
    return hash_of_ref(env, hy_str_make(lower, n));
}

/* What a lead did of one kind, among the young or the settled. */
static void lead_prefix(struct hy_key *k, char among, hy_lead_no lead, uint8_t kind)
{
    hy_key_start(k);
    hy_key_bytes(k, hy_str_make(&among, 1));
    hy_key_u32(k, lead);
    hy_key_bytes(k, hy_str_make(&kind, 1));
}

static void prefix_of(const struct hy_env *env, struct hy_key *k, const struct hy_activity_who *who)
{
    hy_key_start(k);
    switch (who->by) {
    case HY_ACTIVITY_BY_LEAD:
        lead_prefix(k, ACTIVITY_YOUNG, who->lead, who->kind);
        return;
    case HY_ACTIVITY_BY_MESSAGE:
        hy_key_bytes(k, HY_STR("m"));
        hy_key_u64(k, who->message);
        return;
    case HY_ACTIVITY_BY_VISITOR:
        hy_key_bytes(k, HY_STR("v"));
        hy_key_u64(k, who->visitor);
        return;
    case HY_ACTIVITY_BY_REF:
        hy_key_bytes(k, HY_STR("r"));
        hy_key_u64(k, hash_of_ref(env, who->ref));
        return;
    case HY_ACTIVITY_BY_ADDRESS:
        hy_key_bytes(k, HY_STR("a"));
        hy_key_u64(k, hash_of(env, who->address));
        return;
    }
}

/* Of all of a lead's activities, as it was before kinds were in the key. */
static void old_prefix_of(struct hy_key *k, hy_lead_no lead)
{
    hy_key_start(k);
    hy_key_bytes(k, HY_STR("l"));
    hy_key_u32(k, lead);
}

unsigned hy_activity_keys(const struct hy_env *env, const struct hy_activity *a,
                          struct hy_key keys[ACTIVITY_INDEX_MAX])
{
    struct hy_activity_who who[ACTIVITY_INDEX_MAX];
    unsigned n = 0;
    if (a->lead)
        who[n++] = (struct hy_activity_who){
            .by = HY_ACTIVITY_BY_LEAD, .lead = a->lead, .kind = (uint8_t)a->kind};
    if (a->message)
        who[n++] = (struct hy_activity_who){.by = HY_ACTIVITY_BY_MESSAGE, .message = a->message};
    if (n == 0 && a->address.n)
        who[n++] = (struct hy_activity_who){.by = HY_ACTIVITY_BY_ADDRESS, .address = a->address};
    if (a->visitor)
        who[n++] = (struct hy_activity_who){.by = HY_ACTIVITY_BY_VISITOR, .visitor = a->visitor};
    if (a->ref.n)
        who[n++] = (struct hy_activity_who){.by = HY_ACTIVITY_BY_REF, .ref = a->ref};
    for (unsigned i = 0; i < n; i++) {
        prefix_of(env, &keys[i], &who[i]);
        hy_key_u64(&keys[i], a->id);
    }
    return n;
}

int hy_activity_index_put(struct hy_txn *t, const struct hy_activity *a)
{
    static const uint8_t value = ENTRY_VERSION;
    struct hy_key keys[ACTIVITY_INDEX_MAX];
    unsigned n = hy_activity_keys(t->env, a, keys);
    int err = 0;
    for (unsigned i = 0; i < n && !err; i++)
        err = i == 0 && a->lead ? hy_activity_young_put(t, hy_key_str(&keys[i]))
                                : hy_put(t, HY_TABLE_ACTIVITY_INDEX, hy_key_str(&keys[i]),
                                         hy_str_make(&value, 1), HY_PUT_SET);
    return err;
}

bool hy_activity_settled_key(const struct hy_activity *a, unsigned no, struct hy_key *ret)
{
    if (!a->lead)
        return false;
    if (no == 0)
        lead_prefix(ret, ACTIVITY_SETTLED, a->lead, (uint8_t)a->kind);
    else
        old_prefix_of(ret, a->lead);
    hy_key_u64(ret, a->id);
    return true;
}

/* Of a lead: most that are dropped are old. */
static int drop_of_lead(struct hy_txn *t, const struct hy_activity *a, const struct hy_key *young)
{
    struct hy_key key;
    int err = HY_ENOTFOUND;
    for (unsigned no = 0; no < ACTIVITY_SETTLED_KEYS && err == HY_ENOTFOUND; no++)
        if (hy_activity_settled_key(a, no, &key))
            err = hy_del(t, HY_TABLE_ACTIVITY_INDEX, hy_key_str(&key));
    return err == HY_ENOTFOUND ? hy_activity_young_drop(t, hy_key_str(young)) : err;
}

int hy_activity_index_drop(struct hy_txn *t, const struct hy_activity *a)
{
    struct hy_key keys[ACTIVITY_INDEX_MAX];
    unsigned n = hy_activity_keys(t->env, a, keys);
    int err = 0;
    for (unsigned i = 0; i < n && (!err || err == HY_ENOTFOUND); i++)
        err = i == 0 && a->lead ? drop_of_lead(t, a, &keys[i])
                                : hy_del(t, HY_TABLE_ACTIVITY_INDEX, hy_key_str(&keys[i]));
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Whether a record is one of those asked for: addresses and refs may share a hash. */
static bool is_of(const struct hy_activity_who *who, const struct hy_activity *a)
{
    switch (who->by) {
    case HY_ACTIVITY_BY_LEAD:
        return a->lead == who->lead && (!who->kind || a->kind == who->kind);
    case HY_ACTIVITY_BY_MESSAGE:
        return a->message == who->message;
    case HY_ACTIVITY_BY_VISITOR:
        return a->visitor == who->visitor;
    case HY_ACTIVITY_BY_REF:
        return hy_str_eq(a->ref, who->ref);
    case HY_ACTIVITY_BY_ADDRESS:
        return hy_str_ieq(a->address, who->address);
    }
    return false;
}

/* In which direction is looked for the nearest; 0 as a place: from the end. */
enum way { BEFORE, AFTER };

/* Stands on the first entry in that direction, whatever it is of. */
static int start(struct hy_cursor *c, const struct hy_key *prefix, hy_id from, enum way way)
{
    struct hy_key at = *prefix;
    if (way == AFTER && from == UINT64_MAX)
        return HY_ENOTFOUND;
    hy_key_u64(&at, way == AFTER ? from + 1 : from ? from : UINT64_MAX);
    int err = hy_cursor_seek(c, hy_key_str(&at));
    if (way == AFTER)
        return err;
    return err == HY_ENOTFOUND ? hy_cursor_last(c) : err ? err : hy_cursor_prev(c);
}

/* The nearest under a prefix. */
static int near_in(struct hy_cursor *c, const struct hy_activity_who *who,
                   const struct hy_key *prefix, hy_id from, enum way way, struct hy_activity *ret)
{
    int err = start(c, prefix, from, way);
    for (; !err; err = way == AFTER ? hy_cursor_next(c) : hy_cursor_prev(c)) {
        if (c->key.n != prefix->n + 8 || !hy_str_starts(c->key, hy_key_str(prefix)))
            return HY_ENOTFOUND;
        if (hy_activity_get(c->txn, hy_get_be64(c->key.p + prefix->n), ret) == 0 && is_of(who, ret))
            return 0;
    }
    return err;
}

/* Keeps the nearer of two. */
static int choose(int err, const struct hy_activity *a, enum way way, struct hy_activity *best)
{
    if (!err && (best->id == 0 || (way == AFTER) == (a->id < best->id)))
        *best = *a;
    return err == HY_ENOTFOUND ? 0 : err;
}

/* The next kind behind `kind` of which the number did something, by the young or the settled.
 * HY_ENOTFOUND. */
static int next_kind(struct hy_cursor *c, char among, hy_lead_no lead, uint8_t *kind)
{
    struct hy_key at;
    if (*kind == UINT8_MAX)
        return HY_ENOTFOUND;
    lead_prefix(&at, among, lead, *kind + 1);
    int err = hy_cursor_seek(c, hy_key_str(&at));
    if (!err && (c->key.n != at.n + 8 || memcmp(c->key.p, at.b, at.n - 1) != 0))
        err = HY_ENOTFOUND;
    if (!err)
        *kind = (uint8_t)c->key.p[at.n - 1];
    return err;
}

/* Of one number, of the kind that is asked for or of each. */
static int near_among(struct hy_cursor *c, char among, const struct hy_activity_who *who,
                      hy_id from, enum way way, struct hy_activity *best)
{
    struct hy_activity_who one = *who;
    struct hy_activity a;
    struct hy_key prefix;
    int err = 0;
    while (!err && (who->kind || (err = next_kind(c, among, who->lead, &one.kind)) == 0)) {
        lead_prefix(&prefix, among, one.lead, one.kind);
        err = choose(near_in(c, &one, &prefix, from, way, &a), &a, way, best);
        if (who->kind)
            break;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Of one number: its entries by kind, and those from before. */
static int near_of_number(struct hy_cursor *c, const struct hy_activity_who *who, hy_id from,
                          enum way way, struct hy_activity *best)
{
    struct hy_activity a;
    struct hy_key prefix;
    old_prefix_of(&prefix, who->lead);
    int err = choose(near_in(c, who, &prefix, from, way, &a), &a, way, best);
    if (!err)
        err = near_among(c, ACTIVITY_SETTLED, who, from, way, best);
    return err ? err : near_among(c, ACTIVITY_YOUNG, who, from, way, best);
}

/* Of a lead and of all that was merged into it; or of something else. */
static int near_of(struct hy_txn *t, const struct hy_activity_who *who, hy_id from, enum way way,
                   struct hy_activity *ret)
{
    hy_lead_no parts[HY_LEAD_PARTS_MAX];
    struct hy_activity_who one = *who;
    struct hy_activity best = {.id = 0};
    struct hy_key prefix;
    struct hy_cursor c;
    size_t n = 0;
    int err = hy_cursor_open(t, HY_TABLE_ACTIVITY_INDEX, &c);
    if (!err && who->by == HY_ACTIVITY_BY_LEAD && !who->is_number)
        err = hy_lead_parts(t, who->lead, parts, &n);
    else if (!err && who->by == HY_ACTIVITY_BY_LEAD)
        parts[n++] = who->lead;
    for (size_t i = 0; i < n && !err; i++) {
        one.lead = parts[i];
        err = near_of_number(&c, &one, from, way, &best);
    }
    if (!err && who->by != HY_ACTIVITY_BY_LEAD) {
        prefix_of(t->env, &prefix, who);
        err = near_in(&c, who, &prefix, from, way, &best);
    }
    hy_cursor_close(&c);
    if (!err && best.id == 0)
        err = HY_ENOTFOUND;
    if (!err)
        *ret = best;
    return err;
}

int hy_activity_prev_of(struct hy_txn *t, const struct hy_activity_who *who, hy_id before,
                        struct hy_activity *ret)
{
    return near_of(t, who, before, BEFORE, ret);
}

int hy_activity_next_of(struct hy_txn *t, const struct hy_activity_who *who, hy_id after,
                        struct hy_activity *ret)
{
    return near_of(t, who, after, AFTER, ret);
}

/* ---- counts ---- */

/* Whether it counts for segments and scores says nothing of who did it. */
static uint8_t counted_flags(const struct hy_activity *a)
{
    return a->flags & (uint8_t)~HY_ACTIVITY_COUNTED;
}

int hy_activity_count_add(struct hy_txn *t, const struct hy_activity *a, int by)
{
    uint8_t key[COUNT_KEY], value[COUNT_VALUE] = {COUNT_VERSION};
    struct hy_str k = hy_str_make(key, sizeof key), old;
    uint64_t n = 0;
    hy_put_be64(key, a->campaign);
    key[8] = (uint8_t)a->kind;
    key[9] = a->reason;
    key[10] = counted_flags(a);
    hy_put_be32(key + 11, a->message ? 0 : a->domain);
    int err = hy_get(t, HY_TABLE_ACTIVITY_COUNTS, k, &old);
    if (!err && old.n == sizeof value && old.p[0] == COUNT_VERSION)
        n = hy_get_le64(old.p + 1);
    else if (err && err != HY_ENOTFOUND)
        return err;
    n += (uint64_t)(int64_t)by;
    if (n == 0)
        return hy_del(t, HY_TABLE_ACTIVITY_COUNTS, k);
    hy_put_le64(value + 1, n);
    return hy_put(t, HY_TABLE_ACTIVITY_COUNTS, k, hy_str_make(value, sizeof value), HY_PUT_SET);
}

int hy_activity_counts(struct hy_txn *t, hy_id campaign,
                       int (*each)(void *ctx, const struct hy_activity_count *n), void *ctx)
{
    uint8_t prefix[8];
    struct hy_cursor c;
    hy_put_be64(prefix, campaign);
    int err = hy_cursor_open(t, HY_TABLE_ACTIVITY_COUNTS, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_str_make(prefix, sizeof prefix));
    while (!err) {
        err = hy_value_check(c.value, COUNT_VERSION);
        if (!err && (c.key.n != COUNT_KEY || c.value.n != COUNT_VALUE))
            err = HY_ECORRUPT;
        if (err)
            break;
        struct hy_activity_count n = {
            .kind = (enum hy_activity_kind)(uint8_t)c.key.p[8],
            .reason = (uint8_t)c.key.p[9],
            .flags = (uint8_t)c.key.p[10],
            .domain = hy_get_be32(c.key.p + 11),
            .n = hy_get_le64(c.value.p + 1),
        };
        err = each(ctx, &n);
        if (!err)
            err = hy_cursor_prefix_next(&c, hy_str_make(prefix, sizeof prefix));
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}
