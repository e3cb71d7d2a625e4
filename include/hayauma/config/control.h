/* The control protocol: what both ends share, and the client's end. docs/internals/control.md is
 * the contract: one JSON object per line over a unix stream socket, files passed as descriptors. */
#pragma once
#include <jansson.h>
#include <stdint.h>

#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"

enum {
    HY_CONTROL_VERSION = 1,
    HY_CONTROL_REQUEST_MAX = 256 * 1024,       /* bytes of a request line */
    HY_CONTROL_RESPONSE_MAX = 8 * 1024 * 1024, /* bytes of a response line */
    HY_CONTROL_FDS_MAX = 4,                    /* descriptors with one request */
    HY_CONTROL_COMMAND_MAX = 64,               /* bytes of a command's name */
    HY_CONTROL_DEPTH_MAX = 32,                 /* nesting of a request */
};

/* The "error" of a response. */
struct hy_control_error {
    int code;           /* HY_E* */
    char message[1024]; /* what went wrong */
    char hint[512];     /* what to do; may be empty */
};

/* -- lines, both ends -------------------------------------------------------------------- */

/* Takes the first whole line off `in` and parses it: 0, HY_EMORE (no whole line yet), HY_ELIMIT
 * (longer than `max`), HY_EPARSE (not one JSON object; noted in diag; the line is consumed). The
 * caller owns *ret. */
HY_MUST_USE int hy_control_line_take(struct hy_buf *in, size_t max, struct hy_diag *diag,
                                     json_t **ret);
/* Appends `obj` as one line. HY_ENOMEM, HY_ELIMIT. */
HY_MUST_USE int hy_control_line_put(struct hy_buf *out, const json_t *obj);

/* The checked parts of a request; views into the object. */
struct hy_control_request {
    const char *command;
    json_t *args; /* an object, borrowed; never NULL */
};
/* HY_EVERSION (another "v"), HY_EPARSE (not a request), noted. */
HY_MUST_USE int hy_control_request_read(json_t *obj, struct hy_diag *diag,
                                        struct hy_control_request *ret);
/* HY_E* from "HY_ENOTFOUND"; HY_EIO for names this build does not know. */
int hy_control_error_code(const char *name);

/* -- arguments, for handlers ------------------------------------------------------------- */

/* Each notes "argument 'name' must be ..." and returns HY_EINVAL for a wrong type or range; a
 * missing argument gives *ret = fallback, or an error for the _required form. Strings hold no NUL
 * and are views into `args`. */
HY_MUST_USE int hy_control_arg_string(const json_t *args, const char *name, const char *fallback,
                                      struct hy_diag *diag, const char **ret);
HY_MUST_USE int hy_control_arg_string_required(const json_t *args, const char *name,
                                               struct hy_diag *diag, const char **ret);
HY_MUST_USE int hy_control_arg_int(const json_t *args, const char *name, int64_t fallback,
                                   int64_t min, int64_t max, struct hy_diag *diag, int64_t *ret);
HY_MUST_USE int hy_control_arg_bool(const json_t *args, const char *name, bool fallback,
                                    struct hy_diag *diag, bool *ret);

/* -- the client: blocking, one thread ---------------------------------------------------- */

struct hy_control_client;

/* HY_ENOTFOUND (nobody listens: the daemon is not running), HY_EAUTH (not permitted), HY_EIO. */
HY_MUST_USE int hy_control_connect(const char *socket_path, struct hy_diag *diag,
                                   struct hy_control_client **ret_client);
void hy_control_close(struct hy_control_client *c);

/* Called for each progress line; borrowed. A non-zero return ends the call with HY_ECANCELED. */
typedef int hy_control_progress_fn(void *ctx, const json_t *progress);

struct hy_control_call_options {
    const int *fds; /* borrowed: passed to the daemon as copies */
    size_t n_fds;
    hy_control_progress_fn *progress; /* may be NULL */
    void *progress_ctx;
    int timeout_ms; /* for each wait, between lines; -1 = none */
};

/* Sends one request and waits for its answer. `args` is borrowed and may be NULL. 0 with a new
 * *ret_result, or the daemon's error code with *ret_error filled in; HY_ECLOSED when the daemon
 * goes away, HY_ETIMEOUT, HY_ECANCELED; then the client is of no more use. */
HY_MUST_USE int hy_control_request(struct hy_control_client *c, const char *command,
                                   const json_t *args,
                                   const struct hy_control_call_options *options,
                                   json_t **ret_result, struct hy_control_error *ret_error);
