/* The keys of a source and of a pool of sources: one row each. */
#include "config_schema.h"
#include "hayauma/deliver/deliver.h"

#define SRC(field)  SCHEMA_FIELD(struct hy_config_source, field)
#define POOL(field) SCHEMA_FIELD(struct hy_config_pool, field)

static const struct schema_name tls_least[] = {
    {"by-rule", HY_TLS_NEVER}, {"required", HY_TLS_REQUIRED}, {"verified", HY_TLS_VERIFIED}, {0}};

static const struct schema_name tls_versions[] = {{"1.2", HY_TLS_1_2}, {"1.3", HY_TLS_1_3}, {0}};

static const struct schema_row source_rows[] = {
    {"name", SCHEMA_STRING, 0, SRC(name), .max = 63,
     .doc = "What logs and reports call it; without one, its address."},
    {"address", SCHEMA_IP, SCHEMA_REQUIRED, SRC(bind),
     .doc = "IPv4 or IPv6 address of this machine to send from."},
    {"address6", SCHEMA_IP, 0, SRC(bind6),
     .doc = "IPv6 address for hosts that have one, besides an IPv4 address. Hosts of a family that "
            "a source has no address of are left to other sources."},
    {"ehlo", SCHEMA_HOSTNAME, 0, SRC(ehlo),
     .doc = "Name to greet with: the addresses must resolve to it and back ('hayauma source "
            "check'). Without one, node.hostname."},
    {"weight", SCHEMA_INT, 0, SRC(weight), 1, HY_SPREAD_WEIGHT_MAX, "1",
     .doc = "Its share of the mail beside others, where a pool does not say another."},
    {"dkim", SCHEMA_HOSTNAMES, 0, SRC(dkim), .max = HY_DELIVER_SOURCE_DKIM_MAX,
     .doc = "Domains of dkim.keys that sign its mail besides that of From, such as the domain of "
            "whoever runs this machine."},
    {"tls", SCHEMA_ENUM, 0, SRC(tls), .names = tls_least, .def = "by-rule",
     .doc = "The least that is asked of TLS for its mail, whatever the rule of the site says: "
            "by-rule, required or verified."},
    {"tls_version", SCHEMA_ENUM, 0, SRC(tls_version), .names = tls_versions, .def = "1.2",
     .doc =
         "The least version of TLS. A server that has only older ones is as one without TLS: where "
         "the rule is opportunistic it gets mail in the clear, unless 'tls' is required."},
    {"tls_certificate", SCHEMA_PATH, 0, SRC(tls_certificate),
     .doc = "File with the certificate that is shown to servers that ask for one, and those that "
            "stand "
            "behind it (PEM)."},
    {"tls_key", SCHEMA_PATH, 0, SRC(tls_key),
     .doc =
         "File with its private key; not readable by everybody. Without one, it is in the file of "
         "the certificate."},
    {"warmup", SCHEMA_STRING, 0, SRC(warmup), .max = 63,
     .doc =
         "Plan by which it is warmed up: of delivery.warmup_plans, or careful, usual, fast. \"\" "
         "= it is warm."},
    {"warmup_start", SCHEMA_TIME, 0, SRC(warmup_start), .zero = "none",
     .doc =
         "When the plan begins, as in 2026-12-01T00:00:00+09:00; a day of it lasts 24 hours from "
         "then. Another start begins anew."},
    {"proxy", SCHEMA_STRING, 0, SRC(proxy_text), .max = 128,
     .doc = "Mail leaves through it: socks5://ADDRESS:PORT, proxy-v1://ADDRESS:PORT or "
            "proxy-v2://ADDRESS:PORT (the PROXY protocol). Then 'address' is the proxy's own that "
            "the world sees, not one of this machine. See docs/guides/sources.md."},
    {"proxy_user", SCHEMA_STRING, 0, SRC(proxy_user), .max = HY_PROXY_NAME_MAX,
     .doc = "User's name for a SOCKS5 proxy that wants one."},
    {"proxy_password_file", SCHEMA_PATH, 0, SRC(proxy_password_file),
     .doc = "File with the password in its first line; not readable by everybody."},
};
const struct schema source_schema = {source_rows, sizeof source_rows / sizeof source_rows[0],
                                     sizeof(struct hy_config_source), NULL};

static const struct schema_row pool_rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, POOL(name), .max = 63,
     .doc = "What campaigns call it; no source may have the same name."},
    {"sources", SCHEMA_PAIRS, SCHEMA_REQUIRED, POOL(members), .max = HY_SPREAD_MAX,
     .doc = "Names of sources with their weights, as in {tokyo-1: 3, tokyo-2: 1}; \"\" = the "
            "source's own weight."},
};
const struct schema pool_schema = {pool_rows, sizeof pool_rows / sizeof pool_rows[0],
                                   sizeof(struct hy_config_pool), NULL};

#define PLAN(field) SCHEMA_FIELD(struct hy_config_warmup, field)

static const struct schema_row warmup_rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, PLAN(name), .max = 63, .doc = "What sources call it."},
    {"days", SCHEMA_STRINGS, SCHEMA_REQUIRED, PLAN(days), .max = HY_WARMUP_DAYS_MAX,
     .doc = "Messages a day to each provider (each shaping rule, and all sites without one), day "
            "after day; behind the last there is no limit."},
    {"providers", SCHEMA_PAIRS, 0, PLAN(providers), .max = HY_WARMUP_PROVIDERS_MAX,
     .doc = "Days for some providers by themselves: {NAME OF A RULE: \"20, 40, 80\"}; default = "
            "sites without a rule."},
    {"complaints", SCHEMA_PERCENT, 0, PLAN(bad_percent), 1, 100, "5%",
     .doc =
         "A day on which the provider refuses a larger share for what we are (5.7.x, blocked, too "
         "much, too fast; greylisting does not count) is done again; with three times as much, "
         "the day before it is."},
    {"overflow", SCHEMA_BOOL, 0, PLAN(overflows), .def = "true",
     .doc =
         "What is more than the day allows goes by other sources of the pool. false = it waits."},
};
const struct schema warmup_schema = {warmup_rows, sizeof warmup_rows / sizeof warmup_rows[0],
                                     sizeof(struct hy_config_warmup), NULL};
