/* The client's end of the control socket: one request, its progress lines, one answer. Happy path:
 * the request line goes out with the descriptors on its first byte; lines come back until one says
 * "ok". Anything else on the wire, or its end, fails the call, and the client is of no more use. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hayauma/config/control.h"

enum { READ_STEP = 16384 };

struct hy_control_client {
    int fd;
    struct hy_buf in;
};

static int connect_failed(const char *path, struct hy_diag *diag)
{
    int e = errno;
    if (e == ENOENT || e == ECONNREFUSED || e == ENOTDIR)
        return hy_fail(diag, HY_ENOTFOUND, "the daemon does not run (nobody listens on %s)", path);
    if (e == EACCES || e == EPERM)
        return hy_fail(diag, HY_EAUTH, "no permission to use %s", path);
    if (e == EAGAIN)
        return hy_fail(diag, HY_EBUSY, "the daemon does not take connections on %s now", path);
    return hy_fail(diag, HY_EIO, "%s: %s", path, strerror(e));
}

int hy_control_connect(const char *socket_path, struct hy_diag *diag,
                       struct hy_control_client **ret_client)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(socket_path) >= sizeof addr.sun_path)
        return hy_fail(diag, HY_EINVAL, "%s: the path is too long for a socket", socket_path);
    strcpy(addr.sun_path, socket_path);
    struct hy_control_client *c = calloc(1, sizeof *c);
    if (!c)
        return HY_ENOMEM;
    c->in = HY_BUF_INIT(HY_CONTROL_RESPONSE_MAX + READ_STEP);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int err = c->fd < 0 || connect(c->fd, (struct sockaddr *)&addr, sizeof addr)
                  ? connect_failed(socket_path, diag)
                  : 0;
    if (err) {
        hy_control_close(c);
        return err;
    }
    *ret_client = c;
    return 0;
}

void hy_control_close(struct hy_control_client *c)
{
    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
    hy_buf_free(&c->in);
    free(c);
}

/* The descriptors ride on the first byte of the line. */
static ssize_t send_some(int fd, const char *p, size_t n, const int *fds, size_t n_fds)
{
    union {
        char space[CMSG_SPACE(HY_CONTROL_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (n_fds) {
        memset(&control, 0, sizeof control);
        msg.msg_control = control.space;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
        cm->cmsg_level = SOL_SOCKET;
        cm->cmsg_type = SCM_RIGHTS;
        cm->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(cm), fds, n_fds * sizeof(int));
    }
    return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static int send_line(struct hy_control_client *c, struct hy_str line, const int *fds, size_t n_fds)
{
    while (line.n) {
        ssize_t n = send_some(c->fd, line.p, line.n, fds, n_fds);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EPIPE || errno == ECONNRESET ? HY_ECLOSED : HY_EIO;
        n_fds = 0;
        line = hy_str_slice(line, (size_t)n, line.n);
    }
    return 0;
}

static int fill(struct hy_control_client *c, int timeout_ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    int ready = poll(&p, 1, timeout_ms);
    if (ready < 0)
        return errno == EINTR ? HY_ECANCELED : HY_EIO;
    if (ready == 0)
        return HY_ETIMEOUT;
    int err = hy_buf_reserve(&c->in, READ_STEP);
    if (err)
        return err;
    ssize_t n = read(c->fd, c->in.data + c->in.len, READ_STEP);
    if (n < 0)
        return errno == EINTR ? 0 : HY_ECLOSED;
    if (n == 0)
        return HY_ECLOSED;
    c->in.len += (size_t)n;
    return 0;
}

static int next_line(struct hy_control_client *c, int timeout_ms, json_t **ret)
{
    for (;;) {
        int err = hy_control_line_take(&c->in, HY_CONTROL_RESPONSE_MAX, NULL, ret);
        if (err != HY_EMORE)
            return err;
        err = fill(c, timeout_ms);
        if (err)
            return err;
    }
}

static void copy_text(char *out, size_t cap, const json_t *text)
{
    const char *s = json_string_value(text);
    snprintf(out, cap, "%s", s ? s : "");
}

/* The last line: "ok" true with a result, or false with an error. */
static int read_answer(const json_t *line, json_t **ret_result, struct hy_control_error *ret_error)
{
    if (json_is_true(json_object_get(line, "ok"))) {
        json_t *result = json_object_get(line, "result");
        *ret_result = json_is_object(result) ? json_incref(result) : json_object();
        return *ret_result ? 0 : HY_ENOMEM;
    }
    const json_t *error = json_object_get(line, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    if (!code)
        return HY_EPARSE;
    ret_error->code = hy_control_error_code(code);
    copy_text(ret_error->message, sizeof ret_error->message, json_object_get(error, "message"));
    copy_text(ret_error->hint, sizeof ret_error->hint, json_object_get(error, "hint"));
    return ret_error->code;
}

static int wait_answer(struct hy_control_client *c, const struct hy_control_call_options *o,
                       json_t **ret_result, struct hy_control_error *ret_error)
{
    for (;;) {
        json_t *line;
        int err = next_line(c, o->timeout_ms, &line);
        if (err)
            return err;
        const json_t *progress = json_object_get(line, "progress");
        if (!progress) {
            err = read_answer(line, ret_result, ret_error);
            json_decref(line);
            return err;
        }
        bool stop = o->progress && o->progress(o->progress_ctx, progress);
        json_decref(line);
        if (stop)
            return HY_ECANCELED;
    }
}

static int put_request(struct hy_buf *out, const char *command, const json_t *args)
{
    json_t *request = json_pack("{s:i, s:s}", "v", HY_CONTROL_VERSION, "command", command);
    if (!request)
        return HY_ENOMEM;
    int err = 0;
    if (args && json_object_set(request, "args", (json_t *)(uintptr_t)args))
        err = HY_ENOMEM;
    if (!err)
        err = hy_control_line_put(out, request);
    json_decref(request);
    return err;
}

static const char *transport_text(int err)
{
    switch (err) {
    case HY_ECLOSED:
        return "the daemon ended the connection";
    case HY_ETIMEOUT:
        return "the daemon does not answer";
    case HY_ECANCELED:
        return "cancelled";
    case HY_EPARSE:
        return "the daemon's answer makes no sense: is it of another release?";
    default:
        return hy_err_text(err);
    }
}

int hy_control_request(struct hy_control_client *c, const char *command, const json_t *args,
                       const struct hy_control_call_options *options, json_t **ret_result,
                       struct hy_control_error *ret_error)
{
    static const struct hy_control_call_options none = {.timeout_ms = -1};
    const struct hy_control_call_options *o = options ? options : &none;
    struct hy_buf line = HY_BUF_INIT(HY_CONTROL_REQUEST_MAX);
    *ret_error = (struct hy_control_error){0};
    int err = o->n_fds > HY_CONTROL_FDS_MAX ? HY_ELIMIT : put_request(&line, command, args);
    if (!err)
        err = send_line(c, hy_buf_str(&line), o->fds, o->n_fds);
    hy_buf_free(&line);
    if (!err || err == HY_ECLOSED) /* the daemon may have said why before it closed */
        err = wait_answer(c, o, ret_result, ret_error);
    if (err && ret_error->code == 0) {
        ret_error->code = err;
        snprintf(ret_error->message, sizeof ret_error->message, "%s", transport_text(err));
    }
    return err;
}
