/* Counters for limits of a day.
 *
 * A counter lives in memory while a lane or a provider uses it, and in the store. While it moves it
 * is written at every flush, ahead by what went out since the flush before: at a steady pace, a
 * daemon that is killed has counted no less than it sent. Once it rests it is written as it is. */
#include "daily.h"

#include "batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/hash.h"
#include "hayauma/base/log.h"

enum { DROPS = 16 /* how many that are idle are looked at when one more is to have room */ };

struct daily {
    struct hy_list link; /* dailies.all */
    struct hy_list idle; /* dailies.idle */
    struct daily *chain; /* of its bucket */
    struct dailies *set;
    unsigned refs;        /* under the set's lock */
    pthread_mutex_t lock; /* of the rest */
    struct hy_day_count count;
    uint64_t taken;      /* since it was loaded */
    uint64_t flushed;    /* `taken` at the last write */
    uint32_t ahead;      /* what was written too much */
    bool is_being_saved; /* a write of it is on its way */
    char key[HY_DAILY_KEY_MAX + 1];
};

void dailies_init(struct dailies *s, struct hy_env *env, struct hy_writer *writer)
{
    s->env = env;
    s->writer = writer;
    hy_list_init(&s->all);
    hy_list_init(&s->idle);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->written, NULL);
}

static struct daily **bucket(struct dailies *s, const char *key)
{
    static const struct hy_hash_key fixed = {0x6461696c79206b65, 0x7973206f66206f6e};
    return &s->buckets[hy_siphash(&fixed, key, strlen(key)) % DAILY_BUCKETS];
}

static void destroy(struct daily *d)
{
    struct daily **at = bucket(d->set, d->key);
    while (*at != d)
        at = &(*at)->chain;
    *at = d->chain;
    hy_list_remove(&d->link);
    hy_list_remove(&d->idle);
    d->set->n--;
    pthread_mutex_destroy(&d->lock);
    free(d);
}

void dailies_close(struct dailies *s)
{
    if (!s->env)
        return;
    while (!hy_list_empty(&s->all))
        destroy(hy_container_of(s->all.next, struct daily, link));
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->written);
}

/* ---- finding ---- */

static bool is_saved(const struct daily *d)
{
    return d->taken == d->flushed && d->ahead == 0 && !d->is_being_saved;
}

/* Counters that nobody uses and the store knows make room. The set's lock is held. */
static bool make_room(struct dailies *s)
{
    for (int i = 0; s->n >= DAILIES_MAX && i < DROPS && !hy_list_empty(&s->idle); i++) {
        struct hy_list *it = hy_list_pop(&s->idle);
        struct daily *d = hy_container_of(it, struct daily, idle);
        pthread_mutex_lock(&d->lock);
        bool is_free = is_saved(d);
        pthread_mutex_unlock(&d->lock);
        if (is_free)
            destroy(d);
        else
            hy_list_push(&s->idle, it);
    }
    bool has_room = s->n < DAILIES_MAX;
    if (!has_room && !s->is_full_told)
        hy_log(HY_LOG_ERROR, "daily",
               "%d limits of a day are being counted, and there can be no more: mail under others "
               "waits",
               DAILIES_MAX);
    s->is_full_told = !has_room;
    return has_room;
}

static void load(struct daily *d)
{
    struct hy_txn t;
    int err = hy_txn_read(d->set->env, &t);
    if (err == HY_OK) {
        err = hy_daily_get(&t, hy_str_of(d->key), &d->count);
        hy_txn_end(&t);
    }
    if (err != HY_OK && err != HY_ENOTFOUND)
        hy_log(HY_LOG_ERROR, "daily", "what %s has used of its day cannot be read: %s", d->key,
               hy_err_text(err));
}

static struct daily *make(struct dailies *s, const char *key)
{
    struct daily *d = make_room(s) ? calloc(1, sizeof *d) : NULL;
    if (!d)
        return NULL;
    d->set = s;
    snprintf(d->key, sizeof d->key, "%s", key);
    pthread_mutex_init(&d->lock, NULL);
    load(d);
    hy_list_init(&d->link);
    hy_list_init(&d->idle);
    hy_list_push(&s->all, &d->link);
    d->chain = *bucket(s, key);
    *bucket(s, key) = d;
    s->n++;
    return d;
}

