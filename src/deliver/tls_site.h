/* What a domain demands of the TLS to each of its MX hosts: by DANE, else by MTA-STS, else by
 * nobody but our own rule. Immutable, counted; made by the desk (tls_desk.h). */
#pragma once
#include <stdatomic.h>

#include "hayauma/base/arena.h"
#include "hayauma/dns/resolver.h"
#include "hayauma/smtp/sts.h"
#include "hayauma/smtp/tlsa.h"
#include "hayauma/smtp/tlsrpt.h"

enum tls_demand {
    TLS_DEMAND_NONE = 0,        /* what the rule says */
    TLS_DEMAND_STS_TESTING = 1, /* as the rule says, but look whether MTA-STS would be content */
    TLS_DEMAND_STS = 2,         /* a certificate of the host's name */
    TLS_DEMAND_DANE_ANY = 3,    /* TLS, any certificate: no TLSA record that we can use */
    TLS_DEMAND_DANE = 4,        /* a certificate that a TLSA record names */
    TLS_DEMAND_NOT_IN_STS = 5,  /* leave the host alone: the policy does not name it */
    TLS_DEMAND_BROKEN = 6,      /* leave it alone: its TLSA records cannot be had, or are forged */
};

struct tls_host {
    struct hy_str name; /* of the MX host, a view into the mx; NUL-terminated */
    enum tls_demand demand;
    bool is_unnamed;      /* STS_TESTING: the policy does not name it */
    struct hy_str base;   /* DANE: where the records stand: the name to verify; NUL-terminated */
    struct hy_tlsa *tlsa; /* DANE: the usable ones */
    size_t n_tlsa;
};

struct tls_site {
    atomic_uint refs;
    struct hy_arena arena; /* of what was put; most domains demand nothing, and it stays empty */
    struct hy_mx *mx;      /* holds the names */
    struct hy_str domain;  /* NUL-terminated */
    hy_us expires;         /* monotonic: ask again from then on */
    uint64_t print; /* what is demanded of which host; 0 = nothing of any. Domains with the same
                       hosts and the same print may share connections */
    bool has_sts;
    enum hy_sts_mode sts_mode;
    struct hy_str sts_id, sts_text; /* of the policy */
    hy_wall_ms sts_expires;
    enum hy_tlsrpt_result sts_fault; /* why there is none, though one is announced; SUCCESS = no
                                        fault. A policy that was kept may be there all the same */
    struct hy_str sts_fault_text;
    size_t n_hosts;
    struct tls_host hosts[];
};

/* With the hosts of `mx`, of which nothing is demanded; one reference, and one of the mx is taken.
 * NULL without memory. */
struct tls_site *tls_site_new(struct hy_mx *mx);
struct tls_site *tls_site_ref(struct tls_site *s); /* NULL is fine */
void tls_site_unref(struct tls_site *s);           /* any thread; NULL is fine */
/* Puts an answer for its TLSA records to a host. HY_ENOMEM. */
HY_MUST_USE int tls_site_set_dane(struct tls_site *s, size_t host, struct hy_str base,
                                  enum hy_dane dane, const struct hy_str *records, size_t n);
/* Puts a policy to all hosts that have no DANE (RFC 8461 section 2: DANE goes first). HY_ENOMEM. */
HY_MUST_USE int tls_site_set_sts(struct tls_site *s, const struct hy_sts_policy *p,
                                 struct hy_str id, struct hy_str text);
/* HY_ENOMEM. */
HY_MUST_USE int tls_site_set_sts_fault(struct tls_site *s, enum hy_tlsrpt_result fault,
                                       struct hy_str text);
/* When all was put: makes the print. */
void tls_site_finish(struct tls_site *s);

/* NULL: nothing is known of it, the rule alone counts. `s` may be NULL. */
const struct tls_host *tls_site_host(const struct tls_site *s, struct hy_str name);
/* Whether mail may be sent to the host at all. */
static inline bool tls_site_allows(const struct tls_site *s, struct hy_str name)
{
    const struct tls_host *h = s && s->print ? tls_site_host(s, name) : NULL;
    return !h || h->demand < TLS_DEMAND_NOT_IN_STS;
}
const char *tls_demand_name(enum tls_demand d); /* "dane" ... */
