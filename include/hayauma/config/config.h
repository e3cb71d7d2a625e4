/* The daemon's configuration: conf/hayauma.yaml read, checked and frozen. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>

#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/base/log.h"
#include "hayauma/config/problems.h"
#include "hayauma/dns/resolver.h"
#include "hayauma/events/events.h"
#include "hayauma/io/proxy.h"
#include "hayauma/io/sockaddr.h"
#include "hayauma/io/tls.h"
#include "hayauma/shape/brakes.h"
#include "hayauma/shape/limits.h"
#include "hayauma/shape/spread.h"
#include "hayauma/shape/tenant.h"
#include "hayauma/shape/warmup.h"

#define HY_CONFIG_DEFAULT_PATH "/etc/hayauma/hayauma.yaml"

struct hy_strings {
    const char *const *items;
    size_t n;
};

struct hy_pair {
    struct hy_str name, value;
};
struct hy_pairs {
    const struct hy_pair *items;
    size_t n;
};

/* Where mail leaves from: one address, or one of each family. */
struct hy_config_source {
    const char *name;         /* for lanes and logs, unique */
    struct hy_sockaddr bind;  /* port 0; AF_UNSPEC = the system chooses */
    struct hy_sockaddr bind6; /* IPv6 besides an IPv4 `bind`; AF_UNSPEC = none */
    const char *ehlo;         /* never empty: node.hostname when not given */
    uint32_t weight;          /* in pools that do not say another, 1.. */
    struct hy_strings dkim;   /* domains whose keys sign too */
    enum hy_tls_policy tls;   /* the least that is asked; NEVER: what the rule of the site asks */
    enum hy_tls_version tls_version;       /* the least */
    const char *tls_certificate, *tls_key; /* of a client; "" = none, "" = in the same file */
    const char *warmup;                    /* name of a plan; "" = it is warm */
    hy_wall_ms warmup_start;               /* its first day; not 0 when there is a plan */
    const char *proxy_text;                /* "socks5://192.0.2.1:1080"; "" = none */
    struct hy_proxy proxy;                 /* the same, without user and password */
    const char *proxy_user, *proxy_password_file; /* "" = none */
};

struct hy_config_sources {
    const struct hy_config_source *items;
    size_t n; /* 1..: without any in the file, one that lets the system choose */
};

/* Sources that share the mail of a campaign. */
struct hy_config_pool {
    const char *name;        /* unique, and no source's */
    struct hy_pairs members; /* names of sources; the text is their weight, "" = their own */
    const uint32_t *indices; /* the same as indices into sources.items, */
    const uint32_t *weights; /* and as numbers */
};
struct hy_config_pools {
    const struct hy_config_pool *items;
    size_t n;
};

struct hy_config_dkim_key {
    const char *domain;   /* lower-case A-labels: signs From domains equal to it or below it */
    const char *selector; /* lower-case */
    const char *key_file; /* absolute; PEM, RSA or Ed25519: the key decides the algorithm */
    const char *tenant;   /* whose mail alone it signs; "" = the installation's */
};

struct hy_config_dkim_keys {
    const struct hy_config_dkim_key *items; /* in the file's order; several may share a domain */
    size_t n;
};

struct hy_sockaddrs {
    const struct hy_sockaddr *items;
    size_t n;
};

/* A plan for sources that receivers do not know yet. */
struct hy_config_warmup {
    const char *name;
    struct hy_strings days;    /* as written */
    struct hy_pairs providers; /* name of a shaping rule: days, as written */
    uint32_t bad_percent;
    bool overflows;
    struct hy_warmup_plan plan; /* what these say */
    uint32_t line, column;      /* of `providers`, for what is found when the rules are known */
};
struct hy_config_warmups {
    const struct hy_config_warmup *items;
    size_t n;
};

/* Where events go. */
struct hy_config_events_file {
    const char *name, *dir;
    struct hy_strings types, tenants; /* as written; none = all */
    uint64_t rotate_bytes;
    hy_us rotate_us;
    uint32_t level; /* of zstd; 0 = not compressed */
    hy_us keep_us;
    uint64_t keep_bytes;
    enum hy_events_sync sync;
};
struct hy_config_events_files {
    const struct hy_config_events_file *items;
    size_t n;
};
struct hy_config_webhook {
    const char *name, *url, *secret_file, *ca_file;
    struct hy_strings types, tenants;
    uint32_t batch;
    uint64_t batch_bytes;
    hy_us wait_us, timeout_us, retry_most_us, disable_after_us;
    bool allows_private, allows_http;
};
struct hy_config_webhooks {
    const struct hy_config_webhook *items;
    size_t n;
};

