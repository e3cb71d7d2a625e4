/* What connections and mailboxes share with their loop. */
#pragma once
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>

#include "hayauma/io/loop.h"

enum { LOOP_BUFFER_BYTES = 64 * 1024 };

/* One set of buffers a thread instead of one a connection: nothing stays in them between events. */
struct hy_loop_buffers {
    char read[LOOP_BUFFER_BYTES];   /* what owners of connections get to see */
    char cipher[LOOP_BUFFER_BYTES]; /* bytes of the network on their way into TLS */
    char out[LOOP_BUFFER_BYTES];    /* records of TLS on their way to the network */
    char gather[16 * 1024];         /* small pieces on their way into one record */
};

struct hy_loop {
    struct event_base *base;
    struct hy_wheel wheel;
    struct event alarm; /* wakes the base for the wheel */
    hy_us alarm_due;    /* HY_US_NEVER while it is not set */
    hy_us now;
    bool now_is_fresh;
    hy_us pace;    /* between turns on the average; 0 = as they come */
    hy_us pace_at; /* when a turn is due by that */
    atomic_bool stopping;
    struct hy_list deferred;
    struct hy_list mailboxes;
    int wake_fd; /* eventfd: hy_loop_stop from elsewhere */
    struct event wake;
    int signal_fd; /* -1 = none */
    struct hy_watch *signal_watch;
    hy_signal_fn *signal_fn;
    void *signal_arg;
    struct hy_loop_buffers *buffers;
};

/* How a mailbox takes part in the turns of its loop (mailbox.c). */
struct hy_loop_inbox {
    struct hy_list link;
    struct hy_mailbox *mb;
};
bool hy_mailbox_is_empty(const struct hy_mailbox *mb);
/* Tells writers to wake us; false when a message came in between. */
bool hy_mailbox_sleep(struct hy_mailbox *mb);
void hy_mailbox_deliver(struct hy_mailbox *mb);
