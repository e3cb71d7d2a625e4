/* Delivery: from the rows of the queue to settled outcomes. See docs/internals/deliver.md. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "hayauma/base/arena.h"
#include "hayauma/base/clock.h"
#include "hayauma/base/err.h"
#include "hayauma/bounce/rules.h"
#include "hayauma/deliver/meter.h"
#include "hayauma/deliver/orders.h"
#include "hayauma/dns/resolver.h"
#include "hayauma/io/proxy.h"
#include "hayauma/io/sockaddr.h"
#include "hayauma/io/tls.h"
#include "hayauma/mail/dkim.h"
#include "hayauma/mail/message.h"
#include "hayauma/mail/token.h"
#include "hayauma/model/outcome.h"
#include "hayauma/shape/brakes.h"
#include "hayauma/shape/limits.h"
#include "hayauma/shape/spread.h"
#include "hayauma/shape/tenant.h"
#include "hayauma/shape/warmup.h"
#include "hayauma/smtp/tlsa.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/contacts.h"
#include "hayauma/store/inflight.h"
#include "hayauma/store/list.h"
#include "hayauma/store/writer.h"

struct hy_deliver;
struct pool;
struct source;
struct hy_https;

enum { HY_DELIVER_SOURCE_DKIM_MAX = 8 };

/* Where mail leaves from. */
struct hy_deliver_source {
    const char *name; /* at most 63 bytes */
    const char *ehlo;
    struct hy_sockaddr bind;   /* {0}: the system chooses */
    struct hy_sockaddr bind6;  /* IPv6 besides an IPv4 `bind`; {0}: none */
    const struct hy_str *dkim; /* domains whose keys sign besides that of From */
    size_t n_dkim;             /* ..HY_DELIVER_SOURCE_DKIM_MAX */
    enum hy_tls_policy tls;    /* the least that is asked; NEVER: what the rule of the site asks */
    enum hy_tls_version tls_version;     /* the least */
    const struct hy_tls_self *tls_self;  /* shown to servers that ask; NULL: none */
    const struct hy_warmup_plan *warmup; /* NULL: it is warm */
    hy_wall_ms warmup_start;
    struct hy_proxy proxy; /* mail leaves through it; then `bind` is an address of the proxy */
};
/* Sources that share mail by their weights. */
struct hy_deliver_pool {
    const char *name;                       /* "" for the one of campaigns that name none */
    const uint32_t *sources;                /* indices into the policy's sources */
    const struct hy_spread_member *members; /* the same, as shape/spread.h has them */
    size_t n;                               /* 1..HY_SPREAD_MAX */
};

/* For whom mail is sent. */
struct hy_deliver_tenant {
    const struct hy_tenant *tenant;
    struct hy_dkim_keyset *dkim; /* keys of its own; NULL: none */
};

/* What a reload may change: one immutable, counted snapshot. The maker fills it and hands its
 * reference over; `release` frees what it stands on when the last user is gone, on any thread. */
struct hy_deliver_policy {
    const struct hy_shape_rules *rules;
    const struct hy_bounce_rules *bounces; /* what words tell of reasons; NULL: only codes do */
    struct hy_dkim_keyset *dkim;           /* of the installation; NULL: it has none */
    struct hy_dkim_options dkim_options;   /* signed_at is filled in for each message */
    const struct hy_deliver_source *sources;
    size_t n_sources;                           /* 1.. */
    const struct hy_deliver_pool *source_pools; /* the first is of campaigns that name none */
    size_t n_source_pools;                      /* 1.. */
    const struct hy_deliver_tenant *tenants;    /* by number; may lack the installation itself */
    size_t n_tenants;
    bool is_dkim_required;    /* a campaign that no key signs is not sent */
    bool is_doubt_held;       /* a message lost after its final dot is held instead of resent */
    uint32_t max_connections; /* open at once, over all sites */
    const struct hy_lane_order *orders; /* of a person, in force now */
    size_t n_orders;
    /* Ready messages leave with return paths of ours, PREFIX+TOKEN@DOMAIN; NULL keys: with their
     * senders'. The strings live as long as the policy. */
    const struct hy_token_keys *return_keys;
    const char *return_prefix, *return_domain;
    bool counts_all_tls; /* for TLS reports: good sessions to domains without a policy, too */
    void (*release)(struct hy_deliver_policy *p);
    void *owner; /* for release */
    /* delivery's: what lanes of one rule share, by the number of the rule */
    struct pool **pools;
    size_t n_pools;
    struct source **live; /* what is known of each source, whatever the policy */
    atomic_uint refs;     /* starts at 1 */
};
/* The value of a variable for leads that have none. */
struct hy_deliver_default {
    uint16_t slot; /* < HY_DELIVER_SLOTS */
    struct hy_str value;
};
enum {
    HY_DELIVER_DEFAULTS_MAX = 256,
    /* Slots of variables: attribute numbers first, then those of defaults without an attribute. */
    HY_DELIVER_SLOTS = HY_ATTR_MAX + HY_DELIVER_DEFAULTS_MAX,
};

