/* Space: how much is left on the disk and in the map, what a failed commit means, and the state
 * that follows from both. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "env_priv.h"
#include "hayauma/base/log.h"

enum { EIO_TRIES = 3, PROBE_BYTES = 256 << 10, LEAST_AFTER_TROUBLE = 8 << 20 };

static const char *const state_names[] = {
    [HY_ENV_READY] = "ready",
    [HY_ENV_LOW] = "low",
    [HY_ENV_FULL] = "full",
    [HY_ENV_FAILED] = "failed",
};

const char *hy_env_state_name(enum hy_env_state s)
{
    return (unsigned)s < sizeof state_names / sizeof *state_names ? state_names[s] : "?";
}

enum hy_env_state hy_env_state(const struct hy_env *env)
{
    return (enum hy_env_state)atomic_load(&env->shared.state);
}

static void set_state(struct hy_env *env, enum hy_env_state s)
{
    enum hy_env_state was = (enum hy_env_state)atomic_exchange(&env->shared.state, (int)s);
    static const char *const texts[] = {
        [HY_ENV_READY] = "there is space again: new mail is taken",
        [HY_ENV_LOW] = "disk space is low: no new mail is taken, outcomes are still recorded",
        [HY_ENV_FULL] = "disk full: no new mail is taken, outcomes wait until there is space",
        [HY_ENV_FAILED] = "a commit failed and cannot be repeated: restart hayaumad",
    };
    if (was != s)
        hy_log(s == HY_ENV_READY ? HY_LOG_NOTICE : HY_LOG_ERROR, "store", "%s (%s)", texts[s],
               env->dir);
}

static uint64_t limit_free(const struct hy_env *env)
{
    struct rlimit rl;
    struct stat st;
    if (getrlimit(RLIMIT_FSIZE, &rl) < 0 || rl.rlim_cur == RLIM_INFINITY ||
        fstatat(env->dir_fd, "data.mdb", &st, 0) < 0)
        return UINT64_MAX;
    return rl.rlim_cur > (rlim_t)st.st_size ? rl.rlim_cur - (rlim_t)st.st_size : 0;
}

/* What the file may still grow: space of the file system, or up to the process's file size limit.
 */
static uint64_t disk_free(const struct hy_env *env)
{
    struct statvfs fs;
    uint64_t limit = limit_free(env);
    if (fstatvfs(env->dir_fd, &fs) < 0)
        return limit;
    uint64_t disk = (uint64_t)fs.f_bavail * fs.f_frsize;
    return disk < limit ? disk : limit;
}

static uint64_t file_used(struct hy_env *env)
{
    MDB_envinfo info;
    MDB_stat st;
    if (mdb_env_info(env->mdb, &info) != 0 || mdb_env_stat(env->mdb, &st) != 0)
        return 0;
    return (uint64_t)(info.me_last_pgno + 1) * st.ms_psize;
}

/* The free list is LMDB's table 0: transaction id -> count and page numbers. */
int hy_space_reusable(struct hy_env *env, uint64_t *ret_bytes)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_stat st;
    uint64_t pages = 0;
    int rc = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return hy_mdb_err(rc);
    rc = mdb_cursor_open(txn, 0, &cursor);
    if (rc == 0) {
        while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
            size_t n;
            memcpy(&n, value.mv_data, sizeof n);
            pages += n;
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    if (rc != MDB_NOTFOUND || mdb_env_stat(env->mdb, &st) != 0)
        return hy_mdb_err(rc);
    *ret_bytes = pages * st.ms_psize;
    return 0;
}

/* Room in the map matters only where it is small; free pages inside the file count there. */
static bool map_is_low(struct hy_env *env, uint64_t least)
{
    uint64_t used = file_used(env), reusable = 0;
    if (least > env->map_bytes / 8)
        least = env->map_bytes / 8;
    uint64_t room = used < env->map_bytes ? env->map_bytes - used : 0;
    if (room >= least)
        return false;
    if (hy_space_reusable(env, &reusable) != 0)
        return true;
    return room + reusable < least;
}

void hy_space_check(struct hy_env *env, bool committed)
{
    enum hy_env_state s = hy_env_state(env);
    if (s == HY_ENV_FAILED || (s == HY_ENV_FULL && !committed))
        return;
    /* More is needed to leave the low state than to stay out of it: no flapping. */
    uint64_t least = env->min_free_bytes;
    if (s != HY_ENV_READY) {
        least += least / 10;
        if (least < LEAST_AFTER_TROUBLE)
            least = LEAST_AFTER_TROUBLE;
    }
    bool low = least && (disk_free(env) < least || map_is_low(env, least));
    set_state(env, low ? HY_ENV_LOW : HY_ENV_READY);
}

static bool probe_finds_no_space(struct hy_env *env)
{
    static const char name[] = "space-probe";
    static const char zeros[4096];
    int fd = openat(env->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == ENOSPC || errno == EDQUOT;
    bool full = false;
    for (size_t at = 0; at < PROBE_BYTES && !full; at += sizeof zeros) {
        ssize_t n = write(fd, zeros, sizeof zeros);
        full = n < (ssize_t)sizeof zeros &&
               (n >= 0 || errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
    }
    close(fd);
    unlinkat(env->dir_fd, name, 0);
    return full;
}

/* LMDB reports a write that the disk cut short as EIO; whether it was for want of space is to be
 * found out otherwise. */
static bool eio_means_full(struct hy_env *env)
{
    return disk_free(env) < PROBE_BYTES || probe_finds_no_space(env);
}

int hy_space_commit_failed(struct hy_env *env, int rc)
{
    int err = hy_mdb_err(rc);
    if (rc == EIO && eio_means_full(env))
        err = HY_EFULL;
    if (err == HY_EFULL) {
        env->eio_streak = 0;
        set_state(env, HY_ENV_FULL);
        return HY_EFULL;
    }
    hy_log(HY_LOG_ERROR, "store", "commit failed: %s", mdb_strerror(rc));
    if (rc != EIO || ++env->eio_streak >= EIO_TRIES)
        set_state(env, HY_ENV_FAILED);
    return err;
}

int hy_env_stats(struct hy_env *env, struct hy_env_stats *ret)
{
    struct hy_env_stats s = {.map_bytes = env->map_bytes, .disk_free_bytes = disk_free(env)};
    MDB_envinfo info;
    struct hy_txn t;
    int err = hy_space_reusable(env, &s.free_bytes);
    if (err)
        return err;
    s.file_bytes = file_used(env);
    if (mdb_env_info(env->mdb, &info) == 0) {
        s.readers = info.me_numreaders;
        s.max_readers = info.me_maxreaders;
    }
    err = hy_txn_read(env, &t);
    for (int i = 0; i < HY_TABLE_COUNT && !err; i++)
        err = hy_table_count(&t, (enum hy_table)i, &s.entries[i]);
    hy_txn_end(&t);
    if (!err)
        *ret = s;
    return err;
}
