/* The writer: the one thread that writes to the store. Requests of all threads are applied in order
 * and committed in groups, by time, count or urgency; `done` comes after the commit.
 *
 * Failure: a request whose apply fails fails alone. If it had written something already, the group
 * is dropped and its requests are applied again, each in a transaction of its own; so apply may run
 * more than once and must change nothing but the store and its own request (setting, not adding).
 * When the disk is full, settles, and requests that say so, stay with the writer and are tried
 * again until there is space; the others fail with HY_EFULL. */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/base/meter.h"
#include "hayauma/store/env.h"

enum hy_write_class {
    HY_WRITE_SETTLE, /* outcomes: never refused, never lost, served first */
    HY_WRITE_ADMIN,  /* a person's command: pause, cancel, put ... */
    HY_WRITE_INTAKE, /* new rows, imports: refused when the disk is low or full */
    HY_WRITE_EFFECT, /* what follows from what was written: served last, so that it sees all of its
                        group; kept while the disk is full */
    HY_WRITE_CLASSES,
};
enum hy_write_when {
    HY_WRITE_GROUPED, /* commit with the group, at most commit_interval_ms later */
    HY_WRITE_NOW,     /* somebody waits: commit as soon as the requests at hand are applied */
};

enum hy_write_full {
    HY_WRITE_FULL_FAIL, /* HY_EFULL, a person is told */
    HY_WRITE_FULL_WAIT, /* wait until there is space */
};

/* Embedded in the caller's object, which must live until `done`. */
struct hy_write_req {
    enum hy_write_class class;
    enum hy_write_when when;
    enum hy_write_full on_full; /* intake and admin; settles always wait */
    /* Writes. 0; a negative error, best before anything is written; or HY_EMORE: a slice of a long
     * job is done, commit it and call again after the others had their turn. A long job keeps its
     * place in the store and reads it at the start of each slice; it ends a slice when
     * hy_txn_should_yield says so. Writer thread. */
    int (*apply)(struct hy_write_req *r, struct hy_txn *t);
    /* Once, after the commit (0) or when it cannot be (negative): HY_ECLOSED when the writer ends
     * before it could. May free the request and submit others. Must be short. Writer thread. */
    void (*done)(struct hy_write_req *r, int err);
    /* NULL, or: after the commit of each slice but the last. Writer thread. */
    void (*slice)(struct hy_write_req *r);
    /* Of a long job, set by its slice: the next one comes before all else in its transaction, which
     * has written nothing then. */
    bool is_first;
    /* private */
    struct hy_write_req *next;
    hy_us queued_at;
    int err;
    void *waiter;
};

struct hy_writer_options {
    unsigned commit_interval_ms; /* 0 = 50: the most that a power cut loses */
    unsigned commit_count;       /* requests a group; 0 = 4096 */
    unsigned max_queued;         /* admin and intake requests waiting; 0 = 1024 */
    unsigned slice_ms;           /* how long a long job keeps the others waiting; 0 = 10 */
    unsigned retry_ms;           /* pause between tries while the disk is full; 0 = 500 */
};
struct hy_writer;

/* Starts the thread; `env` (an owner's) must outlive it. HY_ENOMEM, HY_EIO. */
HY_MUST_USE int hy_writer_start(struct hy_env *env, const struct hy_writer_options *o,
                                struct hy_writer **ret);
/* Applies what is queued, commits, ends and frees. Nobody may submit any more (but `done`s, which
 * get HY_ECLOSED). Long jobs end after their current slice with HY_ECLOSED and go on at the next
 * start of the program. Settles that a full disk keeps out get HY_ECLOSED after one last try (their
 * in-flight slots still hold them). */
void hy_writer_stop(struct hy_writer *w);

/* Any thread; takes a mutex for a moment. 0: `done` will be called. HY_EFULL (intake that does not
 * wait, disk low or full), HY_EBUSY (too many waiting; not for settles, whose number the in-flight
 * table bounds), HY_ECLOSED: it will not. */
HY_MUST_USE int hy_writer_submit(struct hy_writer *w, struct hy_write_req *r);
/* Submits with HY_WRITE_NOW and waits; returns what done would get. r->done is overwritten. Any
 * thread but the writer. */
HY_MUST_USE int hy_writer_run(struct hy_writer *w, struct hy_write_req *r);

struct hy_writer_lag {
    uint64_t queued; /* requests taken and not yet committed */
    hy_us oldest_us; /* how long the oldest of them has waited */
};
/* Backpressure: lanes stop pulling when this grows. Any thread, no lock. */
struct hy_writer_lag hy_writer_lag(const struct hy_writer *w);

struct hy_writer_stats {
    uint64_t commits, failed_commits, applied, failed, replayed_groups;
    uint64_t commit_us, apply_us; /* time spent */
    hy_us longest_commit_us, longest_wait_us;
    struct hy_histogram_sum commit_times; /* of those that succeeded */
};
void hy_writer_stats(struct hy_writer *w, struct hy_writer_stats *ret); /* any thread */
