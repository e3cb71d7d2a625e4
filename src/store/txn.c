/* Transactions with a sticky error, records and cursors: LMDB in the store's own terms. */
#include "env_priv.h"

static MDB_val val_of(struct hy_str s)
{
    union { /* LMDB's keys and values come in through the same type that brings them out */
        const char *in;
        void *out;
    } u = {.in = s.p};
    return (MDB_val){.mv_size = s.n, .mv_data = u.out};
}

static struct hy_str str_of(MDB_val v)
{
    return hy_str_make(v.mv_data, v.mv_size);
}

/* An answer is handed on; a failure of a write transaction sticks. */
static int result(struct hy_txn *t, int rc)
{
    if (rc == 0)
        return 0;
    int err = hy_mdb_err(rc);
    if (err != HY_ENOTFOUND && err != HY_EEXIST && t->mode == HY_TXN_WRITE && !t->err)
        t->err = err;
    return err;
}

int hy_txn_read(struct hy_env *env, struct hy_txn *ret)
{
    struct hy_txn t = {.env = env, .mode = HY_TXN_READ};
    int rc = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &t.mdb);
    *ret = rc == 0 ? t : (struct hy_txn){0};
    return hy_mdb_err(rc);
}

void hy_txn_park(struct hy_txn *t)
{
    mdb_txn_reset(t->mdb);
}

int hy_txn_renew(struct hy_txn *t)
{
    return hy_mdb_err(mdb_txn_renew(t->mdb));
}

/* See hy_due_horizon for why the store of 0 comes before the clock is read. */
static uint32_t base_begin(struct hy_env *env, hy_wall_ms *ret_now)
{
    atomic_store(&env->shared.base_s, 0);
    hy_wall_ms now = hy_clock_wall_ms();
    uint32_t base = (uint32_t)(now / 1000);
    uint32_t given = atomic_load(&env->shared.horizon_given);
    if (base < given)
        base = given;
    if (base < env->base_newest_s)
        base = env->base_newest_s;
    env->base_newest_s = base;
    atomic_store(&env->shared.base_s, base);
    *ret_now = now;
    return base;
}

static void base_end(struct hy_env *env)
{
    hy_progress_forget(env);
    atomic_store(&env->shared.base_s, HY_ENV_BASE_IDLE);
}

int hy_txn_write(struct hy_env *env, struct hy_txn *ret)
{
    struct hy_txn t = {.env = env, .mode = HY_TXN_WRITE};
    *ret = (struct hy_txn){0};
    if (env->mode != HY_ENV_OWNER)
        return HY_EINVAL;
    if (hy_env_state(env) == HY_ENV_FAILED)
        return HY_EIO;
    int rc = mdb_txn_begin(env->mdb, NULL, 0, &t.mdb);
    if (rc != 0)
        return hy_mdb_err(rc);
    t.base_s = base_begin(env, &t.now);
    *ret = t;
    return 0;
}

void hy_txn_end(struct hy_txn *t)
{
    if (!t->mdb)
        return;
    mdb_txn_abort(t->mdb);
    t->mdb = NULL;
    if (t->mode == HY_TXN_WRITE)
        base_end(t->env);
}

static int commit_mdb(struct hy_txn *t)
{
    struct hy_env *env = t->env;
    int rc = env->fault.before_commit ? env->fault.before_commit(env->fault.ctx) : 0;
    if (rc == 0) {
        rc = mdb_txn_commit(t->mdb);
        t->mdb = NULL;
        base_end(env);
    }
    if (rc == 0) {
        env->eio_streak = 0;
        env->ids_stored = env->ids.last;
        if (hy_env_state(env) == HY_ENV_FULL)
            hy_space_check(env, true);
        return 0;
    }
    hy_txn_end(t);
    return hy_space_commit_failed(env, rc);
}

int hy_txn_commit(struct hy_txn *t)
{
    hy_progress_flush(t);
    hy_env_ids_commit(t);
    if (!t->err)
        return commit_mdb(t);
    int err = t->err;
    hy_txn_end(t);
    /* the map can be full before the commit is */
    return err == HY_EFULL ? hy_space_commit_failed(t->env, MDB_MAP_FULL) : err;
}

int hy_txn_fail(struct hy_txn *t, int err)
{
    if (t->mode == HY_TXN_WRITE && !t->err)
        t->err = err;
    return err;
}

hy_id hy_txn_new_id(struct hy_txn *t)
{
    return hy_id_next(&t->env->ids, t->now);
}

/* A slice that keeps nobody waiting may be longer: fewer commits. */
bool hy_txn_should_yield(const struct hy_txn *t)
{
    if (t->yield_at == 0)
        return false;
    hy_us now = hy_clock_us();
    if (now < t->yield_at)
        return false;
    return now >= t->yield_by || atomic_load(&t->env->shared.hurried) > 0;
}

int hy_get(struct hy_txn *t, enum hy_table table, struct hy_str key, struct hy_str *ret_value)
{
    if (t->err)
        return t->err;
    if (t->env->dbi[table] == 0)
        return HY_ENOTFOUND;
    MDB_val k = val_of(key), v;
    int rc = mdb_get(t->mdb, t->env->dbi[table], &k, &v);
    if (rc == 0)
        *ret_value = str_of(v);
    return result(t, rc);
}

static unsigned put_flags(enum hy_put_mode mode)
{
    return mode == HY_PUT_APPEND ? MDB_APPEND : mode == HY_PUT_NEW ? MDB_NOOVERWRITE : 0;
}

