/* The writer thread: takes requests, applies them as a group, commits, answers.
 *
 * Happy path: submit puts a request on the list of its class; the thread wakes when the oldest has
 * waited for the commit interval (or somebody is in a hurry, or there are many), takes a group,
 * runs settles, then admin, then intake, then one slice of one long job in one transaction,
 * commits, calls done. Failure: see writer_group.c. */
#include <stdlib.h>

#include "writer_priv.h"

enum { IDLE_MS = 5000, READER_CHECK_MS = 60000, SPACE_CHECK_MS = 200 };

/* ---- submitting ---- */

static int refusal(const struct hy_writer *w, const struct hy_write_req *r)
{
    if (w->shared.stopping)
        return HY_ECLOSED;
    if (r->class == HY_WRITE_SETTLE)
        return 0;
    if (r->class == HY_WRITE_INTAKE && r->on_full == HY_WRITE_FULL_FAIL &&
        hy_env_state(w->env) != HY_ENV_READY)
        return HY_EFULL;
    return w->shared.queue[r->class].n >= w->o.max_queued ? HY_EBUSY : 0;
}

int hy_writer_submit(struct hy_writer *w, struct hy_write_req *r)
{
    r->queued_at = hy_clock_us();
    pthread_mutex_lock(&w->shared.lock);
    int err = refusal(w, r);
    if (!err) {
        struct fifo *q = &w->shared.queue[r->class];
        unsigned waiting = atomic_fetch_add(&w->env->shared.waiting, 1) + 1;
        fifo_push(q, r);
        if (r->when == HY_WRITE_NOW)
            atomic_fetch_add(&w->env->shared.hurried, 1);
        atomic_fetch_add(&w->shared.unfinished, 1);
        if (atomic_load(&w->shared.oldest_at) == 0)
            atomic_store(&w->shared.oldest_at, r->queued_at);
        /* The thread sleeps with a deadline when there is something, so it need not be woken for
         * every request. */
        if (waiting == 1 || r->when == HY_WRITE_NOW || waiting == w->o.commit_count)
            pthread_cond_signal(&w->shared.wake);
    }
    pthread_mutex_unlock(&w->shared.lock);
    return err;
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool over;
    int err;
};

static void wake_waiter(struct hy_write_req *r, int err)
{
    struct waiter *x = r->waiter;
    pthread_mutex_lock(&x->lock);
    x->over = true;
    x->err = err;
    pthread_cond_signal(&x->cond);
    pthread_mutex_unlock(&x->lock);
}

int hy_writer_run(struct hy_writer *w, struct hy_write_req *r)
{
    struct waiter x = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    r->waiter = &x;
    r->when = HY_WRITE_NOW;
    r->done = wake_waiter;
    int err = hy_writer_submit(w, r);
    if (err)
        return err;
    pthread_mutex_lock(&x.lock);
    while (!x.over)
        pthread_cond_wait(&x.cond, &x.lock);
    pthread_mutex_unlock(&x.lock);
    pthread_cond_destroy(&x.cond);
    pthread_mutex_destroy(&x.lock);
    r->waiter = NULL;
    return x.err;
}

/* ---- the thread ---- */

/* One long job a transaction. Intake rests unless there is space; what does not want to wait for it
 * is refused. */
static bool may_run(const struct hy_writer *w, const struct hy_write_req *r)
{
    return r->class != HY_WRITE_INTAKE || hy_env_state(w->env) == HY_ENV_READY;
}

static hy_us next_wake(const struct hy_writer *w, hy_us now)
{
    bool ready = hy_env_state(w->env) == HY_ENV_READY;
    hy_us at = now + (ready ? IDLE_MS : w->o.retry_ms) * HY_US_PER_MS;
    for (int i = 0; i < HY_WRITE_CLASSES; i++) {
        const struct hy_write_req *r = w->shared.queue[i].head;
        if (r && r->queued_at + (hy_us)w->o.commit_interval_ms * HY_US_PER_MS < at)
            at = r->queued_at + (hy_us)w->o.commit_interval_ms * HY_US_PER_MS;
    }
    for (const struct hy_write_req *r = w->jobs.head; r; r = r->next)
        if (may_run(w, r))
            return now;
    return at;
}

static unsigned queued(const struct hy_writer *w)
{
    unsigned n = 0;
    for (int i = 0; i < HY_WRITE_CLASSES; i++)
        n += w->shared.queue[i].n;
    return n;
}

static void sleep_until(struct hy_writer *w, hy_us at)
{
    struct timespec ts = {.tv_sec = at / HY_US_PER_SEC, .tv_nsec = at % HY_US_PER_SEC * 1000};
    pthread_cond_timedwait(&w->shared.wake, &w->shared.lock, &ts);
}

/* Moves requests from the queues to the group, intake that can wait to the jobs. */
static void take(struct hy_writer *w)
{
    unsigned taken = 0;
    for (int i = 0; i < HY_WRITE_CLASSES; i++) {
        struct fifo *q = &w->shared.queue[i];
        while (q->head && (w->group.n < w->o.commit_count || w->shared.stopping)) {
            struct hy_write_req *r = fifo_pop(q);
            if (r->when == HY_WRITE_NOW)
                atomic_fetch_sub(&w->env->shared.hurried, 1);
            bool waits = i == HY_WRITE_INTAKE && r->on_full == HY_WRITE_FULL_WAIT;
            fifo_push(waits ? &w->jobs : &w->group, r);
            atomic_fetch_sub(&w->shared.unfinished, waits);
            taken++;
        }
    }
    atomic_fetch_sub(&w->env->shared.waiting, taken);
}

