/* Warm-up of sources at work: each message takes its place in the day of its source with the
 * provider, each answer is counted, and the first who asks on a new day has the old one judged. An
 * entry lives in memory while a lane uses it, and in the store. While it moves it is written ahead,
 * as other counters of a day are (daily.c): a daemon that is killed has counted no less than it
 * sent. */
#include "warmth.h"

#include "batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/hash.h"
#include "hayauma/base/log.h"
#include "hayauma/deliver/deliver.h"

enum { DROPS = 16 /* how many that are idle are looked at when one more is to have room */ };

struct warmth {
    struct hy_list link; /* warmths.all */
    struct hy_list idle; /* warmths.idle */
    struct warmth *chain;
    struct warmths *set;
    unsigned refs; /* under the set's lock */
    char source[64], provider[64];
    pthread_mutex_t lock; /* of the rest; start and first change under the set's lock only */
    struct hy_warmup state;
    uint32_t flushed;    /* state.sent at the last write */
    bool is_changed;     /* since it was written */
    bool is_being_saved; /* a write of it is on its way */
};

void warmths_init(struct warmths *s, struct hy_env *env, struct hy_writer *writer)
{
    s->env = env;
    s->writer = writer;
    hy_list_init(&s->all);
    hy_list_init(&s->idle);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->written, NULL);
}

static struct warmth **bucket(struct warmths *s, const char *source, const char *provider)
{
    static const struct hy_hash_key fixed = {0x7761726d74682073, 0x6f75726365206279};
    uint64_t hash = hy_siphash(&fixed, source, strlen(source)) * 31;
    return &s->buckets[(hash + hy_siphash(&fixed, provider, strlen(provider))) % WARMTH_BUCKETS];
}

static void destroy(struct warmth *w)
{
    struct warmth **at = bucket(w->set, w->source, w->provider);
    while (*at != w)
        at = &(*at)->chain;
    *at = w->chain;
    hy_list_remove(&w->link);
    hy_list_remove(&w->idle);
    w->set->n--;
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void warmths_close(struct warmths *s)
{
    if (!s->env)
        return;
    while (!hy_list_empty(&s->all))
        destroy(hy_container_of(s->all.next, struct warmth, link));
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->written);
}

/* ---- finding ---- */

static void key_of(const struct warmth *w, char out[HY_WARMUP_KEY_MAX + 1])
{
    snprintf(out, HY_WARMUP_KEY_MAX + 1, "%s/%s", w->source, w->provider);
}

/* Any other of its source with the start: here, or in the store. The set's lock is held. */
static bool find_other(const struct warmth *w, hy_wall_ms start, struct hy_warmup *ret)
{
    struct hy_txn t;
    hy_list_for_each (it, &w->set->all) {
        struct warmth *other = hy_container_of(it, struct warmth, link);
        if (other == w || other->state.start != start || strcmp(other->source, w->source) != 0)
            continue;
        pthread_mutex_lock(&other->lock);
        *ret = other->state;
        pthread_mutex_unlock(&other->lock);
        return true;
    }
    int err = hy_txn_read(w->set->env, &t);
    if (err == HY_OK) {
        err = hy_warmup_load_any(&t, hy_str_of(w->source), start, ret);
        hy_txn_end(&t);
    }
    if (err != HY_OK && err != HY_ENOTFOUND)
        hy_log(HY_LOG_ERROR, "warmup", "where %s stands cannot be read: %s", w->source,
               hy_err_text(err));
    return err == HY_OK;
}

/* The set's lock is held. */
static void begin(struct warmth *w, hy_wall_ms start, hy_wall_ms now)
{
    struct hy_warmup other;
    bool has_other = find_other(w, start, &other);
    pthread_mutex_lock(&w->lock);
    hy_warmup_begin(&w->state, start, has_other ? &other : NULL, now);
    w->flushed = 0;
    w->is_changed = true;
    pthread_mutex_unlock(&w->lock);
}

/* What the store has of it; another start in the configuration begins anew. */
static void load(struct warmth *w, hy_wall_ms start, hy_wall_ms now)
{
    struct hy_txn t;
    char key[HY_WARMUP_KEY_MAX + 1];
    key_of(w, key);
    int err = hy_txn_read(w->set->env, &t);
    if (err == HY_OK) {
        err = hy_warmup_load(&t, hy_str_of(key), &w->state);
        hy_txn_end(&t);
    }
    if (err != HY_OK && err != HY_ENOTFOUND)
        hy_log(HY_LOG_ERROR, "warmup", "where %s stands cannot be read: %s", key, hy_err_text(err));
    if (err == HY_OK && w->state.start == start)
        w->flushed = w->state.sent;
    else
        begin(w, start, now);
}

static bool is_saved(struct warmth *w)
{
    pthread_mutex_lock(&w->lock);
    bool yes = !w->is_changed && !w->is_being_saved;
    pthread_mutex_unlock(&w->lock);
    return yes;
}

