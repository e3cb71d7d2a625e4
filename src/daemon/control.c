/* The control socket: listening, clients, bytes. Happy path: a client is accepted and its
 * credentials looked at; a line is read and becomes a call; its answer is written; the next line is
 * read. A client that breaks a limit is told so and closed; one that goes away has its call
 * cancelled. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control_priv.h"

enum { BACKLOG = 64, READ_STEP = 16384, ACCEPTS_A_TURN = 16, MAX_CLIENTS = 64 };
#define IDLE_US (600 * HY_US_PER_SEC)

/* -- clients -------------------------------------------------------------------------------- */

static void client_close(struct control_client *c)
{
    struct hy_control_server *s = c->server;
    struct hy_control_call *call = c->call;
    hy_list_remove(&c->link);
    s->n_clients--;
    hy_watch_free(c->watch);
    hy_loop_disarm(s->loop, &c->idle);
    close(c->fd);
    for (size_t i = 0; i < c->n_fds; i++)
        close(c->fds[i]);
    hy_buf_free(&c->in);
    hy_buf_free(&c->out);
    free(c);
    if (call)
        control_call_abandon(call);
}

static int want(struct control_client *c)
{
    unsigned what = c->closing ? 0 : HY_WATCH_READ;
    if (c->out.len > c->out_sent)
        what |= HY_WATCH_WRITE;
    if (what == c->watching)
        return 0;
    c->watching = what;
    return hy_watch_change(c->watch, what);
}

/* Writes what the socket takes. A negative result: the client is of no more use. */
static int flush(struct control_client *c)
{
    while (c->out_sent < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->out_sent, c->out.len - c->out_sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return want(c);
        if (n < 0)
            return HY_ECLOSED;
        c->out_sent += (size_t)n;
    }
    hy_buf_reset(&c->out);
    c->out_sent = 0;
    return c->closing && !c->call ? HY_ECLOSED : want(c);
}

/* Never closes the client itself: callers up the stack still use it. */
void control_client_send(struct control_client *c, const char *bytes, size_t n)
{
    struct hy_buf no_memory = HY_BUF_INIT(1024);
    if (!bytes) {
        control_put_error(&no_memory, HY_ENOMEM, NULL, NULL);
        bytes = no_memory.data;
        n = no_memory.len;
    }
    hy_buf_add(&c->out, bytes, n);
    hy_buf_free(&no_memory);
    if (c->out.err) {
        c->out.len = c->out_sent;
        c->closing = true;
    }
    if (want(c) || c->out.err) { /* of no more use: closed in a later turn */
        c->closing = true;
        hy_loop_arm_in(c->server->loop, &c->idle, 0);
    }
}

static void refuse_and_close(struct control_client *c, int err, const char *message)
{
    struct hy_buf b = HY_BUF_INIT(4096);
    control_put_error(&b, err, message, NULL);
    control_client_send(c, b.data, b.len);
    hy_buf_free(&b);
    c->closing = true;
    (void)want(c);
}

/* Whole lines become calls, one at a time. */
static void take_requests(struct control_client *c)
{
    while (!c->call && !c->closing) {
        json_t *request;
        struct hy_diag diag = {0};
        int err = hy_control_line_take(&c->in, HY_CONTROL_REQUEST_MAX, &diag, &request);
        if (err == HY_EMORE)
            return;
        if (err)
            refuse_and_close(c, err, diag.text);
        else
            control_call_start(c, request);
    }
}

void control_client_answered(struct control_client *c)
{
    hy_loop_arm_in(c->server->loop, &c->idle, c->server->idle_us);
    take_requests(c);
}

static int keep_fds(struct control_client *c, struct msghdr *msg)
{
    int err = msg->msg_flags & MSG_CTRUNC ? HY_ELIMIT : 0;
    for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm; cm = CMSG_NXTHDR(msg, cm)) {
        if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cm) + i * sizeof fd, sizeof fd);
            if (c->n_fds < HY_CONTROL_FDS_MAX) {
                c->fds[c->n_fds++] = fd;
            } else {
                close(fd);
                err = HY_ELIMIT;
            }
        }
    }
    return err;
}

