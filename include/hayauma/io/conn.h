/* A connection, mostly one that we open: TCP, and TLS over it when asked; never blocks, one thread
 * (its loop).
 *
 * Happy path: hy_conn_open; on_connected; on_readable with each run of bytes, hy_conn_writev from
 * anywhere on the loop's thread; on_writable when a short write can go on; hy_conn_start_tls and
 * then on_tls; hy_conn_close; on_closed.
 * How it fails: every connection that was opened ends with exactly one on_closed, whatever
 * happens, also after hy_conn_close; it is the last callback, and the connection is freed when it
 * returns. No callback comes from inside a call of this file. hy_conn_close is safe in every
 * callback; after it only on_closed comes. */
#pragma once
#include <sys/uio.h>

#include "hayauma/base/clock.h"
#include "hayauma/io/proxy.h"
#include "hayauma/io/sockaddr.h"
#include "hayauma/io/tls.h"
#include "hayauma/smtp/scram.h"
#include "hayauma/smtp/tlsa.h"

struct hy_loop;
struct hy_conn;

enum hy_conn_stage {
    HY_CONN_CONNECTING = 1,
    HY_CONN_PLAIN = 2,
    HY_CONN_HANDSHAKE = 3,
    HY_CONN_TLS = 4,
    HY_CONN_PROXY = 5, /* connected to the proxy, which has not yet reached the peer */
};

/* Why it ended. */
struct hy_conn_end {
    /* HY_ECANCELED: we closed it. HY_ECLOSED: the peer closed it in order (FIN, or close_notify).
     * HY_ETIMEOUT: the deadline passed. HY_EIO: refused, unreachable, reset ...: sys_errno tells.
     * HY_ECRYPTO: TLS failed, HY_EAUTH: the certificate was not what was asked for. HY_ENOMEM. */
    int err;
    int sys_errno; /* 0 when none */
    enum hy_conn_stage stage;
    enum hy_tls_fault fault; /* of the certificate, with HY_EAUTH */
    bool is_proxy;           /* the proxy cannot be reached, or does not do its part: nothing is
                                known of the peer. Its refusals are no such fault */
    const char *text; /* for people: "Connection refused", "certificate has expired" ...; a view */
};

struct hy_tls_info {
    const char *version; /* "TLSv1.3"; views that live as long as the connection */
    const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
    bool resumed;
    bool verified;           /* the certificate was checked as asked, and is good */
    enum hy_tls_fault fault; /* HY_TLS_CHECK_WATCH: why it is not, */
    const char *fault_text;  /* for people; NULL when it is */
};

struct hy_conn_ops {
    void (*on_connected)(void *ctx);
    /* Bytes as they come, at most 64 KiB at a time; the memory is the loop's and dies with the
     * call. In plain text the run may hold bytes behind the line the owner waits for: before it
     * calls hy_conn_start_tls the owner must judge those (RFC 3207: plain text injected before the
     * handshake). What comes later goes to the handshake, never here. */
    void (*on_readable)(void *ctx, const char *p, size_t n);
    /* hy_conn_writev took less than all before: there is room again. */
    void (*on_writable)(void *ctx);
    void (*on_tls)(void *ctx, const struct hy_tls_info *info); /* NULL when TLS is never started */
    void (*on_closed)(void *ctx, const struct hy_conn_end *end);
};

struct hy_conn_options {
    struct hy_sockaddr peer;
    struct hy_sockaddr source; /* bind to this address; {0} = the system chooses. With a proxy: what
                                  that is asked to bind to */
    const struct hy_proxy *proxy; /* NULL = none; lives until on_connected or on_closed */
    hy_us connect_timeout_us;     /* 0 = 30 s, for the proxy's part as well; then HY_ETIMEOUT in
                                     stage HY_CONN_CONNECTING or HY_CONN_PROXY */
};

/* Starts to connect. `ops` is shared and outlives the connection. HY_ENOMEM, or HY_EIO when there
 * is no descriptor (errno EMFILE, ENFILE), or HY_ENOTFOUND when the source address is not on this
 * machine: then there is no connection and no callback. All other
 * failures, such as no route, come by on_closed. */
HY_MUST_USE int hy_conn_open(struct hy_loop *loop, const struct hy_conn_options *o,
                             const struct hy_conn_ops *ops, void *ctx, struct hy_conn **ret_conn);
