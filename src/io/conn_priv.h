/* A connection's insides, shared by conn.c (TCP), conn_proxy.c and conn_tls.c. */
#pragma once
#include <openssl/ssl.h>

#include "hayauma/base/buf.h"
#include "hayauma/io/conn.h"
#include "loop_priv.h"
#include "tls_priv.h"

/* Of a connection that speaks TLS. */
struct conn_tls {
    SSL *ssl;
    struct hy_tls *shared;
    struct hy_tls_cache *cache; /* NULL: sessions are not kept */
    enum hy_tls_check check;
    bool got_ticket; /* since OpenSSL's buffers were freed */
    const char *in;  /* cipher bytes of this event that OpenSSL has not taken yet */
    size_t n_in;
    size_t n_out;          /* bytes in the loop's out buffer */
    struct hy_buf backlog; /* records that the socket did not take */
    struct tls_key key;    /* cut behind its bytes */
};

struct hy_conn {
    struct hy_loop *loop;
    const struct hy_conn_ops *ops;
    void *ctx;
    struct conn_tls *tls;     /* from hy_conn_start_tls on */
    struct conn_proxy *proxy; /* until it has reached the peer */
    int fd;                   /* -1 once it has ended */
    enum hy_conn_stage stage;
    bool room;     /* the last write did not fill the socket */
    bool blocked;  /* the owner waits for on_writable */
    bool peer_end; /* the peer's FIN is known to be in the socket, behind what is unread */
    bool wrote;    /* something was sent since this was cleared */
    bool held;     /* the owner wants nothing to be read */
    bool lingers;  /* what comes is thrown away */
    bool ended;    /* only on_closed is left to be called */
    size_t linger_left;
    struct hy_conn_end end;
    struct hy_sockaddr peer;
    struct hy_timer deadline;
    struct hy_defer later; /* on_closed once ended; more reading before */
    struct event ev;
};

/* To a stage that may follow. */
void conn_move(struct hy_conn *c, enum hy_conn_stage to);
/* Ends the connection: closes the socket; on_closed comes from the loop. */
void conn_fail(struct hy_conn *c, int err, int sys_errno, const char *text);
/* Sends, noting a full or a broken socket. Returns the bytes taken. */
size_t conn_send(struct hy_conn *c, const struct iovec *iov, int n_iov);

/* The peer is reached: on_connected. */
void conn_up(struct hy_conn *c);

/* conn_proxy.c */
HY_MUST_USE int conn_proxy_new(struct hy_conn *c, const struct hy_conn_options *o);
void conn_proxy_free(struct conn_proxy *p);
/* Connected to it. */
void conn_proxy_start(struct hy_conn *c);
void conn_proxy_writable(struct hy_conn *c);
void conn_proxy_input(struct hy_conn *c, const char *p, size_t n);
/* The connection ended before the peer was reached: whose fault that is, in the words for it. */
void conn_proxy_judge(struct hy_conn *c, struct hy_conn_end *end);

/* The halves of conn.c's work that TLS does differently. */
void conn_tls_input(struct hy_conn *c, const char *p, size_t n);
size_t conn_tls_writev(struct hy_conn *c, const struct iovec *iov, int n_iov);
/* Sends what waits; true when nothing waits any more. */
bool conn_tls_flush(struct hy_conn *c);
void conn_tls_say_goodbye(struct hy_conn *c);
/* `sound`: no error of TLS itself, so that its session may be resumed. */
void conn_tls_free(struct conn_tls *t, bool sound);
