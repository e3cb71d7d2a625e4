/* TCP connections: one registration with the loop for life, edge-triggered, no buffers of their
 * own.
 *
 * Happy path: connect(2), an event says writable, on_connected; then each event reads until the
 * socket is empty and hands the bytes out, and writes go straight to the socket.
 * How it fails: every failure runs through conn_fail, which closes the socket at once and leaves
 * on_closed to a deferred call, so that no owner is called back from inside its own call. */
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "conn_priv.h"

enum {
    CONNECT_TIMEOUT_US = 30 * HY_US_PER_SEC,
    READS_PER_EVENT = 4, /* of 64 KiB: then others get their turn */
    IOV_AT_ONCE = 64,
};

/* ---- stages ---- */

void conn_move(struct hy_conn *c, enum hy_conn_stage to)
{
    static const unsigned next[] = {
        [HY_CONN_CONNECTING] = 1u << HY_CONN_PLAIN | 1u << HY_CONN_PROXY,
        [HY_CONN_PROXY] = 1u << HY_CONN_PLAIN,
        [HY_CONN_PLAIN] = 1u << HY_CONN_HANDSHAKE,
        [HY_CONN_HANDSHAKE] = 1u << HY_CONN_TLS,
        [HY_CONN_TLS] = 0,
    };
    assert(!c->ended && (next[c->stage] & 1u << to));
    c->stage = to;
}

/* ---- the end ---- */

static void finish(struct hy_conn *c)
{
    c->ops->on_closed(c->ctx, &c->end);
    conn_tls_free(c->tls, c->end.err != HY_ECRYPTO);
    conn_proxy_free(c->proxy);
    free(c);
}

void conn_fail(struct hy_conn *c, int err, int sys_errno, const char *text)
{
    if (c->ended)
        return;
    c->ended = true;
    c->end =
        (struct hy_conn_end){.err = err, .sys_errno = sys_errno, .stage = c->stage, .text = text};
    if (c->proxy)
        conn_proxy_judge(c, &c->end);
    hy_loop_disarm(c->loop, &c->deadline);
    if (c->fd >= 0) {
        event_del(&c->ev);
        close(c->fd);
        c->fd = -1;
    }
    hy_loop_defer(c->loop, &c->later);
}

static void fail_errno(struct hy_conn *c, int sys_errno)
{
    const char *text = strerrordesc_np(sys_errno);
    int err = sys_errno == ETIMEDOUT ? HY_ETIMEOUT : HY_EIO;
    conn_fail(c, err, sys_errno, text ? text : "unknown error");
}

static void on_deadline(void *arg)
{
    struct hy_conn *c = arg;
    conn_fail(c, HY_ETIMEOUT, 0,
              c->stage == HY_CONN_CONNECTING ? "no answer to the connection request in time"
                                             : "no answer in time");
}

void hy_conn_close(struct hy_conn *c)
{
    if (!c || c->ended)
        return;
    if (c->tls)
        conn_tls_say_goodbye(c);
    conn_fail(c, HY_ECANCELED, 0, "closed by us");
}

void hy_conn_linger(struct hy_conn *c, size_t bytes, hy_us wait_us)
{
    if (c->ended || c->lingers)
        return;
    if (c->tls)
        conn_tls_say_goodbye(c);
    if (c->ended)
        return;
    (void)shutdown(c->fd, SHUT_WR); /* or it has broken, and the next read tells */
    c->lingers = true;
    c->linger_left = bytes;
    c->held = c->blocked = false;
    hy_loop_arm_in(c->loop, &c->deadline, wait_us);
    hy_loop_defer(c->loop, &c->later);
}

/* ---- writing ---- */

static ssize_t send_pieces(int fd, const struct iovec *iov, int n_iov)
{
    if (n_iov == 1)
        return send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
    struct iovec pieces[IOV_AT_ONCE]; /* msghdr wants them writable */
    memcpy(pieces, iov, (size_t)n_iov * sizeof *iov);
    struct msghdr m = {.msg_iov = pieces, .msg_iovlen = (size_t)n_iov};
    return sendmsg(fd, &m, MSG_NOSIGNAL);
}

size_t conn_send(struct hy_conn *c, const struct iovec *iov, int n_iov)
{
    size_t want = 0;
    for (int i = 0; i < n_iov; i++)
        want += iov[i].iov_len;
    if (c->ended || !c->room || want == 0)
        return 0;
    ssize_t n;
    do {
        n = send_pieces(c->fd, iov, n_iov);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != ENOBUFS) {
        fail_errno(c, errno);
        return 0;
    }
    c->room = n >= 0 && (size_t)n == want; /* a short write is a full socket (epoll(7)) */
    if (n <= 0)
        return 0;
    c->wrote = true;
    return (size_t)n;
}

