/* c-ares on the event loop: its sockets are watched, its time-outs looked at by a timer that runs
 * only while questions are out. */
#include "channel.h"

#include <ares.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/rand.h"
#include "hayauma/io/loop.h"

enum {
    EDNS_BYTES = 1232,           /* no fragments on any path (DNS flag day 2020) */
    RECEIVE_BUFFER = 1 << 22,    /* a burst of answers waits for us; the system may give less */
    TICK_US = 50 * HY_US_PER_MS, /* how late a time-out may be */
    SERVERS_MAX = 16,
};

struct sock {
    struct hy_list link;
    int fd;
    struct hy_watch *watch;
};

struct dns_channel {
    struct hy_loop *loop;
    ares_channel ares;
    struct hy_list socks;
    struct hy_timer tick;
    uint32_t questions; /* on the wire */
    bool ask_ad;
    bool closing;
};

struct question {
    struct dns_channel *channel;
    dns_packet_fn *fn;
    void *arg;
};

/* ---- sockets and time ---- */

static void on_socket(void *arg, int fd, unsigned what)
{
    struct dns_channel *c = arg;
    ares_process_fd(c->ares, (what & HY_WATCH_READ) ? fd : ARES_SOCKET_BAD,
                    (what & HY_WATCH_WRITE) ? fd : ARES_SOCKET_BAD);
}

static struct sock *find_sock(struct dns_channel *c, int fd)
{
    hy_list_for_each (n, &c->socks) {
        struct sock *s = hy_container_of(n, struct sock, link);
        if (s->fd == fd)
            return s;
    }
    return NULL;
}

static void drop_sock(struct sock *s)
{
    hy_list_remove(&s->link);
    hy_watch_free(s->watch);
    free(s);
}

static void add_sock(struct dns_channel *c, int fd, unsigned what)
{
    struct sock *s = calloc(1, sizeof *s);
    if (!s)
        return; /* its questions then run into their time-outs */
    s->fd = fd;
    if (hy_watch_add(c->loop, fd, what, on_socket, c, &s->watch)) {
        free(s);
        return;
    }
    hy_list_push(&c->socks, &s->link);
}

static void on_sock_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns_channel *c = arg;
    unsigned what = (readable ? HY_WATCH_READ : 0u) | (writable ? HY_WATCH_WRITE : 0u);
    struct sock *s = find_sock(c, fd);
    if (!s && what)
        add_sock(c, fd, what);
    else if (s && !what)
        drop_sock(s);
    else if (s && hy_watch_change(s->watch, what))
        drop_sock(s);
}

