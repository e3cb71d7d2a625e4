/* The suppression list: to whom nothing may be sent, how far that reaches, and why. Looked at when
 * rows are made and again when each message is pressed; written by bounces, complaints,
 * unsubscribes, people and imports.
 *
 * An address is found by a keyed hash of its normalised form, so that an entry may keep the hash
 * alone and outlive the erasure of the lead. A filter in memory answers for all who are not on the
 * list; only a hit in it costs a look into the store. What happened to an address is kept beside
 * its entries, as proof. See docs/storage.md. */
#pragma once
#include "hayauma/model/lead.h"
#include "hayauma/model/recipient.h"
#include "hayauma/store/env.h"
#include "hayauma/store/writer.h"

enum {
    HY_SUPPRESS_SOURCE_MAX = 255, /* bytes of why, in words: a server's reply, a file's name ... */
    HY_SUPPRESS_BY_MAX = 64,      /* bytes of who */
    HY_SUPPRESS_HISTORY_MAX = 64, /* acts remembered of an address; the oldest go */
    HY_SUPPRESS_WHAT_MAX = HY_ADDRESS_MAX + 2,
    HY_SUPPRESS_TOKEN_MAX = 48, /* "h1:key:hash", NUL-terminated */
};

/* How far an entry reaches. Stored: never renumber. */
enum hy_suppress_scope {
    HY_SUPPRESS_ALL = 0,    /* the whole installation, every tenant */
    HY_SUPPRESS_TENANT = 1, /* all mail of a tenant */
    HY_SUPPRESS_STREAM = 2, /* its mail of one stream; `no` says which */
    HY_SUPPRESS_LIST = 3,   /* its campaigns to one list; `no` is the list's number */
    HY_SUPPRESS_SCOPES,
};
/* Stored: never renumber. */
enum hy_suppress_reason {
    HY_SUPPRESS_HARD_BOUNCE = 1,
    HY_SUPPRESS_SOFT_BOUNCES = 2, /* too many of them */
    HY_SUPPRESS_COMPLAINT = 3,
    HY_SUPPRESS_UNSUBSCRIBE = 4,
    HY_SUPPRESS_MANUAL = 5,
    HY_SUPPRESS_IMPORTED = 6,
    HY_SUPPRESS_ERASED = 7, /* the person asked to be forgotten */
    HY_SUPPRESS_REASONS,
};
/* Kinds of mail that heed different reasons. Stored: never renumber. */
enum hy_stream { HY_STREAM_MARKETING = 0, HY_STREAM_TRANSACTIONAL = 1 };
enum { HY_STREAMS = 2 };

const char *hy_suppress_scope_name(enum hy_suppress_scope s);   /* "all", "tenant" ... */
const char *hy_suppress_reason_name(enum hy_suppress_reason r); /* "hard-bounce" ... */
const char *hy_stream_name(enum hy_stream s);                   /* "marketing" ... */
/* HY_ENOTFOUND leaves *ret untouched. */
HY_MUST_USE int hy_suppress_scope_find(struct hy_str name, enum hy_suppress_scope *ret);
HY_MUST_USE int hy_suppress_reason_find(struct hy_str name, enum hy_suppress_reason *ret);
HY_MUST_USE int hy_stream_find(struct hy_str name, enum hy_stream *ret);
/* What it makes of a lead. */
enum hy_lead_status hy_suppress_status(enum hy_suppress_reason r);

/* An address or a domain, by its keyed hash in this store; {0, 0} is none. */
struct hy_suppress_id {
    uint64_t a, b;
};
static inline bool hy_suppress_id_eq(struct hy_suppress_id x, struct hy_suppress_id y)
{
    return x.a == y.a && x.b == y.b;
}
/* Of an address in wire form, or of "@domain" in lower-case A-labels. HY_EPARSE. Any thread. */
HY_MUST_USE int hy_suppress_id_of(const struct hy_env *env, struct hy_str what,
                                  struct hy_suppress_id *ret);
/* The id as text that people can carry to another place and back: "h1:KEY:HASH", where KEY tells
 * whose hash it is. Reading: HY_EPARSE, HY_EAUTH (of another store's key). Any thread. */
