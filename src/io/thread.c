/* Threads: name, blocked signals, CPU clock. */
#include "hayauma/io/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct hy_thread {
    pthread_t id;
    char name[16];
    void (*fn)(void *arg);
    void *arg;
};

static void *run(void *arg)
{
    struct hy_thread *t = arg;
    t->fn(t->arg);
    return NULL;
}

int hy_thread_start(const char *name, void (*fn)(void *arg), void *arg,
                    struct hy_thread **ret_thread)
{
    struct hy_thread *t = calloc(1, sizeof *t);
    if (!t)
        return HY_ENOMEM;
    *t = (struct hy_thread){.fn = fn, .arg = arg};
    snprintf(t->name, sizeof t->name, "%s", name);

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited: no moment with signals open */
    int failed = pthread_create(&t->id, NULL, run, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(t);
        errno = failed;
        return failed == ENOMEM ? HY_ENOMEM : HY_EIO;
    }
    pthread_setname_np(t->id, t->name); /* a name that does not stick harms nobody */
    *ret_thread = t;
    return 0;
}

void hy_thread_join(struct hy_thread *t)
{
    if (!t)
        return;
    pthread_join(t->id, NULL);
    free(t);
}

int64_t hy_thread_cpu_us(struct hy_thread *t)
{
    clockid_t clock;
    struct timespec ts;
    if (pthread_getcpuclockid(t->id, &clock) || clock_gettime(clock, &ts))
        return 0; /* it has ended and waits to be joined */
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

const char *hy_thread_name(const struct hy_thread *t)
{
    return t->name;
}

void hy_thread_give_way(int nice)
{
    const id_t self = (id_t)gettid();
    errno = 0;
    int now = getpriority(PRIO_PROCESS, self);
    if (now == -1 && errno)
        return;
    int err = setpriority(PRIO_PROCESS, self, now + nice);
    (void)
        err; /* raising it is always allowed; if a sandbox forbids it, nothing is lost but order */
}

void hy_thread_interrupt_none(void)
{
    const struct sched_param priority = {0};
    int err = sched_setscheduler(0, SCHED_BATCH, &priority); /* 0: this thread */
    (void)err;                                               /* as above */
}