/* 0, HY_EMORE (nothing there now), HY_ECLOSED, HY_ELIMIT, HY_ENOMEM. */
static int receive(struct control_client *c)
{
    union {
        char space[CMSG_SPACE(HY_CONTROL_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    int err = hy_buf_reserve(&c->in, READ_STEP);
    if (err)
        return err;
    struct iovec iov = {.iov_base = c->in.data + c->in.len, .iov_len = READ_STEP};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.space,
                         .msg_controllen = sizeof control.space};
    ssize_t n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? HY_EMORE : HY_ECLOSED;
    err = keep_fds(c, &msg);
    if (n == 0)
        return HY_ECLOSED;
    c->in.len += (size_t)n;
    return err;
}

static void on_client(void *arg, int fd, unsigned what)
{
    struct control_client *c = arg;
    (void)fd;
    if ((what & HY_WATCH_WRITE) && flush(c)) {
        client_close(c);
        return;
    }
    if (!(what & HY_WATCH_READ))
        return;
    int err = receive(c);
    if (err == HY_EMORE)
        return;
    if (err == HY_ECLOSED) {
        client_close(c);
        return;
    }
    if (err) {
        refuse_and_close(c, err,
                         err == HY_ELIMIT ? "too many bytes or descriptors in one request" : NULL);
        return;
    }
    hy_loop_arm_in(c->server->loop, &c->idle, c->server->idle_us);
    take_requests(c);
}

static void on_idle(void *arg)
{
    struct control_client *c = arg;
    if (c->call && !c->closing && c->out.len == c->out_sent)
        hy_loop_arm_in(c->server->loop, &c->idle, c->server->idle_us); /* it waits for us */
    else
        client_close(c);
}

/* -- who may ------------------------------------------------------------------------------- */

static bool in_group(int fd, gid_t gid, gid_t first)
{
    gid_t groups[1024];
    socklen_t n = sizeof groups;
    if (first == gid)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n))
        return false;
    for (size_t i = 0; i < n / sizeof *groups; i++)
        if (groups[i] == gid)
            return true;
    return false;
}

static bool may_command(const struct hy_control_server *s, int fd, uid_t *ret_uid)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n))
        return false;
    *ret_uid = peer.uid;
    return peer.uid == 0 || peer.uid == geteuid() ||
           (s->gid != (gid_t)-1 && in_group(fd, s->gid, peer.gid));
}

/* -- the server ----------------------------------------------------------------------------- */

static struct control_client *client_new(struct hy_control_server *s, int fd)
{
    struct control_client *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->server = s;
    c->fd = fd;
    c->in = HY_BUF_INIT(HY_CONTROL_REQUEST_MAX + READ_STEP + 1);
    c->out = HY_BUF_INIT(CONTROL_OUT_MAX);
    c->watching = HY_WATCH_READ;
    hy_timer_init(&c->idle, on_idle, c);
    if (hy_watch_add(s->loop, fd, HY_WATCH_READ, on_client, c, &c->watch)) {
        free(c);
        return NULL;
    }
    hy_list_push(&s->clients, &c->link);
    s->n_clients++;
    hy_loop_arm_in(s->loop, &c->idle, s->idle_us);
    return c;
}

static void on_connection(void *arg, int listen_fd, unsigned what)
{
    struct hy_control_server *s = arg;
    (void)what;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        struct control_client *c = client_new(s, fd);
        if (!c)
            close(fd);
        else if (!may_command(s, fd, &c->uid))
            refuse_and_close(c, HY_EAUTH,
                             "only root, the daemon's own user and members of control.group may "
                             "command the daemon");
        else if (s->n_clients > s->max_clients)
            refuse_and_close(c, HY_EBUSY, "too many commands at once");
    }
}

