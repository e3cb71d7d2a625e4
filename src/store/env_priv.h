/* The environment's inside, for the files of this folder. */
#pragma once
#include <lmdb.h>
#include <stdatomic.h>

#include "hayauma/store/env.h"
#include "progress.h"
#include "suppress_priv.h"

enum {
    HY_STORE_FORMAT = 1, /* of the whole store; tables have version bytes of their own */
    HY_PROGRESS_CACHE = 8,
};
#define HY_ENV_BASE_IDLE UINT32_MAX
/* Whether anybody was ever erased in this store. */
enum hy_erased_state { HY_ERASED_UNKNOWN, HY_ERASED_NONE, HY_ERASED_SOME };

/* A progress record that the write transaction at hand has edited. */
struct hy_progress_slot {
    hy_id campaign; /* 0 = unused */
    struct hy_progress record;
};

struct hy_env {
    MDB_env *mdb;
    MDB_dbi dbi[HY_TABLE_COUNT]; /* 0 = not there (a reader of an older store) */
    enum hy_env_mode mode;
    char *dir; /* <data_dir>/store */
    int lock_fd;
    int dir_fd;
    uint32_t node;
    uint8_t secret[HY_STORE_SECRET_LEN];
    uint64_t min_free_bytes;
    uint64_t map_bytes;
    struct hy_env_fault fault;
    struct hy_id_gen ids;   /* the writer's */
    hy_id ids_stored;       /* what "last_id" says on disk; the writer's */
    unsigned eio_streak;    /* commits that failed with EIO in a row; the writer's */
    uint32_t base_newest_s; /* of all write transactions; the writer's */
    struct hy_progress_slot progress[HY_PROGRESS_CACHE]; /* the writer's */
    enum hy_erased_state erased;                         /* likewise */
    struct suppress_state suppress;
    struct {                     /* between threads */
        _Atomic int state;       /* enum hy_env_state */
        _Atomic uint32_t base_s; /* of the open write transaction, 0 = it is just beginning */
        _Atomic uint32_t horizon_given; /* the largest that hy_due_horizon answered */
        _Atomic uint32_t waiting;       /* requests that wait for the writer, but for long jobs */
        _Atomic uint32_t hurried;       /* of those, HY_WRITE_NOW */
        _Atomic uint32_t erasures_begun;
        _Atomic uint32_t dsn_gather_s, dsn_delay_s; /* see hy_dsn_set_times */
    } shared;
};

/* LMDB's code, or an errno, as ours. */
int hy_mdb_err(int rc);
/* What a failed commit means: HY_EFULL or something worse; sets the state. Writer thread. */
int hy_space_commit_failed(struct hy_env *env, int rc);
/* Looks at the disk and the map and moves between READY, LOW and (after a commit) FULL. */
void hy_space_check(struct hy_env *env, bool committed);
/* Bytes in pages that can be used again. */
int hy_space_reusable(struct hy_env *env, uint64_t *ret_bytes);
/* Puts the newest id given out into the store, so that it is never given again. */
void hy_env_ids_commit(struct hy_txn *t);
/* Writes something small, so that a commit has to find space. */
void hy_space_probe_put(struct hy_txn *t);
