/* A worker of the sink: one thread, one epoll, edge-triggered; its own listening sockets.
 *
 * Happy path: accept, banner, then for every readable edge one recv into a buffer the whole worker
 * shares, parse, one send with all replies. Only the unparsed rest of a line is kept apart.
 * A connection that the rules delay is paused: nothing is read until its time in the heap comes.
 * Distance is no pause: replies are on their way while what follows is read. */
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sink.h"

enum { RBUF = SINK_READ_MAX * 2, EVENTS = 512, BACKLOG = 4096 };

/* --- heap of paused (or idle-timed) connections, earliest first --- */

static hy_us due(const struct conn *c)
{
    return c->due;
}

static void heap_put(struct worker *w, int at, struct conn *c)
{
    w->heap[at] = c;
    c->heap_at = at;
}

static void heap_sift(struct worker *w, int at)
{
    struct conn *c = w->heap[at];
    while (at > 0 && due(w->heap[(at - 1) / 2]) > due(c)) {
        heap_put(w, at, w->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        int kid = at * 2 + 1;
        if (kid >= w->heap_len)
            break;
        if (kid + 1 < w->heap_len && due(w->heap[kid + 1]) < due(w->heap[kid]))
            kid++;
        if (due(w->heap[kid]) >= due(c))
            break;
        heap_put(w, at, w->heap[kid]);
        at = kid;
    }
    heap_put(w, at, c);
}

/* Puts it where it belongs by its pause, the reply that arrives next, or else its idle timeout. */
static void heap_set(struct worker *w, struct conn *c)
{
    c->due = c->wake ? c->wake : HY_US_NEVER;
    if (c->n_travel && c->travel[0].due < c->due)
        c->due = c->travel[0].due;
    if (c->due == HY_US_NEVER)
        c->due = c->last_seen + w->s->idle_timeout;
    if (c->heap_at < 0) {
        if (w->heap_len == w->heap_cap) {
            int cap = w->heap_cap ? w->heap_cap * 2 : 256;
            struct conn **h = reallocarray(w->heap, (size_t)cap, sizeof *h);
            if (!h)
                abort(); /* the sink is a test tool: out of memory ends it */
            w->heap = h;
            w->heap_cap = cap;
        }
        w->heap_len++;
        heap_put(w, w->heap_len - 1, c);
    }
    heap_sift(w, c->heap_at);
}

static void heap_drop(struct worker *w, struct conn *c)
{
    int at = c->heap_at;
    if (at < 0)
        return;
    struct conn *last = w->heap[--w->heap_len];
    c->heap_at = -1;
    if (last != c) {
        heap_put(w, at, last);
        heap_sift(w, at);
    }
}

/* --- connections --- */

static void raise_max(atomic_uint *max, unsigned v)
{
    unsigned old = atomic_load_explicit(max, memory_order_relaxed);
    while (old < v && !atomic_compare_exchange_weak(max, &old, v))
        ;
}

static void conn_close(struct conn *c)
{
    struct worker *w = c->w;
    heap_drop(w, c);
    if (c->n_rcpts || c->state == ST_DATA || c->state == ST_BDAT)
        BUMP(w->n.aborted, 1);
    if (c->reset) {
        struct linger hard = {1, 0};
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    } else if (c->ssl) {
        SSL_shutdown(c->ssl);
    }
    SSL_free(c->ssl);
    close(c->fd);
    provider_on_close(c);
    atomic_fetch_sub(&c->addr->open, 1);
    atomic_fetch_sub(&w->s->open, 1);
    c->fd = -1;
    hy_list_remove(&c->link);
    hy_list_push_front(&w->spare, &c->link);
}

static struct conn *conn_new(struct worker *w, int fd, int addr_index)
{
    struct hy_list *link = hy_list_pop(&w->spare);
    struct conn *c = link ? hy_container_of(link, struct conn, link) : NULL;
    if (c) {
        struct hy_buf keep[] = {c->in, c->out, c->sender, c->rcpts, c->body, c->sent};
        for (size_t i = 0; i < sizeof keep / sizeof *keep; i++)
            hy_buf_reset(&keep[i]);
        *c = (struct conn){.in = keep[0],
                           .out = keep[1],
                           .sender = keep[2],
                           .rcpts = keep[3],
                           .body = keep[4],
                           .sent = keep[5]};
    } else {
        c = malloc(sizeof *c);
        if (!c)
            return NULL;
        *c = (struct conn){.in = HY_BUF_INIT(RBUF),
                           .out = HY_BUF_INIT(1 << 20),
                           .sender = HY_BUF_INIT(SINK_LINE_MAX),
                           .rcpts = HY_BUF_INIT(1 << 20),
                           .body = HY_BUF_INIT(SINK_CAPTURE_MAX),
                           .sent = HY_BUF_INIT(4 << 20)};
    }
    hy_list_push(&w->conns, &c->link);
    c->fd = fd;
    c->w = w;
    c->addr_index = addr_index;
    c->addr = &w->s->addrs[addr_index];
    c->heap_at = -1;
    c->last_seen = w->now;
    return c;
}

/* Replies that are new set off; those that were long enough on their way have arrived. */
static void travel(struct conn *c)
{
    hy_us now = c->w->now;
    size_t began = c->n_travel ? c->travel[c->n_travel - 1].end : c->arrived;
    size_t said = c->wake ? c->out_ready : c->out.len;
    if (said > began) {
        if (c->n_travel < SINK_TRAVEL_MAX)
            c->n_travel++;
        c->travel[c->n_travel - 1].due = now + c->w->s->rtt_us;
        c->travel[c->n_travel - 1].end = said;
    }
    int n = 0;
    while (n < c->n_travel && c->travel[n].due <= now)
        c->arrived = c->travel[n++].end;
    c->n_travel -= n;
    memmove(c->travel, c->travel + n, (size_t)c->n_travel * sizeof *c->travel);
}

/* 0: all that was ready is written; HY_EMORE: the socket is full; HY_ECLOSED. */
static int conn_flush(struct conn *c)
{
    size_t ready = c->wake ? c->out_ready : c->out.len, done = 0;
    if (c->w->s->rtt_us && c->arrived < ready)
        ready = c->arrived;
    while (done < ready) {
        ssize_t n;
        if (c->ssl && c->state != ST_HANDSHAKE) {
            ERR_clear_error(); /* what another connection left would be taken for ours */
            n = SSL_write(c->ssl, c->out.data + done, (int)(ready - done));
            if (n <= 0) {
                int why = SSL_get_error(c->ssl, (int)n);
                if (why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ)
                    return HY_ECLOSED;
                break;
            }
        } else {
            n = send(c->fd, c->out.data + done, ready - done, MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0 && errno == EAGAIN)
                break;
            if (n < 0)
                return HY_ECLOSED;
        }
        done += (size_t)n;
    }
    if (done) {
        BUMP(c->w->n.batches, 1);
        hy_buf_consume(&c->out, done);
        c->out_ready -= done < c->out_ready ? done : c->out_ready;
        c->arrived -= done < c->arrived ? done : c->arrived;
        for (int i = 0; i < c->n_travel; i++)
            c->travel[i].end -= done;
    }
    if (c->out.len == 0 && c->sent.len) {
        hy_buf_add_str(&c->w->record, hy_buf_str(&c->sent));
        hy_buf_reset(&c->sent);
    }
    return done < ready ? HY_EMORE : 0;
}

/* Starts or goes on with the handshake: 0 done, HY_EMORE, HY_ECLOSED. */
static int conn_handshake(struct conn *c)
{
    if (!c->ssl) {
        c->ssl = SSL_new(c->w->s->ctx);
        if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
            return HY_ECLOSED;
    }
    ERR_clear_error();
    int rc = SSL_accept(c->ssl);
    if (rc == 1) {
        c->state = ST_COMMAND;
        c->helo_seen = c->mail_seen = false;
        if (SSL_session_reused(c->ssl))
            BUMP(c->w->n.tls_resumed, 1);
        return 0;
    }
    int why = SSL_get_error(c->ssl, rc);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return HY_EMORE;
    BUMP(c->w->n.tls_failed, 1);
    return HY_ECLOSED;
}

/* Bytes read, 0 at the end of the stream, HY_EMORE when there is nothing now, HY_ECLOSED. */
static ssize_t conn_read(struct conn *c, char *p, size_t max)
{
    if (c->ssl) {
        ERR_clear_error();
        int n = SSL_read(c->ssl, p, (int)max);
        if (n > 0)
            return n;
        int why = SSL_get_error(c->ssl, n);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
            return HY_EMORE;
        return why == SSL_ERROR_ZERO_RETURN ? 0 : HY_ECLOSED;
    }
    for (;;) {
        ssize_t n = recv(c->fd, p, max, 0);
        if (n >= 0)
            return n;
        if (errno != EINTR)
            return errno == EAGAIN ? HY_EMORE : HY_ECLOSED;
    }
}

static void pause_until(struct conn *c, hy_us when)
{
    c->wake = when;
    heap_set(c->w, c);
}

/* Parses what is in rbuf[0..n) and keeps the rest. */
static void conn_parse(struct conn *c, size_t n)
{
    size_t took = smtp_input(c, c->w->rbuf, n);
    hy_buf_reset(&c->in);
    if (took < n && !c->closing && !c->reset && !c->stalled)
        hy_buf_add(&c->in, c->w->rbuf + took, n - took);
}

/* Sends what may go. False when the connection is gone. */
static bool conn_answer(struct conn *c)
{
    if (c->w->s->rtt_us)
        travel(c);
    int rc = c->reset ? HY_ECLOSED : conn_flush(c);
    if ((c->wake || c->n_travel) && rc != HY_ECLOSED)
        heap_set(c->w, c);
    if (c->out.err) /* a peer that never reads its replies */
        rc = HY_ECLOSED;
    if (rc == HY_ECLOSED || (c->closing && !c->wake && !c->n_travel && rc == 0)) {
        conn_close(c);
        return false;
    }
    return true;
}

/* Reads and answers until there is nothing to read, or the connection pauses or goes. */
static void conn_run(struct conn *c, bool peer_done)
{
    struct worker *w = c->w;
    struct sink *s = w->s;
    size_t chunk = s->read_chunk ? s->read_chunk : SINK_READ_MAX;
    c->last_seen = w->now;
    while (!c->wake && !c->stalled) {
        if (c->state == ST_HANDSHAKE) {
            int rc = c->out.len ? conn_flush(c) : conn_handshake(c);
            if (rc == HY_ECLOSED)
                conn_close(c);
            if (rc || c->out.len)
                return;
            if (c->state == ST_HANDSHAKE)
                continue; /* the 220 is out: shake hands */
        }
        size_t kept = c->in.len;
        if (kept)
            memcpy(w->rbuf, c->in.data, kept);
        ssize_t n = conn_read(c, w->rbuf + kept, chunk < RBUF - kept ? chunk : RBUF - kept);
        if (n == HY_EMORE && !c->out.len)
            return;
        if (n == 0 && c->n_travel) { /* it says no more, but may still listen */
            c->closing = true;
            return;
        }
        if (n == 0 || n == HY_ECLOSED) {
            conn_close(c);
            return;
        }
        if (n > 0)
            conn_parse(c, kept + (size_t)n);
        if (s->read_pause_us && n > 0 && !c->wake && !c->closing) {
            c->out_ready = c->out.len;
            pause_until(c, w->now + s->read_pause_us);
        }
        if (!conn_answer(c))
            return;
        if (n == HY_EMORE)
            return;
        /* A short read means the socket is empty: the next bytes bring a new edge. Not so when the
         * peer has closed, or inside TLS, or after a change of state. */
        if ((size_t)n < chunk && !peer_done && !c->ssl && c->state != ST_HANDSHAKE)
            return;
    }
}

/* Replies arrive, or the pause is over: what was held may go, what was read before it is parsed. */
static void conn_resume(struct conn *c)
{
    struct worker *w = c->w;
    heap_drop(w, c);
    if (c->wake > w->now || (!c->wake && c->state != ST_HANDSHAKE)) { /* only replies arrive */
        if (conn_answer(c) && w->s->idle_timeout)
            heap_set(w, c);
        return;
    }
    c->wake = 0;
    c->last_seen = w->now;
    if (c->in.len) {
        size_t n = c->in.len;
        memcpy(w->rbuf, c->in.data, n);
        conn_parse(c, n);
    }
    if (!conn_answer(c))
        return;
    conn_run(c, true);
    if (c->fd >= 0 && !c->wake && w->s->idle_timeout)
        heap_set(w, c);
}

static void accept_all(struct worker *w, int addr_index)
{
    struct sink *s = w->s;
    for (int i = 0; i < 256; i++) {
        struct sockaddr_in peer = {0};
        socklen_t peer_len = sizeof peer;
        int fd = accept4(w->listen_fds[addr_index], (struct sockaddr *)&peer, &peer_len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
                fprintf(stderr, "sink: accept: %s\n", strerror(errno));
            return;
        }
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct conn *c = conn_new(w, fd, addr_index);
        struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
        ev.data.ptr = c;
        if (!c || epoll_ctl(w->epfd, EPOLL_CTL_ADD, fd, &ev) != 0) {
            fprintf(stderr, "sink: no memory for a connection\n");
            close(fd);
            return;
        }
        c->peer_ip = peer.sin_addr.s_addr;
        BUMP(w->n.conns, 1);
        atomic_fetch_add(&c->addr->conns, 1);
        raise_max(&c->addr->open_max, atomic_fetch_add(&c->addr->open, 1) + 1);
        raise_max(&s->open_max, atomic_fetch_add(&s->open, 1) + 1);
        smtp_banner(c);
        if (conn_answer(c) && s->idle_timeout)
            heap_set(w, c);
    }
}

static void run_timers(struct worker *w)
{
    while (w->heap_len && due(w->heap[0]) <= w->now) {
        struct conn *c = w->heap[0];
        if (c->wake || c->n_travel) {
            conn_resume(c);
            continue;
        }
        if (c->last_seen + w->s->idle_timeout > w->now) { /* it has spoken since */
            heap_set(w, c);
            continue;
        }
        smtp_say(c, PH_OTHER, 421, "4.4.2 idle for too long");
        c->closing = true;
        if (conn_answer(c))
            conn_close(c);
    }
}

static int wait_ms(const struct worker *w)
{
    if (!w->heap_len)
        return -1;
    hy_us left = due(w->heap[0]) - w->now;
    return left <= 0 ? 0 : (int)((left + 999) / 1000);
}

void *worker_run(void *worker)
{
    struct worker *w = worker;
    struct epoll_event ev[EVENTS];
    /* It stands for another machine: it takes no processor away from who is measured, and so
     * waits for its turn. */
    sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
    while (!atomic_load_explicit(&w->s->stop, memory_order_relaxed)) {
        int n = epoll_wait(w->epfd, ev, EVENTS, wait_ms(w));
        w->now = hy_clock_us();
        for (int i = 0; i < n; i++) {
            uint64_t tag = ev[i].data.u64;
            if (tag & 1) { /* pointers are even */
                if (tag != UINT64_MAX)
                    accept_all(w, (int)(tag >> 1));
                continue;
            }
            struct conn *c = ev[i].data.ptr;
            if (c->fd < 0)
                continue;
            bool gone = ev[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
            if (gone && c->stalled)
                conn_close(c);
            else if (!c->wake)
                conn_run(c, gone);
            else if (c->out_ready && conn_flush(c) == HY_ECLOSED)
                conn_close(c);
        }
        run_timers(w);
        record_flush(w);
    }
    return NULL;
}

static int listen_on(const struct listen_addr *a, bool share)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (share)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&a->sin, sizeof a->sin) != 0 ||
        listen(fd, BACKLOG) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

struct worker *worker_new(struct sink *s, unsigned index)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->s = s;
    hy_list_init(&w->conns);
    hy_list_init(&w->spare);
    w->now = hy_clock_us();
    hy_rng_seed(&w->rng, s->seed + index);
    w->rbuf = malloc(RBUF);
    for (w->slots = 2; w->slots < 2 * (size_t)s->domains_max;)
        w->slots *= 2;
    w->domains = calloc(w->slots, sizeof(struct domain_count *));
    w->listen_fds = calloc((size_t)s->n_addrs, sizeof(int));
    w->record = w->first = w->stamp = HY_BUF_INIT(64 << 20);
    snprintf(w->other.name, sizeof w->other.name, "other");
    w->epfd = epoll_create1(EPOLL_CLOEXEC);
    w->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!w->rbuf || !w->domains || !w->listen_fds || w->epfd < 0 || w->wakefd < 0)
        return NULL;
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = UINT64_MAX};
    epoll_ctl(w->epfd, EPOLL_CTL_ADD, w->wakefd, &ev);
    for (int i = 0; i < s->n_addrs; i++) {
        w->listen_fds[i] = listen_on(&s->addrs[i], s->threads > 1);
        ev.data.u64 = (uint64_t)i << 1 | 1;
        if (w->listen_fds[i] < 0 || epoll_ctl(w->epfd, EPOLL_CTL_ADD, w->listen_fds[i], &ev)) {
            fprintf(stderr, "sink: %s: %s\n", s->addrs[i].name, strerror(errno));
            return NULL;
        }
    }
    return w;
}

void worker_free(struct worker *w)
{
    record_flush(w);
    for (int i = 0; i < w->s->n_addrs; i++)
        close(w->listen_fds[i]);
    close(w->epfd);
    close(w->wakefd);
    struct hy_list *link;
    while ((link = hy_list_pop(&w->conns)))
        conn_close(hy_container_of(link, struct conn, link));
    while ((link = hy_list_pop(&w->spare))) {
        struct conn *c = hy_container_of(link, struct conn, link);
        struct hy_buf *bufs[] = {&c->in, &c->out, &c->sender, &c->rcpts, &c->body, &c->sent};
        for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
            hy_buf_free(bufs[i]);
        free(c);
    }
    for (size_t i = 0; i < w->slots; i++)
        free(w->domains[i]);
    hy_buf_free(&w->record);
    hy_buf_free(&w->first);
    hy_buf_free(&w->stamp);
    free(w->domains);
    free(w->listen_fds);
    free(w->heap);
    free(w->rbuf);
    free(w);
}
