/* The filter before the suppression list, the keys of its hashes, and the rules in force.
 *
 * Addresses that are on the list are few among those that mail goes to, so a Bloom filter in memory
 * answers for the others: 16 bits an id, three of them set in one word, which is one cache line and
 * lets through about one stranger in a hundred. It is filled when the store is opened and grows
 * with the list; only the writer changes it, everybody reads it without a lock. */
#include <stdlib.h>

#include "env_priv.h"
#include "suppress_priv.h"

enum {
    BITS_AN_ID = 16,
    WORDS_LEAST_LOG2 = 10,
    WORDS_MOST_LOG2 = 24, /* 128 MiB: 64 million ids at full strength, more at less */
    GROW_LOG2 = 2,        /* four times as large each time */
};

const struct hy_suppress_rules hy_suppress_rules_default = {
    .reasons = {[HY_STREAM_MARKETING] = (1u << HY_SUPPRESS_REASONS) - 2,
                [HY_STREAM_TRANSACTIONAL] = 1u << HY_SUPPRESS_HARD_BOUNCE |
                                            1u << HY_SUPPRESS_COMPLAINT | 1u << HY_SUPPRESS_MANUAL |
                                            1u << HY_SUPPRESS_ERASED},
    .soft_count = 5,
    .soft_span_s = 7 * 86400,
    .soft_expire_s = 90 * 86400,
};

/* ---- the rules ---- */

void hy_suppress_rules_set(struct hy_env *env, const struct hy_suppress_rules *r)
{
    struct suppress_state *s = &env->suppress;
    for (size_t i = 0; i < HY_STREAMS; i++)
        atomic_store_explicit(&s->rules.reasons[i], r->reasons[i], memory_order_relaxed);
    atomic_store_explicit(&s->rules.soft_count, r->soft_count, memory_order_relaxed);
    atomic_store_explicit(&s->rules.soft_span_s, r->soft_span_s, memory_order_relaxed);
    atomic_store_explicit(&s->rules.soft_expire_s, r->soft_expire_s, memory_order_relaxed);
    atomic_store_explicit(&s->rules.hard_expire_s, r->hard_expire_s, memory_order_relaxed);
}

struct hy_suppress_rules suppress_rules(const struct hy_env *env)
{
    const struct suppress_state *s = &env->suppress;
    struct hy_suppress_rules r = {
        .soft_count = atomic_load_explicit(&s->rules.soft_count, memory_order_relaxed),
        .soft_span_s = atomic_load_explicit(&s->rules.soft_span_s, memory_order_relaxed),
        .soft_expire_s = atomic_load_explicit(&s->rules.soft_expire_s, memory_order_relaxed),
        .hard_expire_s = atomic_load_explicit(&s->rules.hard_expire_s, memory_order_relaxed),
    };
    for (size_t i = 0; i < HY_STREAMS; i++)
        r.reasons[i] = atomic_load_explicit(&s->rules.reasons[i], memory_order_relaxed);
    return r;
}

/* ---- bits ---- */

/* Three bits, by the lower bits of the hash. */
static uint64_t mask_of(uint64_t a)
{
    return UINT64_C(1) << (a & 63) | UINT64_C(1) << (a >> 6 & 63) | UINT64_C(1) << (a >> 12 & 63);
}

static void set(struct suppress_bits *b, uint64_t a)
{
    atomic_fetch_or_explicit(&b->words[a >> b->shift], mask_of(a), memory_order_relaxed);
}

bool suppress_filter_has(const struct suppress_state *s, uint64_t a)
{
    if (!s->is_filtering)
        return true;
    const struct suppress_bits *b = atomic_load_explicit(&s->bits, memory_order_acquire);
    if (!b)
        return false;
    uint64_t word = atomic_load_explicit(&b->words[a >> b->shift], memory_order_relaxed);
    return (word & mask_of(a)) == mask_of(a);
}

static unsigned words_log2(uint64_t ids)
{
    unsigned log2 = WORDS_LEAST_LOG2;
    while (log2 < WORDS_MOST_LOG2 && (UINT64_C(64) << log2) < ids * BITS_AN_ID)
        log2 += GROW_LOG2;
    return log2;
}

static struct suppress_bits *bits_new(unsigned log2)
{
    struct suppress_bits *b = calloc(1, sizeof *b + ((size_t)8 << log2));
    if (b)
        b->shift = 64 - log2;
    return b;
}