const char *hy_suppress_token(const struct hy_env *env, struct hy_suppress_id id,
                              char out[HY_SUPPRESS_TOKEN_MAX]);
HY_MUST_USE int hy_suppress_token_read(const struct hy_env *env, struct hy_str text,
                                       struct hy_suppress_id *ret);
/* What a person typed, "Taro@Example.JP" or "@Example.JP", in the form that this file wants; `out`
 * is NUL-terminated. HY_EPARSE with a note. Any thread. */
HY_MUST_USE int hy_suppress_what_parse(struct hy_str text, char out[HY_SUPPRESS_WHAT_MAX],
                                       struct hy_diag *diag);

/* What an entry is about; an address has at most one of each. */
struct hy_suppress_key {
    struct hy_suppress_id id;
    enum hy_suppress_scope scope;
    uint32_t tenant; /* 0: the installation's own mail; with HY_SUPPRESS_ALL always 0 */
    uint32_t no;     /* of the stream or list; else 0 */
    enum hy_suppress_reason reason;
};
struct hy_suppress_entry {
    struct hy_suppress_key key;
    bool is_domain;       /* it stands for every address of a domain */
    bool is_hashed;       /* only the hash is kept, `what` and `source` are empty */
    struct hy_str what;   /* wire form, or "@domain" */
    hy_wall_ms created;   /* 0 when putting: now */
    hy_wall_ms expires;   /* 0 = never */
    struct hy_str source; /* where it comes from, in words; longer ones are cut */
    struct hy_str by;     /* who put it: "bounce", "uid 0", "api shop" ...; likewise */
};

/* ---- changing: the writer's transaction only ---------------------------------------------------
 */

enum hy_suppress_did { HY_SUPPRESS_ADDED = 1, HY_SUPPRESS_CHANGED, HY_SUPPRESS_SAME };

/* Puts an entry. key.id is not read when `what` is given, and may stand alone when `is_hashed` is
 * set. One that is there keeps its beginning; the later end counts, and no end is the latest;
 * `is_hashed` forgets the address in all that is stored of it. HY_EPARSE (what), HY_EINVAL (key).
 * `ret_did` may be NULL. */
HY_MUST_USE int hy_suppress_put(struct hy_txn *t, const struct hy_suppress_entry *e,
                                enum hy_suppress_did *ret_did);
/* Takes one away; `by` and `why` go into the history. HY_ENOTFOUND. */
HY_MUST_USE int hy_suppress_del(struct hy_txn *t, const struct hy_suppress_key *k, struct hy_str by,
                                struct hy_str why);
/* A message to the address failed for a reason that may pass. Counted for the tenant; the one too
 * many (see hy_suppress_rules) suppresses the address there. *ret_suppressed may be NULL. */
HY_MUST_USE int hy_suppress_soft(struct hy_txn *t, struct hy_str address, uint32_t tenant,
                                 struct hy_str source, bool *ret_suppressed);
/* It was delivered: its soft bounces are forgotten. */
HY_MUST_USE int hy_suppress_soft_reset(struct hy_txn *t, struct hy_str address, uint32_t tenant);

/* A long job: takes away what has expired. */
struct hy_suppress_sweep_job {
    struct hy_write_req req; /* first; done is the caller's */
};
void hy_suppress_sweep_init(struct hy_suppress_sweep_job *j);

/* ---- asking --------------------------------------------------------------------------------- */

struct hy_list_set;
/* Who wants to send. */
struct hy_suppress_ask {
    uint32_t tenant;
    enum hy_stream stream;
    const struct hy_list_set *lists; /* of the campaign; NULL: none; an empty one: of a campaign to
                                        no list, which heeds what was said to any */
    hy_domain_no domain;             /* with `lead` and lists: whether another of them has it */
    hy_lead_no lead;
};
/* The entry that keeps mail from an address in wire form; HY_ENOTFOUND: none does. Views. An entry
 * for a list counts unless the campaign also goes to another list that the lead is on and has not
 * left; for a campaign to no list every one counts. About a quarter of a microsecond for addresses
 * that have no entry, nothing while the list is empty. Any thread with a transaction. */
