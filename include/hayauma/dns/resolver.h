/* Where mail for a domain goes: MX, addresses, and what to say when there is no way.
 *
 * One thread (the feeder's) owns the resolver. Look-ups in flight are shared, answers are kept for
 * their time to live. Results are immutable and counted: they may be passed to other threads. */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/base/rand.h"
#include "hayauma/dns/site.h"
#include "hayauma/io/sockaddr.h"
#include "hayauma/model/outcome.h"

struct hy_loop;
struct hy_resolver;

enum {
    HY_MX_HOSTS_MAX = 32,     /* of one domain; those of the worst preference are left out */
    HY_MX_ADDRESSES_MAX = 16, /* of one host */
};

enum hy_mx_status {
    HY_MX_OK = 0,
    HY_MX_NULL = 1,       /* RFC 7505: the domain takes no mail: bounce 5.1.10 */
    HY_MX_NXDOMAIN = 2,   /* no such domain, or no domain name at all: bounce 5.1.2 */
    HY_MX_NO_ADDRESS = 3, /* bounce: no MX and no address (5.1.2); or no MX host has an address that
                             mail can be sent to (5.4.4) */
    HY_MX_TEMPFAIL = 4,   /* SERVFAIL, time-out, REFUSED ...: defer 4.4.3 */
    HY_MX_LOOP = 5,       /* we are its best MX ourselves: bounce 5.4.6 */
};
const char *hy_mx_status_name(enum hy_mx_status s); /* "ok", "null_mx" ... */

struct hy_mx_host {
    struct hy_str name;                  /* lower-case, no final dot; NUL-terminated */
    uint16_t preference;                 /* the smallest first */
    uint8_t n_addresses;                 /* 1.. */
    const struct hy_sockaddr *addresses; /* in the order to try; port 0 */
    bool is_secure;          /* DNSSEC proves its addresses (and that there are no others) */
    struct hy_str canonical; /* where its CNAMEs lead; empty when it is no alias */
};

struct hy_mx {
    enum hy_mx_status status;
    struct hy_enhanced enhanced; /* to bounce or defer with; 0.0.0 when OK */
    struct hy_str text;          /* the reason, for people and the log; "" when OK */
    struct hy_str domain;
    bool implicit;                  /* no MX: the domain's own addresses */
    bool is_secure;                 /* DNSSEC proves the MX records, or that there are none */
    hy_us expires;                  /* monotonic: ask again from then on */
    size_t n_hosts;                 /* only hosts with addresses; 0 unless OK */
    const struct hy_mx_host *hosts; /* by preference; equal ones shuffled anew for each result */
    struct hy_site site; /* of all MX hosts of the answer, reachable or not; empty unless OK */
};

struct hy_mx *hy_mx_ref(struct hy_mx *mx); /* any thread */
void hy_mx_unref(struct hy_mx *mx);        /* any thread; NULL is fine */

enum hy_mx_families {
    HY_MX_IPV4_FIRST = 0, /* of each host */
    HY_MX_IPV6_FIRST = 1,
    HY_MX_IPV4_ONLY = 2,
    HY_MX_IPV6_ONLY = 3,
};

struct hy_resolver_settings {
    const struct hy_sockaddr *servers; /* none = those of /etc/resolv.conf */
    size_t n_servers;
    uint32_t timeout_ms;    /* of the first try; doubles with each round over the servers */
    uint32_t tries;         /* rounds */
    uint32_t max_in_flight; /* questions on the wire */
    uint32_t max_waiting;   /* questions that wait for their turn */
    uint32_t cache_entries; /* answers kept */
    size_t cache_bytes;
    uint32_t min_ttl_s, max_ttl_s;
    uint32_t negative_ttl_s; /* the most for NXDOMAIN and no data */
    uint32_t
        failure_ttl_s; /* for SERVFAIL and time-outs: 5 s (RFC 2308 section 7: at most 5 min) */
    enum hy_mx_families families;
    bool trust_ad;    /* the servers validate, and the way to them is safe: believe their AD flag */
    bool allow_local; /* addresses of this host and link are fine (tests, quickstart) */
    const struct hy_str *own_names; /* MX hosts that are ourselves: loop detection */
    size_t n_own_names;
    const struct hy_sockaddr *own_addresses; /* the same by address; ports are ignored */
    size_t n_own_addresses;
    uint64_t shuffle_seed; /* 0 = from the kernel */
};
/* 2 s, 3 tries, 500 in flight, 65,536 waiting, 100,000 entries in 64 MiB, TTL 30 s..1 day,
 * negative 15 min, failure 5 s, IPv4 first. */
