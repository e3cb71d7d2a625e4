/* The HTTP server as a whole: listeners, its thread, settings that change, and the end.
 *
 * While there is no place for another connection, the one that is idle longest makes room; when
 * there is no descriptor, nobody is accepted for a moment: what waits would wake the loop at once,
 * over and over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hayauma/base/log.h"
#include "hayauma/io/listen.h"
#include "http_priv.h"

enum {
    ACCEPTS_A_TURN = 64,
    END_US = 5 * 1000000,
};

/* ---- settings ---- */

static struct hy_http_settings with_defaults(const struct hy_http_settings *given)
{
    struct hy_http_settings s = *given;
    if (s.connections_max == 0)
        s.connections_max = 32;
    if (s.connections_max > HY_HTTP_CONNECTIONS_MAX)
        s.connections_max = HY_HTTP_CONNECTIONS_MAX;
    if (s.memory_max == 0)
        s.memory_max = 64 << 20;
    if (s.idle_us == 0)
        s.idle_us = 60 * HY_US_PER_SEC;
    if (s.head_us == 0)
        s.head_us = 10 * HY_US_PER_SEC;
    if (s.slow_us == 0)
        s.slow_us = 15 * HY_US_PER_SEC;
    if (s.tls)
        hy_tls_ref(s.tls);
    return s;
}

void hy_http_reload(struct hy_http_server *s, const struct hy_http_settings *settings)
{
    struct hy_http_settings fresh = with_defaults(settings);
    pthread_mutex_lock(&s->settings_lock);
    struct hy_tls *old = s->settings.tls;
    s->settings = fresh;
    atomic_store(&s->is_reloaded, true);
    pthread_mutex_unlock(&s->settings_lock);
    hy_tls_unref(old);
}

const struct hy_http_settings *http_settings(struct hy_http_server *s)
{
    if (!atomic_load_explicit(&s->is_reloaded, memory_order_relaxed))
        return &s->now;
    pthread_mutex_lock(&s->settings_lock);
    hy_tls_unref(s->now.tls);
    s->now = s->settings;
    if (s->now.tls)
        hy_tls_ref(s->now.tls);
    atomic_store(&s->is_reloaded, false);
    pthread_mutex_unlock(&s->settings_lock);
    return &s->now;
}

/* ---- listeners ---- */

static void listen_to_all(struct hy_http_server *s)
{
    bool listens = !s->is_ending && !hy_timer_armed(&s->pause);
    for (size_t i = 0; i < s->n_listeners; i++) {
        int err = hy_watch_change(s->listeners[i].watch, listens ? HY_WATCH_READ : 0);
        (void)err; /* then it wakes us in vain */
    }
}

static void on_pause_over(void *arg)
{
    listen_to_all(arg);
}

static void pause_all(struct hy_http_server *s)
{
    hy_loop_arm_in(s->loop, &s->pause, HY_HTTP_PAUSE_US);
    atomic_fetch_add(&s->counters.pauses, 1);
    listen_to_all(s);
}

static void turn_away(int fd, bool is_tls, struct hy_str words)
{
    static const char rest[] = "Retry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    struct iovec parts[] = {{(void *)(uintptr_t)words.p, words.n},
                            {(void *)(uintptr_t)rest, sizeof rest - 1}};
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
    if (!is_tls) {
        ssize_t n = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)n;
    }
    close(fd);
}

/* Whether its address has as many as one may have. */
static bool is_crowded(struct hy_http_server *s, const struct hy_sockaddr *peer)
{
    uint32_t most = http_settings(s)->connections_per_address;
    return most && hy_tally_count(&s->tally, hy_sockaddr_network_hash(peer)) >= most &&
           !(s->o.ops->is_trusted && s->o.ops->is_trusted(s->o.ctx, peer));
}

static void welcome(struct hy_http_server *s, int fd, const struct hy_sockaddr *peer, bool is_tls)
{
    bool is_full = s->n_conns >= http_settings(s)->connections_max;
    if (is_crowded(s, peer)) {
        atomic_fetch_add_explicit(&s->counters.crowded, 1, memory_order_relaxed);
        turn_away(fd, is_tls, HY_STR("HTTP/1.1 429 Too Many Requests\r\n"));
        return;
    }
    if (is_full && hy_list_empty(&s->idle)) {
        atomic_fetch_add_explicit(&s->counters.turned_away, 1, memory_order_relaxed);
        turn_away(fd, is_tls, HY_STR("HTTP/1.1 503 Service Unavailable\r\n"));
        return;
    }
    if (is_full) {
        struct hy_list *longest = hy_list_pop(&s->idle);
        http_conn_cut(hy_container_of(longest, struct http_conn, idle));
    }
    http_conn_open(s, fd, peer, is_tls);
}

static void on_listener(void *arg, int fd, unsigned what)
{
    struct http_listener *l = arg;
    (void)what;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct hy_sockaddr peer = {0};
        socklen_t n = sizeof peer;
        int client = accept4(fd, &peer.sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (client < 0 && errno != EAGAIN) /* no descriptor, no memory */
            pause_all(l->server);
        if (client < 0)
            return;
        welcome(l->server, client, &peer, l->is_tls);
    }
}

