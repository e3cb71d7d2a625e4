/* TLS for connections that we open, and that others open to us: what a process shares, and a cache
 * of sessions per thread. */
#pragma once
#include "hayauma/base/str.h"

/* Immutable once made, reference-counted, shared by all threads: one a process and policy snapshot.
 */
struct hy_tls;
struct hy_tls_options {
    const char *ca_file; /* PEM bundle for verified connections; NULL with ca_dir NULL = system's */
    const char *ca_dir;  /* hashed directory, or NULL */
    const char *ciphers; /* TLS 1.2 cipher list of OpenSSL; NULL = our default */
};
/* What is asked of the server's certificate. */
enum hy_tls_check {
    HY_TLS_CHECK_NOTHING = 0, /* any will do */
    HY_TLS_CHECK_WATCH = 1,   /* any will do, but whether _NAME would take it is found out */
    HY_TLS_CHECK_NAME = 2,    /* a trusted authority says that it is the server's */
    HY_TLS_CHECK_DANE = 3,    /* a TLSA record names it or its authority (RFC 7672) */
};
/* What is wrong with one. */
enum hy_tls_fault {
    HY_TLS_FAULT_NONE = 0,
    HY_TLS_FAULT_HOST,      /* it is of another name */
    HY_TLS_FAULT_EXPIRED,   /* or not valid yet */
    HY_TLS_FAULT_UNTRUSTED, /* no authority that we trust stands behind it */
    HY_TLS_FAULT_DANE,      /* no TLSA record matches */
    HY_TLS_FAULT_OTHER,
};

/* HY_ECRYPTO with the reason in `diag`, HY_ENOMEM. `o` may be NULL for all defaults. */
HY_MUST_USE int hy_tls_create(const struct hy_tls_options *o, struct hy_diag *diag,
                              struct hy_tls **ret_tls);
/* For connections that others open to us: a certificate chain and its key, PEM files. TLS 1.2 at
 * least. HY_ECRYPTO with the reason in `diag` (which file, or that they do not belong together),
 * HY_ENOMEM. */
HY_MUST_USE int hy_tls_create_server(const char *chain_file, const char *key_file,
                                     struct hy_diag *diag, struct hy_tls **ret_tls);
/* The same with a certificate for each of several names: the one that the client asks for (SNI, RFC
 * 6066) is shown; who asks for none, or another name, sees that of the first. At least one. */
struct hy_tls_host {
    const char *name; /* A-labels, in any case of letters */
    const char *chain_file, *key_file;
};
HY_MUST_USE int hy_tls_create_hosts(const struct hy_tls_host *hosts, size_t n, struct hy_diag *diag,
                                    struct hy_tls **ret_tls);
struct hy_tls *hy_tls_ref(struct hy_tls *t); /* any thread */
void hy_tls_unref(struct hy_tls *t);         /* any thread; NULL is fine */

/* Who we are to servers that ask for a certificate: immutable once read, free for any thread while
 * it lasts. */
struct hy_tls_self;
/* Our certificate with those that stand behind it, and its key without a password; PEM. HY_ECRYPTO
 * with the reason in `diag`, HY_ENOMEM. */
HY_MUST_USE int hy_tls_self_read(struct hy_str chain, struct hy_str key, struct hy_diag *diag,
                                 struct hy_tls_self **ret_self);
void hy_tls_self_free(struct hy_tls_self *s); /* connections that use it go on; NULL is fine */

/* Versions of TLS as they stand on the wire. */
enum hy_tls_version { HY_TLS_1_2 = 0x0303, HY_TLS_1_3 = 0x0304 };

/* Sessions to resume, by key: bounded, oldest out. One thread (a worker has its own). A session is
 * found again only for the same key, server name, kind of verification, least version and
 * certificate of ours. */
struct hy_tls_cache;
HY_MUST_USE int hy_tls_cache_create(uint32_t max_sessions, struct hy_tls_cache **ret_cache);
/* When all connections that use it are gone. */
void hy_tls_cache_free(struct hy_tls_cache *c);
uint32_t hy_tls_cache_count(const struct hy_tls_cache *c);