/* A campaign made ready to send; what it holds is delivery's from then on. */
struct hy_deliver_plan {
    struct hy_arena arena; /* of the defaults */
    const struct hy_deliver_default *defaults;
    size_t n_defaults;
    struct hy_message *message;          /* freed by delivery */
    uint32_t tenant;                     /* whose it is */
    char from_domain[HY_DOMAIN_MAX + 1]; /* chooses the DKIM keys, among those of the tenant */
    hy_us expire_us;                     /* after the start of the campaign; 0 = the site's rule */
    struct hy_brakes brakes;
    struct hy_zone *zone; /* of brakes.hours; freed by delivery; NULL: no hours */
    uint16_t zone_slot;   /* of the variable that names a lead's own, for brakes.is_by_lead */
    struct hy_contact_cap cap;
    const char *pool;         /* in the arena: name of a pool or source; "" = the policy's first */
    const char *cap_text;     /* in the arena: why a lead was left out, for people */
    enum hy_stream stream;    /* which kind of mail it is for the suppression list */
    struct hy_list_set lists; /* that the campaign goes to */
};
/* Reads and compiles a campaign of the store; the daemon brings it, since settings and bundles are
 * its business. An error pauses nothing by itself: delivery logs it and leaves the campaign alone
 * until hy_deliver_campaign_changed. Feeder thread. */
typedef int hy_deliver_load_fn(void *ctx, struct hy_txn *t, const struct hy_campaign *c,
                               struct hy_diag *diag, struct hy_deliver_plan *ret);

struct hy_deliver_policy *hy_deliver_policy_ref(struct hy_deliver_policy *p);
void hy_deliver_policy_unref(struct hy_deliver_policy *p);

/* What domains say of TLS: MTA-STS and DANE. */
struct hy_deliver_tls {
    struct hy_https *https; /* fetches policies; stopped before delivery is. NULL: no MTA-STS */
    const char *ca_file;    /* PEM: whom to trust for certificates of MX hosts; "" = the system's */
    uint16_t mta_sts_port;  /* 443, but for tests */
    hy_us wait_us;          /* the first mail to a domain waits for its policy no longer */
    const char *probe;      /* a name whose SOA a validating resolver proves; "" = the root */
};

/* What only a restart changes. */
struct hy_deliver_settings {
    uint32_t workers;       /* 1..64 */
    uint32_t press_threads; /* 1..64 */
    uint16_t smtp_port;
    uint64_t press_memory_bytes; /* rendered messages that no connection has taken yet */
    uint32_t open_domains;
    uint32_t rows_ahead;
    hy_deliver_load_fn *load;
    void *load_ctx;
    struct hy_contacts *contacts; /* outlives delivery; NULL: no frequency cap */
    /* Somebody should pause a campaign: its bounces or complaints are too many (once a run, any
     * thread of delivery); or it cannot be sent as it is, whose reason is `why` (the feeder's
     * thread). Must not block; may be NULL. */
    void (*on_surge)(void *ctx, hy_id campaign, enum hy_surge_of of,
                     const struct hy_surge_view *view);
    void (*on_unsendable)(void *ctx, hy_id campaign, const char *why);
    void *brakes_ctx;
    struct hy_resolver_settings dns; /* trust_ad: DANE counts */
    struct hy_deliver_tls tls;
};

