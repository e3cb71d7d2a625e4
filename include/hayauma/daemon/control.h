/* The control socket's server end: a table of commands on the main thread's event loop.
 *
 * A handler runs on the main thread. It answers at once, or keeps the call and answers later from
 * any thread; every call must be finished exactly once, by hy_control_finish or hy_control_fail,
 * after which it must not be touched. When the client goes away first, the call's cancel function
 * runs on the main thread; the handler still finishes the call (the answer is dropped). */
#pragma once
#include "hayauma/config/config.h"
#include "hayauma/config/control.h"

struct hy_loop;
struct hy_control_server;
struct hy_control_call;

typedef void hy_control_handler(struct hy_control_call *call, void *ctx);

struct hy_control_command {
    const char *name;  /* "campaign.start" */
    uint8_t n_fds;     /* descriptors it takes; a request with another number is refused ... */
    uint8_t n_fds_max; /* ... or up to this many when larger */
    hy_control_handler *run;
};

struct hy_control_server_options {
    const char *socket_path;
    mode_t mode;
    const char *group;     /* "" = none */
    uint32_t max_clients;  /* 0 = 64 */
    hy_us idle_timeout_us; /* a client that says nothing this long is closed; 0 = 10 minutes */
    const struct hy_control_command *const *tables; /* NULL-terminated list of tables, each ended by
                                                       a row without a name; they outlive it */
    void *ctx;                                      /* given to every handler */
};

/* Replaces a stale socket file (one that nobody listens on); HY_EBUSY when another daemon answers
 * on it. Main thread. */
HY_MUST_USE int hy_control_server_open(struct hy_loop *loop,
                                       const struct hy_control_server_options *options,
                                       struct hy_diag *diag, struct hy_control_server **ret);
/* Stops listening and takes the socket file away; open calls go on. */
void hy_control_server_stop(struct hy_control_server *s);
/* Cancels and drops what is open. Every call must have been finished before, or its handler must
 * be known to touch it no more. */
void hy_control_server_free(struct hy_control_server *s);
/* Calls that are not finished. Main thread. */
size_t hy_control_server_calls(const struct hy_control_server *s);

/* -- for handlers ------------------------------------------------------------------------ */

/* Borrowed until the call is finished. Main thread, or the one thread it was handed to. */
const json_t *hy_control_args(const struct hy_control_call *call);
const char *hy_control_command_name(const struct hy_control_call *call);
/* Gives descriptor `i` to the caller, who closes it; -1 when there is none (any more). */
int hy_control_take_fd(struct hy_control_call *call, size_t i);
/* The client's user id. */
uid_t hy_control_uid(const struct hy_control_call *call);

/* Any thread. Each takes the reference of its json_t (also on failure); NULL = {}. Progress lines
 * are dropped while the client does not read. */
void hy_control_progress(struct hy_control_call *call, json_t *progress);
void hy_control_finish(struct hy_control_call *call, json_t *result);
/* `hint` may be NULL. */
void hy_control_fail(struct hy_control_call *call, int err, const char *message, const char *hint);
/* hy_control_fail with the note's text, or the error's name when it is empty. */
void hy_control_fail_diag(struct hy_control_call *call, int err, const struct hy_diag *diag);

/* Whether the client has gone. Any thread. */
bool hy_control_is_cancelled(const struct hy_control_call *call);
/* `fn` runs once, on the main thread, when the client goes away before the call is finished. Call
 * it from the handler itself. */
void hy_control_on_cancel(struct hy_control_call *call, void (*fn)(void *ctx), void *ctx);
