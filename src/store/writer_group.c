/* A group of requests in one transaction: applying, committing, answering, and what to do when one
 * of them spoils it or the disk is full. */
#include "writer_priv.h"

enum { MORE_LEAST_MS = 10, MORE_MOST_MS = 150 };

/* Requests left in the group or the queues decide how old the oldest is. */
static void recount(struct hy_writer *w, unsigned finished)
{
    pthread_mutex_lock(&w->shared.lock);
    hy_us oldest = w->group.head ? w->group.head->queued_at : 0;
    for (int i = 0; i < HY_WRITE_CLASSES; i++) {
        const struct hy_write_req *r = w->shared.queue[i].head;
        if (r && (oldest == 0 || r->queued_at < oldest))
            oldest = r->queued_at;
    }
    atomic_fetch_sub(&w->shared.unfinished, finished);
    atomic_store(&w->shared.oldest_at, oldest);
    pthread_mutex_unlock(&w->shared.lock);
}

static void count(struct hy_writer *w, const struct fifo *over)
{
    hy_us now = hy_clock_us();
    pthread_mutex_lock(&w->shared.lock);
    struct hy_writer_stats *s = &w->shared.stats;
    for (const struct hy_write_req *r = over->head; r; r = r->next) {
        if (r->err == 0 || r->err == HY_EMORE)
            s->applied++;
        else
            s->failed++;
        if (now - r->queued_at > s->longest_wait_us)
            s->longest_wait_us = now - r->queued_at;
    }
    pthread_mutex_unlock(&w->shared.lock);
}

/* The end of a request's turn: `over` was taken from the group. */
static void finish(struct hy_writer *w, struct fifo *over)
{
    struct hy_write_req *r;
    count(w, over);
    recount(w, over->n);
    while ((r = fifo_pop(over))) {
        if (r->err == HY_EMORE) {
            r->queued_at = hy_clock_us(); /* each slice waits anew */
            fifo_push(&w->jobs, r);
            if (r->slice)
                r->slice(r);
        } else if (r->done) {
            r->done(r, r->err);
        }
    }
}

static void finish_group(struct hy_writer *w)
{
    struct fifo over;
    fifo_init(&over);
    fifo_move(&over, &w->group);
    finish(w, &over);
}

void hy_group_refuse(struct hy_writer *w, struct fifo *f, int err)
{
    for (struct hy_write_req *r = f->head; r; r = r->next)
        r->err = err;
    finish(w, f);
}

/* A slice of a long job lasts as long as the commit that its group has to pay for anyway: where
 * settles make commits long, a job would get but a small share of the writer's time otherwise. */
static void limit_slice(const struct hy_writer *w, struct hy_txn *t)
{
    hy_us more = w->commit_us;
    if (more < MORE_LEAST_MS * HY_US_PER_MS)
        more = MORE_LEAST_MS * HY_US_PER_MS;
    if (more > MORE_MOST_MS * HY_US_PER_MS)
        more = MORE_MOST_MS * HY_US_PER_MS;
    t->yield_at = hy_clock_us() + (hy_us)w->o.slice_ms * HY_US_PER_MS;
    t->yield_by = t->yield_at + more;
}

/* Runs one request. Its own error is in r->err; true when the transaction is spoilt. */
static bool apply_spoils(struct hy_writer *w, struct hy_write_req *r, struct hy_txn *t)
{
    uint64_t writes = t->writes;
    if (r->class != HY_WRITE_SETTLE)
        limit_slice(w, t);
    r->err = r->apply(r, t);
    if (t->err)
        r->err = t->err;
    else if (r->err != 0 && r->err != HY_EMORE && t->writes != writes)
        hy_txn_fail(t, r->err);
    return t->err != 0;
}

static void apply_group(struct hy_writer *w, struct hy_txn *t)
{
    for (struct hy_write_req *r = w->group.head; r; r = r->next)
        if (apply_spoils(w, r, t))
            return;
}

/* Commits, or drops what is spoilt; the first error either way. */
static int commit(struct hy_writer *w, struct hy_txn *t, hy_us began)
{
    hy_us applied = hy_clock_us();
    int err = hy_txn_commit(t);
    hy_us now = hy_clock_us();
    w->commit_us = now - applied;
    pthread_mutex_lock(&w->shared.lock);
    struct hy_writer_stats *s = &w->shared.stats;
    s->commits += err == 0;
    if (err == 0)
        hy_histogram_sum_add(&s->commit_times, now - applied);
    s->failed_commits += err != 0;
    s->apply_us += (uint64_t)(applied - began);
    s->commit_us += (uint64_t)(now - applied);
    if (now - applied > s->longest_commit_us)
        s->longest_commit_us = now - applied;
    pthread_mutex_unlock(&w->shared.lock);
    return err;
}

/* No space. Those who may wait do, the others are told. */
static void keep_or_refuse(struct hy_writer *w)
{
    struct fifo all, over;
    struct hy_write_req *r;
    fifo_init(&all);
    fifo_init(&over);
    fifo_move(&all, &w->group);
    while ((r = fifo_pop(&all))) {
        if (r->class == HY_WRITE_SETTLE || r->class == HY_WRITE_EFFECT ||
            (r->class == HY_WRITE_ADMIN && r->on_full == HY_WRITE_FULL_WAIT)) {
            fifo_push(&w->group, r);
        } else {
            r->err = r->on_full == HY_WRITE_FULL_WAIT ? HY_EMORE : HY_EFULL;
            fifo_push(&over, r);
        }
    }
    finish(w, &over);
}

static int run_alone(struct hy_writer *w, struct hy_write_req *r)
{
    struct hy_txn t;
    hy_us began = hy_clock_us();
    int err = hy_txn_write(w->env, &t);
    if (err)
        return err;
    apply_spoils(w, r, &t);
    return commit(w, &t, began);
}

/* One of them spoilt the transaction: each gets one of its own. */
static void replay(struct hy_writer *w)
{
    struct fifo all, over, full;
    struct hy_write_req *r;
    fifo_init(&all);
    fifo_init(&over);
    fifo_init(&full);
    fifo_move(&all, &w->group);
    pthread_mutex_lock(&w->shared.lock);
    w->shared.stats.replayed_groups++;
    pthread_mutex_unlock(&w->shared.lock);
    while ((r = fifo_pop(&all))) {
        int err = run_alone(w, r);
        if (err == HY_EFULL) {
            fifo_push(&full, r);
            continue;
        }
        if (err)
            r->err = err;
        fifo_push(&over, r);
    }
    finish(w, &over);
    fifo_move(&w->group, &full);
    if (w->group.head)
        keep_or_refuse(w);
}

void hy_group_run(struct hy_writer *w)
{
    struct hy_txn t;
    hy_us began = hy_clock_us();
    int err = hy_txn_write(w->env, &t);
    if (!err) {
        apply_group(w, &t);
        err = commit(w, &t, began);
    }
    if (!err)
        finish_group(w);
    else if (err == HY_EFULL)
        keep_or_refuse(w);
    else
        replay(w);
}

void hy_group_try_space(struct hy_writer *w)
{
    struct hy_txn t;
    if (hy_txn_write(w->env, &t) != 0)
        return;
    hy_space_probe_put(&t);
    if (commit(w, &t, hy_clock_us()) != 0)
        return; /* still full, and the state says so */
}