/* Those of sources that are gone, or rest, make room. The set's lock is held. */
static bool make_room(struct warmths *s)
{
    for (int i = 0; s->n >= WARMTHS_MAX && i < DROPS && !hy_list_empty(&s->idle); i++) {
        struct hy_list *it = hy_list_pop(&s->idle);
        struct warmth *w = hy_container_of(it, struct warmth, idle);
        if (is_saved(w))
            destroy(w);
        else
            hy_list_push(&s->idle, it);
    }
    bool has_room = s->n < WARMTHS_MAX;
    if (!has_room && !s->is_full_told)
        hy_log(HY_LOG_ERROR, "warmup",
               "%d warm-ups of a source with a provider are in use, and there can be no more: mail "
               "of others waits, or goes by sources that are not warmed up",
               WARMTHS_MAX);
    s->is_full_told = !has_room;
    return has_room;
}

static struct warmth *make(struct warmths *s, const struct hy_deliver_source *from,
                           const char *provider, hy_wall_ms now)
{
    struct warmth *w = make_room(s) ? calloc(1, sizeof *w) : NULL;
    if (!w)
        return NULL;
    w->set = s;
    snprintf(w->source, sizeof w->source, "%s", from->name);
    snprintf(w->provider, sizeof w->provider, "%s", provider);
    pthread_mutex_init(&w->lock, NULL);
    hy_list_init(&w->link);
    hy_list_init(&w->idle);
    load(w, from->warmup_start, now);
    hy_list_push(&s->all, &w->link);
    struct warmth **at = bucket(s, w->source, w->provider);
    w->chain = *at;
    *at = w;
    s->n++;
    return w;
}

struct warmth *warmth_get(struct warmths *s, const struct hy_deliver_source *from,
                          const char *provider, hy_wall_ms now)
{
    pthread_mutex_lock(&s->lock);
    struct warmth *w = *bucket(s, from->name, provider);
    while (w && (strcmp(w->source, from->name) != 0 || strcmp(w->provider, provider) != 0))
        w = w->chain;
    if (!w)
        w = make(s, from, provider, now);
    if (w) {
        hy_list_remove(&w->idle);
        w->refs++;
        if (w->state.start != from->warmup_start) /* by a reload */
            begin(w, from->warmup_start, now);
    }
    pthread_mutex_unlock(&s->lock);
    return w;
}

void warmth_unref(struct warmth *w)
{
    if (!w)
        return;
    struct warmths *s = w->set;
    pthread_mutex_lock(&s->lock);
    if (--w->refs == 0)
        hy_list_push(&s->idle, &w->idle);
    pthread_mutex_unlock(&s->lock);
}

/* ---- counting ---- */

static void tell(const struct warmth *w, struct hy_warmup_days d)
{
    const char *why = w->state.verdict == HY_WARMUP_ON       ? "the day before was good"
                      : w->state.verdict == HY_WARMUP_UNUSED ? "the day before was hardly used"
                                                             : "the provider complained";
    if (hy_warmup_is_over(&w->state, d))
        hy_log(HY_LOG_NOTICE, "warmup", "source %s is warm at %s", w->source, w->provider);
    else
        hy_log(w->state.verdict >= HY_WARMUP_STAY ? HY_LOG_WARNING : HY_LOG_NOTICE, "warmup",
               "source %s at %s: step %u of %zu, %u messages a day: %s", w->source, w->provider,
               w->state.step + 1, d.n, d.limits[w->state.step], why);
}

/* A day that is over is judged. The lock is held. */
static void turn(struct warmth *w, const struct hy_warmup_plan *p, struct hy_warmup_days d,
                 hy_wall_ms now)
{
    if (!hy_warmup_turn(&w->state, p, d, now))
        return;
    w->flushed = 0;
    w->is_changed = true;
    tell(w, d);
}

hy_wall_ms warmth_take(struct warmth *w, const struct hy_warmup_plan *p, hy_wall_ms now)
{
    struct hy_warmup_days d = hy_warmup_days_of(p, w->provider);
    pthread_mutex_lock(&w->lock);
    turn(w, p, d, now);
    uint32_t before = w->state.sent;
    hy_wall_ms at = hy_warmup_take(&w->state, d, now);
    w->is_changed |= w->state.sent != before;
    pthread_mutex_unlock(&w->lock);
    return at;
}

hy_wall_ms warmth_ask(struct warmth *w, const struct hy_warmup_plan *p, hy_wall_ms now)
{
    struct hy_warmup_days d = hy_warmup_days_of(p, w->provider);
    pthread_mutex_lock(&w->lock);
    turn(w, p, d, now);
    hy_wall_ms at = hy_warmup_ask(&w->state, d, now);
    pthread_mutex_unlock(&w->lock);
    return at;
}

void warmth_give_back(struct warmth *w)
{
    pthread_mutex_lock(&w->lock);
    hy_warmup_give_back(&w->state);
    w->is_changed = true;
    pthread_mutex_unlock(&w->lock);
}

