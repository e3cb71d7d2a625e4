/* A thread that works off a mailbox until it is told to stop. */
#pragma once
#include "hayauma/io/mailbox.h"
#include "hayauma/io/thread.h"

struct desk {
    struct hy_mailbox *mailbox;
    struct hy_thread *thread;
    struct hy_msg stop;
};

/* Starts `run(arg)` on a thread of that name; the mailbox holds `max` messages and is there before
 * the thread is. HY_ENOMEM, HY_EIO: nothing is left behind. */
HY_MUST_USE int desk_open(struct desk *k, const char *name, uint32_t max, void (*run)(void *arg),
                          void *arg);
/* Posts a message of that kind, the last one, and waits until the thread has ended by it. */
void desk_close(struct desk *k, uint32_t stop_kind);
