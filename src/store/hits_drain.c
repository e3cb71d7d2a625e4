/* Carrying hits from their journal into the store.
 *
 * The thread waits until something comes, gives it a moment to become more, and hands the writer a
 * job that stores what there is up to then. "hits_read" in the meta table is the position up to
 * which the store has the journal; it moves in the transaction of the activities, so a job may be
 * cut, killed or repeated anywhere: it goes on where the store says. */
#include "hits_priv.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "activity.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/store/visitor.h"
#include "meta.h"

enum {
    GATHER_MS = 20,  /* from the first hit to the writer: hits share a transaction */
    PAUSE_MS = 200,  /* while intake rests for want of space, or the writer is full */
    STOP_MS = 5000,  /* for the last ones */
    LOOK_EVERY = 32, /* records between two looks at the clock */
    SLICE_RECORDS = 4096,
};
static const char position_name[] = "hits_read";

int hits_position(struct hy_txn *t, uint64_t *ret)
{
    const uint8_t *v;
    int err = hy_meta_get(t, position_name, 8, &v);
    if (err == HY_OK)
        *ret = hy_get_le64(v);
    else if (err == HY_ENOTFOUND)
        *ret = 0;
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- the job; the writer's thread ---- */

/* False: it is no activity that can be stored, and is passed over. */
static int store_one(struct hy_txn *t, const struct hits_view *v, int64_t back_ms,
                     bool *ret_is_stored)
{
    static const char no_id[8] = {0};
    struct hy_activity a;
    int err = hy_activity_decode(hy_str_make(no_id, sizeof no_id), v->payload, &a);
    if (!err)
        err = a.visitor ? hy_visitor_put(t, &a, back_ms) : hy_activity_put(t, &a);
    *ret_is_stored = err == HY_OK;
    return t->err;
}

static int apply(struct hy_write_req *req, struct hy_txn *t)
{
    struct hits_job *j = hy_container_of(req, struct hits_job, req);
    struct hits_view v;
    uint64_t at = 0, stored = 0, dropped = 0;
    int err = hits_position(t, &at);
    if (j->end == 0) { /* what came while the job waited goes with it */
        pthread_mutex_lock(&j->hits->lock);
        j->end = j->hits->head;
        pthread_mutex_unlock(&j->hits->lock);
    }
    bool is_cut = false;
    while (!err && at < j->end && !is_cut) {
        bool is_stored = true;
        if (!hits_read(j->hits, at, &v)) /* somebody else wrote into the file */
            v = (struct hits_view){.next = j->end};
        else if (v.payload.n)
            err = store_one(t, &v, atomic_load(&j->hits->join_back_ms), &is_stored);
        stored += v.payload.n && is_stored;
        dropped += v.payload.n && !is_stored;
        at = v.next;
        uint64_t n = stored + dropped;
        is_cut = n >= SLICE_RECORDS || (n % LOOK_EVERY == 0 && hy_txn_should_yield(t));
    }
    if (err)
        return err;
    uint8_t le[8];
    hy_put_le64(le, at);
    hy_meta_put(t, position_name, le, sizeof le);
    j->reached = at;
    j->stored = stored;
    j->dropped = dropped;
    return is_cut && at < j->end ? HY_EMORE : HY_OK;
}

/* The store has it: its room is free. */
static void on_slice(struct hy_write_req *req)
{
    struct hits_job *j = hy_container_of(req, struct hits_job, req);
    struct hy_hits *h = j->hits;
    hits_wipe(h, h->tail, j->reached); /* nobody but this thread moves the tail */
    pthread_mutex_lock(&h->lock);
    h->tail = j->reached;
    h->stored += j->stored;
    h->dropped += j->dropped;
    pthread_mutex_unlock(&h->lock);
    if (j->dropped)
        hy_log(HY_LOG_ERROR, "tracking", "%lu hits could not be stored as activities", j->dropped);
}

static void on_done(struct hy_write_req *req, int err)
{
    struct hits_job *j = hy_container_of(req, struct hits_job, req);
    struct hy_hits *h = j->hits;
    if (err == HY_OK)
        on_slice(req);
    pthread_mutex_lock(&h->lock);
    j->is_over = true;
    j->err = err;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
}

/* ---- the thread; all of these under the lock ---- */

static void wait_ms(struct hy_hits *h, unsigned ms)
{
    hy_us at = hy_clock_us() + (hy_us)ms * HY_US_PER_MS;
    struct timespec ts = {.tv_sec = at / HY_US_PER_SEC, .tv_nsec = at % HY_US_PER_SEC * 1000};
    int no = 0;
    bool was_stopping = h->is_stopping;
    while (no == 0 && h->is_stopping == was_stopping)
        no = pthread_cond_timedwait(&h->wake, &h->lock, &ts);
}

/* One job, until it is over. */
static int carry(struct hy_hits *h)
{
    struct hits_job *j = &h->job;
    *j = (struct hits_job){.hits = h,
                           .req = {.class = HY_WRITE_ADMIN,
                                   .when = h->is_stopping ? HY_WRITE_NOW : HY_WRITE_GROUPED,
                                   .on_full = HY_WRITE_FULL_WAIT,
                                   .apply = apply,
                                   .slice = on_slice,
                                   .done = on_done}};
    pthread_mutex_unlock(&h->lock);
    int err = hy_writer_submit(h->writer, &j->req);
    pthread_mutex_lock(&h->lock);
    while (!err && !j->is_over)
        pthread_cond_wait(&h->wake, &h->lock);
    return err ? err : j->err;
}

static void run(struct hy_hits *h)
{
    hy_us give_up = HY_US_NEVER;
    while (hy_clock_us() < give_up) {
        if (h->is_stopping && give_up == HY_US_NEVER)
            give_up = hy_clock_us() + STOP_MS * HY_US_PER_MS;
        if (h->head == h->tail) {
            if (h->is_stopping)
                return;
            h->is_idle = true;
            while (h->is_idle && !h->is_stopping)
                pthread_cond_wait(&h->wake, &h->lock);
            h->is_idle = false;
            continue;
        }
        if (!h->is_stopping)
            wait_ms(h, GATHER_MS);
        /* What little room is left on the disk is for outcomes of mail. */
        int err = hy_env_state(h->env) == HY_ENV_READY ? carry(h) : HY_EFULL;
        h->cpu_us = hy_clock_thread_cpu_us();
        if (err == HY_ECLOSED)
            return;
        if (err && err != HY_EFULL && err != HY_EBUSY && err != h->job_err)
            hy_log(HY_LOG_ERROR, "tracking", "hits wait, they cannot be stored: %s",
                   hy_err_text(err));
        h->job_err = err;
        if (err)
            wait_ms(h, PAUSE_MS);
    }
}

static void *hits_thread(void *arg)
{
    struct hy_hits *h = arg;
    pthread_setname_np(pthread_self(), "hits");
    pthread_mutex_lock(&h->lock);
    run(h);
    if (h->head != h->tail)
        hy_log(HY_LOG_NOTICE, "tracking",
               "hits that the store has not yet go there at the next "
               "start");
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

int hy_hits_start(struct hy_hits *h, struct hy_writer *w)
{
    sigset_t all, before;
    h->writer = w;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    int no = pthread_create(&h->thread, NULL, hits_thread, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    h->is_running = no == 0;
    return no == 0 ? HY_OK : no == ENOMEM ? HY_ENOMEM : HY_EIO;
}

void hy_hits_stop(struct hy_hits *h)
{
    if (!h->is_running)
        return;
    pthread_mutex_lock(&h->lock);
    h->is_stopping = true;
    pthread_cond_broadcast(&h->wake);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    h->is_running = false;
}
