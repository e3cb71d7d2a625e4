/* One TXT question on a channel of its own, waited for with poll. */
#include "hayauma/dns/txt.h"

#include <ares.h>
#include <errno.h>
#include <poll.h>

#include "txt_query.h"

enum { SERVERS_MAX = 16, TYPE_TXT = 16, CLASS_IN = 1, TURN_MS = 1000 };

struct question {
    txt_read_fn *read;
    void *ctx;
    int err;
    bool done;
};

/* The strings of the first record. */
static int add_first(void *ctx, const unsigned char *packet, int n)
{
    struct hy_buf *out = ctx;
    struct ares_txt_ext *records = NULL;
    int status = ares_parse_txt_reply_ext(packet, n, &records);
    if (status != ARES_SUCCESS)
        return status == ARES_ENODATA ? HY_ENOTFOUND : HY_EPARSE;
    for (const struct ares_txt_ext *r = records; r; r = r->next) {
        if (r != records && r->record_start)
            break;
        hy_buf_add(out, r->txt, r->length);
    }
    ares_free_data(records);
    return out->err;
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *packet, int n)
{
    struct question *q = arg;
    (void)timeouts;
    q->done = true;
    if (status == ARES_SUCCESS)
        q->err = q->read(q->ctx, packet, n);
    else if (status == ARES_ENOTFOUND || status == ARES_ENODATA)
        q->err = HY_ENOTFOUND;
    else
        q->err = status == ARES_ENOMEM ? HY_ENOMEM : HY_ETIMEOUT;
}

static int set_servers(ares_channel channel, const struct hy_txt_settings *s)
{
    struct ares_addr_port_node nodes[SERVERS_MAX] = {0};
    const size_t n = s->n_servers < SERVERS_MAX ? s->n_servers : SERVERS_MAX;
    for (size_t i = 0; i < n; i++) {
        struct ares_addr_port_node *node = &nodes[i];
        node->family = hy_sockaddr_family(&s->servers[i]);
        node->udp_port = node->tcp_port = hy_sockaddr_port(&s->servers[i]);
        if (node->family == AF_INET)
            memcpy(&node->addr.addr4, &s->servers[i].in4.sin_addr, 4);
        else
            memcpy(&node->addr.addr6, &s->servers[i].in6.sin6_addr, 16);
        node->next = i + 1 < n ? &nodes[i + 1] : NULL;
    }
    return n ? ares_set_servers_ports(channel, nodes) : ARES_SUCCESS;
}

/* Until the answer came; c-ares ends the question itself when its tries are used up. */
static int wait_for(ares_channel channel, const struct question *q)
{
    while (!q->done) {
        ares_socket_t socks[ARES_GETSOCK_MAXNUM];
        struct pollfd fds[ARES_GETSOCK_MAXNUM];
        /* Two bits a socket; ARES_GETSOCK_WRITABLE shifts into the sign for the last. */
        const unsigned bits = (unsigned)ares_getsock(channel, socks, ARES_GETSOCK_MAXNUM);
        nfds_t n = 0;
        for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
            short events = (short)((bits >> i & 1 ? POLLIN : 0) |
                                   (bits >> (i + ARES_GETSOCK_MAXNUM) & 1 ? POLLOUT : 0));
            if (events)
                fds[n++] = (struct pollfd){.fd = socks[i], .events = events};
        }
        struct timeval most = {.tv_sec = TURN_MS / 1000}, tv;
        const struct timeval *wait = ares_timeout(channel, &most, &tv);
        const int wait_ms = (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1);
        if (poll(fds, n, wait_ms) < 0 && errno != EINTR)
            return HY_EIO;
        for (nfds_t i = 0; i < n; i++)
            ares_process_fd(channel, fds[i].revents & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
                            fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
        ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* time-outs */
    }
    return q->err;
}

int txt_query(const struct hy_txt_settings *s, const char *name, int type, txt_read_fn *read,
              void *ctx)
{
    struct question q = {.read = read, .ctx = ctx};
    ares_channel channel;
    struct ares_options o = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
                             .timeout = (int)s->timeout_ms,
                             .tries = (int)s->tries};
    if (s->timeout_ms == 0 || s->timeout_ms > 60000 || s->tries == 0 || s->tries > 10)
        return HY_EINVAL;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return HY_ENOMEM;
    int err = HY_EIO;
    if (ares_init_options(&channel, &o, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) ==
        ARES_SUCCESS) {
        if (set_servers(channel, s) == ARES_SUCCESS) {
            ares_query(channel, name, CLASS_IN, type, on_answer, &q);
            err = wait_for(channel, &q);
        }
        ares_destroy(channel);
    }
    ares_library_cleanup();
    return err;
}

int hy_txt_lookup(const struct hy_txt_settings *s, const char *name, struct hy_buf *out)
{
    const size_t start = out->len;
    int err = txt_query(s, name, TYPE_TXT, add_first, out);
    if (err)
        out->len = start;
    return err;
}
