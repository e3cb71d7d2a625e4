/* The suppression list's inside: keys and values, the filter in memory, effects of outcomes.
 *
 * Table `suppressions`. Key: id (be64 a, be64 b), part u8; of an entry ('e') then scope u8, tenant
 * be32, no be32, reason u8; of an act of its history ('h') then be64 id; of soft bounces ('s') then
 * tenant be32. All that is known of an address lies together. The key of 16 zero bytes and 'n' has
 * the counts. Table `suppress_expiry`: be32 second, then the key of an entry -> nothing. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "hayauma/base/bytes.h"
#include "hayauma/base/hash.h"
#include "hayauma/store/attempt.h"
#include "hayauma/store/suppress.h"

enum {
    SUPPRESS_VERSION = 1,
    SUPPRESS_ID_BYTES = 16,
    SUPPRESS_PREFIX_BYTES = SUPPRESS_ID_BYTES + 1,
    SUPPRESS_ENTRY_KEY_BYTES = SUPPRESS_PREFIX_BYTES + 10,
    SUPPRESS_ACT_KEY_BYTES = SUPPRESS_PREFIX_BYTES + 8,
    SUPPRESS_SOFT_KEY_BYTES = SUPPRESS_PREFIX_BYTES + 4,
    SUPPRESS_EXPIRY_KEY_BYTES = 4 + SUPPRESS_ENTRY_KEY_BYTES,
    SUPPRESS_COUNTS_BYTES = 4 + 8 * (HY_SUPPRESS_REASONS + 1),
};
enum suppress_part {
    SUPPRESS_ENTRY = 'e',
    SUPPRESS_ACT = 'h',
    SUPPRESS_COUNTS = 'n',
    SUPPRESS_SOFTS = 's'
};

/* ---- keys and values (suppress_record.c) ---- */

struct hy_str suppress_prefix(uint8_t out[SUPPRESS_PREFIX_BYTES], struct hy_suppress_id id,
                              enum suppress_part part);
struct hy_str suppress_entry_key(uint8_t out[SUPPRESS_ENTRY_KEY_BYTES],
                                 const struct hy_suppress_key *k);
struct hy_str suppress_expiry_key(uint8_t out[SUPPRESS_EXPIRY_KEY_BYTES], hy_wall_ms expires,
                                  const struct hy_suppress_key *k);
/* HY_ECORRUPT. */
HY_MUST_USE int suppress_entry_key_read(struct hy_str key, struct hy_suppress_key *ret);
/* The second of an expiry, rounded up: what is taken away then has expired. */
static inline uint32_t suppress_expiry_s(hy_wall_ms expires)
{
    return expires / 1000 >= UINT32_MAX ? UINT32_MAX : (uint32_t)((expires + 999) / 1000);
}
/* Key and value of an entry; views. HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int suppress_entry_read(struct hy_str key, struct hy_str value,
                                    struct hy_suppress_entry *ret);
int suppress_entry_write(struct hy_txn *t, const struct hy_suppress_entry *e);
HY_MUST_USE int suppress_act_read(struct hy_str key, struct hy_str value,
                                  struct hy_suppress_act *ret);
int suppress_act_write(struct hy_txn *t, const struct hy_suppress_act *a);
HY_MUST_USE int suppress_soft_read(struct hy_str value, struct hy_suppress_soft *ret);
/* Whether the key could be one of the counts', and what stands there. */
HY_MUST_USE int suppress_counts_read(struct hy_str value, struct hy_suppress_counts *ret);

/* ---- the filter and the rules: in the environment (suppress_filter.c) ---- */

struct suppress_bits {
    unsigned shift;             /* a word's index is the hash's upper bits: a >> shift */
    struct suppress_bits *next; /* older and smaller ones, which readers may still look at */
    _Atomic uint64_t words[];
};

/* Three bits of one word stand for an id; bits are only ever added, until a restart. */
struct suppress_state {
    struct hy_hash_key keys[2];
    bool is_filtering; /* the owner has a filter; readers beside it look into the store */
    _Atomic(struct suppress_bits *) bits; /* NULL: the list is empty */
    atomic_bool has_domains;              /* some of the ids are of whole domains */
    uint64_t ids;                         /* about how many it holds; the writer's */
    struct {
        _Atomic uint32_t reasons[HY_STREAMS], soft_count, soft_span_s, soft_expire_s, hard_expire_s;
    } rules;
};

/* Draws the keys from the secret; reads all ids when the environment is an owner's. */
HY_MUST_USE int suppress_open(struct hy_env *env, struct hy_diag *diag);
void suppress_close(struct hy_env *env);
/* From now on the filter lets the id through. Before the commit: one that fails leaves a bit too
 * many. HY_ENOMEM. */
HY_MUST_USE int suppress_filter_add(struct hy_txn *t, struct hy_suppress_id id, bool is_domain);
/* Whether something may be stored of the id. */
bool suppress_filter_has(const struct suppress_state *s, uint64_t a);
/* Whether it may be stored of any at all. */
static inline bool suppress_filter_is_empty(const struct suppress_state *s)
{
    return s->is_filtering && !atomic_load_explicit(&s->bits, memory_order_acquire);
}
struct hy_suppress_rules suppress_rules(const struct hy_env *env);

/* ---- what an outcome does (suppress_soft.c) ---- */

/* a->effect, in the transaction that settled the row. */
int suppress_apply(struct hy_txn *t, const struct hy_attempt *a);
/* The address is dead: nothing more of the tenant goes there. HY_EPARSE. */
int suppress_hard(struct hy_txn *t, struct hy_str address, uint32_t tenant, struct hy_str source);
