/* Opening the store: directory, owner's lock, map size, tables, format version, secret. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env_priv.h"
#include "meta.h"

static const struct {
    const char *name;
} tables[HY_TABLE_COUNT] = {
#define X(symbol, name) [HY_TABLE_##symbol] = {name},
    HY_TABLES(X)
#undef X
};

enum { DEFAULT_READERS = 256 };
static const uint64_t map_default = 1ULL << 40, map_least = 16ULL << 20;

const char *hy_table_name(enum hy_table t)
{
    return tables[t].name;
}

int hy_mdb_err(int rc)
{
    switch (rc) {
    case 0:
        return 0;
    case MDB_NOTFOUND:
        return HY_ENOTFOUND;
    case MDB_KEYEXIST:
        return HY_EEXIST;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return HY_EFULL;
    case MDB_TXN_FULL:
        return HY_ELIMIT;
    case MDB_READERS_FULL:
        return HY_EBUSY;
    case MDB_BAD_VALSIZE:
        return HY_EINVAL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return HY_ECORRUPT;
    case MDB_VERSION_MISMATCH:
        return HY_EVERSION;
    case ENOMEM:
        return HY_ENOMEM;
    default:
        return HY_EIO;
    }
}

static volatile sig_atomic_t lost_exit_status; /* a handler has no argument of ours */

static void on_lost_page(int signo)
{
    (void)signo;
    static const char text[] =
        "error: the store cannot be read: its file is cut short, or the disk fails; restore a "
        "backup\n";
    ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    (void)n;
    _exit(lost_exit_status);
}

void hy_env_on_lost_pages(int exit_status)
{
    struct sigaction on_bus = {.sa_handler = on_lost_page};
    lost_exit_status = exit_status;
    sigaction(SIGBUS, &on_bus, NULL);
}

static int make_dir(const char *path, struct hy_diag *diag)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    return hy_fail(diag, hy_mdb_err(errno), "cannot make directory %s: %s", path, strerror(errno));
}

