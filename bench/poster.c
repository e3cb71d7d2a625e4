/* Posts one body again and again to an HTTP server, over connections that it keeps, each request
 * behind the answer to the one before. Reports requests a second and the CPU a request costs here,
 * which is little: the injector is not what is measured.
 *
 * Happy path, per connection: request, head of the answer, as many bytes as its Content-Length
 * says, next request. Any status but 2xx, or an answer without a length, ends the run. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "blaster_wire.h"
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/base/str.h"

enum { CONNS_MAX = 10000, EVENTS = 256, HEAD_MAX = 16384, BODY_MAX = 1 << 20 };

struct conn {
    struct wire wire;
    size_t sent;        /* of the request */
    size_t head_n;      /* of the answer so far */
    uint64_t body_left; /* when the head is complete */
    bool has_head;
    char head[HEAD_MAX];
};

struct run {
    struct sockaddr_in to;
    struct hy_buf request;
    unsigned conns, open;
    unsigned long requests, taken, done;
    int epfd;
    char rbuf[65536];
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "poster: %s: %s\n", what, why);
    exit(1);
}

/* ---- out ---- */

static void watch(struct run *r, struct conn *c, bool writes)
{
    struct epoll_event ev = {.events = EPOLLIN | (writes ? EPOLLOUT : 0U), .data.ptr = c};
    if (epoll_ctl(r->epfd, EPOLL_CTL_MOD, c->wire.fd, &ev) != 0)
        die("epoll", strerror(errno));
}

static void push(struct run *r, struct conn *c)
{
    while (c->sent < r->request.len) {
        ssize_t n = wire_send(&c->wire, r->request.data + c->sent, r->request.len - c->sent);
        if (n < 0 && errno == EAGAIN) {
            watch(r, c, true);
            return;
        }
        if (n < 0)
            die("send", strerror(errno));
        c->sent += (size_t)n;
    }
}

static void conn_end(struct run *r, struct conn *c)
{
    wire_close(&c->wire);
    r->open--;
}

static void next_request(struct run *r, struct conn *c)
{
    if (r->taken >= r->requests) {
        conn_end(r, c);
        return;
    }
    r->taken++;
    c->sent = c->head_n = 0;
    c->has_head = false;
    push(r, c);
}

/* ---- in ---- */

static uint64_t content_length(struct hy_str head)
{
    struct hy_str line;
    while (hy_str_split(&head, '\n', &line)) {
        static const struct hy_str name = {"Content-Length:", 15};
        uint64_t n;
        if (hy_str_istarts(line, name) &&
            hy_str_to_u64(hy_str_trim(hy_str_slice(line, name.n, line.n)), BODY_MAX, &n) == HY_OK)
            return n;
    }
    die("answer", "no Content-Length");
}

/* Takes what belongs to the head; returns how many bytes of `p` that were. */
static size_t take_head(struct conn *c, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (c->head_n == HEAD_MAX)
            die("answer", "its head is too long");
        c->head[c->head_n++] = p[i];
        if (p[i] != '\n' || c->head_n < 4 || memcmp(c->head + c->head_n - 4, "\r\n\r\n", 4) != 0)
            continue;
        struct hy_str head = hy_str_make(c->head, c->head_n);
        if (!hy_str_starts(head, HY_STR("HTTP/1.1 2"))) {
            fprintf(stderr, "poster: %.*s%.*s\n", HY_STR_ARG(head), (int)(n - i - 1), p + i + 1);
            exit(1);
        }
        c->has_head = true;
        c->body_left = content_length(head);
        return i + 1;
    }
    return n;
}

static void on_input(struct run *r, struct conn *c)
{
    ssize_t n = wire_recv(&c->wire, r->rbuf, sizeof r->rbuf);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("connection", n ? strerror(errno) : "closed by the server");
    size_t at = 0;
    if (!c->has_head)
        at = take_head(c, r->rbuf, (size_t)n);
    if (!c->has_head)
        return;
    if ((size_t)n - at > c->body_left)
        die("answer", "more than its Content-Length");
    c->body_left -= (size_t)n - at;
    if (c->body_left == 0) {
        r->done++;
        next_request(r, c);
    }
}

/* ---- the run ---- */