/* A name under which browsers reach the tracking server. */
struct hy_config_tracking_host {
    const char *name;                      /* lower-case A-labels */
    const char *certificate, *private_key; /* PEM files; "" = no TLS here, "" = in the same file */
};
struct hy_config_tracking_hosts {
    const struct hy_config_tracking_host *items;
    size_t n;
};

enum hy_in_doubt_policy {
    HY_IN_DOUBT_RESEND = 0, /* mail again: at worst two copies */
    HY_IN_DOUBT_HOLD = 1,   /* keep for a person to decide */
};

/* Whether the daemon uses what 'hayauma tune' found, and measures when there is nothing. */
enum hy_tune_mode { HY_TUNE_AUTO = 0, HY_TUNE_OFF = 1 };

enum hy_validating {
    HY_VALIDATING_AUTO = 0, /* when all servers are on this machine */
    HY_VALIDATING_YES = 1,
    HY_VALIDATING_NO = 2,
};

/* One immutable snapshot. Every string is NUL-terminated, never NULL ("" when empty), and lives as
 * long as the snapshot; paths are absolute. Sections and keys are those of hayauma.yaml(5). */
struct hy_config {
    struct {
        uint32_t id;          /* 0..1023, in every id this node makes */
        const char *hostname; /* EHLO name and right side of Message-ID */
    } node;
    struct {
        const char *data_dir;
        const char *run_dir;
        const char *dkim_dir;      /* where relative dkim.keys[].file names are looked for */
        struct hy_strings shaping; /* files and folders of shaping rules; HY_SHAPING_PRESETS for
                                      those that come with hayauma; none = built-in limits only */
        struct hy_strings bounces; /* files of bounce rules, later ones asked first;
                                      HY_BOUNCES_PRESETS for those that come with hayauma */
    } paths;
    struct {
        hy_us commit_interval_us;    /* a group is committed at the latest after this */
        uint32_t commit_max;         /* changes in a group */
        uint64_t map_max_bytes;      /* it never grows past this */
        uint64_t min_free_bytes;     /* less on the disk stops intake */
        hy_us log_retention_us;      /* attempts older than this are dropped; 0 = kept */
        hy_us activity_retention_us; /* likewise, for what people did */
        uint32_t readers_max;
    } store;
    struct {
        struct hy_sockaddrs servers; /* none = /etc/resolv.conf */
        hy_us timeout_us;
        uint32_t tries;
        uint32_t cache_max; /* names */
        enum hy_mx_families family;
        bool allow_local;                /* deliver to addresses of this host and link (tests) */
        enum hy_validating validating;   /* whether the servers' word on DNSSEC counts */
        const char *probe;               /* a name that they must call proven; "" = the root */
        struct hy_strings hosts_as_self; /* MX names that are this machine, besides the hostname */
    } dns;
    struct {
        uint32_t workers;         /* 0 = by the processors */
        uint32_t press_threads;   /* 0 = by the processors */
        uint32_t max_connections; /* of the whole process */
        uint16_t smtp_port;
        uint64_t press_memory_bytes; /* of rendered messages that wait for a connection */
        uint32_t open_domains;       /* walked at once over all campaigns */
        uint32_t rows_ahead;         /* rows read ahead for one open domain */
        uint32_t in_flight_max;      /* rows between a lane's hands and their commit */
        hy_us drain_timeout_us;      /* a graceful stop takes at most this */
        enum hy_in_doubt_policy in_doubt;
        uint64_t max_message_bytes;
        struct hy_config_sources sources;
        struct hy_config_pools pools;
        const char *pool; /* of campaigns that name none; "" = all sources */
        struct hy_config_warmups warmup_plans;
    } delivery;
    struct {
        struct hy_config_dkim_keys keys;
        struct hy_strings headers;  /* signed besides those that are always */
        struct hy_strings oversign; /* signed once more than present */
        hy_us expire_us;            /* x= this long after t=; 0 = none */
        bool is_required;           /* a campaign whose From domain has no key does not start */
    } dkim;
    struct {
        enum hy_tune_mode tune;
    } crypto;
    struct {
        const char *ca_file;      /* PEM; "" = the system's */
        uint16_t mta_sts_port;    /* 443, but for tests */
        hy_us mta_sts_wait_us;    /* the first mail to a domain waits no longer for its policy */
        const char *report_from;  /* "" = no reports are sent */
        hy_us report_spread_us;   /* after midnight UTC */
        const char *organization; /* that they name; "" = the hostname */
        const char *contact;      /* whom they say to write to; "" = report_from */
    } tls;
    struct {
        const char *base_url; /* "https://t.example.jp/"; "" = nothing is tracked */
        bool links;           /* campaigns may say otherwise */
        bool beacon;
        const char *secret_file; /* hy_secret_load reads it; "" = the store's own secret. Signs
                                    links and return paths */
        struct hy_sockaddrs listen, listen_tls; /* none: somebody else answers */
        struct hy_config_tracking_hosts hosts;
        struct hy_strings sites;           /* hosts whose pages learn who clicked */
        struct hy_strings trusted_proxies; /* networks */
        uint32_t max_connections, connections_per_address;
        uint32_t hits_per_token, hits_per_visitor, hits_per_address; /* a minute; 0 = any number */
        uint32_t hits_per_lead;                                      /* an hour */
        const char *privacy_relays; /* file of networks; "" = none */
        uint64_t journal_bytes;
    } tracking;
    struct hy_tenants tenants;
    struct {                         /* the script on pages of tracking.sites */
        struct hy_pairs key_pages;   /* name: patterns, apart by spaces */
        const char *companies;       /* file of networks; "" = none */
        struct hy_strings providers; /* words of names that are providers, besides those built in */
        bool is_cookieless;          /* numbers of visitors last for a session */
        uint32_t cookie_days;
        bool shows_notice;                                /* at /notice */
        const char *operator_name, *contact, *policy_url; /* in it; "" = not said */
        struct hy_pairs purposes, recipients;             /* in it: English text, Japanese text */
        hy_us join_back_us; /* how far back a visitor's doings become the lead's; 0 = not at all */
    } web_tag;
    struct {
        hy_us hold_us; /* opens and clicks take effect when they are so old */
    } reaction;
    struct {
        const char *rules; /* file of scoring rules; "" = leads have no points */
    } scoring;
    struct {                  /* what happens, told to others */
        hy_us keep_unread_us; /* beyond store.log_retention, for destinations that lag */
        struct hy_config_events_files files;
        struct hy_config_webhooks webhooks;
    } events;
    struct { /* other applications hand messages in */
        struct hy_sockaddrs listen, listen_tls;
        const char *certificate, *private_key; /* PEM files; "" = no TLS */
        const char *users;                     /* the file of names and hashes; "" = none */
        struct hy_strings trusted;             /* networks without TLS and password */
        struct hy_strings proxies;             /* networks that speak the PROXY protocol */
        uint32_t max_connections, connections_per_address, max_recipients;
        uint64_t memory_bytes;
        const char *maildrop; /* where the sendmail command leaves messages; "" = nowhere */
    } submission;
    struct { /* the HTTP API */
        struct hy_sockaddrs listen, listen_tls;
        const char *certificate, *private_key; /* PEM files; "" = no TLS */
        const char *tokens;                    /* the file of tokens; "" = nobody may come */
        struct hy_strings trusted_proxies;     /* networks */
        uint32_t max_connections, connections_per_address;
        uint64_t max_body_bytes, memory_bytes;
        const char *access_log; /* file; "" = none */
    } api;
    struct {                       /* what the senders of ready messages are told (RFC 3464) */
        const char *from;          /* "" = mailer-daemon@node.hostname */
        hy_us gather_us, delay_us; /* delay_us: 0 = never told of */
        uint64_t return_max_bytes;
    } dsn;
    struct { /* mail that comes back */
        struct hy_sockaddrs listen;
        const char *certificate, *private_key; /* PEM files; "" = no STARTTLS */
        struct hy_strings complaints, replies; /* addresses that are taken besides return paths */
        uint32_t max_connections, connections_per_address;
        uint64_t size_max, memory_bytes;
    } intake;
    struct {
        const char *domain;             /* right side of return paths; "" = node.hostname */
        const char *prefix;             /* left side before the token: "b" gives b+TOKEN@ */
        const char *unsubscribe_mailto; /* address in List-Unsubscribe; "" = none */
        bool of_ready;                  /* ready messages have return paths of ours, too */
    } bounce;
    struct {
        struct hy_strings marketing, transactional;         /* names of hy_suppress_reason */
        uint32_t soft_bounces;                              /* 0 = not counted */
        hy_us soft_span_us, soft_expire_us, hard_expire_us; /* ends: 0 = never */
    } suppression;
    struct {
        const char *from_domain; /* for campaigns whose From has none; "" = must have one */
        const char *feedback_id; /* sender id of the Feedback-ID header; "" = no header */
    } mail;
    struct {
        struct hy_rate frequency_cap; /* mails to one lead, whole hours; count 0 = no cap */
        struct hy_hours hours;        /* of bulk campaigns that name none; less closed days */
        struct hy_closed_days closed; /* of bulk campaigns that name none */
        hy_us release_us;             /* of bulk campaigns that name none; 0 = at once */
        const char *time_zone;        /* of hours; "" = the system's */
        const char *zone_attribute;   /* of leads, for hours_by_lead */
        uint32_t bounce_percent;      /* more among the last bounce_sample pauses; 0 = never */
        uint32_t bounce_sample;
        uint32_t complaint_share; /* hundredths of a percent of complaint_sample; 0 = never */
        uint32_t complaint_sample;
        hy_us stale_after_us; /* a schedule that is later than this is held for a person */
    } campaign;
    struct {
        enum hy_log_target target;
        enum hy_log_level level;
        const char *attempts; /* "off", "journal", "stderr" or the absolute path of a file */
    } log;
    struct {
        const char *listen; /* "ADDRESS:PORT", hy_sockaddr_parse takes it; "" = off */
        uint32_t sites;     /* busiest sites with series of their own */
        uint32_t campaigns; /* newest campaigns being sent that have */
        uint32_t tenants;   /* first tenants of the file that have */
    } metrics;
    struct {
        const char *socket; /* path of the unix socket */
        mode_t mode;
        const char *group; /* its members may command the daemon; "" = root and own user only */
    } control;
    struct {
        uint32_t rejects_shown; /* first rejects in an import's answer; the report has all */
    } import;

