/* How warm each source is with each provider: shared by lanes of all workers, kept over restarts.
 */
#pragma once
#include <pthread.h>

#include "hayauma/base/list.h"
#include "hayauma/shape/warmup.h"
#include "hayauma/store/warmup.h"
#include "hayauma/store/writer.h"

enum { WARMTHS_MAX = 16384, WARMTH_BATCH = 256, WARMTH_BUCKETS = 1024 };

struct hy_deliver_source;
struct warmth;

/* One write to the store. */
struct warmth_write {
    struct hy_write_req req;
    struct warmths *owner;
    bool is_exact; /* what was sent, not ahead */
    size_t n;
    struct {
        struct warmth *of; /* counted */
        char key[HY_WARMUP_KEY_MAX + 1];
        struct hy_warmup state;
    } items[WARMTH_BATCH];
};

struct warmths {
    struct hy_env *env;
    struct hy_writer *writer;
    pthread_mutex_t lock; /* of the lists, the write, and what says who uses one */
    struct hy_list all;   /* those written last at the end */
    struct hy_list idle;  /* those that nobody uses, the longest first */
    struct warmth *buckets[WARMTH_BUCKETS];
    size_t n;
    bool is_writing, is_full_told;
    pthread_cond_t written;
    struct warmth_write write;
};

void warmths_init(struct warmths *s, struct hy_env *env, struct hy_writer *writer);
void warmths_close(struct warmths *s);
/* That of a source under its plan with a provider; one reference. NULL: out of memory, or too many
 * are in use, which is logged. Precondition: from->warmup. Any thread; reads the store when it is
 * new. */
struct warmth *warmth_get(struct warmths *s, const struct hy_deliver_source *from,
                          const char *provider, hy_wall_ms now);
void warmth_unref(struct warmth *w); /* NULL is fine */
/* 0 and counts one; otherwise when there may be room. Any thread. */
hy_wall_ms warmth_take(struct warmth *w, const struct hy_warmup_plan *p, hy_wall_ms now);
/* The same without counting. */
hy_wall_ms warmth_ask(struct warmth *w, const struct hy_warmup_plan *p, hy_wall_ms now);
void warmth_give_back(struct warmth *w);
/* What the provider answered. Any thread. */
void warmth_count(struct warmth *w, const struct hy_outcome *o);

/* For people. */
struct warmth_view {
    const char *source, *provider;
    uint32_t step, days, limit; /* limit UINT32_MAX: warm */
    uint64_t sent;              /* on this day of its plan */
    uint32_t good, bad;
    enum hy_warmup_verdict verdict;
};
struct warmth_view warmth_look(struct warmth *w, const struct hy_warmup_plan *p, hy_wall_ms now);
/* Calls `fn` for each. Any thread. */
void warmths_each(struct warmths *s, void (*fn)(void *ctx, struct warmth *w), void *ctx);
const char *warmth_source(const struct warmth *w);

/* Hands what changed to the writer; the feeder, twice a second. */
void warmths_flush(struct warmths *s);
/* Writes all that changed, and waits for it. After the threads that count. */
void warmths_save(struct warmths *s);
