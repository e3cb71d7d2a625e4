/* Boot, reload and end of everything behind the daemon's faces.
 *
 * Order: config, store, in-flight table, recovery of what a crash left in doubt, writer, delivery.
 * The end is the reverse; each step may find the ones behind it missing. */
#include "daemon.h"
#include "dsn_sender.h"
#include "handoff_sender.h"
#include "maildrop.h"
#include "opt_in_sender.h"
#include "tenant_sender.h"
#include "tls_sender.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hayauma/base/log.h"
#include "hayauma/config/scoring.h"
#include "hayauma/daemon/import_job.h"
#include "hayauma/react/react.h"
#include "hayauma/receive/receive.h"
#include "hayauma/web/track.h"
#include "hayauma/web/web.h"

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 64 ? 64 : (unsigned)n;
}

/* One I/O thread carries some fifty thousand messages a second: half the processors are plenty. */
static unsigned worker_count(const struct hy_config *c)
{
    return c->delivery.workers ? c->delivery.workers : (processors() + 1) / 2;
}

static unsigned press_count(const struct hy_config *c)
{
    return c->delivery.press_threads ? c->delivery.press_threads : processors();
}

/* Connections are descriptors: as many as the system lets us have, and a word when that is too few.
 * The rest is for the store, the resolver, the control socket and files being read. */
static void raise_descriptors(const struct hy_config *c)
{
    enum { OTHERS = 512 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (soft < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        hy_log(HY_LOG_WARNING, "boot", "the limit of open files stays at %lu: %s", soft,
               strerror(errno));
        limit.rlim_cur = soft;
    }
    if (limit.rlim_cur < c->delivery.max_connections + OTHERS)
        hy_log(HY_LOG_WARNING, "boot",
               "at most %lu files may be open: delivery.max_connections %u cannot be reached; "
               "raise the limit (LimitNOFILE=) to %u",
               limit.rlim_cur, c->delivery.max_connections, c->delivery.max_connections + OTHERS);
}

enum { CLAIMS_MAX = 65536 /* mails on their way at once whose leads a cap counts */ };

static int open_store(struct hy_daemon *d, struct hy_diag *diag)
{
    const struct hy_config *c = d->config;
    struct hy_env_options env = {
        .data_dir = c->paths.data_dir,
        .mode = HY_ENV_OWNER,
        .node = c->node.id,
        .max_readers = c->store.readers_max,
        .map_bytes = c->store.map_max_bytes,
        .min_free_bytes = c->store.min_free_bytes,
    };
    int err = hy_env_open(&env, &d->env, diag);
    if (err == HY_OK) {
        suppression_apply(d, c);
        err = hy_inflight_open(c->paths.data_dir, c->delivery.in_flight_max, worker_count(c),
                               &d->inflight, diag);
    }
    if (err == HY_OK)
        err = hy_contacts_open(c->paths.data_dir, CLAIMS_MAX, &d->contacts, diag);
    if (err != HY_OK)
        return err;
    enum hy_doubt_policy policy =
        c->delivery.in_doubt == HY_IN_DOUBT_HOLD ? HY_DOUBT_HOLD : HY_DOUBT_RESEND;
    dsn_sender_apply(d, c); /* recovery settles */
    err = hy_recover(d->env, d->inflight, policy, &d->recovery);
    if (err != HY_OK)
        return hy_fail(diag, err, "recovery failed: %s", hy_err_text(err));
    const struct hy_recovery *r = &d->recovery;
    if (r->seen)
        hy_log(HY_LOG_WARNING, "boot",
               "the last run did not end in order: %u messages were on the wire; %u had their "
               "reply, %u are in doubt and are %s, %u were stored already, %u damaged, %u unknown",
               r->seen, r->applied, r->in_doubt,
               policy == HY_DOUBT_HOLD ? "held for a decision" : "sent again", r->stale, r->damaged,
               r->missing);
    struct hy_writer_options w = {
        .commit_interval_ms = (unsigned)(c->store.commit_interval_us / HY_US_PER_MS),
        .commit_count = c->store.commit_max,
    };
    err = hy_writer_start(d->env, &w, &d->writer);
    return err == HY_OK ? err : hy_fail(diag, err, "the writer cannot start: %s", hy_err_text(err));
}

/* Tokens come from the shared secret file when there is one, else from the store's own. */
static int make_tokens(struct hy_daemon *d, struct hy_diag *diag)
{
    uint8_t secret[HY_SECRET_BYTES];
    int err = HY_OK;
    struct hy_str s = hy_str_make(hy_env_secret(d->env), HY_STORE_SECRET_LEN);
    if (d->config->tracking.secret_file[0]) {
        err = hy_secret_load(d->config->tracking.secret_file, secret, diag);
        s = hy_str_make(secret, sizeof secret);
    }
    if (err == HY_OK)
        err = hy_token_keys_add(&d->tokens, 0, s);
    explicit_bzero(secret, sizeof secret);
    return err == HY_OK ? err : hy_fail(diag, err, "tokens: %s", hy_err_text(err));
}

bool daemon_is_loopback(const struct hy_sockaddr *a)
{
    return hy_sockaddr_family(a) == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr)
                                             : ntohl(a->in4.sin_addr.s_addr) >> 24 == 127;
}