    /* private */
    const char *file;
    struct hy_arena arena;
    atomic_uint refs;
};

/* Reads and checks a file. Every problem goes to `problems` (warnings too on success), and with
 * any error nothing is returned: HY_EINVAL for contents, HY_EIO when it cannot be read (noted
 * too), HY_ENOMEM. The result has one reference. Any thread; reads the file, the host's name, and
 * looks whether named files exist. */
HY_MUST_USE int hy_config_load(const char *path, struct hy_problems *problems,
                               struct hy_config **ret_config);
/* The same from memory; `path` is for messages and relative paths. */
HY_MUST_USE int hy_config_parse(const char *path, struct hy_str text, struct hy_problems *problems,
                                struct hy_config **ret_config);
/* What an empty file gives. */
HY_MUST_USE int hy_config_defaults(struct hy_config **ret_config);
/* Only where the control socket is, also of a file with mistakes elsewhere or that cannot be read:
 * then the default. `out` holds at least 108 bytes. */
void hy_config_socket(const char *path, char out[108]);
/* Likewise what the sendmail command goes by; what the file does not say stays as it is. HY_EIO,
 * HY_EINVAL: it cannot be read. */
struct hy_config_local {
    char maildrop[4096];
    char host[256];
    uint64_t size_max; /* bytes of a message */
};
HY_MUST_USE int hy_config_local(const char *path, struct hy_config_local *io);
/* Any thread. The last unref frees; NULL is fine. */
struct hy_config *hy_config_ref(struct hy_config *c);
void hy_config_unref(struct hy_config *c);