struct daily *daily_get(struct dailies *s, const char *key)
{
    pthread_mutex_lock(&s->lock);
    struct daily *found = *bucket(s, key);
    while (found && strcmp(found->key, key) != 0)
        found = found->chain;
    if (!found)
        found = make(s, key);
    if (found) {
        hy_list_remove(&found->idle);
        found->refs++;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

void daily_unref(struct daily *d)
{
    if (!d)
        return;
    struct dailies *s = d->set;
    pthread_mutex_lock(&s->lock);
    if (--d->refs == 0)
        hy_list_push(&s->idle, &d->idle);
    pthread_mutex_unlock(&s->lock);
}

/* ---- counting ---- */

hy_wall_ms daily_take(struct daily *d, uint32_t limit, hy_wall_ms now)
{
    pthread_mutex_lock(&d->lock);
    hy_wall_ms at = hy_day_take(&d->count, limit, now);
    d->taken += at == 0;
    pthread_mutex_unlock(&d->lock);
    return at;
}

hy_wall_ms daily_ask(struct daily *d, uint32_t limit, hy_wall_ms now)
{
    pthread_mutex_lock(&d->lock);
    hy_wall_ms at = hy_day_ask(&d->count, limit, now);
    pthread_mutex_unlock(&d->lock);
    return at;
}

void daily_give_back(struct daily *d)
{
    pthread_mutex_lock(&d->lock);
    hy_day_give_back(&d->count);
    d->taken++; /* it changed */
    pthread_mutex_unlock(&d->lock);
}

uint64_t daily_total(struct daily *d, hy_wall_ms now)
{
    pthread_mutex_lock(&d->lock);
    uint64_t n = hy_day_total(&d->count, now);
    pthread_mutex_unlock(&d->lock);
    return n;
}

/* ---- saving ---- */

/* Copies a counter into the write if it changed. The set's lock is held. */
static bool add(void *ctx, struct hy_list *it)
{
    struct daily_write *w = ctx;
    struct daily *d = hy_container_of(it, struct daily, link);
    pthread_mutex_lock(&d->lock);
    bool is_due = !is_saved(d) && !d->is_being_saved;
    if (is_due) {
        uint64_t since = d->taken - d->flushed;
        struct hy_day_count *copy = &w->items[w->n].count;
        *copy = d->count;
        d->ahead = w->is_exact || since > UINT32_MAX / 4 ? 0 : (uint32_t)since;
        if (d->ahead)
            copy->sent[copy->hour % HY_DAY_HOURS] += d->ahead;
        d->flushed = d->taken;
        d->is_being_saved = true;
        hy_list_remove(&d->idle);
        d->refs++;
        w->items[w->n].of = d;
        memcpy(w->items[w->n++].key, d->key, sizeof d->key);
    }
    pthread_mutex_unlock(&d->lock);
    return is_due;
}

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct daily_write *w = hy_container_of(r, struct daily_write, req);
    unsigned n;
    for (size_t i = 0; i < w->n; i++) {
        int err = hy_daily_put(t, hy_str_of(w->items[i].key), &w->items[i].count);
        if (err)
            return err;
    }
    return w->trims ? hy_daily_trim(t, t->now, 100000, &n) : HY_OK;
}

static void release(struct daily_write *w, int err)
{
    for (size_t i = 0; i < w->n; i++) {
        struct daily *d = w->items[i].of;
        pthread_mutex_lock(&d->lock);
        d->is_being_saved = false;
        if (err != HY_OK)
            d->taken++; /* the next flush tries again */
        pthread_mutex_unlock(&d->lock);
        daily_unref(d);
    }
}

/* Fills the write with what changed, those that were written longest ago first; false when there is
 * nothing. The set's lock is held. */
static bool gather(struct dailies *s, bool exact)
{
    struct daily_write *w = &s->write;
    w->req = (struct hy_write_req){
        .class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = apply};
    w->owner = s;
    w->n = 0;
    w->trims = !s->is_trimmed;
    w->is_exact = exact;
    batch_gather(&s->all, s->n, DAILY_BATCH, add, w);
    s->unseen -= s->unseen < w->n || w->n < DAILY_BATCH ? s->unseen : w->n;
    return w->n || w->trims;
}

static void submit(struct dailies *s);

/* Where there was more than one write holds, the next follows at once. */
static void on_written(struct hy_write_req *r, int err)
{
    struct daily_write *w = hy_container_of(r, struct daily_write, req);
    struct dailies *s = w->owner;
    release(w, err);
    pthread_mutex_lock(&s->lock);
    s->is_trimmed |= w->trims && err == HY_OK;
    bool goes_on = err == HY_OK && s->unseen > 0 && gather(s, false);
    s->is_writing = goes_on;
    if (!goes_on)
        pthread_cond_broadcast(&s->written);
    pthread_mutex_unlock(&s->lock);
    if (goes_on)
        submit(s);
}

static void submit(struct dailies *s)
{
    s->write.req.done = on_written;
    int err = hy_writer_submit(s->writer, &s->write.req);
    if (err != HY_OK)
        on_written(&s->write.req, err);
}

void dailies_flush(struct dailies *s)
{
    pthread_mutex_lock(&s->lock);
    s->unseen = s->is_writing ? s->unseen : s->n;
    bool is_due = !s->is_writing && gather(s, false);
    s->is_writing |= is_due;
    pthread_mutex_unlock(&s->lock);
    if (is_due)
        submit(s);
}

void dailies_save(struct dailies *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->is_writing)
        pthread_cond_wait(&s->written, &s->lock);
    while (gather(s, true)) {
        pthread_mutex_unlock(&s->lock);
        int err = hy_writer_run(s->writer, &s->write.req);
        release(&s->write, err);
        pthread_mutex_lock(&s->lock);
        s->is_trimmed = true;
        if (err != HY_OK) {
            hy_log(HY_LOG_ERROR, "daily", "what was used of the day could not be stored: %s",
                   hy_err_text(err));
            break;
        }
    }
    pthread_mutex_unlock(&s->lock);
}
