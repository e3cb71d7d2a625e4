/* Fetching MTA-STS policies (RFC 8461 section 3.3): one fetch a domain at a time, shared by all who
 * wait; what came is stored, what failed is not tried again for some minutes. Feeder's thread. */
#pragma once
#include "hayauma/base/list.h"
#include "hayauma/dns/resolver.h"
#include "hayauma/io/https.h"
#include "hayauma/io/mailbox.h"
#include "hayauma/smtp/sts.h"
#include "hayauma/smtp/tlsrpt.h"
#include "hayauma/store/writer.h"

struct tls_fetches;
struct tls_fetch;

struct tls_fetch_settings {
    struct hy_loop *loop;
    struct hy_resolver *resolver;
    struct hy_https *https;
    struct hy_writer *writer;
    struct hy_mailbox *mailbox; /* gets MSG_STS_FETCHED: for tls_fetch_arrived */
    uint16_t port;
};
/* NULL without memory. */
struct tls_fetches *tls_fetches_new(const struct tls_fetch_settings *s);
/* After the resolver was freed; fetches that the HTTPS client still has are freed when they arrive.
 * Who waits is told HY_ECANCELED. NULL is fine. */
void tls_fetches_free(struct tls_fetches *t);

struct tls_fetched {
    int err;                     /* 0; HY_ECANCELED; else see `fault` */
    enum hy_tlsrpt_result fault; /* of the fetch, or of the policy */
    const char *text;            /* for people */
    struct hy_str id, policy;    /* views */
    hy_wall_ms expires;
};
/* Part of the asker's struct. */
struct tls_fetch_wait {
    struct hy_list link;
    void (*fn)(struct tls_fetch_wait *w, const struct tls_fetched *result);
};
/* `wait` NULL: a refresh that nobody waits for. May call wait->fn at once. */
void tls_fetch_ask(struct tls_fetches *t, struct hy_str domain, struct hy_str id,
                   struct tls_fetch_wait *wait);
/* A message of the mailbox: goes on with that fetch, or frees it when `t` is NULL. */
void tls_fetch_arrived(struct tls_fetches *t, struct hy_msg *m);
