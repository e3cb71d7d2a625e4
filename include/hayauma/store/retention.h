/* What keeps the store from growing for ever: trimming old attempts, dropping old campaigns; and
 * the online backup. */
#pragma once
#include "hayauma/store/env.h"
#include "hayauma/store/writer.h"

/* A long job: deletes attempts that were settled, activities that were noted, and acts that were
 * done, before `before`, or what else the activities have. Rows keep their state and number of
 * attempts; chains then end early, which the log's floor tells. */
struct hy_trim_job {
    struct hy_write_req req;  /* first; done and slice are the caller's */
    hy_wall_ms before;        /* 0: attempts and acts are kept for ever */
    hy_wall_ms unread_before; /* what readers of the logs have not read is kept until here: see
                                 hy_log_trim_end; init sets it to `before` */
    hy_wall_ms activities_before, activities_unread_before; /* the same for activities, which may
                                                               be kept for longer; as above */
};
void hy_trim_job_init(struct hy_trim_job *j, hy_wall_ms before);

/* A long job: deletes a campaign that is DONE or CANCELLED (all of it swept) with its rows and its
 * bundle; its attempts stay until they are trimmed. done gets HY_EINVAL in another state. */
struct hy_drop_job {
    struct hy_write_req req; /* as above */
    hy_id campaign;
};
void hy_drop_job_init(struct hy_drop_job *j, hy_id campaign);
/* The first campaign behind `after` whose drop was interrupted by the end of the program: submit
 * the job again. HY_ENOTFOUND. */
HY_MUST_USE int hy_drop_unfinished(struct hy_txn *t, hy_id after, hy_id *ret_campaign);

struct hy_hits;
/* Copies the store, compacted, into the new directory `dir`, which then is a data directory that
 * hayaumad can be started on. The copy is one snapshot; rows on the wire at that moment are pending
 * in it. `hits`: the journal whose hits go along, each that was put before this was called and that
 * the snapshot has not; NULL: there is none. Writing goes on meanwhile. Any thread, minutes for a
 * large store. HY_EEXIST when `dir` is there, HY_EFULL, HY_EIO: then nothing is left behind. */
HY_MUST_USE int hy_backup(struct hy_env *env, struct hy_hits *hits, const char *dir,
                          struct hy_diag *diag);