/* Anybody on the way to a resolver elsewhere could claim that an answer is proven. The servers of
 * /etc/resolv.conf are not ours to judge. */
static bool trusts_dnssec(const struct hy_config *c)
{
    if (c->dns.validating != HY_VALIDATING_AUTO)
        return c->dns.validating == HY_VALIDATING_YES;
    for (size_t i = 0; i < c->dns.servers.n; i++)
        if (!daemon_is_loopback(&c->dns.servers.items[i]))
            return false;
    return c->dns.servers.n > 0;
}

static int make_own_names(struct hy_daemon *d)
{
    const struct hy_config *c = d->boot_config;
    size_t n = c->dns.hosts_as_self.n;
    d->own_names = calloc(n + 1, sizeof *d->own_names);
    if (!d->own_names)
        return HY_ENOMEM;
    d->own_names[0] = hy_str_of(c->node.hostname);
    for (size_t i = 0; i < n; i++)
        d->own_names[i + 1] = hy_str_of(c->dns.hosts_as_self.items[i]);
    return HY_OK;
}

void daemon_dns_settings(const struct hy_daemon *d, struct hy_resolver_settings *s)
{
    const struct hy_config *c = d->boot_config;
    hy_resolver_settings_init(s);
    s->servers = c->dns.servers.items;
    s->n_servers = c->dns.servers.n;
    s->own_names = d->own_names;
    s->n_own_names = c->dns.hosts_as_self.n + 1;
    s->timeout_ms = (uint32_t)(c->dns.timeout_us / HY_US_PER_MS);
    s->tries = c->dns.tries;
    s->cache_entries = c->dns.cache_max;
    s->families = c->dns.family;
    s->allow_local = c->dns.allow_local;
    s->trust_ad = trusts_dnssec(c);
}

static int open_delivery(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag)
{
    const struct hy_config *c = d->config;
    struct hy_deliver_policy *policy = NULL;
    int err = policy_make(d, d->config, problems, &policy);
    if (err != HY_OK) {
        return hy_fail(diag, err, "the configuration cannot be used: %s",
                       problems->n ? problems->items[0].text : hy_err_text(err));
    }
    struct hy_deliver_settings s = {
        .workers = worker_count(c),
        .press_threads = press_count(c),
        .smtp_port = c->delivery.smtp_port,
        .press_memory_bytes = c->delivery.press_memory_bytes,
        .open_domains = c->delivery.open_domains,
        .rows_ahead = c->delivery.rows_ahead,
        .load = plan_load,
        .load_ctx = d,
        .contacts = d->contacts,
        .on_surge = brakes_on_surge,
        .on_unsendable = brakes_on_unsendable,
        .brakes_ctx = d,
    };
    struct hy_https_options https = {.ca_file = c->tls.ca_file};
    err = hy_https_create(&https, diag, &d->https);
    s.tls = (struct hy_deliver_tls){.https = d->https,
                                    .ca_file = c->tls.ca_file,
                                    .mta_sts_port = c->tls.mta_sts_port,
                                    .wait_us = c->tls.mta_sts_wait_us,
                                    .probe = c->dns.probe};
    if (err == HY_OK)
        err = make_own_names(d);
    if (err == HY_OK)
        daemon_dns_settings(d, &s.dns);
    policy = orders_policy(d, policy);
    if (err == HY_OK && !policy)
        err = HY_ENOMEM;
    if (err == HY_OK)
        err = hy_deliver_create(&s, policy, d->env, d->writer, d->inflight, diag, &d->deliver);
    else
        hy_deliver_policy_unref(policy);
    if (err == HY_OK)
        err = hy_deliver_start(d->deliver, diag);
    return err;
}

