/* The store: one LMDB environment in <data_dir>/store, its transactions and cursors.
 *
 * One process owns it (the daemon, by flock); others may open it to read. The owner has one writer
 * thread (writer.h), through which everything is written; any thread may read.
 *
 * Errors of a write transaction stick: after the first one every call returns it and the commit
 * becomes an abort, so a run of puts may be checked once, at its end. HY_ENOTFOUND and HY_EEXIST
 * are answers and do not stick. */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/model/id.h"
#include "hayauma/store/key.h"
#include "hayauma/store/tables.h"

struct hy_env;
struct MDB_txn;
struct MDB_cursor;

enum hy_env_mode {
    HY_ENV_OWNER,  /* read and write; made when absent; HY_EBUSY when another process owns it */
    HY_ENV_READER, /* read only, beside a running owner or none, never in the owner's process
                      (LMDB's rule); HY_ENOTFOUND when there is no store */
};

/* What tests put between the store and the disk: called before each commit; the errno it returns
 * (0 = go on) is treated as the commit's failure. */
struct hy_env_fault {
    int (*before_commit)(void *ctx);
    void *ctx;
};

struct hy_env_options {
    const char *data_dir;
    enum hy_env_mode mode;
    uint32_t node;           /* 0..HY_ID_NODE_MAX; fixed when the store is made */
    unsigned max_readers;    /* read transactions at once, all processes; 0 = 256 */
    uint64_t map_bytes;      /* address space for the map; 0 = 1 TiB, or what the limits allow */
    uint64_t min_free_bytes; /* intake stops when the file system has less left */
    struct hy_env_fault fault;
};

/* Opens or makes the store (directory 0700, files 0600), checks its format version, frees readers
 * of dead processes. An owner makes the process ignore SIGXFSZ, so that a file size limit is an
 * error like a full disk. HY_EBUSY, HY_EVERSION, HY_ECORRUPT, HY_EFULL, HY_EIO, HY_ENOMEM with the
 * reason in `diag`. The caller owns *ret_env; threads may share it. */
HY_MUST_USE int hy_env_open(const struct hy_env_options *o, struct hy_env **ret_env,
                            struct hy_diag *diag);
/* The store is read through memory: what its file lacks (cut short) or the disk cannot read arrives
 * as SIGBUS. From now on the process then says so on standard error and ends with `exit_status`. */
void hy_env_on_lost_pages(int exit_status);
/* No transaction may be open. */
void hy_env_close(struct hy_env *env);

enum hy_env_state {
    HY_ENV_READY,
    HY_ENV_LOW,    /* less than min_free_bytes left: intake is refused, settling goes on */
    HY_ENV_FULL,   /* the last commit found no space: settles wait and are tried again */
    HY_ENV_FAILED, /* a commit failed in a way that only a restart mends */
};
const char *hy_env_state_name(enum hy_env_state s);
/* Any thread. */
enum hy_env_state hy_env_state(const struct hy_env *env);

enum { HY_STORE_SECRET_LEN = 32 };
/* Random bytes drawn when the store was made: the root of tokens and hashes. Never logged. */
const uint8_t *hy_env_secret(const struct hy_env *env);
uint32_t hy_env_node(const struct hy_env *env);

struct hy_env_stats {
    uint64_t file_bytes; /* data.mdb, as far as used */
    uint64_t free_bytes; /* pages in it that can be used again */
    uint64_t map_bytes;  /* address space of the map */
    uint64_t disk_free_bytes;
    uint64_t entries[HY_TABLE_COUNT];
    unsigned readers, max_readers;
};
HY_MUST_USE int hy_env_stats(struct hy_env *env, struct hy_env_stats *ret);
const char *hy_table_name(enum hy_table t);

/* ---- transactions ---- */

enum hy_txn_mode { HY_TXN_READ, HY_TXN_WRITE };
/* Lives on its owner's stack or in its object; the fields are private but for the commented ones.
 */
struct hy_txn {
    struct hy_env *env;
    struct MDB_txn *mdb;
    int err; /* sticky: the first failure of a write transaction */
    enum hy_txn_mode mode;
    uint64_t writes; /* puts and deletes so far */
    hy_wall_ms now;  /* wall time of a write transaction: one for all that it does */
    uint32_t base_s; /* wall second at begin: every due time written is later */
    hy_us yield_at;  /* a long write should end its slice at this monotonic time; 0 = never */
    hy_us yield_by;  /* or as late as this, while nobody is in a hurry */
    struct hy_id_gen *ids;
};

/* A snapshot. Keep it short: pages freed by later commits cannot be used again while it lives. A
 * thread may hold several; a snapshot may move between threads. HY_EBUSY when all reader slots are
 * taken. */
