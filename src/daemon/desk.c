/* Threads with a mailbox: begun and ended. */
#include "desk.h"

int desk_open(struct desk *k, const char *name, uint32_t max, void (*run)(void *arg), void *arg)
{
    int err = hy_mailbox_create(max, &k->mailbox);
    if (err != HY_OK)
        return err;
    err = hy_thread_start(name, run, arg, &k->thread);
    if (err != HY_OK)
        hy_mailbox_free(k->mailbox);
    return err;
}

void desk_close(struct desk *k, uint32_t stop_kind)
{
    k->stop.kind = stop_kind;
    int posted = hy_mailbox_post_answer(k->mailbox, &k->stop);
    (void)posted; /* it is open */
    hy_thread_join(k->thread);
    hy_mailbox_free(k->mailbox);
}
