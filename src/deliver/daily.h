/* Counters for limits of a day, shared by lanes and kept over restarts. */
#pragma once
#include <pthread.h>

#include "hayauma/base/list.h"
#include "hayauma/store/daily.h"
#include "hayauma/store/writer.h"

enum { DAILIES_MAX = 65536, DAILY_BATCH = 256, DAILY_BUCKETS = 4096 };

struct daily;

/* One write to the store: copies of counters, at most DAILY_BATCH. */
struct daily_write {
    struct hy_write_req req;
    struct dailies *owner;
    size_t n;
    bool trims;    /* also takes out what is over */
    bool is_exact; /* the counts as they are, not ahead */
    struct {
        struct daily *of; /* counted */
        char key[HY_DAILY_KEY_MAX + 1];
        struct hy_day_count count;
    } items[DAILY_BATCH];
};

struct dailies {
    struct hy_env *env;
    struct hy_writer *writer;
    pthread_mutex_t lock;                 /* of the list and of what says who uses a counter */
    struct hy_list all;                   /* those written last at the end */
    struct hy_list idle;                  /* those that nobody uses, the longest first */
    struct daily *buckets[DAILY_BUCKETS]; /* by the hash of the name */
    size_t n;
    size_t unseen; /* of this flush: those that no write of it has looked for yet */
    bool is_trimmed, is_writing, is_full_told;
    pthread_cond_t written;
    struct daily_write write;
};

void dailies_init(struct dailies *s, struct hy_env *env, struct hy_writer *writer);
/* Nobody uses a counter any more, and what was to be saved is saved. */
void dailies_close(struct dailies *s);
/* The counter of this name, with what the store has of it; one reference. NULL: out of memory, or
 * too many are in use, which is logged. Any thread; reads the store when the name is new. */
struct daily *daily_get(struct dailies *s, const char *key);
void daily_unref(struct daily *d); /* NULL is fine */
/* As hy_day_take, hy_day_ask, hy_day_give_back, hy_day_total. Any thread. */
hy_wall_ms daily_take(struct daily *d, uint32_t limit, hy_wall_ms now);
hy_wall_ms daily_ask(struct daily *d, uint32_t limit, hy_wall_ms now);
void daily_give_back(struct daily *d);
uint64_t daily_total(struct daily *d, hy_wall_ms now);
/* Hands what changed to the writer, a batch at a time; the feeder, twice a second. */
void dailies_flush(struct dailies *s);
/* Writes everything exactly, and waits for it. After the threads that count. */
void dailies_save(struct dailies *s);