HY_MUST_USE int hy_suppress_find(struct hy_txn *t, struct hy_str address,
                                 const struct hy_suppress_ask *ask, struct hy_suppress_entry *ret);
/* What a lead is to people: its own status, or what the list makes of it for marketing mail of the
 * installation. */
enum hy_lead_status hy_suppress_lead_status(struct hy_txn *t, const struct hy_lead_view *lead);
/* False: nothing at all is stored of the address; true: perhaps. Any thread. */
bool hy_suppress_may_have(const struct hy_env *env, struct hy_str address);

/* Calls `each` for all entries of an id, also those that have expired, until it returns non-zero,
 * which is then the answer. Views for the length of the call. */
typedef int hy_suppress_each_fn(void *ctx, const struct hy_suppress_entry *e);
HY_MUST_USE int hy_suppress_each(struct hy_txn *t, struct hy_suppress_id id,
                                 hy_suppress_each_fn *each, void *ctx);
/* Walks entries behind *at (zeroed: from the first of all), in no order that people know, over at
 * most `rows` rows of the table, which has others between them. `each` is called until it returns
 * non-zero, which is then the answer. *at moves along: who goes on from there misses none and sees
 * none twice. 0: so many rows were looked at; HY_ENOTFOUND: there is nothing behind. */
HY_MUST_USE int hy_suppress_walk(struct hy_txn *t, struct hy_suppress_key *at, size_t rows,
                                 hy_suppress_each_fn *each, void *ctx);

/* Stored: never renumber. */
enum hy_suppress_op {
    HY_SUPPRESS_OP_ADDED = 1,
    HY_SUPPRESS_OP_CHANGED = 2,
    HY_SUPPRESS_OP_REMOVED = 3,
    HY_SUPPRESS_OP_EXPIRED = 4,
};
const char *hy_suppress_op_name(enum hy_suppress_op op);
struct hy_suppress_act {
    hy_id id; /* with its time */
    enum hy_suppress_op op;
    struct hy_suppress_key key;
    hy_wall_ms expires;
    struct hy_str by, source; /* views */
};
/* What happened to an id, the oldest first; as hy_suppress_each. */
HY_MUST_USE int hy_suppress_history(struct hy_txn *t, struct hy_suppress_id id,
                                    int (*each)(void *ctx, const struct hy_suppress_act *a),
                                    void *ctx);
/* Soft bounces counted of an address for a tenant. HY_ENOTFOUND. */
struct hy_suppress_soft {
    uint32_t count;
    hy_wall_ms first, last;
};
HY_MUST_USE int hy_suppress_soft_get(struct hy_txn *t, struct hy_suppress_id id, uint32_t tenant,
                                     struct hy_suppress_soft *ret);

struct hy_suppress_counts {
    uint64_t by_reason[HY_SUPPRESS_REASONS];
    uint64_t domains; /* of them, those for whole domains */
};
/* Kept in the store, not counted anew: one look. */
HY_MUST_USE int hy_suppress_counts(struct hy_txn *t, struct hy_suppress_counts *ret);

/* ---- rules ---------------------------------------------------------------------------------- */

/* What the configuration says. */
struct hy_suppress_rules {
    uint32_t reasons[HY_STREAMS]; /* that each stream heeds: bits 1 << hy_suppress_reason */
    uint32_t soft_count;          /* soft bounces that suppress; 0 = they are not counted */
    uint32_t soft_span_s;         /* over at least so many seconds */
    uint32_t soft_expire_s;       /* 0 = never */
    uint32_t hard_expire_s;       /* of what hard bounces suppress; 0 = never */
};
extern const struct hy_suppress_rules hy_suppress_rules_default;
/* In force from now on; the defaults are, at first. Any thread. */
void hy_suppress_rules_set(struct hy_env *env, const struct hy_suppress_rules *r);
static inline bool hy_suppress_heeds(const struct hy_suppress_rules *r, enum hy_stream s,
                                     enum hy_suppress_reason reason)
{
    return r->reasons[s] >> reason & 1;
}