void warmth_count(struct warmth *w, const struct hy_outcome *o)
{
    pthread_mutex_lock(&w->lock);
    hy_warmup_count(&w->state, o);
    w->is_changed = true;
    pthread_mutex_unlock(&w->lock);
}

struct warmth_view warmth_look(struct warmth *w, const struct hy_warmup_plan *p, hy_wall_ms now)
{
    struct hy_warmup_days d = hy_warmup_days_of(p, w->provider);
    pthread_mutex_lock(&w->lock);
    turn(w, p, d, now);
    struct warmth_view v = {
        .source = w->source,
        .provider = w->provider,
        .limit = hy_warmup_limit(&w->state, d, now),
        .step = w->state.step,
        .days = (uint32_t)d.n,
        .sent = hy_warmup_is_over(&w->state, d) ? 0 : w->state.sent,
        .good = w->state.good,
        .bad = w->state.bad,
        .verdict = w->state.verdict,
    };
    pthread_mutex_unlock(&w->lock);
    return v;
}

void warmths_each(struct warmths *s, void (*fn)(void *ctx, struct warmth *w), void *ctx)
{
    pthread_mutex_lock(&s->lock);
    hy_list_for_each (it, &s->all)
        fn(ctx, hy_container_of(it, struct warmth, link));
    pthread_mutex_unlock(&s->lock);
}

const char *warmth_source(const struct warmth *w)
{
    return w->source;
}

/* ---- saving ---- */

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct warmth_write *w = hy_container_of(r, struct warmth_write, req);
    int err = HY_OK;
    for (size_t i = 0; i < w->n && err == HY_OK; i++)
        err = hy_warmup_store(t, hy_str_of(w->items[i].key), &w->items[i].state);
    return err;
}

static void release(struct warmth_write *write, int err)
{
    for (size_t i = 0; i < write->n; i++) {
        struct warmth *w = write->items[i].of;
        pthread_mutex_lock(&w->lock);
        w->is_being_saved = false;
        w->is_changed |= err != HY_OK; /* the next flush tries again */
        pthread_mutex_unlock(&w->lock);
        warmth_unref(w);
    }
}

static void on_written(struct hy_write_req *r, int err)
{
    struct warmths *s = hy_container_of(r, struct warmth_write, req)->owner;
    release(&s->write, err);
    pthread_mutex_lock(&s->lock);
    s->is_writing = false;
    pthread_cond_broadcast(&s->written);
    pthread_mutex_unlock(&s->lock);
}

/* Copies one that changed into the write, exact or ahead by what went out since the last one; what
 * was written ahead is written again. The set's lock is held. */
static bool add(void *ctx, struct hy_list *it)
{
    struct warmth_write *write = ctx;
    struct warmth *w = hy_container_of(it, struct warmth, link);
    pthread_mutex_lock(&w->lock);
    bool is_due = w->is_changed && !w->is_being_saved;
    if (is_due) {
        struct hy_warmup *copy = &write->items[write->n].state;
        bool is_ahead = w->state.sent > w->flushed && !write->is_exact;
        uint32_t since = is_ahead ? w->state.sent - w->flushed : 0;
        *copy = w->state;
        copy->sent += copy->sent <= UINT32_MAX - since ? since : 0;
        w->flushed = w->state.sent;
        w->is_changed = since > 0;
        w->is_being_saved = true;
        hy_list_remove(&w->idle);
        w->refs++;
        write->items[write->n].of = w;
        key_of(w, write->items[write->n++].key);
    }
    pthread_mutex_unlock(&w->lock);
    return is_due;
}

/* Fills the write with what changed, those that were written longest ago first; false when there is
 * nothing. The set's lock is held. */
static bool gather(struct warmths *s, bool exact)
{
    struct warmth_write *write = &s->write;
    write->req = (struct hy_write_req){
        .class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = apply};
    write->owner = s;
    write->n = 0;
    write->is_exact = exact;
    return batch_gather(&s->all, s->n, WARMTH_BATCH, add, write) > 0;
}

void warmths_flush(struct warmths *s)
{
    pthread_mutex_lock(&s->lock);
    bool is_due = !s->is_writing && gather(s, false);
    s->is_writing |= is_due;
    pthread_mutex_unlock(&s->lock);
    if (!is_due)
        return;
    s->write.req.done = on_written;
    int err = hy_writer_submit(s->writer, &s->write.req);
    if (err != HY_OK)
        on_written(&s->write.req, err);
}

void warmths_save(struct warmths *s)
{
    int err = HY_OK;
    pthread_mutex_lock(&s->lock);
    while (s->is_writing)
        pthread_cond_wait(&s->written, &s->lock);
    while (err == HY_OK && gather(s, true)) {
        pthread_mutex_unlock(&s->lock);
        err = hy_writer_run(s->writer, &s->write.req);
        release(&s->write, err);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    if (err != HY_OK)
        hy_log(HY_LOG_ERROR, "warmup", "where sources stand could not be stored: %s",
               hy_err_text(err));
}