static int open_listener(struct hy_http_server *s, const struct hy_http_listener *o,
                         struct hy_diag *diag)
{
    struct http_listener *l = &s->listeners[s->n_listeners];
    *l = (struct http_listener){.server = s, .is_tls = o->is_tls};
    int err = hy_listen(&o->addr, diag, &l->fd);
    if (err)
        return err;
    s->n_listeners++;
    return hy_watch_add(s->loop, l->fd, HY_WATCH_READ, on_listener, l, &l->watch);
}

/* ---- the thread ---- */

static void on_end_timer(void *arg)
{
    struct hy_http_server *s = arg;
    hy_list_for_each_safe (it, &s->conns)
        http_conn_cut(hy_container_of(it, struct http_conn, link));
    /* Those whose answers are being made end with them: they always come. */
}

static void end(struct hy_http_server *s)
{
    s->is_ending = true;
    listen_to_all(s);
    hy_loop_arm_in(s->loop, &s->ending, END_US);
    hy_list_for_each_safe (it, &s->conns)
        http_conn_end(hy_container_of(it, struct http_conn, link));
    if (s->n_conns == 0)
        hy_loop_stop(s->loop);
}

void http_conn_gone(struct hy_http_server *s)
{
    if (s->is_ending && s->n_conns == 0)
        hy_loop_stop(s->loop);
}

static void on_mail(void *arg, struct hy_msg *m)
{
    struct hy_http_server *s = arg;
    for (struct hy_msg *next; m; m = next) {
        next = m->next;
        if (m == &s->end_msg)
            end(s);
        else
            http_conn_later(hy_container_of(m, struct http_conn, later));
    }
}

static void run(void *arg)
{
    struct hy_http_server *s = arg;
    if (hy_loop_run(s->loop) != HY_OK)
        hy_log(HY_LOG_ERROR, s->o.name, "the event loop failed: nobody is answered any more");
}

/* ---- life ---- */

static void server_free(struct hy_http_server *s)
{
    for (size_t i = 0; i < s->n_listeners; i++) {
        hy_watch_free(s->listeners[i].watch);
        close(s->listeners[i].fd);
    }
    if (s->mailbox) {
        hy_mailbox_close(s->mailbox);
        hy_mailbox_detach(s->mailbox);
        hy_mailbox_free(s->mailbox);
    }
    if (s->loop) {
        hy_loop_disarm(s->loop, &s->pause);
        hy_loop_disarm(s->loop, &s->ending);
        hy_loop_free(s->loop);
    }
    hy_tls_unref(s->settings.tls);
    hy_tls_unref(s->now.tls);
    hy_tally_free(&s->tally);
    pthread_mutex_destroy(&s->settings_lock);
    free(s);
}

static int make(struct hy_http_server *s)
{
    int err = hy_loop_create(&s->loop);
    if (err == HY_OK)
        err = hy_tally_init(&s->tally, HY_HTTP_CONNECTIONS_MAX);
    if (err == HY_OK)
        err = hy_mailbox_create(1 << 20, &s->mailbox);
    if (err == HY_OK)
        err = hy_mailbox_attach(s->mailbox, s->loop, on_mail, s);
    return err;
}

int hy_http_open(const struct hy_http_options *o, struct hy_diag *diag, struct hy_http_server **ret)
{
    struct hy_http_server *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->o = *o;
    s->settings = with_defaults(&o->settings);
    atomic_init(&s->is_reloaded, true);
    hy_list_init(&s->conns);
    hy_list_init(&s->idle);
    pthread_mutex_init(&s->settings_lock, NULL);
    hy_timer_init(&s->pause, on_pause_over, s);
    hy_timer_init(&s->ending, on_end_timer, s);
    int err = o->n_listeners <= HY_HTTP_LISTENERS_MAX ? make(s) : HY_ELIMIT;
    for (size_t i = 0; i < o->n_listeners && err == HY_OK; i++)
        err = open_listener(s, &o->listeners[i], diag);
    if (err != HY_OK) {
        server_free(s);
        return hy_fail(diag, err, "nobody can be served: %s", hy_err_text(err));
    }
    *ret = s;
    return HY_OK;
}

int hy_http_start(struct hy_http_server *s)
{
    return hy_thread_start(s->o.name, run, s, &s->thread);
}

void hy_http_close(struct hy_http_server *s)
{
    if (!s)
        return;
    if (s->thread) {
        int err = hy_mailbox_post_answer(s->mailbox, &s->end_msg);
        (void)err; /* it is open */
        hy_thread_join(s->thread);
    }
    server_free(s);
}

struct hy_loop *hy_http_loop(struct hy_http_server *s)
{
    return s->loop;
}

const struct hy_http_counters *hy_http_counters_of(const struct hy_http_server *s)
{
    return &s->counters;
}
