/* The job queue of a thread pool: a lock, a condition, and fair shares of what waits. Urgent jobs
 * have a line of their own, which is served first. */
#include <pthread.h>
#include <stdlib.h>

#include "hayauma/io/mailbox.h"

struct line {
    struct hy_msg *first, *last;
    uint32_t count;
};

struct hy_jobs {
    pthread_mutex_t lock;
    pthread_cond_t come; /* jobs, or the end */
    struct line urgent, normal;
    uint32_t count, max; /* of both lines */
    uint32_t n_workers, sleeping;
    bool closed;
};

int hy_jobs_create(uint32_t max, uint32_t n_workers, struct hy_jobs **ret_jobs)
{
    struct hy_jobs *j = calloc(1, sizeof *j);
    if (!j)
        return HY_ENOMEM;
    pthread_mutex_init(&j->lock, NULL); /* these two cannot fail on Linux with default attributes */
    pthread_cond_init(&j->come, NULL);
    j->max = max;
    j->n_workers = n_workers ? n_workers : 1;
    *ret_jobs = j;
    return 0;
}

void hy_jobs_free(struct hy_jobs *j)
{
    if (!j)
        return;
    pthread_cond_destroy(&j->come);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

static int add(struct hy_jobs *j, struct line *to, struct hy_msg *first, struct hy_msg *last,
               uint32_t n)
{
    if (j->closed)
        return HY_ECLOSED;
    if (n > j->max - j->count)
        return HY_ELIMIT;
    if (to->last)
        to->last->next = first;
    else
        to->first = first;
    to->last = last;
    to->count += n;
    j->count += n;
    return 0;
}

static int push(struct hy_jobs *j, struct line *to, struct hy_msg *first)
{
    if (!first)
        return 0;
    uint32_t n = 1;
    struct hy_msg *last = first;
    for (; last->next; last = last->next)
        n++;

    pthread_mutex_lock(&j->lock);
    int err = add(j, to, first, last, n);
    uint32_t wake = err ? 0 : n < j->sleeping ? n : j->sleeping;
    pthread_mutex_unlock(&j->lock);
    for (; wake; wake--)
        pthread_cond_signal(&j->come);
    return err;
}

int hy_jobs_push(struct hy_jobs *j, struct hy_msg *first)
{
    return push(j, &j->normal, first);
}

int hy_jobs_push_urgent(struct hy_jobs *j, struct hy_msg *first)
{
    return push(j, &j->urgent, first);
}

/* A burst is spread over the pool instead of being taken by the first that wakes. */
static uint32_t fair_share(const struct hy_jobs *j, const struct line *l, uint32_t max)
{
    uint32_t share = (l->count + j->n_workers - 1) / j->n_workers;
    return share < max ? share : max;
}

static struct hy_msg *cut(struct hy_jobs *j, struct line *l, uint32_t n)
{
    struct hy_msg *first = l->first, *last = first;
    for (uint32_t i = 1; i < n; i++)
        last = last->next;
    l->first = last->next;
    if (!l->first)
        l->last = NULL;
    last->next = NULL;
    l->count -= n;
    j->count -= n;
    return first;
}

struct hy_msg *hy_jobs_pop(struct hy_jobs *j, uint32_t max)
{
    struct hy_msg *first = NULL;
    pthread_mutex_lock(&j->lock);
    while (j->count == 0 && !j->closed) {
        j->sleeping++;
        pthread_cond_wait(&j->come, &j->lock);
        j->sleeping--;
    }
    struct line *l = j->urgent.count ? &j->urgent : &j->normal;
    if (l->count && max)
        first = cut(j, l, fair_share(j, l, max));
    pthread_mutex_unlock(&j->lock);
    return first;
}

void hy_jobs_close(struct hy_jobs *j)
{
    pthread_mutex_lock(&j->lock);
    j->closed = true;
    pthread_cond_broadcast(&j->come);
    pthread_mutex_unlock(&j->lock);
}

uint32_t hy_jobs_count(struct hy_jobs *j)
{
    pthread_mutex_lock(&j->lock);
    uint32_t n = j->count;
    pthread_mutex_unlock(&j->lock);
    return n;
}