/* Whether somebody listens there; a socket file that nobody listens on is taken away. */
static int clear_stale(const struct sockaddr_un *addr, struct hy_diag *diag)
{
    struct stat st;
    if (lstat(addr->sun_path, &st) != 0)
        return errno == ENOENT ? 0
                               : hy_fail(diag, HY_EIO, "%s: %s", addr->sun_path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return hy_fail(diag, HY_EEXIST, "%s is there and is no socket", addr->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return hy_fail(diag, HY_EIO, "no socket: %s", strerror(errno));
    bool alive = connect(fd, (const struct sockaddr *)addr, sizeof *addr) == 0 || errno == EAGAIN;
    close(fd);
    if (alive)
        return hy_fail(diag, HY_EBUSY, "another daemon listens on %s", addr->sun_path);
    return 0;
}

/* Bound under another name, given its permissions, then moved into place: nobody meets it half
 * made. */
static int listen_on(struct hy_control_server *s, const struct hy_control_server_options *o,
                     struct hy_diag *diag)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX}, temp = {.sun_family = AF_UNIX};
    if (strlen(s->path) >= sizeof addr.sun_path ||
        snprintf(temp.sun_path, sizeof temp.sun_path, "%s.new", s->path) >=
            (int)sizeof temp.sun_path)
        return hy_fail(diag, HY_EINVAL, "%s: too long for the path of a socket", s->path);
    strcpy(addr.sun_path, s->path);
    int err = clear_stale(&addr, diag);
    if (err)
        return err;
    unlink(temp.sun_path);
    mode_t old = umask(0177);
    bool bad = bind(s->fd, (struct sockaddr *)&temp, sizeof temp) != 0;
    int saved = errno;
    umask(old);
    if (bad)
        return hy_fail(diag, HY_EIO, "%s cannot be made: %s", s->path, strerror(saved));
    if ((s->gid != (gid_t)-1 && chown(temp.sun_path, (uid_t)-1, s->gid)) ||
        chmod(temp.sun_path, o->mode) || listen(s->fd, BACKLOG) || rename(temp.sun_path, s->path)) {
        err = hy_fail(diag, HY_EIO, "%s cannot be made: %s", s->path, strerror(errno));
        unlink(temp.sun_path);
    }
    return err;
}

static int find_group(const char *name, gid_t *ret, struct hy_diag *diag)
{
    *ret = (gid_t)-1;
    if (!name || !name[0])
        return 0;
    const struct group *g = getgrnam(name);
    if (!g)
        return hy_fail(diag, HY_ENOTFOUND, "there is no group '%s' on this system", name);
    *ret = g->gr_gid;
    return 0;
}

static int open_parts(struct hy_control_server *s, const struct hy_control_server_options *o,
                      struct hy_diag *diag)
{
    int err = find_group(o->group, &s->gid, diag);
    if (!err)
        err = hy_mailbox_create(CONTROL_MAILBOX_MAX, &s->mailbox);
    if (!err)
        err = hy_mailbox_attach(s->mailbox, s->loop, control_call_lines, s);
    if (!err) {
        s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        s->path = strdup(o->socket_path);
        err = s->fd < 0 ? hy_fail(diag, HY_EIO, "no socket: %s", strerror(errno))
              : s->path ? 0
                        : HY_ENOMEM;
    }
    if (!err)
        err = listen_on(s, o, diag);
    if (err) {
        free(s->path); /* not ours to take away */
        s->path = NULL;
        return err;
    }
    return hy_watch_add(s->loop, s->fd, HY_WATCH_READ, on_connection, s, &s->watch);
}

int hy_control_server_open(struct hy_loop *loop, const struct hy_control_server_options *options,
                           struct hy_diag *diag, struct hy_control_server **ret)
{
    struct hy_control_server *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->loop = loop;
    s->fd = -1;
    s->max_clients = options->max_clients ? options->max_clients : MAX_CLIENTS;
    s->idle_us = options->idle_timeout_us ? options->idle_timeout_us : IDLE_US;
    s->tables = options->tables;
    s->ctx = options->ctx;
    hy_list_init(&s->clients);
    hy_list_init(&s->calls);
    int err = open_parts(s, options, diag);
    if (err) {
        hy_control_server_free(s);
        return err;
    }
    *ret = s;
    return 0;
}

void hy_control_server_stop(struct hy_control_server *s)
{
    hy_watch_free(s->watch);
    s->watch = NULL;
    if (s->path)
        unlink(s->path);
    free(s->path);
    s->path = NULL;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static void drain(struct hy_control_server *s)
{
    hy_mailbox_close(s->mailbox);
    control_call_lines(s, hy_mailbox_take(s->mailbox));
    hy_mailbox_detach(s->mailbox);
    hy_mailbox_free(s->mailbox);
}

void hy_control_server_free(struct hy_control_server *s)
{
    if (!s)
        return;
    hy_control_server_stop(s);
    if (s->mailbox)
        drain(s);
    hy_list_for_each_safe (it, &s->clients) {
        struct control_client *c = hy_container_of(it, struct control_client, link);
        (void)flush(c);
        client_close(c);
    }
    hy_list_for_each_safe (it, &s->calls)
        control_call_free(hy_container_of(it, struct hy_control_call, link));
    free(s);
}

size_t hy_control_server_calls(const struct hy_control_server *s)
{
    return s->n_calls;
}
