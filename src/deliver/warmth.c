/* Warm-up of sources at work: each message takes its place in the day of its source with the
 * provider, each answer is counted, and the first who asks on a new day has the old one judged. The
 * messages of 24 hours are counted as those of other limits of a day (daily.c); where the plan
 * stands is a record of its own. Both are stored as they move. */
#include "warmth.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/deliver/deliver.h"

struct warmth {
    struct hy_list link; /* warmths.all */
    struct warmths *set;
    char source[64], provider[64];
    struct daily *day;
    pthread_mutex_t lock; /* of the rest */
    struct hy_warmup state;
    bool is_changed;     /* since it was written */
    bool is_being_saved; /* a write of it is on its way */
};

void warmths_init(struct warmths *s, struct hy_env *env, struct hy_writer *writer,
                  struct dailies *dailies)
{
    s->env = env;
    s->writer = writer;
    s->dailies = dailies;
    hy_list_init(&s->all);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->written, NULL);
}

void warmths_close(struct warmths *s)
{
    if (!s->env)
        return;
    for (struct hy_list *it; (it = hy_list_pop(&s->all));) {
        struct warmth *w = hy_container_of(it, struct warmth, link);
        daily_unref(w->day);
        pthread_mutex_destroy(&w->lock);
        free(w);
    }
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->written);
}

/* ---- finding ---- */

static void key_of(const struct warmth *w, char out[HY_WARMUP_KEY_MAX + 1])
{
    snprintf(out, HY_WARMUP_KEY_MAX + 1, "%s/%s", w->source, w->provider);
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
        return;
    hy_warmup_begin(&w->state, start, now);
    w->is_changed = true;
}

static struct warmth *make(struct warmths *s, const struct hy_deliver_source *from,
                           const char *provider, hy_wall_ms now)
{
    char key[HY_DAILY_KEY_MAX + 1];
    struct warmth *w = s->n < WARMTHS_MAX ? calloc(1, sizeof *w) : NULL;
    if (!w)
        return NULL;
    w->set = s;
    snprintf(w->source, sizeof w->source, "%s", from->name);
    snprintf(w->provider, sizeof w->provider, "%s", provider);
    snprintf(key, sizeof key, "warmup/%.63s/%.63s", from->name, provider);
    w->day = daily_get(s->dailies, key);
    if (!w->day) {
        free(w);
        return NULL;
    }
    pthread_mutex_init(&w->lock, NULL);
    hy_list_init(&w->link);
    load(w, from->warmup_start, now);
    hy_list_push(&s->all, &w->link);
    s->n++;
    return w;
}

struct warmth *warmth_get(struct warmths *s, const struct hy_deliver_source *from,
                          const char *provider, hy_wall_ms now)
{
    struct warmth *found = NULL;
    pthread_mutex_lock(&s->lock);
    hy_list_for_each (it, &s->all) {
        struct warmth *w = hy_container_of(it, struct warmth, link);
        if (strcmp(w->source, from->name) == 0 && strcmp(w->provider, provider) == 0)
            found = w;
    }
    if (!found)
        found = make(s, from, provider, now);
    if (found) {
        pthread_mutex_lock(&found->lock);
        if (found->state.start != from->warmup_start) { /* by a reload */
            hy_warmup_begin(&found->state, from->warmup_start, now);
            found->is_changed = true;
        }
        pthread_mutex_unlock(&found->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return found;
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

/* The limit of now; a day that is over is judged first. The lock is held. */
static uint32_t limit_of(struct warmth *w, const struct hy_warmup_plan *p, hy_wall_ms now)
{
    struct hy_warmup_days d = hy_warmup_days_of(p, w->provider);
    if (hy_warmup_turn(&w->state, p, d, now)) {
        w->is_changed = true;
        tell(w, d);
    }
    return hy_warmup_limit(&w->state, d, now);
}

static hy_wall_ms room_at(struct warmth *w, const struct hy_warmup_plan *p, hy_wall_ms now,
                          hy_wall_ms (*ask)(struct daily *d, uint32_t limit, hy_wall_ms now))
{
    pthread_mutex_lock(&w->lock);
    uint32_t limit = limit_of(w, p, now);
    hy_wall_ms next = hy_warmup_day_end(&w->state, now);
    pthread_mutex_unlock(&w->lock);
    if (limit == UINT32_MAX)
        return 0;
    hy_wall_ms at = limit ? ask(w->day, limit, now) : next;
    return at > next ? next : at; /* a new day may have another limit */
}

hy_wall_ms warmth_take(struct warmth *w, const struct hy_warmup_plan *p, hy_wall_ms now)
{
    return room_at(w, p, now, daily_take);
}

hy_wall_ms warmth_ask(struct warmth *w, const struct hy_warmup_plan *p, hy_wall_ms now)
{
    return room_at(w, p, now, daily_ask);
}

void warmth_give_back(struct warmth *w)
{
    daily_give_back(w->day);
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
    struct warmth_view v = {
        .source = w->source,
        .provider = w->provider,
        .limit = limit_of(w, p, now),
        .step = w->state.step,
        .days = (uint32_t)d.n,
        .sent = daily_total(w->day, now),
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

/* Fills the write with what changed; false when there is nothing. The set's lock is held. */
static bool gather(struct warmths *s)
{
    struct warmth_write *write = &s->write;
    write->req = (struct hy_write_req){
        .class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = apply};
    write->owner = s;
    write->n = 0;
    hy_list_for_each (it, &s->all) {
        struct warmth *w = hy_container_of(it, struct warmth, link);
        pthread_mutex_lock(&w->lock);
        if (write->n < WARMTH_BATCH && w->is_changed && !w->is_being_saved) {
            w->is_changed = false;
            w->is_being_saved = true;
            write->items[write->n].of = w;
            write->items[write->n].state = w->state;
            key_of(w, write->items[write->n++].key);
        }
        pthread_mutex_unlock(&w->lock);
    }
    return write->n > 0;
}

void warmths_flush(struct warmths *s)
{
    pthread_mutex_lock(&s->lock);
    bool is_due = !s->is_writing && gather(s);
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
    while (err == HY_OK && gather(s)) {
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
