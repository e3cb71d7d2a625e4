/* The hits journal: what browsers did, on its way into the store. Whoever answers a browser puts
 * the activity here and answers at once; one thread carries it into the store, in order.
 *
 * Happy path: put() is a store into a shared mapping of <data_dir>/hits, so that a hit outlives a
 * killed process the moment put() returns; the thread gives the writer what has come, some
 * milliseconds at a time; the transaction that stores the activities also stores how far the
 * journal was read, so that each hit becomes exactly one activity, whenever anything is killed.
 *
 * How it fails: while the disk is full or the writer is stuck, hits wait in the file, which has all
 * its room from the start (a full disk is no SIGBUS). When that is used up, put() says HY_EFULL,
 * the hit is lost and counted, and the browser is answered all the same. A power cut loses what the
 * kernel had not written of the file; what it tore fails its checksum and ends the journal there.
 */
#pragma once
#include "hayauma/model/activity.h"
#include "hayauma/store/writer.h"

enum {
    HY_HITS_BYTES_MIN = 1 << 20,
    HY_HITS_BYTES_DEFAULT = 128 << 20, /* room for about half a million hits */
};
#define HY_HITS_BYTES_MAX (UINT64_C(16) << 30)

struct hy_hits;

/* Opens <data_dir>/hits, or makes it of `bytes` (HY_HITS_BYTES_MIN .. _MAX, rounded up to whole
 * pages); a file of another size that still holds hits keeps its size until the next start. `env`
 * is the owner's and outlives it. HY_EFULL, HY_EIO, HY_ECORRUPT, HY_EVERSION, HY_ENOMEM, noted. */
HY_MUST_USE int hy_hits_open(const char *data_dir, uint64_t bytes, struct hy_env *env,
                             struct hy_diag *diag, struct hy_hits **ret);
/* Starts the thread that carries hits into the store, once. HY_ENOMEM, HY_EIO. */
HY_MUST_USE int hy_hits_start(struct hy_hits *h, struct hy_writer *w);
/* The one way in. `at` 0: now; `id` is given by the store. All that it points to is copied. HY_OK:
 * it will be an activity, even if the process is killed before it can say so; HY_EFULL: there is no
 * room, it was counted as lost; HY_EINVAL, HY_ELIMIT: as hy_activity_put would. Any thread; about
 * half a microsecond, no system call but to wake a thread that sleeps. */
HY_MUST_USE int hy_hits_put(struct hy_hits *h, const struct hy_activity *a);
/* How far back the doings of a visitor who becomes known go to the lead (store/visitor.h); 0 until
 * it is set: not at all. Any thread. */
void hy_hits_set_join_back(struct hy_hits *h, int64_t ms);
/* Nobody puts any more: carries what is there into the store, for 5 s at most (the rest goes at the
 * next start), ends the thread. While the writer runs. */
void hy_hits_stop(struct hy_hits *h);
void hy_hits_close(struct hy_hits *h); /* stops too; NULL is fine */
/* Writes the new file `path`, a journal of the hits that the store has not: each that was put
 * before this was called, and that no snapshot of the store taken after it has. Durable when it
 * returns. Any thread. HY_EFULL, HY_EIO, noted: then the file is the caller's to remove. */
HY_MUST_USE int hy_hits_copy(struct hy_hits *h, const char *path, struct hy_diag *diag);

struct hy_hits_stats {
    uint64_t put, lost;        /* since start */
    uint64_t stored, dropped;  /* carried on; could not be read or stored: see the log */
    uint64_t waiting;          /* hits that the store has not yet */
    uint64_t bytes, bytes_max; /* that those take, and the room there is */
    hy_wall_ms oldest;         /* when the first of them came; 0: none waits */
    int64_t cpu_us;            /* of the thread */
};
void hy_hits_stats(struct hy_hits *h, struct hy_hits_stats *ret); /* any thread */