static void take_job(struct hy_writer *w)
{
    struct fifo refused;
    bool taken = false;
    fifo_init(&refused);
    for (unsigned n = w->jobs.n; n > 0 && !taken; n--) {
        struct hy_write_req *r = fifo_pop(&w->jobs);
        taken = may_run(w, r);
        if (taken && r->is_first)
            fifo_push_front(&w->group, r);
        else if (taken)
            fifo_push(&w->group, r);
        else
            fifo_push(r->on_full == HY_WRITE_FULL_WAIT ? &w->jobs : &refused, r);
    }
    atomic_fetch_add(&w->shared.unfinished, refused.n + taken);
    hy_group_refuse(w, &refused, HY_EFULL);
}

/* Waits until there is a reason to work, and takes it; false when it is time to stop. */
static bool wait_for_work(struct hy_writer *w)
{
    pthread_mutex_lock(&w->shared.lock);
    hy_us now = hy_clock_us();
    hy_us give_up = now + (hy_us)w->o.retry_ms * HY_US_PER_MS;
    bool retrying = w->group.head && hy_env_state(w->env) == HY_ENV_FULL;
    while (!w->shared.stopping) {
        hy_us at = retrying ? give_up : next_wake(w, now);
        if (at <= now)
            break;
        if (!retrying &&
            (atomic_load(&w->env->shared.hurried) > 0 || queued(w) >= w->o.commit_count))
            break;
        if (!retrying && queued(w) == 0 && hy_env_state(w->env) != HY_ENV_READY) {
            sleep_until(w, at);
            break; /* look whether there is space now */
        }
        sleep_until(w, at);
        now = hy_clock_us();
    }
    bool stopping = w->shared.stopping;
    take(w);
    pthread_mutex_unlock(&w->shared.lock);
    return !stopping;
}

static void housekeep(struct hy_writer *w)
{
    hy_us now = hy_clock_us();
    int dead;
    if (now - w->space_checked >= SPACE_CHECK_MS * HY_US_PER_MS) {
        w->space_checked = now;
        hy_space_check(w->env, false);
    }
    if (now - w->readers_checked >= READER_CHECK_MS * HY_US_PER_MS) {
        w->readers_checked = now;
        mdb_reader_check(w->env->mdb, &dead);
    }
}

static void *writer_thread(void *arg)
{
    struct hy_writer *w = arg;
    bool go_on = true;
    pthread_setname_np(pthread_self(), "writer");
    while (go_on) {
        go_on = wait_for_work(w);
        housekeep(w);
        if (go_on)
            take_job(w);
        if (w->group.head)
            hy_group_run(w);
        else if (hy_env_state(w->env) == HY_ENV_FULL)
            hy_group_try_space(w);
    }
    atomic_fetch_add(&w->shared.unfinished, w->jobs.n);
    hy_group_refuse(w, &w->jobs, HY_ECLOSED);
    struct fifo kept;
    fifo_init(&kept);
    fifo_move(&kept, &w->group);
    hy_group_refuse(w, &kept, HY_ECLOSED);
    return NULL;
}

/* ---- life ---- */

static unsigned or_default(unsigned v, unsigned d)
{
    return v ? v : d;
}

int hy_writer_start(struct hy_env *env, const struct hy_writer_options *o, struct hy_writer **ret)
{
    struct hy_writer *w = calloc(1, sizeof *w);
    pthread_condattr_t attr;
    if (!w)
        return HY_ENOMEM;
    w->env = env;
    w->o = (struct hy_writer_options){
        .commit_interval_ms = or_default(o->commit_interval_ms, 50),
        .commit_count = or_default(o->commit_count, 4096),
        .max_queued = or_default(o->max_queued, 1024),
        .slice_ms = or_default(o->slice_ms, 10),
        .retry_ms = or_default(o->retry_ms, 500),
    };
    fifo_init(&w->group);
    fifo_init(&w->jobs);
    for (int i = 0; i < HY_WRITE_CLASSES; i++)
        fifo_init(&w->shared.queue[i]);
    pthread_mutex_init(&w->shared.lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->shared.wake, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&w->thread, NULL, writer_thread, w) != 0) {
        pthread_cond_destroy(&w->shared.wake);
        pthread_mutex_destroy(&w->shared.lock);
        free(w);
        return HY_EIO;
    }
    *ret = w;
    return 0;
}

void hy_writer_stop(struct hy_writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->shared.lock);
    w->shared.stopping = true;
    pthread_cond_signal(&w->shared.wake);
    pthread_mutex_unlock(&w->shared.lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->shared.wake);
    pthread_mutex_destroy(&w->shared.lock);
    free(w);
}

struct hy_writer_lag hy_writer_lag(const struct hy_writer *w)
{
    struct hy_writer_lag lag = {.queued = atomic_load(&w->shared.unfinished)};
    hy_us oldest = atomic_load(&w->shared.oldest_at);
    hy_us now = hy_clock_us();
    if (oldest != 0 && now > oldest)
        lag.oldest_us = now - oldest;
    return lag;
}

void hy_writer_stats(struct hy_writer *w, struct hy_writer_stats *ret)
{
    pthread_mutex_lock(&w->shared.lock);
    *ret = w->shared.stats;
    pthread_mutex_unlock(&w->shared.lock);
}