size_t hy_conn_writev(struct hy_conn *c, const struct iovec *iov, int n_iov)
{
    if (c->ended || c->lingers || (c->stage != HY_CONN_PLAIN && c->stage != HY_CONN_TLS))
        return 0;
    size_t taken = 0;
    for (int n; n_iov > 0 && c->room; iov += n, n_iov -= n) {
        n = n_iov < IOV_AT_ONCE ? n_iov : IOV_AT_ONCE;
        taken += c->stage == HY_CONN_TLS ? conn_tls_writev(c, iov, n) : conn_send(c, iov, n);
    }
    c->blocked = !c->room;
    return taken;
}

bool hy_conn_flushed(const struct hy_conn *c)
{
    return !c->tls || c->tls->backlog.len == 0;
}

static void writable(struct hy_conn *c)
{
    c->room = true;
    if (c->stage == HY_CONN_PROXY) {
        conn_proxy_writable(c);
        return;
    }
    if (c->tls && !conn_tls_flush(c))
        return;
    if (!c->blocked || c->stage == HY_CONN_HANDSHAKE)
        return;
    c->blocked = false;
    c->ops->on_writable(c->ctx);
}

/* ---- reading ---- */

/* False when it was too much. */
static bool throw_away(struct hy_conn *c, size_t n)
{
    if (n > c->linger_left)
        conn_fail(c, HY_ECANCELED, 0, "more came behind the end than is read");
    else
        c->linger_left -= n;
    return !c->ended;
}

/* Reads once and hands it out; false when the socket is empty or the connection has ended. */
static bool read_some(struct hy_conn *c)
{
    char *p = c->tls ? c->loop->buffers->cipher : c->loop->buffers->read;
    ssize_t n;
    do {
        n = recv(c->fd, p, LOOP_BUFFER_BYTES, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n < 0) {
        fail_errno(c, errno);
        return false;
    }
    if (n == 0) {
        conn_fail(c, HY_ECLOSED, 0, "closed by the other side");
        return false;
    }
    if (c->lingers)
        return throw_away(c, (size_t)n);
    c->wrote = false;
    if (c->tls)
        conn_tls_input(c, p, (size_t)n);
    else if (c->proxy)
        conn_proxy_input(c, p, (size_t)n);
    else
        c->ops->on_readable(c->ctx, p, (size_t)n);
    if (c->ended)
        return false;
    /* Less than asked for: the socket was empty then, and what comes after is a new edge. But a
     * reset that came together with these bytes makes no further edge: a write would have met it;
     * where the owner wrote nothing, the next read must. (A FIN shows in the event itself.) */
    return (size_t)n == LOOP_BUFFER_BYTES || c->peer_end || !c->wrote;
}

static void readable(struct hy_conn *c)
{
    for (int i = 0; i < READS_PER_EVENT; i++) {
        if (c->held || !read_some(c))
            return;
    }
    hy_loop_defer(c->loop, &c->later);
}

static void on_later(void *arg)
{
    struct hy_conn *c = arg;
    if (c->ended)
        finish(c);
    else
        readable(c);
}

void hy_conn_hold(struct hy_conn *c, bool is_held)
{
    if (c->lingers)
        return;
    if (c->held && !is_held && !c->ended)
        hy_loop_defer(c->loop, &c->later); /* edges that were passed over do not come again */
    c->held = is_held;
}

/* ---- events ---- */

void conn_up(struct hy_conn *c)
{
    conn_move(c, HY_CONN_PLAIN);
    hy_loop_disarm(c->loop, &c->deadline);
    c->ops->on_connected(c->ctx);
}

static void connected(struct hy_conn *c)
{
    int failure = 0;
    socklen_t n = sizeof failure;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &failure, &n) < 0)
        failure = errno;
    if (failure) {
        fail_errno(c, failure);
        return;
    }
    c->room = true;
    if (c->proxy)
        conn_proxy_start(c);
    else
        conn_up(c);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    struct hy_conn *c = arg;
    if (c->stage == HY_CONN_CONNECTING)
        connected(c);
    else if ((what & EV_WRITE) && !c->room)
        writable(c);
    if (what & EV_CLOSED)
        c->peer_end = true;
    if (!c->ended && (what & (EV_READ | EV_CLOSED)))
        readable(c);
}

/* ---- the beginning ---- */