static int open_events(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag)
{
    struct hy_events_policy *policy = NULL;
    int err = events_policy(d->config, problems, &policy);
    if (err != HY_OK)
        return hy_fail(diag, err, "the configuration cannot be used: %s",
                       problems->n ? problems->items[problems->n - 1].text : hy_err_text(err));
    return events_apply(d, policy, diag);
}

int daemon_open(struct hy_daemon *d, struct hy_diag *diag)
{
    pthread_mutex_init(&d->plan_lock, NULL);
    d->plan_config = hy_config_ref(d->config);
    d->boot_config = hy_config_ref(d->config);
    raise_descriptors(d->config);
    int err = open_store(d, diag);
    if (err == HY_OK)
        err = make_tokens(d, diag);
    if (err == HY_OK)
        err = orders_load(d, diag);
    struct hy_problems problems = {0};
    if (err == HY_OK)
        err = open_delivery(d, &problems, diag);
    if (err == HY_OK)
        err = hy_import_jobs_new(d->env, d->writer, &d->imports);
    if (err == HY_OK)
        err = tls_sender_new(d, &d->tls_sender);
    if (err == HY_OK)
        err = dsn_sender_start(d, &d->dsn_sender);
    if (err == HY_OK)
        err = tenant_sender_start(d, &d->tenant_sender);
    if (err == HY_OK)
        err = opt_in_sender_start(d, &d->opt_in_sender);
    if (err == HY_OK)
        err = maildrop_start(d, &d->maildrop);
    if (err == HY_OK)
        err = submission_open(d, &problems, diag);
    if (err == HY_OK)
        err = api_open(d, &problems, diag);
    if (err == HY_OK)
        err = tracking_open(d, &problems, diag);
    if (err == HY_OK)
        err = intake_open(d, &problems, diag);
    if (err == HY_OK)
        err = reaction_open(d, &problems, diag);
    if (err == HY_OK)
        err = handoff_sender_start(d, &d->handoff_sender);
    if (err == HY_OK)
        err = open_events(d, &problems, diag);
    if (err == HY_OK)
        observer_faces(&d->observer, &(struct observer_faces){.receive = d->receive,
                                                              .web = d->web,
                                                              .track = d->track,
                                                              .hits = d->hits,
                                                              .intake = d->intake,
                                                              .returns = d->intake_receive});
    if (problems.n)
        hy_problems_print(&problems, stderr);
    hy_problems_free(&problems);
    return err;
}

void daemon_log_attempts(struct hy_daemon *d)
{
    struct attempt_log_options o = {.deliver = d->deliver,
                                    .tokens = &d->tokens,
                                    .hostname = d->config->node.hostname,
                                    .to = d->config->log.attempts,
                                    .lines = &d->attempt_lines};
    attempt_log_apply(&d->attempts, &o);
}

void daemon_stop(struct hy_daemon *d)
{
    observer_ending(&d->observer);
    observer_faces(&d->observer, &(struct observer_faces){0});
    hy_web_close(d->web); /* while the writer runs */
    d->web = NULL;
    tracking_close(d);            /* likewise */
    hy_receive_close(d->receive); /* likewise */
    d->receive = NULL;
    intake_close(d);
    while (atomic_load(&d->store_jobs[CTL_JOB_SEND])) /* a file is read, and no more come */
        usleep(10000);
    while (atomic_load(&d->store_jobs[CTL_JOB_INTAKE]))
        usleep(1000);
    intake_stop(d);
    atomic_store(&d->alters_ending, true); /* they use delivery and the writer: at most a slice */
    while (atomic_load(&d->store_jobs[CTL_JOB_ALTER]) || atomic_load(&d->store_jobs[CTL_JOB_ACT]))
        usleep(1000);
    hy_import_jobs_free(d->imports); /* while the writer runs */
    d->imports = NULL;
    maildrop_stop(d->maildrop); /* likewise */
    d->maildrop = NULL;
    opt_in_sender_stop(d->opt_in_sender);
    d->opt_in_sender = NULL;
    handoff_sender_stop(d->handoff_sender);
    d->handoff_sender = NULL;
    tenant_sender_stop(d->tenant_sender);
    d->tenant_sender = NULL;
    dsn_sender_stop(d->dsn_sender);
    d->dsn_sender = NULL;
    orders_stop(d);
    tls_sender_stop(d->tls_sender);
    hy_https_stop(d->https);
    if (d->deliver) {
        uint64_t cut = hy_deliver_stop(d->deliver, d->config->delivery.drain_timeout_us);
        if (cut)
            hy_log(HY_LOG_WARNING, "stop",
                   "%lu messages had no reply to their final dot: they are in doubt", cut);
    }
    observer_close(&d->observer);
    hy_events_stop(d->events); /* while the writer runs; what it did not get to waits in the logs */
    d->events = NULL;
    segments_stop(d);        /* likewise */
    hy_react_stop(d->react); /* likewise */
    d->react = NULL;
    if (d->writer) {
        hy_writer_stop(d->writer);
        d->writer = NULL;
    }
    tls_sender_free(d->tls_sender);
    d->tls_sender = NULL;
    attempt_log_close(d->attempts);
    d->attempts = NULL;
}

