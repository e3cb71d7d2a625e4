/* What a round trip costs the client: our connections against libevent's bufferevent and against
 * plain level-triggered events. `conn_cost conn|bufferevent|level [connections] [round trips]`.
 *
 * The server answers in a process of its own, so that the CPU time shown is the client's alone.
 * Each round trip writes a command of 40 bytes and reads a reply of 60, as SMTP does. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hayauma/io/conn.h"
#include "hayauma/io/loop.h"

enum { COMMAND = 40, REPLY = 60 };
static const char command[COMMAND] = "MAIL FROM:<b+0123456789@example.test>\r\n";
static const char reply[REPLY] = "250 2.1.0 Ok                                             \r\n";

struct client {
    struct run *run;
    struct hy_conn *conn;
    struct bufferevent *bev;
    struct event *rd;
    int fd;
    size_t got;
};

struct run {
    long left; /* round trips to start */
    long open; /* connections that are not finished */
    struct sockaddr_in server;
    struct hy_loop *loop;
    struct event_base *base;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- the server ---- */

static void serve_one(int fd)
{
    char buf[4096];
    for (ssize_t n; (n = recv(fd, buf, sizeof buf, 0)) > 0;)
        for (ssize_t i = 0; i + COMMAND <= n; i += COMMAND)
            if (send(fd, reply, REPLY, MSG_NOSIGNAL) < 0)
                return;
}

static void serve(int listener)
{
    int ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener}, got[256];
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        int n = epoll_wait(ep, got, 256, -1);
        for (int i = 0; i < n; i++) {
            if (got[i].data.fd != listener) {
                serve_one(got[i].data.fd);
                continue;
            }
            int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            ev = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.fd = fd};
            epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
        }
    }
}

static pid_t start_server(struct run *r)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t n = sizeof r->server;
    r->server =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)&r->server, n) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&r->server, &n))
        die("listen");
    pid_t pid = fork();
    if (pid == 0)
        serve(fd);
    close(fd);
    return pid;
}

/* True when the reply is complete and another round trip is wanted. */
static bool go_on(struct client *c, size_t n)
{
    c->got += n;
    if (c->got < REPLY)
        return false;
    c->got = 0;
    return c->run->left-- > 0;
}

static bool finished(const struct client *c)
{
    return c->run->left <= 0;
}

/* ---- ours ---- */

static void conn_send(struct client *c)
{
    union {
        const char *in;
        void *out;
    } p = {.in = command};
    struct iovec v = {.iov_base = p.out, .iov_len = COMMAND};
    if (hy_conn_writev(c->conn, &v, 1) != COMMAND)
        exit(1);
}

static void conn_connected(void *ctx)
{
    conn_send(ctx);
}

static void conn_readable(void *ctx, const char *p, size_t n)
{
    struct client *c = ctx;
    (void)p;
    if (go_on(c, n))
        conn_send(c);
    else if (finished(c))
        hy_conn_close(c->conn);
}

static void conn_writable(void *ctx)
{
    (void)ctx;
}

static void conn_closed(void *ctx, const struct hy_conn_end *end)
{
    struct client *c = ctx;
    (void)end;
    if (--c->run->open == 0)
        hy_loop_stop(c->run->loop);
}

static const struct hy_conn_ops conn_ops = {conn_connected, conn_readable, conn_writable, NULL,
                                            conn_closed};

static void run_conn(struct run *r, struct client *clients, long n)
{
    struct hy_conn_options o = {.peer = {.in4 = r->server}};
    if (hy_loop_create(&r->loop))
        die("loop");
    size_t before = mallinfo2().uordblks;
    for (long i = 0; i < n; i++)
        if (hy_conn_open(r->loop, &o, &conn_ops, &clients[i], &clients[i].conn))
            die("open");
    printf("%zu bytes of heap a connection, ", (mallinfo2().uordblks - before) / (size_t)n);
    if (hy_loop_run(r->loop))
        die("run");
    hy_loop_free(r->loop);
}

