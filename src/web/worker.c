/* A thread for calls whose bodies are large: small ones do not wait behind them. */
#include "web_priv.h"

enum { WAITING_MAX = 256 };

static void run(void *arg)
{
    struct hy_web *w = arg;
    for (struct hy_msg *m; (m = hy_mailbox_wait(w->work, HY_US_NEVER));) {
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

int web_work(struct web_call *c, web_work_fn *fn)
{
    c->work_fn = fn;
    return hy_mailbox_post(c->web->work, &c->work);
}

int web_worker_start(struct hy_web *w)
{
    int err = hy_mailbox_create(WAITING_MAX, &w->work);
    return err == HY_OK ? hy_thread_start("web work", run, w, &w->worker) : err;
}

void web_worker_stop(struct hy_web *w)
{
    if (w->worker) {
        hy_mailbox_close(w->work);
        hy_thread_join(w->worker);
    }
    hy_mailbox_free(w->work);
}