HY_MUST_USE int hy_txn_read(struct hy_env *env, struct hy_txn *ret);
/* Lets the snapshot go but keeps its slot; hy_txn_renew takes the newest one. Cursors must be
 * closed before. For threads that read often. */
void hy_txn_park(struct hy_txn *t);
HY_MUST_USE int hy_txn_renew(struct hy_txn *t);
/* Ends a read transaction (parked or not), or drops a write transaction. A zeroed struct is fine.
 */
void hy_txn_end(struct hy_txn *t);

/* Write transactions belong to the writer thread (writer.h); before it starts (boot, tests, tools)
 * the one thread there is may use these. */
HY_MUST_USE int hy_txn_write(struct hy_env *env, struct hy_txn *ret);
/* Commits, or aborts if an error stuck and returns that. HY_EFULL when disk or map are full:
 * nothing of it was stored. The transaction is over in any case. */
HY_MUST_USE int hy_txn_commit(struct hy_txn *t);
/* Makes `err` (negative) stick, for callers that find stored bytes damaged; returns it. */
int hy_txn_fail(struct hy_txn *t, int err);
/* A new id, greater than every id of this store. Write transactions only. */
hy_id hy_txn_new_id(struct hy_txn *t);
/* Whether a long write should end its slice now. */
bool hy_txn_should_yield(const struct hy_txn *t);

/* ---- records ---- */

/* The value is a view into the map: it dies with the transaction, or at the next write in it.
 * HY_ENOTFOUND. */
HY_MUST_USE int hy_get(struct hy_txn *t, enum hy_table table, struct hy_str key,
                       struct hy_str *ret_value);
enum hy_put_mode {
    HY_PUT_SET,    /* insert or replace */
    HY_PUT_NEW,    /* HY_EEXIST when the key is there */
    HY_PUT_APPEND, /* the key is greater than all others: fast, pages are filled to the brim */
};
int hy_put(struct hy_txn *t, enum hy_table table, struct hy_str key, struct hy_str value,
           enum hy_put_mode mode);
/* Room for `n` bytes to be filled before the next call on the transaction. */
HY_MUST_USE int hy_put_reserve(struct hy_txn *t, enum hy_table table, struct hy_str key, size_t n,
                               enum hy_put_mode mode, uint8_t **ret_room);
/* HY_ENOTFOUND when there was none. */
int hy_del(struct hy_txn *t, enum hy_table table, struct hy_str key);
HY_MUST_USE int hy_table_count(struct hy_txn *t, enum hy_table table, uint64_t *ret_n);

/* Every stored value starts with a version byte. 0, HY_ECORRUPT when empty or older than the first,
 * HY_EVERSION when newer than `newest`. */
HY_MUST_USE int hy_value_check(struct hy_str value, uint8_t newest);

/* ---- cursors ---- */

struct hy_cursor {
    struct hy_txn *txn;
    struct MDB_cursor *mdb;
    enum hy_table table;
    struct hy_str key, value; /* where it stands: views, as in hy_get */
};
HY_MUST_USE int hy_cursor_open(struct hy_txn *t, enum hy_table table, struct hy_cursor *ret);
void hy_cursor_close(struct hy_cursor *c); /* before the transaction ends; zeroed is fine */
/* All of these: 0 and key/value set, or HY_ENOTFOUND past the ends. */
HY_MUST_USE int hy_cursor_seek(struct hy_cursor *c, struct hy_str key); /* the first >= key */
HY_MUST_USE int hy_cursor_find(struct hy_cursor *c, struct hy_str key); /* exactly key */
HY_MUST_USE int hy_cursor_first(struct hy_cursor *c);
HY_MUST_USE int hy_cursor_last(struct hy_cursor *c);
HY_MUST_USE int hy_cursor_next(struct hy_cursor *c);
HY_MUST_USE int hy_cursor_prev(struct hy_cursor *c);
/* The first, and the next, key that starts with `prefix`; HY_ENOTFOUND behind the last of them. */
HY_MUST_USE int hy_cursor_prefix_first(struct hy_cursor *c, struct hy_str prefix);
HY_MUST_USE int hy_cursor_prefix_next(struct hy_cursor *c, struct hy_str prefix);
/* Replaces the value where the cursor stands; one of the same size is changed in place. */
HY_MUST_USE int hy_cursor_replace(struct hy_cursor *c, struct hy_str value);
/* Deletes where it stands; the cursor then stands before the next (hy_cursor_next goes there). */
HY_MUST_USE int hy_cursor_delete(struct hy_cursor *c);
/* Deletes all entries whose key starts with `prefix`: *ret_n (NULL: not asked for) is how many,
 * *ret_bytes what their values had. 0 also when there are none. For what is small: in one go. */
HY_MUST_USE int hy_del_prefix(struct hy_txn *t, enum hy_table table, struct hy_str prefix,
                              uint64_t *ret_n, uint64_t *ret_bytes);
