/* A connection through a proxy, until that has reached the peer.
 *
 * Happy path: connected to the proxy; the talk's bytes go out and come in; the peer is reached, and
 * what came behind the talk's end is the owner's.
 * How it fails: the talk's reason ends the connection, the proxy's fault or the peer's. */
#include <stdlib.h>

#include "conn_priv.h"

struct conn_proxy {
    struct hy_sockaddr source;
    const struct hy_proxy *proxy;
    struct hy_proxy_talk talk;
};

int conn_proxy_new(struct hy_conn *c, const struct hy_conn_options *o)
{
    struct conn_proxy *p = calloc(1, sizeof *p);
    if (!p)
        return HY_ENOMEM;
    p->source = o->source;
    p->proxy = o->proxy;
    c->proxy = p;
    return HY_OK;
}

void conn_proxy_free(struct conn_proxy *p)
{
    if (p)
        explicit_bzero(&p->talk, sizeof p->talk); /* it may hold a password */
    free(p);
}

/* Sends what there is to say, and looks how far the talk is. */
static void go_on(struct hy_conn *c)
{
    struct hy_proxy_talk *t = &c->proxy->talk;
    struct hy_str out = hy_proxy_output(t);
    if (out.n && t->state == HY_PROXY_TALKING) {
        struct iovec iov = {.iov_base = (char *)(uintptr_t)out.p, .iov_len = out.n};
        hy_proxy_sent(t, conn_send(c, &iov, 1));
    }
    if (c->ended || t->state == HY_PROXY_TALKING)
        return;
    if (t->state == HY_PROXY_FAILED) {
        conn_fail(c, HY_EIO, 0, t->text);
        return;
    }
    conn_proxy_free(c->proxy);
    c->proxy = NULL;
    conn_up(c);
}

void conn_proxy_start(struct hy_conn *c)
{
    conn_move(c, HY_CONN_PROXY);
    hy_proxy_start(&c->proxy->talk, c->proxy->proxy, &c->peer, &c->proxy->source);
    go_on(c);
}

void conn_proxy_writable(struct hy_conn *c)
{
    go_on(c);
}

void conn_proxy_input(struct hy_conn *c, const char *p, size_t n)
{
    while (n && c->proxy && !c->ended) {
        size_t used = hy_proxy_input(&c->proxy->talk, p, n);
        p += used;
        n -= used;
        go_on(c);
    }
    if (n && !c->ended)
        c->ops->on_readable(c->ctx, p, n);
}

void conn_proxy_judge(struct hy_conn *c, struct hy_conn_end *end)
{
    struct hy_proxy_talk *t = &c->proxy->talk;
    if (end->err == HY_ECANCELED || end->err == HY_ENOMEM)
        return;
    end->is_proxy = true;
    if (c->stage == HY_CONN_CONNECTING)
        return;
    hy_proxy_end(t, end->err == HY_ETIMEOUT);
    end->is_proxy = t->fault == HY_PROXY_FAULT_PROXY;
    if (end->sys_errno == 0)
        end->text = t->text;
}