/* ---- bufferevent ---- */

static void bev_end(struct client *c)
{
    bufferevent_free(c->bev);
    if (--c->run->open == 0)
        event_base_loopbreak(c->run->base);
}

static void bev_readable(struct bufferevent *bev, void *arg)
{
    struct client *c = arg;
    size_t n = evbuffer_get_length(bufferevent_get_input(bev));
    evbuffer_drain(bufferevent_get_input(bev), n);
    if (go_on(c, n))
        bufferevent_write(bev, command, COMMAND);
    else if (finished(c))
        bev_end(c);
}

static void bev_event(struct bufferevent *bev, short what, void *arg)
{
    (void)arg;
    int on = 1;
    if (!(what & BEV_EVENT_CONNECTED))
        die("bufferevent");
    setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bufferevent_write(bev, command, COMMAND);
}

static void run_bev(struct run *r, struct client *clients, long n)
{
    r->base = event_base_new();
    size_t before = mallinfo2().uordblks;
    for (long i = 0; i < n; i++) {
        struct client *c = &clients[i];
        c->bev = bufferevent_socket_new(r->base, -1, BEV_OPT_CLOSE_ON_FREE);
        bufferevent_setcb(c->bev, bev_readable, NULL, bev_event, c);
        bufferevent_enable(c->bev, EV_READ | EV_WRITE);
        if (bufferevent_socket_connect(c->bev, (struct sockaddr *)&r->server, sizeof r->server))
            die("connect");
    }
    printf("%zu bytes of heap a connection, ", (mallinfo2().uordblks - before) / (size_t)n);
    event_base_dispatch(r->base);
    event_base_free(r->base);
}

/* ---- plain events, level-triggered ---- */

static void level_readable(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    char buf[65536];
    (void)what;
    ssize_t n = recv(fd, buf, sizeof buf, 0);
    if (n <= 0)
        die("recv");
    if (go_on(c, (size_t)n)) {
        if (send(fd, command, COMMAND, MSG_NOSIGNAL) != COMMAND)
            die("send");
    } else if (finished(c)) {
        event_free(c->rd);
        close(fd);
        if (--c->run->open == 0)
            event_base_loopbreak(c->run->base);
    }
}

static void run_level(struct run *r, struct client *clients, long n)
{
    r->base = event_base_new();
    for (long i = 0; i < n; i++) {
        struct client *c = &clients[i];
        int on = 1;
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(c->fd, (struct sockaddr *)&r->server, sizeof r->server))
            die("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        evutil_make_socket_nonblocking(c->fd);
        c->rd = event_new(r->base, c->fd, EV_READ | EV_PERSIST, level_readable, c);
        event_add(c->rd, NULL);
        if (send(c->fd, command, COMMAND, 0) != COMMAND)
            die("send");
    }
    event_base_dispatch(r->base);
    event_base_free(r->base);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "conn";
    long n = argc > 2 ? atol(argv[2]) : 200, trips = argc > 3 ? atol(argv[3]) : 1000000;
    if (n < 1 || trips < n) {
        fprintf(stderr, "conn_cost conn|bufferevent|level [connections] [round trips]\n");
        return 2;
    }
    struct run r = {.left = trips - n, .open = n};
    struct client *clients = calloc((size_t)n, sizeof *clients);
    for (long i = 0; i < n; i++)
        clients[i].run = &r;
    pid_t server = start_server(&r);
    int64_t cpu = hy_clock_cpu_us();
    hy_us start = hy_clock_us();
    if (!strcmp(mode, "bufferevent"))
        run_bev(&r, clients, n);
    else if (!strcmp(mode, "level"))
        run_level(&r, clients, n);
    else
        run_conn(&r, clients, n);
    printf("%s: %.2f us CPU, %.2f us wall a round trip\n", mode,
           (double)(hy_clock_cpu_us() - cpu) / (double)trips,
           (double)(hy_clock_us() - start) / (double)trips);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    free(clients);
    return 0;
}
