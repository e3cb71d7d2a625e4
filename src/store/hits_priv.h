/* The inside of the hits journal.
 *
 * The file: a page of header, then a ring. A place in the ring is a position that only grows; it
 * lies at position modulo the ring's size. A record is
 *
 *   mark u64 (position + 1) · at i64 (ms) · payload bytes u32 · sum u32 · payload · up to 7 zeros
 *
 * where the payload is an activity as its table keeps it (activity.h). Records begin at multiples
 * of 8; one that would reach over the end of the ring is put at its beginning, and a record of no
 * payload bytes, SKIP, stands in its place when there is room for one. The mark is stored last, and
 * before it the place behind the record has been made no mark: whoever reads from a position on
 * finds the records that were put, in order, and ends where the last one does. What the store has
 * is overwritten with zeros: what is told of a person who is erased is told there only. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "hayauma/base/hash.h"
#include "hayauma/store/hits.h"

enum {
    HITS_HEADER_BYTES = 4096,
    HITS_SKIP = UINT32_MAX, /* as a number of payload bytes: the ring goes on at its beginning */
};
#define HITS_MAGIC   UINT64_C(0x7374696861796168) /* "hayahits" */
#define HITS_VERSION 1

struct hits_header {
    _Atomic uint64_t magic;
    uint32_t version;
    uint32_t is_open; /* by a process, or one that was killed */
    uint64_t bytes;   /* of the ring */
    struct hy_hash_key key;
};

struct hits_record {
    _Atomic uint64_t mark;
    int64_t at;
    uint32_t n;
    uint32_t sum;
};

struct hy_hits {
    int fd;
    struct hits_header *header;
    char *ring;
    uint64_t size; /* of the ring */
    struct hy_hash_key key;
    struct hy_env *env;
    atomic_int_fast64_t join_back_ms;
    /* under the lock */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t head;                              /* behind the newest record */
    uint64_t tail;                              /* the store has all before it */
    uint64_t put, lost, stored, dropped, found; /* found: when it was opened */
    int64_t cpu_us;
    bool is_idle;     /* the thread sleeps until something comes */
    bool is_stopping; /* it ends when all is carried, or at the deadline */
    bool is_running;
    /* the thread's */
    struct hy_writer *writer;
    pthread_t thread;
    int job_err; /* of the last job */
    struct hits_job {
        struct hy_write_req req;
        struct hy_hits *hits;
        uint64_t end;                      /* carry up to here; 0: not known yet */
        uint64_t reached, stored, dropped; /* by the last slice */
        bool is_over;
        int err;
    } job;
};

/* One record as it lies there; views. */
struct hits_view {
    struct hy_str payload; /* of an activity; empty: none, the ring goes on at `next` */
    int64_t at;
    uint64_t next; /* position behind it */
};
/* The record at a position; false: there is none, the journal ends here. */
bool hits_read(const struct hy_hits *h, uint64_t position, struct hits_view *ret);

/* Nothing of the records from one position to another is left in the file. */
void hits_wipe(struct hy_hits *h, uint64_t from, uint64_t to);

/* hits_drain.c: up to where the store has the journal. HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hits_position(struct hy_txn *t, uint64_t *ret);
