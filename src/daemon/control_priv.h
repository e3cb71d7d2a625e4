/* What the two halves of the control socket's server share: clients (control.c) and their calls
 * (control_call.c). */
#pragma once
#include <stdatomic.h>

#include "hayauma/base/list.h"
#include "hayauma/daemon/control.h"
#include "hayauma/io/loop.h"
#include "hayauma/io/mailbox.h"

enum {
    CONTROL_OUT_MAX = HY_CONTROL_RESPONSE_MAX + 65536,
    CONTROL_PROGRESS_MAX = 65536, /* unread bytes past which progress is dropped */
    CONTROL_MAILBOX_MAX = 4096,
};

/* A line on its way from a thread to the loop. */
struct control_line {
    struct hy_msg msg; /* kind: is_final */
    struct hy_control_call *call;
    char *bytes; /* owned; with its newline; NULL: out of memory */
    size_t n;
};
enum { CONTROL_PROGRESS = 1, CONTROL_FINAL = 2 };

struct hy_control_call {
    struct hy_list link; /* of the server's calls */
    struct hy_control_server *server;
    struct control_client *client; /* NULL once it went away; main thread */
    json_t *request;               /* owned */
    struct hy_control_request parts;
    const struct hy_control_command *command;
    int fds[HY_CONTROL_FDS_MAX];
    uid_t uid;
    atomic_bool cancelled;
    void (*on_cancel)(void *ctx);
    void *on_cancel_ctx;
    struct control_line final; /* room for the answer, so that it never fails */
};

struct control_client {
    struct hy_list link;
    struct hy_control_server *server;
    int fd;
    uid_t uid;
    struct hy_watch *watch;
    unsigned watching;
    struct hy_timer idle;
    struct hy_buf in, out;
    size_t out_sent;
    int fds[HY_CONTROL_FDS_MAX]; /* came with the request that is being read */
    size_t n_fds;
    struct hy_control_call *call; /* one at a time */
    bool closing;                 /* nothing more is read; closed when all is written */
};

struct hy_control_server {
    struct hy_loop *loop;
    struct hy_mailbox *mailbox;
    struct hy_watch *watch;
    int fd;
    char *path;
    gid_t gid; /* (gid_t)-1 = no group */
    uint32_t max_clients, n_clients;
    hy_us idle_us;
    const struct hy_control_command *const *tables;
    void *ctx;
    struct hy_list clients, calls;
    size_t n_calls;
};

/* control_call.c. Runs the handler of a request; takes the object and the client's descriptors. */
void control_call_start(struct control_client *client, json_t *request);
/* The client went away. */
void control_call_abandon(struct hy_control_call *call);
void control_call_free(struct hy_control_call *call);
/* Lines that arrived: hy_mailbox_fn. */
void control_call_lines(void *server, struct hy_msg *first);
/* Appends an error answer. */
void control_put_error(struct hy_buf *out, int err, const char *message, const char *hint);

/* control.c. Queues a line (or with NULL, a plain "out of memory") and sends what it can. */
void control_client_send(struct control_client *c, const char *bytes, size_t n);
/* The answer is out: the next request may be read. */
void control_client_answered(struct control_client *c);