static void conn_open(struct run *r, struct conn *c)
{
    if (!wire_connect(&c->wire, &r->to))
        die("connect", strerror(errno));
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(r->epfd, EPOLL_CTL_ADD, c->wire.fd, &ev) != 0)
        die("epoll", strerror(errno));
    r->open++;
}

static void work(struct run *r)
{
    struct epoll_event ev[EVENTS];
    while (r->open) {
        int n = epoll_wait(r->epfd, ev, EVENTS, 30000);
        if (n == 0)
            die("server", "silent for 30 s");
        for (int i = 0; i < n; i++) {
            struct conn *c = ev[i].data.ptr;
            if (ev[i].events & EPOLLOUT) {
                watch(r, c, false);
                push(r, c);
            }
            if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                on_input(r, c);
        }
    }
}

static void read_body(const char *path, struct hy_buf *to)
{
    FILE *f = fopen(path, "re");
    char piece[4096];
    if (!f)
        die(path, strerror(errno));
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        hy_buf_add(to, piece, n);
    if (ferror(f) || to->err || to->len == 0)
        die(path, "cannot be read, is empty or too long");
    fclose(f);
}

static int usage(FILE *to)
{
    fprintf(to, "usage: poster --to ADDR:PORT --path PATH --body FILE [--token TOKEN]\n"
                "              [--requests N] [--connections N]\n"
                "Posts a JSON body again and again and prints JSON: requests a second and the CPU\n"
                "microseconds a request costs here. Every answer must be 2xx.\n");
    return to == stdout ? 0 : 2;
}

static void make_request(struct run *r, const char *path, const char *body, const char *token)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf content = HY_BUF_INIT(BODY_MAX);
    read_body(body, &content);
    hy_buf_printf(&r->request, "POST %s HTTP/1.1\r\nHost: localhost\r\n", path);
    if (token)
        hy_buf_printf(&r->request, "Authorization: Bearer %s\r\n", token);
    hy_buf_printf(&r->request, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                  content.len);
    hy_buf_add_str(&r->request, hy_buf_str(&content));
    if (r->request.err)
        die("request", "out of memory");
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"to", required_argument, NULL, 't'},       {"path", required_argument, NULL, 'p'},
        {"body", required_argument, NULL, 'b'},     {"token", required_argument, NULL, 'k'},
        {"requests", required_argument, NULL, 'n'}, {"connections", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},           {0}};
    static struct run r = {.conns = 64, .requests = 100000};
    const char *path = NULL, *body = NULL, *token = NULL;
    r.request = HY_BUF_INIT(BODY_MAX + HEAD_MAX);
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (c == 't' && !wire_address(optarg, &r.to))
            return usage(stderr);
        else if (c == 'p')
            path = optarg;
        else if (c == 'b')
            body = optarg;
        else if (c == 'k')
            token = optarg;
        else if (c == 'n')
            r.requests = strtoul(optarg, NULL, 10);
        else if (c == 'c')
            r.conns = (unsigned)strtoul(optarg, NULL, 10);
        else if (c != 't')
            return usage(c == 'h' ? stdout : stderr);
    }
    if (!r.to.sin_port || !path || !body || !r.requests || !r.conns || r.conns > CONNS_MAX)
        return usage(stderr);
    make_request(&r, path, body, token);
    r.epfd = epoll_create1(EPOLL_CLOEXEC);
    struct conn *conns = calloc(r.conns, sizeof *conns);
    if (r.epfd < 0 || !conns)
        die("start", strerror(errno));
    for (unsigned i = 0; i < r.conns; i++)
        conn_open(&r, &conns[i]);
    hy_us from = hy_clock_us();
    int64_t cpu = hy_clock_cpu_us();
    for (unsigned i = 0; i < r.conns; i++)
        next_request(&r, &conns[i]);
    work(&r);
    double seconds = (double)(hy_clock_us() - from) / 1e6;
    printf("{\"requests\":%lu,\"bytes\":%zu,\"seconds\":%.3f,\"requests_per_s\":%.1f,"
           "\"cpu_us_per_request\":%.2f,\"connections\":%u}\n",
           r.done, r.request.len, seconds, (double)r.done / seconds,
           (double)(hy_clock_cpu_us() - cpu) / (double)r.done, r.conns);
    free(conns);
    hy_buf_free(&r.request);
    close(r.epfd);
    return 0;
}