void hy_resolver_settings_init(struct hy_resolver_settings *s);

/* Copies what it needs of `s`. HY_EINVAL with `diag`, HY_ENOMEM, HY_EIO. */
HY_MUST_USE int hy_resolver_create(struct hy_loop *loop, const struct hy_resolver_settings *s,
                                   struct hy_diag *diag, struct hy_resolver **ret_resolver);
/* Not from inside a callback. Look-ups that are not finished get theirs with NULL, from inside this
 * call. NULL is fine. */
void hy_resolver_free(struct hy_resolver *r);

/* The callback owns one reference to `mx`; NULL: cancelled by hy_resolver_free, or no memory. It
 * comes exactly once, in a later turn of the loop, also when the answer was in the cache. */
typedef void hy_mx_fn(void *ctx, struct hy_mx *mx);
/* `domain`: A-labels, any case, final dot or not. HY_ELIMIT when too many questions wait already,
 * HY_ENOMEM: then no callback. A malformed name is an answer (HY_MX_NXDOMAIN). */
HY_MUST_USE int hy_resolver_mx(struct hy_resolver *r, struct hy_str domain, hy_mx_fn *fn,
                               void *ctx);

/* ---- any other records ---- */

enum hy_dns_type {
    HY_DNS_A = 1,
    HY_DNS_SOA = 6,
    HY_DNS_TXT = 16,
    HY_DNS_AAAA = 28,
    HY_DNS_TLSA = 52
};
enum hy_dns_status {
    HY_DNS_OK = 0,
    HY_DNS_NODATA = 1,   /* the name has no such records */
    HY_DNS_NXDOMAIN = 2, /* there is no such name */
    HY_DNS_FAILED = 3,   /* SERVFAIL (also: DNSSEC says that it is forged), time-out ... */
};
struct hy_records {
    enum hy_dns_status status;
    bool is_secure;   /* DNSSEC proves the answer, whatever it is */
    const char *text; /* FAILED: why, for people */
    hy_us expires;    /* monotonic */
    size_t n;
    const struct hy_str *data;           /* TXT: its strings joined; TLSA, SOA: the bytes */
    const struct hy_sockaddr *addresses; /* A and AAAA; those of this host and link are left out
                                            unless settings.allow_local */
};
/* `records` dies with the call; NULL: cancelled by hy_resolver_free, or no memory. Exactly once, in
 * a later turn of the loop. */
typedef void hy_records_fn(void *ctx, const struct hy_records *records);
/* `name`: A-labels and labels with "_", no final dot; "" is the root. A malformed name is an answer
 * (HY_DNS_NXDOMAIN, not secure). HY_ELIMIT, HY_ENOMEM: no callback. */
HY_MUST_USE int hy_resolver_records(struct hy_resolver *r, struct hy_str name,
                                    enum hy_dns_type type, hy_records_fn *fn, void *ctx);

struct hy_resolver_stats {
    uint64_t lookups;    /* hy_resolver_mx */
    uint64_t questions;  /* to the servers, without c-ares' own retries */
    uint64_t cache_hits; /* of questions */
    uint64_t shared;     /* questions that joined one in flight */
    uint64_t failures;   /* questions without a usable answer */
    uint32_t in_flight, waiting, cache_entries;
    size_t cache_bytes;
};
void hy_resolver_stats(const struct hy_resolver *r, struct hy_resolver_stats *ret_stats);