static int take_lock(struct hy_env *env, const char *data_dir, struct hy_diag *diag)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/lock", data_dir);
    env->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (env->lock_fd < 0)
        return hy_fail(diag, hy_mdb_err(errno), "cannot open %s: %s", path, strerror(errno));
    if (flock(env->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return hy_fail(diag, HY_EBUSY, "%s is in use by another hayaumad", data_dir);
    return 0;
}

/* Address space costs nothing but address space, so the map is huge and the file grows below it.
 * Where a limit is set we take half and leave the rest to the program. */
static uint64_t map_size_wanted(const struct hy_env_options *o)
{
    struct rlimit rl;
    uint64_t want = o->map_bytes ? o->map_bytes : map_default;
    if (getrlimit(RLIMIT_AS, &rl) == 0 && rl.rlim_cur != RLIM_INFINITY && want > rl.rlim_cur / 2)
        want = rl.rlim_cur / 2;
    if (want < map_least)
        want = map_least;
    return want & ~(uint64_t)0xfffff;
}

static int open_mdb_at(struct hy_env *env, const struct hy_env_options *o, uint64_t map_bytes)
{
    unsigned readers = o->max_readers ? o->max_readers : DEFAULT_READERS;
    unsigned flags = MDB_NOTLS | (o->mode == HY_ENV_READER ? MDB_RDONLY : 0);
    int rc = mdb_env_create(&env->mdb);
    if (rc == 0)
        rc = mdb_env_set_mapsize(env->mdb, map_bytes);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(env->mdb, HY_TABLE_COUNT + 8);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(env->mdb, readers);
    if (rc == 0)
        rc = mdb_env_open(env->mdb, env->dir, flags, 0600);
    if (rc != 0) {
        mdb_env_close(env->mdb);
        env->mdb = NULL;
    }
    return rc;
}

static int open_mdb(struct hy_env *env, const struct hy_env_options *o, struct hy_diag *diag)
{
    uint64_t map_bytes = map_size_wanted(o);
    int rc = open_mdb_at(env, o, map_bytes);
    while (rc == ENOMEM && map_bytes / 2 >= map_least) {
        map_bytes /= 2;
        rc = open_mdb_at(env, o, map_bytes);
    }
    if (rc == ENOENT)
        return hy_fail(diag, HY_ENOTFOUND, "there is no store in %s", env->dir);
    if (rc != 0)
        return hy_fail(diag, hy_mdb_err(rc), "cannot open the store %s: %s", env->dir,
                       mdb_strerror(rc));
    MDB_envinfo info;
    if (mdb_env_info(env->mdb, &info) == 0)
        map_bytes = info.me_mapsize;
    env->map_bytes = map_bytes;
    return 0;
}

static int open_tables(struct hy_env *env, struct hy_diag *diag)
{
    MDB_txn *txn;
    bool owner = env->mode == HY_ENV_OWNER;
    int rc = mdb_txn_begin(env->mdb, NULL, owner ? 0 : MDB_RDONLY, &txn);
    if (rc != 0)
        return hy_fail(diag, hy_mdb_err(rc), "cannot read the store: %s", mdb_strerror(rc));
    for (int i = 0; i < HY_TABLE_COUNT; i++) {
        rc = mdb_dbi_open(txn, tables[i].name, owner ? MDB_CREATE : 0, &env->dbi[i]);
        if (rc == MDB_NOTFOUND && !owner) {
            env->dbi[i] = 0;
        } else if (rc != 0) {
            mdb_txn_abort(txn);
            return hy_fail(diag, hy_mdb_err(rc), "cannot open table %s: %s", tables[i].name,
                           mdb_strerror(rc));
        }
    }
    rc = mdb_txn_commit(txn);
    if (rc != 0)
        return hy_fail(diag, hy_mdb_err(rc), "cannot make the tables: %s", mdb_strerror(rc));
    return 0;
}

int hy_env_open(const struct hy_env_options *o, struct hy_env **ret_env, struct hy_diag *diag)
{
    if (!o->data_dir || !*o->data_dir || o->node > HY_ID_NODE_MAX || strlen(o->data_dir) > 4000)
        return hy_fail(diag, HY_EINVAL, "store: data directory or node number");
    struct hy_env *env = calloc(1, sizeof *env);
    if (!env)
        return HY_ENOMEM;
    int err, dead = 0;
    env->lock_fd = env->dir_fd = -1;
    env->mode = o->mode;
    env->min_free_bytes = o->min_free_bytes;
    env->fault = o->fault;
    atomic_init(&env->shared.state, HY_ENV_READY);
    atomic_init(&env->shared.base_s, HY_ENV_BASE_IDLE);
    if (asprintf(&env->dir, "%s/store", o->data_dir) < 0) {
        env->dir = NULL;
        err = HY_ENOMEM;
        goto fail;
    }
    if (o->mode == HY_ENV_OWNER) {
        signal(SIGXFSZ, SIG_IGN);
        err = make_dir(o->data_dir, diag);
        if (!err)
            err = take_lock(env, o->data_dir, diag);
        if (!err)
            err = make_dir(env->dir, diag);
        if (err)
            goto fail;
    }
    env->dir_fd = open(env->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (env->dir_fd < 0) {
        err = hy_fail(diag, errno == ENOENT ? HY_ENOTFOUND : HY_EIO, "cannot open %s: %s", env->dir,
                      strerror(errno));
        goto fail;
    }
    err = open_mdb(env, o, diag);
    if (err)
        goto fail;
    mdb_reader_check(env->mdb, &dead);
    err = open_tables(env, diag);
    if (!err)
        err = hy_meta_open(env, o, diag);
    if (!err)
        err = suppress_open(env, diag);
    if (err)
        goto fail;
    if (o->mode == HY_ENV_OWNER)
        hy_space_check(env, false);
    *ret_env = env;
    return 0;
fail:
    hy_env_close(env);
    return err;
}

void hy_env_close(struct hy_env *env)
{
    if (!env)
        return;
    if (env->mdb)
        mdb_env_close(env->mdb);
    if (env->dir_fd >= 0)
        close(env->dir_fd);
    if (env->lock_fd >= 0)
        close(env->lock_fd);
    suppress_close(env);
    explicit_bzero(env->secret, sizeof env->secret);
    free(env->dir);
    free(env);
}

const uint8_t *hy_env_secret(const struct hy_env *env)
{
    return env->secret;
}

uint32_t hy_env_node(const struct hy_env *env)
{
    return env->node;
}
