/* An answer to /metrics: gathers what the parts of the daemon say of themselves. The server's
 * thread; nothing here holds a lock that delivery waits for. */
#include "daemon.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "dsn_sender.h"
#include "expo.h"
#include "hayauma/deliver/meter.h"
#include "hayauma/receive/receive.h"
#include "hayauma/store/suppress.h"
#include "metrics_events.h"
#include "metrics_faces.h"
#include "metrics_lanes.h"
#include "metrics_reaction.h"
#include "metrics_scores.h"
#include "metrics_sources.h"
#include "metrics_spool.h"
#include "metrics_tenants.h"
#include "tls_sender.h"

#define LABEL(n, v)                                                                                \
    (struct expo_label)                                                                            \
    {                                                                                              \
        (n), (v)                                                                                   \
    }
#define LABELS(a) (a), sizeof(a) / sizeof *(a)

static void one_label(struct expo *e, enum hy_metric m, const char *name, const char *value,
                      double v)
{
    struct expo_label l = {name, hy_str_of(value)};
    expo_sample(e, m, &l, 1, v);
}

/* ---- the process ---- */

static unsigned open_fds(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n > 3 ? n - 3 : 0; /* ".", "..", and the one that reads */
}

static void put_memory(struct expo *e)
{
    unsigned long rss = 0, anonymous = 0;
    char line[256];
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "VmRSS: %lu kB", &rss) != 1)
            (void)sscanf(line, "RssAnon: %lu kB", &anonymous);
    }
    if (f)
        fclose(f);
    expo_one(e, HY_M_RESIDENT, (double)rss * 1024);
    expo_one(e, HY_M_ANONYMOUS, (double)anonymous * 1024);
}

static void put_process(struct expo *e, struct observer *o)
{
    struct rlimit limit;
    expo_head(e, HY_M_BUILD_INFO);
    one_label(e, HY_M_BUILD_INFO, "version", HY_VERSION, 1);
    expo_one(e, HY_M_START_TIME, (double)o->d->started / 1000);
    expo_one(e, HY_M_READY, observer_trouble(o) == NULL);
    expo_one(e, HY_M_CPU, (double)hy_clock_cpu_us() / 1e6);
    put_memory(e);
    expo_one(e, HY_M_OPEN_FDS, open_fds());
    expo_one(e, HY_M_MAX_FDS, getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : 0);
    expo_head(e, HY_M_RELOADS);
    one_label(e, HY_M_RELOADS, "result", "ok", (double)hy_count_read(&o->reloads));
    one_label(e, HY_M_RELOADS, "result", "failed", (double)hy_count_read(&o->failed_reloads));
    expo_one(e, HY_M_LAST_RELOAD, (double)hy_count_read(&o->loaded_ms) / 1000);
}

/* ---- the queue ---- */

enum { CAMPAIGN_STATES = HY_CAMPAIGN_DONE + 1 };

struct queue_sum {
    uint64_t pending[HY_RCPT_DELIVERED]; /* fresh, deferred, held */
    uint64_t campaigns[CAMPAIGN_STATES];
    uint64_t open;                     /* fresh, of those that may be sent now */
    uint64_t waiting[HY_WAIT_REASONS]; /* campaigns */
    uint64_t paused[HY_BRAKES];        /* campaigns, by what paused them */
    hy_id *newest;                     /* of those being sent: a ring */
    size_t n_newest, most;
};

static void sum_waiting(struct hy_deliver *d, const struct hy_campaign *c, uint64_t fresh,
                        struct queue_sum *s)
{
    struct hy_campaign_wait w;
    if (!hy_campaign_sends(c->state))
        return;
    if (hy_deliver_wait_of(d, c->id, &w))
        s->waiting[w.what]++;
    else
        s->open += fresh;
}