/* Sets the bits of all ids that have an entry or soft bounces, and counts them. */
static int read_all(struct hy_txn *t, struct suppress_bits *b, uint64_t *ret_ids,
                    bool *ret_has_domains)
{
    struct hy_cursor c;
    struct hy_suppress_id last = {0};
    int err = hy_cursor_open(t, HY_TABLE_SUPPRESSIONS, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c)) {
        if (c.key.n < SUPPRESS_PREFIX_BYTES || c.key.p[16] == SUPPRESS_ACT ||
            c.key.p[16] == SUPPRESS_COUNTS)
            continue;
        struct hy_suppress_id id = {hy_get_be64(c.key.p), hy_get_be64(c.key.p + 8)};
        struct hy_suppress_entry e;
        if (c.key.p[16] == SUPPRESS_ENTRY && suppress_entry_read(c.key, c.value, &e) == 0)
            *ret_has_domains |= e.is_domain;
        if (hy_suppress_id_eq(id, last))
            continue;
        last = id;
        ++*ret_ids;
        if (b)
            set(b, id.a);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Another array for so many ids, with all that the transaction sees; readers of the old one may
 * still be at work, so it stays. */
static int rebuild(struct hy_txn *t, uint64_t for_ids)
{
    struct suppress_state *s = &t->env->suppress;
    uint64_t ids = 0;
    bool has_domains = false;
    struct suppress_bits *b = bits_new(words_log2(for_ids)),
                         *old = atomic_load_explicit(&s->bits, memory_order_relaxed);
    if (!b)
        return HY_ENOMEM;
    int err = read_all(t, b, &ids, &has_domains);
    if (err) {
        free(b);
        return err;
    }
    b->next = old;
    s->ids = ids;
    atomic_store_explicit(&s->has_domains, has_domains, memory_order_relaxed);
    atomic_store_explicit(&s->bits, b, memory_order_release);
    return 0;
}

/* Ids are counted as often as they are put: the filter grows early rather than late. */
int suppress_filter_add(struct hy_txn *t, struct hy_suppress_id id, bool is_domain)
{
    struct suppress_state *s = &t->env->suppress;
    struct suppress_bits *b = atomic_load_explicit(&s->bits, memory_order_relaxed);
    if (!s->is_filtering || (b && !is_domain && suppress_filter_has(s, id.a)))
        return 0;
    if (!b || words_log2(s->ids + 1) > 64 - b->shift) {
        int err = rebuild(t, s->ids + 1);
        if (err)
            return hy_txn_fail(t, err);
        b = atomic_load_explicit(&s->bits, memory_order_relaxed);
    }
    set(b, id.a);
    s->ids++;
    if (is_domain)
        atomic_store_explicit(&s->has_domains, true, memory_order_release);
    return 0;
}

/* ---- opening ---- */

static void draw_keys(struct hy_env *env)
{
    const uint8_t *secret = env->secret;
    for (size_t i = 0; i < 2; i++) {
        struct hy_hash_key root = {hy_get_le64(secret + 16 * i), hy_get_le64(secret + 16 * i + 8)};
        char label[] = "suppressed address 00";
        label[sizeof label - 3] = (char)('0' + i);
        uint64_t k0 = hy_siphash(&root, label, sizeof label);
        label[sizeof label - 2] = '1';
        env->suppress.keys[i] = (struct hy_hash_key){k0, hy_siphash(&root, label, sizeof label)};
    }
}

int suppress_open(struct hy_env *env, struct hy_diag *diag)
{
    draw_keys(env);
    hy_suppress_rules_set(env, &hy_suppress_rules_default);
    if (env->mode != HY_ENV_OWNER)
        return 0;
    struct hy_txn t = {0};
    uint64_t ids = 0;
    bool has_domains = false;
    int err = hy_txn_read(env, &t);
    if (!err)
        err = read_all(&t, NULL, &ids, &has_domains);
    if (!err && ids)
        err = rebuild(&t, ids);
    hy_txn_end(&t);
    if (err)
        return hy_fail(diag, err, "the suppression list cannot be read: %s", hy_err_text(err));
    env->suppress.is_filtering = true;
    return 0;
}

void suppress_close(struct hy_env *env)
{
    struct suppress_bits *b = atomic_load(&env->suppress.bits);
    while (b) {
        struct suppress_bits *next = b->next;
        free(b);
        b = next;
    }
    explicit_bzero(env->suppress.keys, sizeof env->suppress.keys);
}