/* Counters since start; written with relaxed atomics, read from any thread. */
struct hy_deliver_counters {
    _Atomic uint64_t delivered, deferred, bounced, expired, suppressed, returned;
    _Atomic uint64_t pressed, press_cpu_us, signed_;
    _Atomic uint64_t proxy_failures; /* connections whose proxy did not do its part */
    _Atomic uint64_t connects, connect_failures, tls_handshakes, tls_resumed, tls_failures;
    _Atomic uint64_t tls_uncounted; /* sessions that the table for TLS reports had no room for */
    _Atomic uint64_t connections_now, connections_most;
    _Atomic uint64_t submitted; /* messages handed to a connection */
    _Atomic uint64_t joined;    /* of them, those whose envelope left with the content before */
    _Atomic uint64_t bytes_sent;
    _Atomic uint64_t domains_open, domains_parked, lookups;
};

/* Makes the parts; nothing runs yet. `env`, `writer` and `inflight` must outlive it; `policy`'s
 * reference is taken. Main thread. */
HY_MUST_USE int hy_deliver_create(const struct hy_deliver_settings *settings,
                                  struct hy_deliver_policy *policy, struct hy_env *env,
                                  struct hy_writer *writer, struct hy_inflight *inflight,
                                  struct hy_diag *diag, struct hy_deliver **ret);
/* Starts the threads and takes up every campaign that the store says is being sent. */
HY_MUST_USE int hy_deliver_start(struct hy_deliver *d, struct hy_diag *diag);
/* Applies a new policy without touching connections; its reference is taken. Main thread. */
void hy_deliver_reload(struct hy_deliver *d, struct hy_deliver_policy *policy);
/* A hard bounce or a complaint about a mail of a campaign came back: it counts for the brakes of
 * the campaign while that is being sent, if the mail was `sent` since somebody started or resumed
 * it (0: not known, counts). Any thread. */
void hy_deliver_came_back(struct hy_deliver *d, hy_id campaign, enum hy_surge_of of,
                          hy_wall_ms sent);
/* What a campaign that is to be sent waits for as a whole. */
enum hy_wait_for {
    HY_WAIT_NOTHING,
    HY_WAIT_HOURS,   /* it is outside its hours */
    HY_WAIT_TROUBLE, /* it could not be begun (memory, the disk) and is tried again */
    HY_WAIT_RESTART, /* out of memory while it was stopped: only a restart knows what was sent */
};
enum { HY_WAIT_REASONS = HY_WAIT_RESTART + 1 };
const char *hy_wait_for_name(enum hy_wait_for w); /* "hours" */
struct hy_campaign_wait {
    hy_id campaign;
    enum hy_wait_for what;
    hy_wall_ms until;                /* 0: nobody knows */
    int32_t offset_s;                /* of the zone then, east of UTC */
    char zone[HY_ZONE_NAME_MAX + 1]; /* of its hours; "" = UTC */
};
/* False: it waits for nothing of these, and *ret is untouched. Any thread. */
bool hy_deliver_wait_of(struct hy_deliver *d, hy_id campaign, struct hy_campaign_wait *ret);
/* A campaign's stored state changed: look at it again. 0: the configuration did, and those that
 * wait for their hours may have others now. Any thread. */
void hy_deliver_campaign_changed(struct hy_deliver *d, hy_id campaign);
/* Messages were put into a spool (store/spool.h): look. After the commit; any thread; cheap. */
void hy_deliver_spooled(struct hy_deliver *d);
/* Holds a campaign still, so that its rows may be changed by others: `fn` comes once, on the
 * feeder's thread: 0 when nothing of it is in hand any more but what is on the wire or with the
 * writer, or HY_ECLOSED, HY_ENOMEM; then it is not held. It stays so until as many
 * hy_deliver_quiet_end have come. Its state in the store is not touched. HY_ENOMEM, HY_ECLOSED: no
 * `fn`. Any thread. */
typedef void hy_quiet_fn(void *ctx, int err);
HY_MUST_USE int hy_deliver_quiet(struct hy_deliver *d, hy_id campaign, hy_quiet_fn *fn, void *ctx);
/* The feeder looks at its record, and at its rows anew. */
void hy_deliver_quiet_end(struct hy_deliver *d, hy_id campaign);
/* Takes nothing new, lets what is on the wire end for up to `timeout_us`, then closes the rest;
 * blocks. After it the threads are gone; what they settled has been handed to the writer. Returns
 * how many messages were cut off between dot and reply. Main thread. */