void daemon_close(struct hy_daemon *d)
{
    hy_deliver_free(d->deliver);
    orders_close(d);
    hy_https_free(d->https);
    hy_hits_close(d->hits);
    if (d->inflight)
        hy_inflight_close(d->inflight);
    hy_contacts_close(d->contacts);
    if (d->env)
        hy_env_close(d->env);
    hy_scoring_free(d->scoring);
    hy_config_unref(d->plan_config);
    hy_config_unref(d->config);
    hy_config_unref(d->boot_config);
    free(d->own_names);
    explicit_bzero(&d->tokens, sizeof d->tokens);
    pthread_mutex_destroy(&d->plan_lock);
}

int daemon_reload(struct hy_daemon *d, struct hy_problems *problems, struct hy_buf *ret_restart)
{
    struct hy_config *fresh = NULL;
    attempt_log_reopen(d->attempts); /* also when the rest is refused: logs are rotated */
    int err = hy_config_load(d->config_path, problems, &fresh);
    if (err != HY_OK) {
        hy_count_add(&d->observer.failed_reloads, 1);
        return err;
    }
    struct hy_deliver_policy *policy = NULL;
    struct hy_receive_policy *receive = NULL, *intake = NULL;
    struct hy_web_policy *web = NULL;
    struct hy_track_policy *track = NULL;
    struct hy_events_policy *events = NULL;
    struct hy_react_policy *react = NULL;
    struct hy_scoring *scoring = NULL;
    err = policy_make(d, fresh, problems, &policy);
    if (err == HY_OK)
        err = submission_policy(d, fresh, problems, &receive);
    if (err == HY_OK)
        err = intake_policy(d, fresh, problems, &intake);
    if (err == HY_OK)
        err = api_policy(fresh, problems, &web);
    if (err == HY_OK)
        err = tracking_policy(fresh, problems, &track);
    if (err == HY_OK)
        err = events_policy(fresh, problems, &events);
    if (err == HY_OK)
        err = reaction_policy(d, fresh, problems, &scoring, &react);
    if (err != HY_OK) {
        hy_deliver_policy_unref(policy);
        hy_receive_policy_unref(receive);
        hy_receive_policy_unref(intake);
        hy_web_policy_unref(web);
        if (events)
            hy_events_policy_unref(events);
        hy_track_policy_unref(track);
        hy_count_add(&d->observer.failed_reloads, 1);
        hy_config_unref(fresh);
        return err;
    }
    hy_config_restart_keys(d->boot_config, fresh, ret_restart);
    suppression_apply(d, fresh);
    hy_log_setup(fresh->log.target, fresh->log.level);
    orders_reload(d, policy);
    if (receive && d->receive)
        hy_receive_reload(d->receive, receive);
    else
        hy_receive_policy_unref(receive);
    if (web && d->web)
        hy_web_reload(d->web, web);
    else
        hy_web_policy_unref(web);
    if (d->hits)
        hy_hits_set_join_back(d->hits, fresh->web_tag.join_back_us / 1000);
    if (track && d->track)
        hy_track_reload(d->track, track);
    else
        hy_track_policy_unref(track);
    intake_reload(d, fresh, intake);
    reaction_reload(d, scoring, react);
    struct hy_diag diag = {""};
    if (events_apply(d, events, &diag) != HY_OK)
        hy_log(HY_LOG_ERROR, "events", "%s", diag.text);
    pthread_mutex_lock(&d->plan_lock);
    struct hy_config *old = d->plan_config;
    d->plan_config = hy_config_ref(fresh);
    pthread_mutex_unlock(&d->plan_lock);
    hy_config_unref(old);
    hy_config_unref(d->config);
    d->config = fresh;
    hy_deliver_campaign_changed(d->deliver, 0);
    hy_count_add(&d->observer.reloads, 1);
    hy_count_set(&d->observer.loaded_ms, (uint64_t)hy_clock_wall_ms());
    dsn_sender_apply(d, fresh);
    observer_apply(&d->observer, fresh);
    daemon_log_attempts(d);
    return HY_OK;
}
