/* Threads for calls that take longer than the web thread has time for: one for large bodies and
 * pages, so that small calls do not wait behind them; and one, which gives way to everybody, for
 * those that go through all leads. */
#include "web_priv.h"

enum { WAITING_MAX = 256, LONG_WAITING_MAX = 16, LONG_NICE = 10 };

static void serve(struct hy_web *w, struct hy_mailbox *work)
{
    for (struct hy_msg *m; (m = hy_mailbox_wait(work, HY_US_NEVER));) {
        for (struct hy_msg *next; m; m = next) {
            next = m->next;
            struct web_call *c = hy_container_of(m, struct web_call, work);
            struct hy_txn t = {0};
            bool has_txn = hy_txn_read(w->env, &t) == HY_OK;
            c->work_fn(c, has_txn ? &t : NULL); /* the call may be over when it returns */
            hy_txn_end(&t);
        }
    }
}

static void run(void *arg)
{
    struct hy_web *w = arg;
    serve(w, w->work);
}

static void run_long(void *arg)
{
    struct hy_web *w = arg;
    hy_thread_give_way(LONG_NICE);
    serve(w, w->long_work);
}

int web_work(struct web_call *c, web_work_fn *fn)
{
    c->work_fn = fn;
    return hy_mailbox_post(c->web->work, &c->work);
}

int web_work_long(struct web_call *c, web_work_fn *fn)
{
    c->work_fn = fn;
    return hy_mailbox_post(c->web->long_work, &c->work);
}

bool web_is_closing(const struct web_call *c)
{
    return atomic_load_explicit(&c->web->is_closing, memory_order_relaxed);
}

int web_worker_start(struct hy_web *w)
{
    int err = hy_mailbox_create(WAITING_MAX, &w->work);
    if (err == HY_OK)
        err = hy_mailbox_create(LONG_WAITING_MAX, &w->long_work);
    if (err == HY_OK)
        err = hy_thread_start("web work", run, w, &w->worker);
    return err == HY_OK ? hy_thread_start("web long work", run_long, w, &w->long_worker) : err;
}

static void stop(struct hy_mailbox *work, struct hy_thread *thread)
{
    if (thread) {
        hy_mailbox_close(work);
        hy_thread_join(thread);
    }
    hy_mailbox_free(work);
}

void web_worker_stop(struct hy_web *w)
{
    stop(w->work, w->worker);
    stop(w->long_work, w->long_worker);
}