uint64_t hy_deliver_stop(struct hy_deliver *d, hy_us timeout_us);
void hy_deliver_free(struct hy_deliver *d);

/* Whether mail of this tenant from this domain is signed: it or a parent has a key. Any thread. */
bool hy_deliver_signs(struct hy_deliver *d, uint32_t tenant, const char *from_domain);
/* When a ready message to the domain will be given up, as far as can be said now: by the rule of
 * the domain, or of `host`, which was asked last (empty: none was). Any thread. */
hy_wall_ms hy_deliver_gives_up(struct hy_deliver *d, struct hy_str domain, struct hy_str host,
                               hy_wall_ms queued, uint32_t attempts, hy_wall_ms now);

const struct hy_deliver_counters *hy_deliver_counters_of(const struct hy_deliver *d);

/* Where the warm-up of a source stands with a provider. Strings live as long as the report. */
struct hy_warm_report {
    const char *provider; /* a shaping rule's name, or "default" */
    uint32_t step, days;  /* step >= days: warm */
    uint32_t limit;       /* messages of the day; UINT32_MAX: warm, 0: it has not begun */
    uint64_t sent;        /* in the last 24 hours */
    uint32_t good, bad;   /* answers of this day of the plan */
    const char *verdict;  /* on the day before: hy_warmup_verdict_name */
};

enum { HY_LANE_REPLIES = 5 };
/* What a lane was answered, by code and enhanced code. */
struct hy_lane_reply {
    uint32_t count; /* 0: unused */
    uint16_t code;  /* 0: no reply, the connection failed */
    struct hy_enhanced enhanced;
    hy_us at; /* monotonic, of the last */
};
/* What more is told of single lanes. */
struct hy_lane_detail {
    const char *domain; /* one of those that it serves */
    const char *tls; /* what their first host demands of TLS beyond the rule: "dane" ... "none" */
    const char *window_state;
    uint32_t ceiling;                 /* connections, by the rule and orders */
    uint32_t messages_per_connection; /* learned; 0 = none */
    uint32_t recipients_per_message;  /* likewise */
    double window_rate;               /* messages/s that the window allows; 0 = any */
    double latency_us;                /* what a message takes; 0 = not known */
    uint32_t n_ready, n_pressing, n_on_wire;
    const char *waits_for; /* "order", "mail" ...: docs/internals/control.md; "" = it sends */
    hy_us waits_us;        /* how long still; 0 = nobody knows */
    struct hy_lane_reply replies[HY_LANE_REPLIES]; /* the newest kinds */
};

/* One lane as it is now. Strings live as long as the report. */
struct hy_lane_report {
    const char *site, *source, *rule; /* rule: "" = the defaults */
    const char *rule_file;
    uint32_t rule_line;
    uint32_t connections, connecting, window, domains, waiting; /* waiting: rows in hand */
    uint64_t delivered, deferred, bounced;
    double rate;            /* delivered a second, over the last seconds */
    hy_us suspended_us;     /* how long still; 0 = open */
    hy_us day_full_us;      /* how long still its day has no room; 0 = it has */
    const char *why;        /* what last slowed or suspended it; "" = nothing */
    bool is_held;           /* by an order */
    uint32_t slow;          /* orders leave one of so many of what it did; 1 = all */
    double order_rate;      /* messages/s that they leave; 0 = none, or not known yet */
    uint32_t order;         /* number of the newest that holds or slows it; 0 = none */
    const char *order_user; /* who gave it; "" = nobody knows */
    hy_wall_ms order_made;
    struct hy_warm_report warm; /* provider NULL: it is warm, or was never to be warmed up */
    bool is_warm_waiting;       /* what is beyond its day waits; otherwise other sources take it */
    const char *last_reply;     /* the newest words of the server, or why it could not be reached */
    const struct hy_lane_detail *detail; /* NULL: not asked for */
};

/* Over all lanes, those that the report leaves out too. */
struct hy_lanes_sum {
    size_t lanes, suspended;
    size_t held, slowed; /* by orders */
    uint64_t connections, waiting;
    double rate;
};
/* Collects at most `most` lanes, the busiest first, and calls `fn` once, on one of the workers'
 * threads; the report is freed when `fn` returns. A worker gives a few microseconds for each of its
 * lanes and keeps no more than 2 x `most` of them. Any thread. */