/* The same for a stream socket that is connected already (accepted, socketpair); made non-blocking
 * and owned from here on, also when this fails. on_connected comes in the next turn. */
HY_MUST_USE int hy_conn_adopt(struct hy_loop *loop, int fd, const struct hy_conn_ops *ops,
                              void *ctx, struct hy_conn **ret_conn);

/* Hands bytes to the system, as many as it takes now, without keeping any: returns how many were
 * taken (0..all). When less than all, on_writable comes once there is room; then the owner offers
 * the rest. A connection that has broken, or is not
 * connected, takes nothing (0); on_closed tells. Under TLS up to 64 KiB already encrypted are kept
 * by the connection while the system takes no more. */
size_t hy_conn_writev(struct hy_conn *c, const struct iovec *iov, int n_iov);
/* True while everything that was taken is with the system (nothing encrypted waits). */
bool hy_conn_flushed(const struct hy_conn *c);

/* When the connection is to end with HY_ETIMEOUT; HY_US_NEVER = never (the default once
 * connected). Moving it is O(1). Owners with their own timers need not use it. */
void hy_conn_deadline(struct hy_conn *c, hy_us due);

struct hy_conn_tls {
    struct hy_tls *tls;         /* referenced while in use */
    struct hy_tls_cache *cache; /* of this thread, or NULL: no resumption */
    struct hy_str cache_key;    /* site or MX host; cut at 255 bytes */
    const char *server_name;    /* SNI, and the name to verify; NULL or an IP address: no SNI */
    enum hy_tls_check check;    /* NAME, DANE: it is, or HY_EAUTH */
    const struct hy_tlsa *tlsa; /* DANE: the usable records, at least one */
    size_t n_tlsa;
    const char *other_name; /* DANE-TA: a certificate of this name will do, too; NULL = none */
    const struct hy_tls_self
        *self;                 /* shown to a server that asks; used during the call; NULL = none */
    enum hy_tls_version least; /* 0 = TLS 1.2 */
};
/* Starts the handshake as the client. Then on_tls, or on_closed in stage HY_CONN_HANDSHAKE. Writes
 * before on_tls take nothing. Only in stage HY_CONN_PLAIN, else HY_EINVAL; HY_ENOMEM. */
HY_MUST_USE int hy_conn_start_tls(struct hy_conn *c, const struct hy_conn_tls *o);

/* The same as the server, with a certificate of hy_tls_create_server. */
HY_MUST_USE int hy_conn_accept_tls(struct hy_conn *c, struct hy_tls *tls);

/* What a client's proof can be tied to (RFC 5929, RFC 9266), of a session that it began: at most
 * HY_SCRAM_BINDING_MAX bytes. HY_EUNSUPPORTED: there is none of that kind, since TLS is not on, or
 * is of another version, or the certificate's signature has no hash of its own. */
HY_MUST_USE int hy_conn_tls_binding(const struct hy_conn *c, enum hy_scram_binding kind,
                                    uint8_t out[HY_SCRAM_BINDING_MAX], size_t *ret_n);

/* Nothing more is read from the socket, or (`is_held` false) reading goes on, in a later turn. What
 * was read already may still come: 64 KiB at most. While it is held, the other side's end is not
 * noticed. */
void hy_conn_hold(struct hy_conn *c, bool is_held);

/* Ends it behind what was written, which must be with the system (hy_conn_flushed): our end is told
 * (under TLS with a close_notify), and what still comes is thrown away until the other side ends,
 * too, or for `wait_us`, or `bytes`. Closing while bytes are unread makes the system reset the
 * connection, and the other side may lose the last it was told. No callback but on_closed comes any
 * more, with HY_ECLOSED, HY_ETIMEOUT, HY_ECANCELED (too many bytes) or HY_EIO. */
void hy_conn_linger(struct hy_conn *c, size_t bytes, hy_us wait_us);

/* Ends it now (under TLS with a close_notify if the socket takes it); on_closed with HY_ECANCELED
 * follows in the next turn. NULL and a second call are fine. */
void hy_conn_close(struct hy_conn *c);

enum hy_conn_stage hy_conn_stage(const struct hy_conn *c);
const struct hy_sockaddr *hy_conn_peer(const struct hy_conn *c);
/* The address we speak from, to the proxy if there is one; {0} when it is not known. */
void hy_conn_local(const struct hy_conn *c, struct hy_sockaddr *ret_addr);