int hy_put(struct hy_txn *t, enum hy_table table, struct hy_str key, struct hy_str value,
           enum hy_put_mode mode)
{
    if (t->err)
        return t->err;
    MDB_val k = val_of(key), v = val_of(value);
    t->writes++;
    return result(t, mdb_put(t->mdb, t->env->dbi[table], &k, &v, put_flags(mode)));
}

int hy_put_reserve(struct hy_txn *t, enum hy_table table, struct hy_str key, size_t n,
                   enum hy_put_mode mode, uint8_t **ret_room)
{
    if (t->err)
        return t->err;
    MDB_val k = val_of(key), v = {.mv_size = n};
    t->writes++;
    int rc = mdb_put(t->mdb, t->env->dbi[table], &k, &v, put_flags(mode) | MDB_RESERVE);
    if (rc == 0)
        *ret_room = v.mv_data;
    return result(t, rc);
}

int hy_del(struct hy_txn *t, enum hy_table table, struct hy_str key)
{
    if (t->err)
        return t->err;
    MDB_val k = val_of(key);
    t->writes++;
    return result(t, mdb_del(t->mdb, t->env->dbi[table], &k, NULL));
}

int hy_table_count(struct hy_txn *t, enum hy_table table, uint64_t *ret_n)
{
    MDB_stat st = {0};
    if (t->err)
        return t->err;
    int rc = t->env->dbi[table] ? mdb_stat(t->mdb, t->env->dbi[table], &st) : 0;
    if (rc == 0)
        *ret_n = st.ms_entries;
    return result(t, rc);
}

int hy_value_check(struct hy_str value, uint8_t newest)
{
    if (value.n == 0 || value.p[0] == 0)
        return HY_ECORRUPT;
    return (uint8_t)value.p[0] > newest ? HY_EVERSION : 0;
}

/* ---- cursors ---- */

int hy_cursor_open(struct hy_txn *t, enum hy_table table, struct hy_cursor *ret)
{
    struct hy_cursor c = {.txn = t, .table = table};
    *ret = c;
    if (t->err)
        return t->err;
    if (t->env->dbi[table] == 0)
        return 0; /* every move answers HY_ENOTFOUND */
    int rc = mdb_cursor_open(t->mdb, t->env->dbi[table], &c.mdb);
    if (rc == 0)
        *ret = c;
    return result(t, rc);
}

void hy_cursor_close(struct hy_cursor *c)
{
    if (c->mdb)
        mdb_cursor_close(c->mdb);
    c->mdb = NULL;
}

static int move(struct hy_cursor *c, struct hy_str key, MDB_cursor_op op)
{
    if (c->txn->err)
        return c->txn->err;
    if (!c->mdb)
        return HY_ENOTFOUND;
    MDB_val k = val_of(key), v = {0};
    int rc = mdb_cursor_get(c->mdb, &k, &v, op);
    if (rc == 0) {
        c->key = str_of(k);
        c->value = str_of(v);
    }
    return result(c->txn, rc);
}

int hy_cursor_seek(struct hy_cursor *c, struct hy_str key)
{
    return move(c, key, MDB_SET_RANGE);
}

int hy_cursor_find(struct hy_cursor *c, struct hy_str key)
{
    return move(c, key, MDB_SET_KEY);
}

int hy_cursor_first(struct hy_cursor *c)
{
    return move(c, (struct hy_str){0}, MDB_FIRST);
}

int hy_cursor_last(struct hy_cursor *c)
{
    return move(c, (struct hy_str){0}, MDB_LAST);
}

int hy_cursor_next(struct hy_cursor *c)
{
    return move(c, (struct hy_str){0}, MDB_NEXT);
}

int hy_cursor_prev(struct hy_cursor *c)
{
    return move(c, (struct hy_str){0}, MDB_PREV);
}

static int within(struct hy_cursor *c, struct hy_str prefix, int err)
{
    if (err)
        return err;
    return hy_str_starts(c->key, prefix) ? 0 : HY_ENOTFOUND;
}

int hy_cursor_prefix_first(struct hy_cursor *c, struct hy_str prefix)
{
    return within(c, prefix, hy_cursor_seek(c, prefix));
}

int hy_cursor_prefix_next(struct hy_cursor *c, struct hy_str prefix)
{
    return within(c, prefix, hy_cursor_next(c));
}

int hy_cursor_replace(struct hy_cursor *c, struct hy_str value)
{
    if (c->txn->err)
        return c->txn->err;
    /* The key is a view into the page that LMDB is about to shift: it would read a moved one. */
    uint8_t key[HY_KEY_MAX];
    memcpy(key, c->key.p, c->key.n);
    MDB_val k = {c->key.n, key}, v = val_of(value);
    c->txn->writes++;
    return result(c->txn, mdb_cursor_put(c->mdb, &k, &v, MDB_CURRENT));
}

int hy_cursor_delete(struct hy_cursor *c)
{
    if (c->txn->err)
        return c->txn->err;
    c->txn->writes++;
    return result(c->txn, mdb_cursor_del(c->mdb, 0));
}

int hy_del_prefix(struct hy_txn *t, enum hy_table table, struct hy_str prefix, uint64_t *ret_n,
                  uint64_t *ret_bytes)
{
    struct hy_cursor c;
    uint64_t n = 0, bytes = 0;
    int err = hy_cursor_open(t, table, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    while (!err) {
        n++;
        bytes += c.value.n;
        err = hy_cursor_delete(&c);
        if (!err)
            err = hy_cursor_prefix_next(&c, prefix);
    }
    hy_cursor_close(&c);
    if (err != HY_ENOTFOUND)
        return err;
    if (ret_n)
        *ret_n = n;
    if (ret_bytes)
        *ret_bytes = bytes;
    return HY_OK;
}
