/* The metrics: their names, types, labels and meanings, in one table that the exposition, the
 * documentation (docs/metrics.md) and the tests stand on. A name never changes its meaning. */
#pragma once
#include "hayauma/base/buf.h"

enum hy_metric_type { HY_COUNTER, HY_GAUGE, HY_HISTOGRAM, HY_SUMMARY };

enum hy_metric {
    HY_M_BUILD_INFO,
    HY_M_START_TIME,
    HY_M_READY,
    HY_M_CPU,
    HY_M_RESIDENT,
    HY_M_ANONYMOUS,
    HY_M_OPEN_FDS,
    HY_M_MAX_FDS,
    HY_M_RELOADS,
    HY_M_LAST_RELOAD,

    HY_M_QUEUE,
    HY_M_QUEUE_OPEN,
    HY_M_CAMPAIGNS,
    HY_M_CAMPAIGNS_WAITING,
    HY_M_CAMPAIGN_RECIPIENTS,
    HY_M_CAMPAIGNS_PAUSED,
    HY_M_MESSAGE_RECIPIENTS,
    HY_M_MESSAGE_OLDEST,
    HY_M_TENANT_RECIPIENTS,
    HY_M_TENANT_MESSAGES,
    HY_M_TENANT_USED,
    HY_M_RECIPIENTS,
    HY_M_SUPPRESSIONS,
    HY_M_ATTEMPTS,
    HY_M_RETURNED,
    HY_M_IN_DOUBT,
    HY_M_BOOT_DOUBT,
    HY_M_SENT_BYTES,
    HY_M_PHASE_SECONDS,
    HY_M_PROVIDER_SECONDS,
    HY_M_QUEUED_SECONDS,

    HY_M_CONNECTIONS,
    HY_M_CONNECTIONS_MAX,
    HY_M_CONNECTS,
    HY_M_CONNECT_FAILURES,
    HY_M_PROXY_FAILURES,
    HY_M_TLS_CONNECTIONS,
    HY_M_TLS_FAILURES,
    HY_M_TLS_REPORTS,
    HY_M_TLS_UNCOUNTED,
    HY_M_LANES,
    HY_M_LANES_SUSPENDED,
    HY_M_LANES_HELD,
    HY_M_LANES_SLOWED,
    HY_M_SITE_CONNECTIONS,
    HY_M_SITE_WINDOW,
    HY_M_SITE_WAITING,
    HY_M_SITE_RATE,
    HY_M_SITE_SUSPENDED,

    HY_M_SOURCE_STATE,
    HY_M_SOURCE_CONNECTIONS,
    HY_M_SOURCE_ATTEMPTS,
    HY_M_WARMUP_DAY,
    HY_M_WARMUP_LIMIT,
    HY_M_WARMUP_SENT,
    HY_M_WARMUP_COMPLAINTS,

    HY_M_SUBMISSION_CONNECTIONS,
    HY_M_SUBMISSION_CONNECTS,
    HY_M_SUBMISSION_TURNED_AWAY,
    HY_M_SUBMISSION_LOGINS,
    HY_M_SUBMISSION_MESSAGES,
    HY_M_SUBMISSION_RECIPIENTS,
    HY_M_SUBMISSION_BYTES,
    HY_M_SUBMISSION_REFUSED,

    HY_M_API_CONNECTIONS,
    HY_M_API_CONNECTS,
    HY_M_API_TURNED_AWAY,
    HY_M_API_REQUESTS,
    HY_M_API_SECONDS,
    HY_M_API_REFUSED,
    HY_M_API_MESSAGES,
    HY_M_API_RECIPIENTS,
    HY_M_API_BYTES,

    HY_M_INTAKE_MAILS,
    HY_M_INTAKE_ACTIVITIES,
    HY_M_INTAKE_SUPPRESSED,
    HY_M_INTAKE_WAITING,
    HY_M_INTAKE_CONNECTIONS,
    HY_M_INTAKE_CONNECTS,
    HY_M_INTAKE_TURNED_AWAY,

    HY_M_OPEN_DOMAINS,
    HY_M_OPEN_DOMAINS_MAX,
    HY_M_DNS_LOOKUPS,
    HY_M_DNS_QUESTIONS,
    HY_M_DNS_CACHE_HITS,
    HY_M_DNS_FAILURES,
    HY_M_DNS_WAITING,
    HY_M_DNS_CACHE_ENTRIES,
    HY_M_IN_HAND,
    HY_M_INFLIGHT,
    HY_M_INFLIGHT_MAX,

    HY_M_PRESS_WAITING,
    HY_M_PRESS_BYTES,
    HY_M_PRESSED,
    HY_M_PRESS_CPU,
    HY_M_SIGNATURES,

    HY_M_COMMIT_SECONDS,
    HY_M_FAILED_COMMITS,
    HY_M_APPLY_SECONDS,
    HY_M_WRITER_REQUESTS,
    HY_M_WRITER_WAITING,
    HY_M_WRITER_LAG,
    HY_M_STORE_STATE,
    HY_M_STORE_BYTES,
    HY_M_STORE_FREE,
    HY_M_STORE_MAP,
    HY_M_DISK_FREE,
    HY_M_STORE_READERS,
    HY_M_STORE_READERS_MAX,
    HY_M_STORE_ENTRIES,

    HY_M_EVENTS_SENT,
    HY_M_EVENTS_FAILURES,
    HY_M_EVENTS_STATE,
    HY_M_EVENTS_LAG,

    HY_M_LOG_LINES,
    HY_M_LOG_DROPPED,
    HY_M_SCRAPE_SECONDS,
    HY_METRICS,
};

struct hy_metric_row {
    const char *name; /* counters end in _total */
    enum hy_metric_type type;
    const char *labels; /* "provider,outcome"; "" = none */
    const char *help;   /* one line, English */
    const char *help_ja;
};
extern const struct hy_metric_row hy_metrics[HY_METRICS];

const char *hy_metric_type_name(enum hy_metric_type t);
/* Appends docs/metrics.md. */
void hy_metrics_doc(struct hy_buf *out);