typedef void hy_lanes_fn(void *ctx, const struct hy_lane_report *lanes, size_t n,
                         const struct hy_lanes_sum *all);
HY_MUST_USE int hy_deliver_lanes(struct hy_deliver *d, size_t most, hy_lanes_fn *fn, void *ctx);
/* The same of sites with this name, or whose hosts all match it ("*.google.com"), with details.
 * HY_EINVAL: it is too long for a name. */
HY_MUST_USE int hy_deliver_lanes_named(struct hy_deliver *d, const char *name, size_t most,
                                       hy_lanes_fn *fn, void *ctx);

/* A source as it is now. Strings live as long as the report. */
struct hy_source_report {
    const struct hy_deliver_source *source;
    bool is_gone, is_gone6;               /* its addresses are not on this machine */
    bool is_proxy_gone;                   /* its proxy is not there, or does not do its part */
    uint32_t connections;                 /* that are up */
    uint64_t outcomes[HY_METER_OUTCOMES]; /* since the start; [kind - HY_OUTCOME_DELIVERED] */
    const struct hy_warm_report *warm;
    size_t n_warm;
};
/* Calls `fn` for each source of the policy in force, before it returns. HY_ENOMEM. Any thread. */
typedef void hy_source_fn(void *ctx, const struct hy_source_report *r);
HY_MUST_USE int hy_deliver_sources(struct hy_deliver *d, hy_source_fn *fn, void *ctx);

/* What is known of the site of a domain. */
struct hy_site_report {
    const struct hy_mx *mx;             /* NULL: delivery ends, or there was no memory */
    const struct hy_shape_rules *rules; /* those in force */
    const struct hy_lane_report *lanes; /* of this site, under the rule of this domain; detailed */
    size_t n_lanes;
};
/* Looks the domain (A-labels) up with delivery's own resolver and gathers its lanes; calls `fn`
 * once, on the feeder's or a worker's thread; the report is freed when `fn` returns. HY_ENOMEM,
 * HY_ECLOSED: no call. Any thread. */
typedef void hy_site_fn(void *ctx, const struct hy_site_report *r);
HY_MUST_USE int hy_deliver_site(struct hy_deliver *d, const char *domain, hy_site_fn *fn,
                                void *ctx);

/* Whether the site has this name, or hosts that all match it ("*.google.com"), and is under this
 * rule ("default": none); "" = any. False when the domain has no way. */
bool hy_deliver_site_is(const struct hy_site_report *r, const char *site, const char *provider);

/* What counts for the TLS to one host of a domain. */
struct hy_tls_host_report {
    const char *name;
    unsigned preference;
    const char *demand; /* "dane", "mta-sts", "none" ... */
    bool is_secure;     /* DNSSEC proves its addresses */
    bool is_unnamed;    /* the MTA-STS policy does not name it */
    const char *base;   /* DANE: the name that the records stand at; "" = none */
    const struct hy_tlsa *tlsa;
    size_t n_tlsa;
};
/* What counts for a domain, and why. Strings live as long as the report. */
struct hy_tls_report {
    const char *domain;
    enum hy_mx_status status;
    const char *text; /* why there is no way, "" when there is */
    bool is_secure, is_implicit;
    const char *rule, *rule_file; /* "" = the defaults */
    uint32_t rule_line;
    enum hy_tls_policy tls;
    bool use_mta_sts, use_dane;
    bool has_dane;        /* the resolver validates */
    const char *dane_why; /* why not */
    bool has_sts;         /* a policy counts */
    const char *sts_mode, *sts_id, *sts_text;
    hy_wall_ms sts_expires;
    const char *sts_fault, *sts_fault_text; /* "" = none */
    size_t n_hosts;
    const struct hy_tls_host_report *hosts;
};
/* Looks it up as for a mail now; `fn` comes once, on the feeder's thread: the report dies with the
 * call. NULL: it cannot be known now. Any thread. HY_ENOMEM, HY_EINVAL: no `fn`. */
typedef void hy_tls_report_fn(void *ctx, const struct hy_tls_report *report);
HY_MUST_USE int hy_deliver_tls_report(struct hy_deliver *d, struct hy_str domain,
                                      hy_tls_report_fn *fn, void *ctx);
