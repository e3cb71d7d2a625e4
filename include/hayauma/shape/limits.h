/* What a rule of conf/shaping.yaml says about a site: limits, retries, time-outs, TLS. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/str.h"

enum hy_tls_policy {
    HY_TLS_NEVER = 0,         /* plain text even where STARTTLS is offered */
    HY_TLS_OPPORTUNISTIC = 1, /* STARTTLS where offered, any certificate; plain text otherwise */
    HY_TLS_REQUIRED = 2,      /* STARTTLS or defer, any certificate */
    HY_TLS_VERIFIED = 3,      /* STARTTLS with a certificate that matches the MX host, or defer */
};

/* At most `count` in any `period`; count 0 = no limit. */
struct hy_rate {
    uint32_t count;
    hy_us period_us;
};

struct hy_retry_plan {
    hy_us first_us;          /* after the first deferral */
    hy_us longest_us;        /* the interval doubles up to this */
    uint32_t jitter_percent; /* 0..50: each interval is drawn from +- this share */
    hy_us expire_us;         /* tried again for this long */
};

/* RFC 5321 4.5.3.2, each for one wait, not for the whole. */
struct hy_smtp_timeouts {
    hy_us connect_us; /* TCP */
    hy_us banner_us;  /* 4.5.3.2.1: 5 min */
    hy_us ehlo_us;    /* and STARTTLS, RSET: 5 min */
    hy_us tls_us;     /* the handshake */
    hy_us mail_us;    /* 4.5.3.2.2: 5 min */
    hy_us rcpt_us;    /* 4.5.3.2.3: 5 min */
    hy_us data_us;    /* 4.5.3.2.4, the 354: 2 min */
    hy_us block_us;   /* 4.5.3.2.5, each write of the body that makes no progress: 3 min */
    hy_us dot_us;     /* 4.5.3.2.6: 10 min */
    hy_us quit_us;    /* how long we wait for the 221 before we hang up */
    hy_us idle_us;    /* how long an idle connection is kept for the next message */
};

/* How a lane finds what is right below the limits of its rule; see shape/window.h. */
struct hy_shape_adaptive {
    bool enabled;   /* false: the limits are followed as they stand, and nothing is learned */
    uint32_t start; /* connections a lane begins with, 1.. */
    uint32_t floor; /* connections it never shrinks below while the site takes mail at all, 1.. */
};

/* What a provider gets over all sources and all sites of its rule together. 0 = no limit. */
struct hy_provider_limits {
    uint32_t connections;
    struct hy_rate connection_rate;
    struct hy_rate message_rate;
    uint32_t messages_per_day; /* in any 24 hours; each recipient is one */
};

/* RFC 5321 4.5.3.1.8: so many every server takes. */
enum { HY_SHAPE_RECIPIENTS_MAX = 100 };

/* For one source and one site, but for `provider`. */
struct hy_shape_limits {
    uint32_t connections;             /* open at once per lane, 1.. */
    uint32_t messages_per_connection; /* 0 = no limit */
    uint32_t recipients_per_message;  /* of a ready message in one transaction, 1.. */
    uint32_t messages_per_day;        /* in any 24 hours, also over restarts, each recipient one;
                                         0 = no limit */
    struct hy_provider_limits provider;
    struct hy_rate connection_rate; /* new connections of a lane */
    struct hy_rate message_rate;    /* MAIL commands of a lane */
    struct hy_retry_plan retry;
    struct hy_smtp_timeouts timeouts;
    struct hy_shape_adaptive adaptive;
    enum hy_tls_policy tls;
    bool use_mta_sts;    /* what the domain says by MTA-STS counts, unless tls is never */
    bool use_dane;       /* likewise by DANE */
    bool use_pipelining; /* where the server offers it */
    bool use_chunking;   /* BDAT instead of DATA where offered */
};

/* The built-in defaults: what conf/shaping.yaml's `default` block says as shipped. */
void hy_shape_limits_init(struct hy_shape_limits *l);

/* Where a value stands; line 0 = nowhere: built in. */
struct hy_shape_origin {
    const char *file;
    uint32_t line, column;
    uint32_t layer; /* which of the files, 1..; a later one was read later */
};

struct hy_reply_rule;
struct hy_reply_rules;

/* One rule. It applies when the domain or the site's MX hosts match. */
struct hy_shape_rule {
    const char *name; /* "gmail" */
    const char *const
        *mx; /* patterns of MX host names, "*.google.com" (one leading "*."), or exact */
    size_t n_mx;
    const char *const *domains; /* recipient domains, exact or "*.example" */
    size_t n_domains;
    bool is_enabled;
    struct hy_shape_limits limits;       /* complete: defaults filled in by the loader */
    const struct hy_reply_rule *replies; /* patterns of its own, in order */
    size_t n_replies;
    struct hy_reply_rules *on; /* the same, compiled; NULL: none */
    const char *file;          /* where it stands first */
    uint32_t line;
    const struct hy_shape_origin *origins; /* of each value; hy_shaping_each reads them */
};

/* An immutable set, made by config/, read by any thread. */
struct hy_shape_rules {
    struct hy_shape_limits fallback;
    const struct hy_shape_rule *base; /* the default block as a rule: for sites without one */
    const struct hy_shape_rule *rules;
    size_t n_rules;
};

/* Whether the rule names the domain itself, not only its hosts. */
bool hy_shape_names_domain(const struct hy_shape_rule *rule, struct hy_str domain);
/* How many of the site's hosts the rule's patterns match; `ret_other` (may be NULL): the first that
 * none does, when there is one. */
size_t hy_shape_count_hosts(const struct hy_shape_rule *rule, const struct hy_str *mx_hosts,
                            size_t n_mx_hosts, struct hy_str *ret_other);
/* The first rule that names the domain itself; else the first that matches every one of the
 * site's MX hosts (so that a stray backup host does not draw a foreign policy in); else NULL, and
 * the fallback applies. Names are lower-case A-labels without a final dot. Any thread; pure. */
const struct hy_shape_rule *hy_shape_find(const struct hy_shape_rules *set, struct hy_str domain,
                                          const struct hy_str *mx_hosts, size_t n_mx_hosts);
