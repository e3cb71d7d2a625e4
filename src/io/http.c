/* The HTTP server: one thread, one loop, at most HY_HTTP_CLIENTS_MAX connections.
 *
 * Happy path: accept, read the head, call the handler, write the answer, close. How it fails: a
 * client that is too slow, too long or does not speak HTTP gets a short answer or none, and is
 * closed at its deadline; while all places are taken nobody is accepted, nor for a moment when
 * there is no descriptor for who comes: what waits would wake the loop at once, over and over. */
#include "hayauma/io/http.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hayauma/io/loop.h"
#include "hayauma/io/thread.h"

struct client {
    struct hy_list link;
    struct hy_http_server *server;
    int fd;
    struct hy_watch *watch;
    struct hy_timer deadline;
    struct hy_buf in, out;
    size_t sent;
    bool is_answered;
};

struct hy_http_server {
    struct hy_http_options o;
    struct hy_loop *loop;
    struct hy_thread *thread;
    struct hy_watch *watch;
    int fd;
    struct hy_list clients;
    unsigned n_clients;
    struct hy_timer pause; /* armed: nobody is accepted */
    atomic_ulong pauses;
};

static void watch_listener(struct hy_http_server *s)
{
    bool has_room = s->n_clients < HY_HTTP_CLIENTS_MAX && !hy_timer_armed(&s->pause);
    unsigned what = has_room ? HY_WATCH_READ : 0;
    int err = hy_watch_change(s->watch, what);
    (void)err; /* it stays as it was: accept looks at the number again */
}

static void client_close(struct client *c)
{
    struct hy_http_server *s = c->server;
    hy_list_remove(&c->link);
    hy_loop_disarm(s->loop, &c->deadline);
    hy_watch_free(c->watch);
    close(c->fd);
    hy_buf_free(&c->in);
    hy_buf_free(&c->out);
    free(c);
    s->n_clients--;
    watch_listener(s);
}

static void on_deadline(void *arg)
{
    client_close(arg);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

static void put_answer(struct client *c, const struct hy_http_answer *a, bool is_head)
{
    hy_buf_printf(&c->out,
                  "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                  "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
                  a->status, reason_of(a->status), a->type, a->body.len);
    if (!is_head)
        hy_buf_add_str(&c->out, hy_buf_str(&a->body));
    c->is_answered = true;
}

static void answer(struct client *c)
{
    struct hy_http_request r = {0};
    struct hy_http_answer a = {
        .status = 404, .type = "text/plain; charset=utf-8", .body = HY_BUF_INIT(HY_HTTP_BODY_MAX)};
    int err = hy_http_request_read(hy_buf_str(&c->in), &r);
    if (err == HY_EMORE)
        return;
    if (err == HY_OK)
        c->server->o.fn(c->server->o.ctx, &r, &a);
    else
        a.status = err == HY_ELIMIT ? 431 : err == HY_EUNSUPPORTED ? 501 : 400;
    if (a.body.err) {
        hy_buf_free(&a.body);
        a.body = HY_BUF_INIT(4096);
        a.status = 500;
    }
    if (a.body.len == 0)
        hy_buf_printf(&a.body, "%s\n", reason_of(a.status));
    put_answer(c, &a, r.is_head);
    hy_buf_free(&a.body);
}

/* False: it is gone. */
static bool fill(struct client *c)
{
    char room[2048];
    ssize_t n = recv(c->fd, room, sizeof room, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0)
        return false;
    hy_buf_add(&c->in, room, (size_t)n); /* past its maximum: the request is too long anyway */
    return c->in.err == HY_OK || c->in.err == HY_ELIMIT;
}

static bool flush(struct client *c)
{
    while (c->sent < c->out.len) {
        ssize_t n =
            send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return false;
        c->sent += (size_t)n;
    }
    shutdown(c->fd, SHUT_WR);
    return false;
}

static void on_client(void *arg, int fd, unsigned what)
{
    struct client *c = arg;
    (void)fd;
    bool is_open = true;
    if ((what & HY_WATCH_READ) && !c->is_answered) {
        is_open = fill(c);
        if (is_open)
            answer(c);
        if (c->is_answered)
            is_open = c->out.err == HY_OK && hy_watch_change(c->watch, HY_WATCH_WRITE) == HY_OK;
    }
    if (is_open && c->is_answered)
        is_open = flush(c);
    if (!is_open)
        client_close(c);
}

static void welcome(struct hy_http_server *s, int fd)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    c->server = s;
    c->fd = fd;
    c->in = HY_BUF_INIT(HY_HTTP_HEAD_MAX + 2048);
    c->out = HY_BUF_INIT(HY_HTTP_BODY_MAX + 1024);
    hy_timer_init(&c->deadline, on_deadline, c);
    if (hy_watch_add(s->loop, fd, HY_WATCH_READ, on_client, c, &c->watch) != HY_OK) {
        close(fd);
        free(c);
        return;
    }
    hy_list_push(&s->clients, &c->link);
    s->n_clients++;
    hy_loop_arm_in(s->loop, &c->deadline, s->o.timeout_us);
}