static int on_sock_created(ares_socket_t fd, int type, void *arg)
{
    (void)arg;
    int bytes = RECEIVE_BUFFER;
    if (type == SOCK_DGRAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    return 0;
}

static void on_tick(void *arg)
{
    struct dns_channel *c = arg;
    ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    if (c->questions)
        hy_loop_arm_in(c->loop, &c->tick, TICK_US);
}

/* ---- making it ---- */

static int set_servers(struct dns_channel *c, const struct hy_resolver_settings *s)
{
    struct ares_addr_port_node nodes[SERVERS_MAX] = {0};
    for (size_t i = 0; i < s->n_servers; i++) {
        struct ares_addr_port_node *n = &nodes[i];
        n->family = hy_sockaddr_family(&s->servers[i]);
        n->udp_port = n->tcp_port = hy_sockaddr_port(&s->servers[i]);
        if (n->family == AF_INET)
            memcpy(&n->addr.addr4, &s->servers[i].in4.sin_addr, 4);
        else
            memcpy(&n->addr.addr6, &s->servers[i].in6.sin6_addr, 16);
        n->next = i + 1 < s->n_servers ? &nodes[i + 1] : NULL;
    }
    return s->n_servers ? ares_set_servers_ports(c->ares, nodes) : ARES_SUCCESS;
}

static int check(const struct hy_resolver_settings *s, struct hy_diag *diag)
{
    if (s->n_servers > SERVERS_MAX)
        return hy_fail(diag, HY_EINVAL, "more than %d DNS servers", SERVERS_MAX);
    for (size_t i = 0; i < s->n_servers; i++)
        if (hy_sockaddr_family(&s->servers[i]) == AF_UNSPEC || !hy_sockaddr_port(&s->servers[i]))
            return hy_fail(diag, HY_EINVAL, "DNS server %zu has no address or no port", i + 1);
    if (s->timeout_ms == 0 || s->timeout_ms > 60000 || s->tries == 0 || s->tries > 10)
        return hy_fail(diag, HY_EINVAL, "DNS time-out must be 1..60000 ms, tries 1..10");
    return 0;
}

int dns_channel_create(struct hy_loop *loop, const struct hy_resolver_settings *s,
                       struct hy_diag *diag, struct dns_channel **ret_channel)
{
    int err = check(s, diag);
    if (err)
        return err;
    struct dns_channel *c = calloc(1, sizeof *c);
    if (!c)
        return HY_ENOMEM;
    c->loop = loop;
    c->ask_ad = s->trust_ad;
    hy_list_init(&c->socks);
    hy_timer_init(&c->tick, on_tick, c);
    struct ares_options o = {.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
                             .timeout = (int)s->timeout_ms,
                             .tries = (int)s->tries,
                             .ednspsz = EDNS_BYTES,
                             .sock_state_cb = on_sock_state,
                             .sock_state_cb_data = c};
    int failed = ares_library_init(ARES_LIB_INIT_ALL);
    if (failed)
        goto fail;
    failed = ares_init_options(&c->ares, &o,
                               ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                   ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);
    if (failed)
        goto cleanup;
    ares_set_socket_callback(c->ares, on_sock_created, NULL);
    failed = set_servers(c, s);
    if (failed)
        goto destroy;
    *ret_channel = c;
    return 0;

destroy:
    ares_destroy(c->ares);
cleanup:
    ares_library_cleanup();
fail:
    free(c);
    return failed == ARES_ENOMEM ? HY_ENOMEM
                                 : hy_fail(diag, HY_EIO, "resolver: %s", ares_strerror(failed));
}

void dns_channel_free(struct dns_channel *c)
{
    if (!c)
        return;
    c->closing = true;
    ares_destroy(c->ares); /* ends all questions; their callbacks only free */
    while (!hy_list_empty(&c->socks))
        drop_sock(hy_container_of(c->socks.next, struct sock, link));
    hy_loop_disarm(c->loop, &c->tick);
    ares_library_cleanup();
    free(c);
}

/* ---- questions ---- */

static void on_answer(void *arg, int status, int timeouts, unsigned char *packet, int n)
{
    (void)timeouts;
    struct question q = *(struct question *)arg;
    free(arg);
    q.channel->questions--;
    if (q.channel->closing)
        return;
    /* c-ares makes errors of NXDOMAIN and of no data, but hands the packet over with them. */
    if (packet && n > 0)
        q.fn(q.arg, packet, (size_t)n, NULL);
    else
        q.fn(q.arg, NULL, 0, ares_strerror(status));
}

void dns_channel_ask(struct dns_channel *c, const char *name, enum dns_type type, dns_packet_fn *fn,
                     void *arg)
{
    enum { CLASS_IN = 1, FLAG_AD = 0x20 };
    struct question *q = malloc(sizeof *q);
    if (!q) {
        fn(arg, NULL, 0, "out of memory");
        return;
    }
    *q = (struct question){c, fn, arg};
    c->questions++;
    if (!hy_timer_armed(&c->tick))
        hy_loop_arm_in(c->loop, &c->tick, TICK_US);
    unsigned char *packet = NULL;
    int n = 0, failed = ARES_EFILE;
    uint16_t id; /* part of what a forger has to guess */
    if (hy_rand_bytes(&id, sizeof id) == HY_OK)
        failed = ares_create_query(name, CLASS_IN, (int)type, id, 1, &packet, &n, EDNS_BYTES);
    if (failed) {
        on_answer(q, failed, 0, NULL, 0);
        return;
    }
    if (c->ask_ad)
        packet[3] |= FLAG_AD; /* "tell me whether it is proven" (RFC 6840 section 5.7) */
    ares_send(c->ares, packet, n, on_answer, q);
    ares_free_string(packet);
}