/* Whether there is a pool, or a source, of this name. Any thread. */
bool hy_config_has_pool(const struct hy_config *c, struct hy_str name);

/* The plan of this name: of the file, or one that comes with hayauma; NULL: there is none. */
const struct hy_warmup_plan *hy_config_warmup_plan(const struct hy_config *c, const char *name);

/* Notes what the file and the rules say against each other, sorted by place: warnings. */
void hy_config_check_rules(const struct hy_config *c, const struct hy_shape_rules *rules,
                           struct hy_problems *problems);

/* Appends the keys ("delivery.workers", comma separated) that differ and only take effect at the
 * next start of the daemon; nothing when a reload applies all that changed. */
void hy_config_restart_keys(const struct hy_config *running, const struct hy_config *fresh,
                            struct hy_buf *out);
/* Appends a commented YAML file that reads back as the same configuration. */
void hy_config_dump(const struct hy_config *c, struct hy_buf *out);
/* Appends the shipped conf/hayauma.yaml. HY_ENOMEM, HY_ELIMIT. */
HY_MUST_USE int hy_config_dump_defaults(struct hy_buf *out);
/* Appends the key sections of hayauma.yaml(5) as roff. */
void hy_config_dump_man(struct hy_buf *out);

enum { HY_SECRET_BYTES = 32 };
/* Reads a secret that several nodes share: 64 hex digits in a file. HY_EAUTH when others may read
 * it, HY_ECORRUPT when it holds something else, HY_ENOTFOUND, HY_EIO: noted. */
HY_MUST_USE int hy_secret_load(const char *path, uint8_t ret_secret[HY_SECRET_BYTES],
                               struct hy_diag *diag);