static void on_listener(void *arg, int fd, unsigned what)
{
    struct hy_http_server *s = arg;
    (void)what;
    while (s->n_clients < HY_HTTP_CLIENTS_MAX) {
        int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (client < 0 && errno != EAGAIN) { /* no descriptor, no memory */
            hy_loop_arm_in(s->loop, &s->pause, HY_HTTP_PAUSE_US);
            atomic_fetch_add(&s->pauses, 1);
        }
        if (client < 0)
            break;
        welcome(s, client);
    }
    watch_listener(s);
}

static void on_pause_over(void *arg)
{
    watch_listener(arg);
}

unsigned long hy_http_pauses(const struct hy_http_server *s)
{
    return atomic_load(&s->pauses);
}

static void run(void *arg)
{
    struct hy_http_server *s = arg;
    int err = hy_loop_run(s->loop);
    (void)err; /* then nobody is answered any more, which who watches us notices */
}

static int listen_on(struct hy_http_server *s, struct hy_diag *diag)
{
    const int one = 1;
    const struct hy_sockaddr *a = &s->o.listen;
    char text[HY_SOCKADDR_TEXT_MAX];
    s->fd = socket(hy_sockaddr_family(a), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return hy_fail(diag, HY_EIO, "no socket: %s", strerror(errno));
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s->fd, &a->sa, hy_sockaddr_len(a)) == 0 && listen(s->fd, 64) == 0)
        return HY_OK;
    return hy_fail(diag, errno == EADDRINUSE ? HY_EBUSY : HY_EIO, "cannot listen on %s: %s",
                   hy_sockaddr_format(a, text), strerror(errno));
}

int hy_http_open(const struct hy_http_options *o, struct hy_diag *diag, struct hy_http_server **ret)
{
    struct hy_http_server *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->o = *o;
    if (s->o.timeout_us == 0)
        s->o.timeout_us = 10 * HY_US_PER_SEC;
    hy_list_init(&s->clients);
    hy_timer_init(&s->pause, on_pause_over, s);
    int err = listen_on(s, diag);
    if (err == HY_OK)
        err = hy_loop_create(&s->loop);
    if (err == HY_OK)
        err = hy_watch_add(s->loop, s->fd, HY_WATCH_READ, on_listener, s, &s->watch);
    if (err == HY_OK)
        err = hy_thread_start("http", run, s, &s->thread);
    if (err != HY_OK) {
        hy_http_close(s);
        return err;
    }
    *ret = s;
    return HY_OK;
}

void hy_http_close(struct hy_http_server *s)
{
    if (!s)
        return;
    if (s->thread) {
        hy_loop_stop(s->loop);
        hy_thread_join(s->thread);
    }
    if (s->loop)
        hy_loop_disarm(s->loop, &s->pause);
    hy_list_for_each_safe (it, &s->clients)
        client_close(hy_container_of(it, struct client, link));
    hy_watch_free(s->watch);
    if (s->fd >= 0)
        close(s->fd);
    if (s->loop)
        hy_loop_free(s->loop);
    free(s);
}
