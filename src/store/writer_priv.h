/* The writer's inside: the thread and its queues (writer.c), the group and its commit
 * (writer_group.c). */
#pragma once
#include <pthread.h>

#include "env_priv.h"
#include "hayauma/store/writer.h"

struct fifo {
    struct hy_write_req *head, **tail;
    unsigned n;
};

struct hy_writer {
    struct hy_env *env;
    struct hy_writer_options o;
    pthread_t thread;
    struct fifo group; /* being applied; the thread's */
    struct fifo jobs;  /* long jobs between slices; the thread's */
    hy_us space_checked, readers_checked;
    hy_us commit_us; /* what the last commit took */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t wake;
        struct fifo queue[HY_WRITE_CLASSES];
        bool stopping;
        struct hy_writer_stats stats;
        _Atomic uint64_t unfinished; /* queued or in the group */
        _Atomic hy_us oldest_at;     /* of those; 0 = none */
    } shared;
};

static inline void fifo_init(struct fifo *f)
{
    *f = (struct fifo){.tail = &f->head};
}

static inline void fifo_push(struct fifo *f, struct hy_write_req *r)
{
    r->next = NULL;
    *f->tail = r;
    f->tail = &r->next;
    f->n++;
}

static inline void fifo_push_front(struct fifo *f, struct hy_write_req *r)
{
    r->next = f->head;
    f->head = r;
    if (f->tail == &f->head)
        f->tail = &r->next;
    f->n++;
}

static inline struct hy_write_req *fifo_pop(struct fifo *f) /* NULL when empty */
{
    struct hy_write_req *r = f->head;
    if (!r)
        return NULL;
    f->head = r->next;
    if (!f->head)
        f->tail = &f->head;
    f->n--;
    return r;
}

/* Everything in `from` to the end of `to`. */
static inline void fifo_move(struct fifo *to, struct fifo *from)
{
    struct hy_write_req *r;
    while ((r = fifo_pop(from)))
        fifo_push(to, r);
}

/* Applies the group, commits and answers. What a full disk keeps out stays in the group (settles,
 * admin that waits) or goes back to the jobs (intake that waits). */
void hy_group_run(struct hy_writer *w);
/* Whether an empty commit finds space; moves the state on. */
void hy_group_try_space(struct hy_writer *w);
/* Answers all of them with `err`, without a transaction. */
void hy_group_refuse(struct hy_writer *w, struct fifo *f, int err);
