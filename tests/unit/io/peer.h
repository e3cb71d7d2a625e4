/* What the tests of connections need on the other side: a blocking server on a thread of its own,
 * certificates made on the spot, and an owner that writes down what it is told. */
#pragma once
#include <openssl/ssl.h>
#include <pthread.h>

#include "hayauma/base/buf.h"
#include "hayauma/io/conn.h"
#include "hayauma/io/loop.h"
#include "hayauma/io/tls.h"

/* ---- the server ---- */
struct peer {
    int listen_fd;
    uint16_t port;
    int n_conns; /* served one after the other */
    void (*script)(struct peer *p, int fd);
    SSL_CTX *ctx; /* NULL for plain text */
    int served;
    pthread_t thread;
};
void peer_start(struct peer *p, void (*script)(struct peer *p, int fd), int n_conns, SSL_CTX *ctx);
void peer_join(struct peer *p);
void peer_say(int fd, const char *text);
/* Reads until `text` has come; false at the end of the stream. */
bool peer_expect(int fd, const char *text);
void peer_wait_for_end(int fd);
/* Closes with a reset. */
void peer_reset(int fd);
/* "220 go", then the handshake as the server; NULL when it fails. */
SSL *peer_accept_tls(struct peer *p, int fd);

/* ---- certificates ---- */
struct pki {
    char dir[64]; /* ca.pem is in it */
    char ca_file[80];
    EVP_PKEY *ca_key;
    X509 *ca;
};
void pki_make(struct pki *k);
void pki_free(struct pki *k);
/* A server for `host` (DNS name) with a certificate of this CA, `days` from now (negative: it has
 * expired). max_version: TLS1_2_VERSION, TLS1_3_VERSION. */
SSL_CTX *pki_server(struct pki *k, const char *host, int days, int max_version);

/* ---- the client's owner ---- */
struct owner {
    struct hy_loop *loop;
    struct hy_conn *conn;
    struct hy_buf got;   /* all bytes */
    struct hy_buf story; /* "connected readable closed ": runs of one word count once */
    struct hy_conn_end end;
    char end_text[128];
    struct hy_tls_info tls;
    bool closed;
    int n_closed;
    void (*on_connected)(struct owner *o); /* hooks, may be NULL */
    void (*on_readable)(struct owner *o);
    void (*on_writable)(struct owner *o);
    void (*on_tls)(struct owner *o);
    struct hy_conn_tls tls_options;
    size_t to_send, sent; /* for scripts that write much */
    char *data;
};
void owner_init(struct owner *o);
void owner_free(struct owner *o);
void owner_open(struct owner *o, uint16_t port);
/* Turns until on_closed; fails the test after 10 s. */
void owner_run(struct owner *o);
void owner_say(struct owner *o, const char *text);
extern const struct hy_conn_ops owner_ops;
