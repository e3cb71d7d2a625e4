/* Connections from proxies: who the client is comes first (PROXY protocol), then the session
 * begins.
 *
 * The header is looked at where it lies and then taken off, so that nothing behind it, such as the
 * first bytes of TLS, is read by the wrong hands. What is no header, or does not come in time, ends
 * the connection. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hayauma/base/log.h"
#include "hayauma/io/proxy_read.h"
#include "receive.h"

enum { HEADER_US = 10 * 1000000, AGAIN_US = 20000 };

struct proxied {
    struct hy_list link;
    struct hy_receive *r;
    struct hy_watch *watch;
    struct hy_timer timer;
    hy_us until;
    int fd;
    bool is_tls;
    struct hy_sockaddr peer;
};

static void proxied_free(struct proxied *p)
{
    hy_loop_disarm(p->r->loop, &p->timer);
    hy_watch_free(p->watch);
    hy_list_remove(&p->link);
    p->r->n_proxied--;
    if (p->fd >= 0)
        close(p->fd);
    free(p);
}

static void refuse(struct proxied *p, const char *why)
{
    char text[HY_SOCKADDR_TEXT_MAX];
    hy_log(HY_LOG_NOTICE, "receive", "a connection of the proxy %s ends: %s",
           hy_sockaddr_format_ip(&p->peer, text), why);
    atomic_fetch_add_explicit(&p->r->counters.turned_away, 1, memory_order_relaxed);
    proxied_free(p);
}

static void begin_session(struct proxied *p, const struct hy_sockaddr *client, size_t used)
{
    char header[HY_PROXY_HEADER_MAX];
    if (recv(p->fd, header, used, 0) != (ssize_t)used) {
        refuse(p, "its header is gone");
        return;
    }
    struct hy_receive *r = p->r;
    struct hy_sockaddr who = hy_sockaddr_family(client) == AF_UNSPEC ? p->peer : *client;
    int fd = p->fd;
    bool is_tls = p->is_tls;
    p->fd = -1;
    proxied_free(p);
    inbound_open(r, fd, &who, is_tls);
}

/* While a part of the header is there the descriptor stays readable: it is looked at by time. */
static void wait_on(struct proxied *p)
{
    if (hy_watch_change(p->watch, 0) != HY_OK)
        refuse(p, "it cannot be watched");
    else
        hy_loop_arm_in(p->r->loop, &p->timer, AGAIN_US);
}

static void look(struct proxied *p)
{
    char header[HY_PROXY_HEADER_MAX];
    struct hy_sockaddr client = {0};
    size_t used = 0;
    ssize_t n = recv(p->fd, header, sizeof header, MSG_PEEK);
    if (hy_loop_now(p->r->loop) >= p->until) {
        refuse(p, "no PROXY header came in time");
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        wait_on(p);
        return;
    }
    if (n <= 0) {
        proxied_free(p); /* it looked whether we are there */
        return;
    }
    int err = hy_proxy_read(header, (size_t)n, &client, &used);
    if (err == HY_OK)
        begin_session(p, &client, used);
    else if (err == HY_EMORE)
        wait_on(p);
    else
        refuse(p, "what it sent is no PROXY header");
}

static void on_readable(void *arg, int fd, unsigned what)
{
    (void)fd;
    (void)what;
    look(arg);
}

static void on_timer(void *arg)
{
    look(arg);
}

bool proxied_open(struct hy_receive *r, int fd, const struct hy_sockaddr *peer, bool is_tls)
{
    struct hy_receive_policy *policy = receive_policy(r);
    bool is_proxy = false;
    for (size_t i = 0; i < policy->n_proxies && !is_proxy; i++)
        is_proxy = hy_network_has(&policy->proxies[i], peer);
    uint32_t most = policy->connections_max;
    hy_receive_policy_unref(policy);
    if (!is_proxy)
        return false;
    struct proxied *p = r->n_proxied < most ? calloc(1, sizeof *p) : NULL;
    if (!p) {
        atomic_fetch_add_explicit(&r->counters.turned_away, 1, memory_order_relaxed);
        close(fd);
        return true;
    }
    *p = (struct proxied){.r = r,
                          .fd = fd,
                          .is_tls = is_tls,
                          .peer = *peer,
                          .until = hy_loop_now(r->loop) + HEADER_US};
    hy_timer_init(&p->timer, on_timer, p);
    hy_list_push(&r->proxied, &p->link);
    r->n_proxied++;
    if (hy_watch_add(r->loop, fd, HY_WATCH_READ, on_readable, p, &p->watch) != HY_OK)
        proxied_free(p);
    else
        hy_loop_arm_in(r->loop, &p->timer, HEADER_US);
    return true;
}

void proxied_cut_all(struct hy_receive *r)
{
    hy_list_for_each_safe (it, &r->proxied)
        proxied_free(hy_container_of(it, struct proxied, link));
}