static int sum_campaigns(struct hy_deliver *d, struct hy_txn *t, struct queue_sum *s)
{
    struct hy_campaign c;
    struct hy_campaign_progress p;
    hy_id after = 0;
    int err;
    while ((err = hy_campaign_next(t, after, &c)) == HY_OK) {
        after = c.id;
        if ((unsigned)c.state < CAMPAIGN_STATES)
            s->campaigns[c.state]++;
        if (c.state == HY_CAMPAIGN_PAUSED && (unsigned)c.brake < HY_BRAKES)
            s->paused[c.brake]++;
        if (c.state == HY_CAMPAIGN_DRAFT || c.state == HY_CAMPAIGN_DONE)
            continue;
        err = hy_campaign_progress(t, c.id, &p);
        if (err != HY_OK)
            return err;
        for (unsigned i = 0; i < HY_RCPT_DELIVERED; i++)
            s->pending[i] += p.ledger.by_state[i];
        sum_waiting(d, &c, p.ledger.by_state[HY_RCPT_FRESH], s);
        if (s->most && hy_campaign_sends(c.state))
            s->newest[s->n_newest++ % s->most] = c.id;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static void put_campaign(struct expo *e, struct hy_txn *t, hy_id id)
{
    struct hy_campaign c;
    struct hy_campaign_progress p;
    if (hy_campaign_get(t, id, &c) != HY_OK || hy_campaign_progress(t, id, &p) != HY_OK)
        return;
    for (unsigned i = 0; i < HY_RCPT_STATES; i++) {
        struct expo_label l[] = {LABEL("campaign", c.name),
                                 LABEL("state", hy_str_of(hy_rcpt_state_name(i)))};
        expo_sample(e, HY_M_CAMPAIGN_RECIPIENTS, LABELS(l), (double)p.ledger.by_state[i]);
    }
}

static void put_suppressions(struct expo *e, struct hy_txn *t)
{
    struct hy_suppress_counts n;
    if (hy_suppress_counts(t, &n) != HY_OK)
        return;
    expo_head(e, HY_M_SUPPRESSIONS);
    for (int r = 1; r < HY_SUPPRESS_REASONS; r++)
        one_label(e, HY_M_SUPPRESSIONS, "reason",
                  hy_suppress_reason_name((enum hy_suppress_reason)r), (double)n.by_reason[r]);
}

static void put_queue(struct expo *e, struct observer *o, size_t most)
{
    struct hy_txn t = {0};
    struct queue_sum s = {.most = most, .newest = calloc(most + 1, sizeof *s.newest)};
    if (!s.newest)
        s.most = 0;
    if (hy_txn_read(o->d->env, &t) == HY_OK && sum_campaigns(o->d->deliver, &t, &s) == HY_OK) {
        expo_head(e, HY_M_QUEUE);
        for (unsigned i = 0; i < HY_RCPT_DELIVERED; i++)
            one_label(e, HY_M_QUEUE, "state", hy_rcpt_state_name(i), (double)s.pending[i]);
        expo_one(e, HY_M_QUEUE_OPEN, (double)s.open);
        expo_head(e, HY_M_CAMPAIGNS);
        for (unsigned i = 0; i < CAMPAIGN_STATES; i++)
            one_label(e, HY_M_CAMPAIGNS, "state", hy_campaign_state_name(i),
                      (double)s.campaigns[i]);
        expo_head(e, HY_M_CAMPAIGNS_WAITING);
        for (unsigned i = HY_WAIT_HOURS; i < HY_WAIT_REASONS; i++)
            one_label(e, HY_M_CAMPAIGNS_WAITING, "for", hy_wait_for_name(i), (double)s.waiting[i]);
        expo_head(e, HY_M_CAMPAIGNS_PAUSED);
        for (unsigned i = 0; i < HY_BRAKES; i++)
            one_label(e, HY_M_CAMPAIGNS_PAUSED, "by", i ? hy_campaign_brake_name(i) : "person",
                      (double)s.paused[i]);
        expo_head(e, HY_M_CAMPAIGN_RECIPIENTS);
        for (size_t i = 0; i < s.n_newest && i < s.most; i++)
            put_campaign(e, &t, s.newest[i]);
        put_suppressions(e, &t);
    }
    hy_txn_end(&t);
    free(s.newest);
}

/* ---- delivery ---- */

static double count_of(const _Atomic uint64_t *c)
{
    return (double)atomic_load_explicit(c, memory_order_relaxed);
}

static void put_recipients(struct expo *e, const struct hy_deliver_counters *c)
{
    const struct {
        enum hy_rcpt_state state;
        const _Atomic uint64_t *n;
    } rows[] = {{HY_RCPT_DELIVERED, &c->delivered},
                {HY_RCPT_DEFERRED, &c->deferred},
                {HY_RCPT_BOUNCED, &c->bounced},
                {HY_RCPT_EXPIRED, &c->expired},
                {HY_RCPT_SUPPRESSED, &c->suppressed}};
    expo_head(e, HY_M_RECIPIENTS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        one_label(e, HY_M_RECIPIENTS, "state", hy_rcpt_state_name(rows[i].state),
                  count_of(rows[i].n));
}

/* Only those that were ever seen, but for deliveries: so the number of series stays small. */
static void put_attempts(struct expo *e, const struct hy_deliver_sum *s)
{
    expo_head(e, HY_M_ATTEMPTS);
    for (unsigned p = 0; p < s->n_providers; p++)
        for (unsigned k = 0; k < HY_METER_OUTCOMES; k++)
            for (unsigned c = 0; c < HY_REPLY_CLASSES; c++) {
                uint64_t n = s->providers[p].attempts[k][c];
                if (n == 0 && (k || c != HY_REPLY_2XX))
                    continue;
                struct expo_label l[] = {
                    LABEL("provider", hy_str_of(s->providers[p].name)),
                    LABEL("outcome", hy_str_of(hy_outcome_kind_name(HY_OUTCOME_DELIVERED + k))),
                    LABEL("reply", hy_str_of(hy_reply_class_name(c)))};
                expo_sample(e, HY_M_ATTEMPTS, LABELS(l), (double)n);
            }
}

static void put_times(struct expo *e, const struct hy_deliver_sum *s)
{
    expo_head(e, HY_M_PHASE_SECONDS);
    for (unsigned i = 0; i < HY_METER_PHASES; i++) {
        struct expo_label l = LABEL("phase", hy_str_of(hy_meter_phase_name(i)));
        expo_histogram(e, HY_M_PHASE_SECONDS, &l, 1, &s->phases[i]);
    }
    expo_head(e, HY_M_PROVIDER_SECONDS);
    for (unsigned i = 0; i < s->n_providers; i++) {
        struct expo_label l = LABEL("provider", hy_str_of(s->providers[i].name));
        expo_summary(e, HY_M_PROVIDER_SECONDS, &l, 1, (double)s->providers[i].message_us / 1e6,
                     s->providers[i].messages);
    }
    expo_head(e, HY_M_QUEUED_SECONDS);
    expo_histogram(e, HY_M_QUEUED_SECONDS, NULL, 0, &s->queued);
}

static void put_recovery(struct expo *e, const struct hy_recovery *r)
{
    expo_head(e, HY_M_BOOT_DOUBT);
    one_label(e, HY_M_BOOT_DOUBT, "result", "applied", r->applied);
    one_label(e, HY_M_BOOT_DOUBT, "result", "in_doubt", r->in_doubt);
    one_label(e, HY_M_BOOT_DOUBT, "result", "stale", r->stale);
    one_label(e, HY_M_BOOT_DOUBT, "result", "damaged", r->damaged);
    one_label(e, HY_M_BOOT_DOUBT, "result", "missing", r->missing);
}

static void put_connections(struct expo *e, const struct observer_limits *limits,
                            const struct hy_deliver_counters *c, const struct hy_deliver_sum *s)
{
    expo_one(e, HY_M_CONNECTIONS, (double)s->connections);
    expo_one(e, HY_M_CONNECTIONS_MAX, limits->max_connections);
    expo_one(e, HY_M_CONNECTS, count_of(&c->connects));
    expo_one(e, HY_M_CONNECT_FAILURES, count_of(&c->connect_failures));
    expo_one(e, HY_M_PROXY_FAILURES, count_of(&c->proxy_failures));
    expo_head(e, HY_M_TLS_CONNECTIONS);
    for (unsigned v = 0; v < HY_METER_TLS_VERSIONS; v++)
        for (unsigned r = 0; r < 2; r++) {
            struct expo_label l[] = {LABEL("version", hy_str_of(hy_meter_tls_names[v])),
                                     LABEL("resumed", r ? HY_STR("yes") : HY_STR("no"))};
            expo_sample(e, HY_M_TLS_CONNECTIONS, LABELS(l), (double)s->tls[v][r]);
        }
    expo_one(e, HY_M_TLS_FAILURES, count_of(&c->tls_failures));
}

static void put_tls_reports(struct expo *e, const struct tls_sender *sender)
{
    static const struct hy_str ways[] = {HY_STR("mail"), HY_STR("https")};
    uint64_t sent[2], failed[2];
    tls_sender_counts(sender, sent, failed);
    expo_head(e, HY_M_TLS_REPORTS);
    for (unsigned i = 0; i < 2; i++) {
        struct expo_label good[] = {LABEL("way", ways[i]), LABEL("result", HY_STR("sent"))};
        struct expo_label bad[] = {LABEL("way", ways[i]), LABEL("result", HY_STR("failed"))};
        expo_sample(e, HY_M_TLS_REPORTS, LABELS(good), (double)sent[i]);
        expo_sample(e, HY_M_TLS_REPORTS, LABELS(bad), (double)failed[i]);
    }
}

static void put_dsn(struct expo *e, const struct dsn_sender *sender)
{
    uint64_t sent, given_up;
    dsn_sender_counts(sender, &sent, &given_up);
    expo_head(e, HY_M_DSN_REPORTS);
    struct expo_label good[] = {LABEL("result", HY_STR("sent"))};
    struct expo_label bad[] = {LABEL("result", HY_STR("given_up"))};
    expo_sample(e, HY_M_DSN_REPORTS, LABELS(good), (double)sent);
    expo_sample(e, HY_M_DSN_REPORTS, LABELS(bad), (double)given_up);
}

static void put_dns(struct expo *e, const struct hy_deliver_sum *s)
{
    expo_one(e, HY_M_DNS_LOOKUPS, (double)s->dns.lookups);
    expo_one(e, HY_M_DNS_QUESTIONS, (double)s->dns.questions);
    expo_one(e, HY_M_DNS_CACHE_HITS, (double)s->dns.cache_hits);
    expo_one(e, HY_M_DNS_FAILURES, (double)s->dns.failures);
    expo_one(e, HY_M_DNS_WAITING, (double)s->dns.waiting);
    expo_one(e, HY_M_DNS_CACHE_ENTRIES, (double)s->dns.cache_entries);
}

static void put_delivery(struct expo *e, struct observer *o, const struct observer_limits *limits)
{
    const struct hy_deliver_counters *c = hy_deliver_counters_of(o->d->deliver);
    struct hy_deliver_sum *s = malloc(sizeof *s);
    if (!s)
        return;
    hy_deliver_meter_read(o->d->deliver, s);
    put_recipients(e, c);
    put_attempts(e, s);
    expo_one(e, HY_M_RETURNED, count_of(&c->returned));
    expo_one(e, HY_M_IN_DOUBT, (double)s->in_doubt);
    put_recovery(e, &o->d->recovery);
    expo_one(e, HY_M_SENT_BYTES, count_of(&c->bytes_sent));
    put_times(e, s);
    put_connections(e, limits, c, s);
    put_tls_reports(e, o->d->tls_sender);
    put_dsn(e, o->d->dsn_sender);
    expo_one(e, HY_M_TLS_UNCOUNTED, count_of(&c->tls_uncounted));
    expo_one(e, HY_M_LANES, (double)s->lanes);
    if (atomic_load(&o->is_ready)) {
        metrics_put_lanes(e, o->d->deliver, limits->sites);
        metrics_put_sources(e, o->d->deliver);
        metrics_put_events(e, o->d);
        metrics_put_reaction(e, o->d);
        metrics_put_scores(e, o->d);
    }
    expo_one(e, HY_M_OPEN_DOMAINS, count_of(&c->domains_open));
    expo_one(e, HY_M_OPEN_DOMAINS_MAX, limits->open_domains);
    put_dns(e, s);
    expo_one(e, HY_M_IN_HAND, (double)s->in_hand);
    expo_one(e, HY_M_INFLIGHT, hy_inflight_used(o->d->inflight));
    expo_one(e, HY_M_INFLIGHT_MAX, limits->in_flight_max);
    expo_one(e, HY_M_PRESS_WAITING, (double)s->press_waiting);
    expo_one(e, HY_M_PRESS_BYTES, (double)s->pressed_bytes);
    expo_one(e, HY_M_PRESSED, count_of(&c->pressed));
    expo_one(e, HY_M_PRESS_CPU, count_of(&c->press_cpu_us) / 1e6);
    expo_one(e, HY_M_SIGNATURES, count_of(&c->signed_));
    expo_one(e, HY_M_LOG_LINES, (double)hy_count_read(&o->d->attempt_lines));
    expo_one(e, HY_M_LOG_DROPPED, (double)s->notes_dropped);
    free(s);
}

/* ---- submission ---- */

static double taken(const _Atomic uint64_t *n)
{
    return (double)atomic_load_explicit(n, memory_order_relaxed);
}

static void put_submission(struct expo *e, const struct hy_receive *receive)
{
    const struct hy_receive_counters *c = receive ? hy_receive_counters_of(receive) : NULL;
    if (!c)
        return;
    expo_one(e, HY_M_SUBMISSION_CONNECTIONS, taken(&c->connections_now));
    expo_one(e, HY_M_SUBMISSION_CONNECTS, taken(&c->connections));
    expo_one(e, HY_M_SUBMISSION_TURNED_AWAY, taken(&c->turned_away));
    expo_head(e, HY_M_SUBMISSION_LOGINS);
    one_label(e, HY_M_SUBMISSION_LOGINS, "result", "ok", taken(&c->logins));
    one_label(e, HY_M_SUBMISSION_LOGINS, "result", "failed", taken(&c->login_failures));
    expo_one(e, HY_M_SUBMISSION_MESSAGES, taken(&c->messages));
    expo_one(e, HY_M_SUBMISSION_RECIPIENTS, taken(&c->recipients));
    expo_one(e, HY_M_SUBMISSION_BYTES, taken(&c->bytes));
    expo_head(e, HY_M_SUBMISSION_REFUSED);
    for (unsigned i = 0; i < HY_RECEIVE_REFUSALS; i++)
        one_label(e, HY_M_SUBMISSION_REFUSED, "reason", hy_receive_refusal_name(i),
                  taken(&c->refused[i]));
}

/* Under the lock: what is counted goes with its owner. */
static void put_faces(struct expo *e, struct observer *o)
{
    pthread_mutex_lock(&o->lock);
    put_submission(e, o->faces.receive);
    metrics_put_api(e, &o->faces);
    metrics_put_tracking(e, &o->faces);
    metrics_put_intake(e, &o->faces);
    pthread_mutex_unlock(&o->lock);
}

/* ---- the store ---- */

static void put_writer(struct expo *e, struct hy_writer *writer)
{
    struct hy_writer_stats w;
    hy_writer_stats(writer, &w);
    struct hy_writer_lag lag = hy_writer_lag(writer);
    expo_head(e, HY_M_COMMIT_SECONDS);
    expo_histogram(e, HY_M_COMMIT_SECONDS, NULL, 0, &w.commit_times);
    expo_one(e, HY_M_FAILED_COMMITS, (double)w.failed_commits);
    expo_one(e, HY_M_APPLY_SECONDS, (double)w.apply_us / 1e6);
    expo_head(e, HY_M_WRITER_REQUESTS);
    one_label(e, HY_M_WRITER_REQUESTS, "result", "applied", (double)w.applied);
    one_label(e, HY_M_WRITER_REQUESTS, "result", "failed", (double)w.failed);
    expo_one(e, HY_M_WRITER_WAITING, (double)lag.queued);
    expo_one(e, HY_M_WRITER_LAG, (double)lag.oldest_us / 1e6);
}

static void put_store(struct expo *e, struct hy_env *env)
{
    struct hy_env_stats s;
    enum hy_env_state now = hy_env_state(env);
    expo_head(e, HY_M_STORE_STATE);
    for (int i = HY_ENV_READY; i <= HY_ENV_FAILED; i++)
        one_label(e, HY_M_STORE_STATE, "state", hy_env_state_name((enum hy_env_state)i),
                  (int)now == i);
    if (hy_env_stats(env, &s) != HY_OK)
        return;
    expo_one(e, HY_M_STORE_BYTES, (double)s.file_bytes);
    expo_one(e, HY_M_STORE_FREE, (double)s.free_bytes);
    expo_one(e, HY_M_STORE_MAP, (double)s.map_bytes);
    expo_one(e, HY_M_DISK_FREE, (double)s.disk_free_bytes);
    expo_one(e, HY_M_STORE_READERS, s.readers);
    expo_one(e, HY_M_STORE_READERS_MAX, s.max_readers);
    expo_one(e, HY_M_DSN_PENDING, (double)s.entries[HY_TABLE_DSN_DUE]);
    expo_head(e, HY_M_STORE_ENTRIES);
    for (int i = 0; i < HY_TABLE_COUNT; i++)
        one_label(e, HY_M_STORE_ENTRIES, "table", hy_table_name((enum hy_table)i),
                  (double)s.entries[i]);
}

void metrics_answer(struct observer *o, bool is_open_metrics, struct hy_buf *out)
{
    struct expo e = {.out = out, .is_open_metrics = is_open_metrics};
    hy_us began = hy_clock_us();
    pthread_mutex_lock(&o->lock);
    struct observer_limits limits = o->limits;
    pthread_mutex_unlock(&o->lock);
    put_process(&e, o);
    put_queue(&e, o, limits.campaigns);
    metrics_put_spools(&e, o->d->env);
    metrics_put_tenants(&e, o->d);
    put_delivery(&e, o, &limits);
    put_faces(&e, o);
    put_writer(&e, o->d->writer);
    put_store(&e, o->d->env);
    expo_one(&e, HY_M_SCRAPE_SECONDS, (double)(hy_clock_us() - began) / 1e6);
    expo_end(&e);
}
