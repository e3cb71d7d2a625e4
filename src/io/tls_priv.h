/* TLS: what the connection needs of the shared part and of the cache. */
#pragma once
#include <openssl/ssl.h>

#include "hayauma/io/conn.h"

enum { TLS_KEY_MAX = 3 + 255 + 255 + 8 + 10 };

struct tls_key {
    size_t n;
    char bytes[TLS_KEY_MAX];
};

/* Site or host, server name, kind of check, the TLSA records of DANE, our own certificate and the
 * least version: a session whose
 * certificate nobody looked at must never stand in for one that was verified, nor one that was
 * verified by other rules, nor one host's for another's. */
void tls_key_make(struct tls_key *key, const struct hy_conn_tls *o);

/* A client's SSL that reads and writes through `hooks`; NULL without memory. */
struct tls_hooks {
    /* Copies at most `n` bytes that came from the network; 0 = none now. */
    size_t (*pull)(void *arg, char *p, size_t n);
    /* Takes all bytes on their way to the network; false without memory. */
    bool (*push)(void *arg, const char *p, size_t n);
    /* A session that can be resumed; borrowed. */
    void (*session)(void *arg, SSL_SESSION *s);
};
SSL *tls_ssl_create(struct hy_tls *t, enum hy_tls_check check, const struct tls_hooks *hooks,
                    void *arg);

/* The same for a connection that came to us. */
SSL *tls_ssl_accept(struct hy_tls *t, const struct tls_hooks *hooks, void *arg);

/* tls_self.c: 0 for NULL; whether it could be set (nothing to set: yes). */
uint64_t tls_self_print(const struct hy_tls_self *s);
bool tls_self_use(const struct hy_tls_self *s, SSL *ssl);

/* A session as bytes, without the peer's certificate; the caller's to free. NULL: no memory, or it
 * is too long to be kept. d2i_SSL_SESSION reads them. */
unsigned char *tls_session_bytes(SSL_SESSION *s, size_t *ret_n);
/* Lets go of the peer's certificates, which SSL holds as long as it lives: some 5 KiB for each.
 * After the handshake, when all was asked of them. What was verified stays known, and the session
 * can be resumed. */
void tls_forget_peer(SSL *ssl);

/* A session for the key, the caller's to free, or NULL. Those of TLS 1.3 are taken out: a ticket is
 * used once (RFC 8446 appendix C.4). */
SSL_SESSION *tls_cache_find(struct hy_tls_cache *c, const struct tls_key *key);
/* Keeps a copy of `s`, if it can. */
void tls_cache_put(struct hy_tls_cache *c, const struct tls_key *key, SSL_SESSION *s);
/* Forgets what is kept for the key: a connection that used it broke. */
void tls_cache_drop(struct hy_tls_cache *c, const struct tls_key *key);
