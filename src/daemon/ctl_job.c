/* Threads for commands whose work grows with the store: a bounded number at a time. */
#include "ctl_common.h"

#include <stdlib.h>
#include <unistd.h>

/* How many at once: short looks are not kept out by backups. */
static const struct {
    unsigned most;
    const char *too_many;
} kinds[CTL_JOB_KINDS] = {
    [CTL_JOB_LOOK] = {16, "many looks into the queue are running"},
    [CTL_JOB_WHOLE] = {4, "several audits, backups or exports are running"},
    [CTL_JOB_SEND] = {16, "many messages are being handed in"},
    [CTL_JOB_ALTER] = {4, "the queue is being changed by others"},
    [CTL_JOB_ACT] = {16, "many orders are waiting for the disk"},
    [CTL_JOB_INTAKE] = {64, "much mail that came back is being read"},
};

struct job {
    struct hy_daemon *d;
    enum ctl_job_kind kind;
    void (*run)(void *arg);
    void *arg;
};

static void *job_main(void *arg)
{
    struct job *j = arg;
    struct hy_daemon *d = j->d;
    enum ctl_job_kind kind = j->kind;
    j->run(j->arg);
    free(j);
    atomic_fetch_sub(&d->store_jobs[kind], 1);
    return NULL;
}

static int start_thread(struct job *j)
{
    pthread_attr_t attr;
    pthread_t thread;
    if (pthread_attr_init(&attr))
        return HY_ENOMEM;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int err = pthread_create(&thread, &attr, job_main, j) ? HY_ENOMEM : HY_OK;
    pthread_attr_destroy(&attr);
    return err;
}

int ctl_job_run(struct hy_daemon *d, enum ctl_job_kind kind, void (*run)(void *arg), void *arg)
{
    struct job *j = NULL;
    int err = HY_EBUSY;
    if (atomic_fetch_add(&d->store_jobs[kind], 1) < kinds[kind].most) {
        j = malloc(sizeof *j);
        if (j)
            *j = (struct job){d, kind, run, arg};
        err = j ? start_thread(j) : HY_ENOMEM;
    }
    if (err == HY_OK)
        return HY_OK;
    atomic_fetch_sub(&d->store_jobs[kind], 1);
    free(j);
    return err;
}

bool ctl_job_start(struct hy_daemon *d, struct hy_control_call *call, enum ctl_job_kind kind,
                   void (*run)(void *arg), void *arg)
{
    int err = ctl_job_run(d, kind, run, arg);
    if (err == HY_EBUSY)
        hy_control_fail(call, err, kinds[kind].too_many, "try again when one has ended");
    else if (err != HY_OK)
        hy_control_fail(call, err, "no thread could be started", NULL);
    return err == HY_OK;
}

struct act {
    struct hy_daemon *d;
    struct hy_control_call *call;
    void (*fn)(struct hy_daemon *d, struct hy_control_call *call);
};

static void act_main(void *arg)
{
    struct act a = *(struct act *)arg;
    free(arg);
    a.fn(a.d, a.call);
}

void ctl_act_start(struct hy_daemon *d, struct hy_control_call *call,
                   void (*act)(struct hy_daemon *d, struct hy_control_call *call))
{
    struct act *a = malloc(sizeof *a);
    if (!a) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    *a = (struct act){d, call, act};
    if (!ctl_job_start(d, call, CTL_JOB_ACT, act_main, a))
        free(a);
}

static void task_free(struct ctl_task *k)
{
    if (k->fd >= 0)
        close(k->fd);
    free(k);
}

static void task_main(void *arg)
{
    struct ctl_task *k = arg;
    struct hy_diag diag = {""};
    json_t *o = json_object();
    k->args = hy_control_args(k->call);
    user_name(hy_control_uid(k->call), k->user, sizeof k->user);
    int err = o ? k->run(k, o, &diag) : HY_ENOMEM;
    if (err == HY_OK) {
        hy_control_finish(k->call, o);
    } else {
        json_decref(o);
        hy_control_fail_diag(k->call, err, &diag);
    }
    task_free(k);
}

void ctl_task_start(struct hy_control_call *call, struct hy_daemon *d, enum ctl_job_kind kind,
                    int (*run)(struct ctl_task *k, json_t *o, struct hy_diag *diag))
{
    struct ctl_task *k = calloc(1, sizeof *k);
    if (!k) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    *k = (struct ctl_task){.d = d, .call = call, .fd = hy_control_take_fd(call, 0), .run = run};
    if (!ctl_job_start(d, call, kind, task_main, k))
        task_free(k);
}

bool ctl_task_is_cancelled(void *task)
{
    return hy_control_is_cancelled(((const struct ctl_task *)task)->call);
}