static struct hy_conn *make(struct hy_loop *loop, const struct hy_conn_ops *ops, void *ctx)
{
    struct hy_conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->loop = loop;
    c->ops = ops;
    c->ctx = ctx;
    c->fd = -1;
    c->stage = HY_CONN_CONNECTING;
    hy_timer_init(&c->deadline, on_deadline, c);
    hy_defer_init(&c->later, on_later, c);
    return c;
}

static int watch(struct hy_conn *c)
{
    short what = EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST;
    if (event_assign(&c->ev, c->loop->base, c->fd, what, on_event, c) || event_add(&c->ev, NULL))
        return HY_EIO;
    return 0;
}

/* A first packet is not held back for a second: replies are waited for at each step. */
static void tune(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* not on a socketpair */
}

static int bind_source(int fd, const struct hy_sockaddr *source)
{
    if (hy_sockaddr_family(source) == AF_UNSPEC)
        return 0;
    int on = 1; /* the port is chosen at connect, so one address has ports for many peers */
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, &source->sa, hy_sockaddr_len(source));
}

int hy_conn_open(struct hy_loop *loop, const struct hy_conn_options *o,
                 const struct hy_conn_ops *ops, void *ctx, struct hy_conn **ret_conn)
{
    struct hy_conn *c = make(loop, ops, ctx);
    if (!c)
        return HY_ENOMEM;
    c->peer = o->peer;
    bool is_direct = !o->proxy || o->proxy->kind == HY_PROXY_NONE;
    const struct hy_sockaddr *to = is_direct ? &o->peer : &o->proxy->address;
    if (!is_direct && conn_proxy_new(c, o) != HY_OK) {
        free(c);
        return HY_ENOMEM;
    }
    int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 && errno != EAFNOSUPPORT) {
        conn_proxy_free(c->proxy);
        free(c);
        return HY_EIO;
    }
    if (fd < 0) {
        fail_errno(c, EAFNOSUPPORT);
        *ret_conn = c;
        return 0;
    }
    tune(fd);
    bool is_bound = !is_direct || bind_source(fd, &o->source) == 0;
    if (!is_bound && errno == EADDRNOTAVAIL) {
        close(fd);
        conn_proxy_free(c->proxy);
        free(c);
        return HY_ENOTFOUND;
    }
    if (!is_bound || (connect(fd, &to->sa, hy_sockaddr_len(to)) < 0 && errno != EINPROGRESS)) {
        int failure = errno;
        close(fd);
        fail_errno(c, failure);
        *ret_conn = c;
        return 0;
    }
    c->fd = fd;
    if (watch(c)) {
        close(fd);
        conn_proxy_free(c->proxy);
        free(c);
        return HY_EIO;
    }
    hy_us wait = o->connect_timeout_us > 0 ? o->connect_timeout_us : (hy_us)CONNECT_TIMEOUT_US;
    hy_loop_arm_in(loop, &c->deadline, wait);
    *ret_conn = c;
    return 0;
}

int hy_conn_adopt(struct hy_loop *loop, int fd, const struct hy_conn_ops *ops, void *ctx,
                  struct hy_conn **ret_conn)
{
    struct hy_conn *c = make(loop, ops, ctx);
    if (!c) {
        close(fd);
        return HY_ENOMEM;
    }
    c->fd = fd;
    socklen_t n = sizeof c->peer;
    if (getpeername(fd, &c->peer.sa, &n) < 0 ||
        (c->peer.sa.sa_family != AF_INET && c->peer.sa.sa_family != AF_INET6))
        c->peer = (struct hy_sockaddr){0};
    tune(fd);
    if (evutil_make_socket_nonblocking(fd) || watch(c)) {
        close(fd);
        free(c);
        return HY_EIO;
    }
    *ret_conn = c; /* a connected socket is writable: the first event tells the owner */
    return 0;
}

/* ---- what owners ask ---- */

void hy_conn_deadline(struct hy_conn *c, hy_us due)
{
    if (!c->ended)
        hy_loop_arm(c->loop, &c->deadline, due);
}

enum hy_conn_stage hy_conn_stage(const struct hy_conn *c)
{
    return c->stage;
}

const struct hy_sockaddr *hy_conn_peer(const struct hy_conn *c)
{
    return &c->peer;
}

void hy_conn_local(const struct hy_conn *c, struct hy_sockaddr *ret_addr)
{
    struct hy_sockaddr a = {0};
    socklen_t n = sizeof a;
    if (c->fd < 0 || getsockname(c->fd, &a.sa, &n) < 0 ||
        (a.sa.sa_family != AF_INET && a.sa.sa_family != AF_INET6))
        a = (struct hy_sockaddr){0};
    *ret_addr = a;
}
