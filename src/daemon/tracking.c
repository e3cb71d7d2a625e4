/* From a config to what the tracking server goes by, and its place in the life of the daemon. */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hayauma/base/log.h"
#include "hayauma/config/web_tag.h"
#include "hayauma/web/track.h"

enum { NOTICE_MAX = 64 << 10 };

/* What a policy stands on; freed with it. */
struct ground {
    struct hy_track_policy policy;
    struct hy_config *config;
    struct hy_network *networks;
    struct hy_str *sites;
    struct hy_track_key_page *key_pages;
    struct hy_web_companies companies, relays;
    struct hy_buf notice[HY_NOTICE_LANGS];
};

static void release(struct hy_track_policy *p)
{
    struct ground *g = p->owner;
    hy_tls_unref(p->tls);
    hy_config_unref(g->config);
    free(g->networks);
    free(g->sites);
    free(g->key_pages);
    hy_web_companies_free(&g->companies);
    hy_web_companies_free(&g->relays);
    for (int i = 0; i < HY_NOTICE_LANGS; i++)
        hy_buf_free(&g->notice[i]);
    free(g);
}

static int load_networks(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    struct hy_diag diag = {""};
    int err = daemon_networks(&c->tracking.trusted_proxies, &g->networks, &diag);
    if (err != HY_OK)
        return daemon_config_fault(c, problems, "tracking.trusted_proxies", err, &diag);
    g->policy.proxies = g->networks;
    g->policy.n_proxies = c->tracking.trusted_proxies.n;
    return HY_OK;
}

static int load_sites(const struct hy_config *c, struct ground *g)
{
    size_t n = c->tracking.sites.n;
    g->sites = calloc(n + 1, sizeof *g->sites);
    if (!g->sites)
        return HY_ENOMEM;
    for (size_t i = 0; i < n; i++)
        g->sites[i] = hy_str_of(c->tracking.sites.items[i]);
    g->policy.sites = g->sites;
    g->policy.n_sites = n;
    return HY_OK;
}

static int load_key_pages(const struct hy_config *c, struct ground *g)
{
    const struct hy_pairs *pages = &c->web_tag.key_pages;
    g->key_pages = calloc(pages->n + 1, sizeof *g->key_pages);
    if (!g->key_pages)
        return HY_ENOMEM;
    for (size_t i = 0; i < pages->n; i++)
        g->key_pages[i] = (struct hy_track_key_page){pages->items[i].name, pages->items[i].value};
    g->policy.key_pages = g->key_pages;
    g->policy.n_key_pages = pages->n;
    return HY_OK;
}

static int load_companies(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    struct hy_diag diag = {""};
    int err = hy_web_companies_load(c, &g->companies, &diag);
    g->policy.companies = g->companies.table;
    return err == HY_OK ? err : daemon_config_fault(c, problems, "web_tag.companies", err, &diag);
}

static int load_relays(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    struct hy_diag diag = {""};
    int err = hy_privacy_relays_load(c, &g->relays, &diag);
    g->policy.relays = g->relays.table;
    return err == HY_OK ? err
                        : daemon_config_fault(c, problems, "tracking.privacy_relays", err, &diag);
}

static int load_notice(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    struct hy_diag diag = {""};
    int err = HY_OK;
    for (int i = 0; i < HY_NOTICE_LANGS && c->web_tag.shows_notice && err == HY_OK; i++) {
        g->notice[i] = HY_BUF_INIT(NOTICE_MAX);
        err = hy_web_notice(c, (enum hy_notice_lang)i, true, &g->notice[i], &diag);
        g->policy.notice[i] = hy_buf_str(&g->notice[i]);
    }
    return err == HY_OK ? err : daemon_config_fault(c, problems, "web_tag.notice", err, &diag);
}

static int load_web_tag(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    int err = load_key_pages(c, g);
    if (err == HY_OK)
        err = load_companies(c, problems, g);
    return err == HY_OK ? load_notice(c, problems, g) : err;
}

static int load_tls(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    struct hy_diag diag = {""};
    size_t n = 0;
    struct hy_tls_host *hosts = calloc(c->tracking.hosts.n + 1, sizeof *hosts);
    if (!hosts)
        return HY_ENOMEM;
    for (size_t i = 0; i < c->tracking.hosts.n; i++) {
        const struct hy_config_tracking_host *h = &c->tracking.hosts.items[i];
        if (h->certificate[0])
            hosts[n++] = (struct hy_tls_host){h->name, h->certificate,
                                              h->private_key[0] ? h->private_key : h->certificate};
    }
    int err = n ? hy_tls_create_hosts(hosts, n, &diag, &g->policy.tls) : HY_OK;
    free(hosts);
    return err == HY_OK ? err : daemon_config_fault(c, problems, "tracking.hosts", err, &diag);
}

int tracking_policy(struct hy_config *c, struct hy_problems *problems, struct hy_track_policy **ret)
{
    if (c->tracking.listen.n + c->tracking.listen_tls.n == 0)
        return HY_OK;
    struct ground *g = calloc(1, sizeof *g);
    if (!g)
        return HY_ENOMEM;
    g->config = hy_config_ref(c);
    g->policy = (struct hy_track_policy){
        .connections_max = c->tracking.max_connections,
        .connections_per_address = c->tracking.connections_per_address,
        .hits_max = {[HY_TRACK_BY_ADDRESS] = c->tracking.hits_per_address,
                     [HY_TRACK_BY_TOKEN] = c->tracking.hits_per_token,
                     [HY_TRACK_BY_VISITOR] = c->tracking.hits_per_visitor,
                     [HY_TRACK_BY_LEAD] = c->tracking.hits_per_lead},
        .release = release,
        .owner = g,
    };
    atomic_init(&g->policy.refs, 1);
    int err = load_networks(c, problems, g);
    if (err == HY_OK)
        err = load_sites(c, g);
    if (err == HY_OK)
        err = load_relays(c, problems, g);
    if (err == HY_OK)
        err = load_web_tag(c, problems, g);
    if (err == HY_OK)
        err = load_tls(c, problems, g);
    if (err != HY_OK) {
        hy_track_policy_unref(&g->policy);
        return err;
    }
    *ret = &g->policy;
    return HY_OK;
}

static bool has_journal(const struct hy_daemon *d)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/hits", d->config->paths.data_dir);
    return access(path, F_OK) == 0;
}

static int open_journal(struct hy_daemon *d, struct hy_diag *diag)
{
    const struct hy_config *c = d->config;
    int err = hy_hits_open(c->paths.data_dir, c->tracking.journal_bytes, d->env, diag, &d->hits);
    if (err != HY_OK)
        return err;
    hy_hits_set_join_back(d->hits, c->web_tag.join_back_us / 1000);
    return hy_hits_start(d->hits, d->writer);
}

int tracking_open(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag)
{
    const struct hy_config *c = d->config;
    struct hy_http_listener all[HY_HTTP_LISTENERS_MAX];
    struct hy_track_policy *policy = NULL;
    size_t n = 0;
    int err = tracking_policy(d->config, problems, &policy);
    if (err != HY_OK)
        return hy_fail(diag, err, "the configuration cannot be used: %s",
                       problems->n ? problems->items[problems->n - 1].text : hy_err_text(err));
    if (!policy && !has_journal(d)) /* with one, what an earlier run left goes into the store */
        return HY_OK;
    err = open_journal(d, diag);
    if (err != HY_OK || !policy) {
        hy_track_policy_unref(policy);
        return err;
    }
    for (size_t i = 0; i < c->tracking.listen.n; i++)
        all[n++] = (struct hy_http_listener){c->tracking.listen.items[i], false};
    for (size_t i = 0; i < c->tracking.listen_tls.n; i++)
        all[n++] = (struct hy_http_listener){c->tracking.listen_tls.items[i], true};
    struct hy_track_options o = {.env = d->env,
                                 .writer = d->writer,
                                 .hits = d->hits,
                                 .keys = &d->tokens,
                                 .load = plan_track,
                                 .suppressor = tenant_suppressor,
                                 .ctx = d,
                                 .listeners = all,
                                 .n_listeners = n};
    err = hy_track_open(&o, policy, diag, &d->track);
    if (err == HY_OK)
        hy_log(HY_LOG_NOTICE, "tracking", "browsers are answered at %zu addresses", n);
    return err;
}

void tracking_close(struct hy_daemon *d)
{
    hy_track_close(d->track);
    d->track = NULL;
    if (d->hits)
        hy_hits_stop(d->hits);
}

static void set(json_t *o, const char *key, uint64_t n)
{
    json_object_set_new(o, key, json_integer((json_int_t)n));
}

json_t *tracking_json(const struct hy_daemon *d)
{
    if (!d->track)
        return NULL;
    const struct hy_track_counters *c = hy_track_counters_of(d->track);
    const struct hy_http_counters *h = hy_track_http_counters_of(d->track);
    struct hy_hits_stats hits;
    uint64_t limited = 0;
    hy_hits_stats(d->hits, &hits);
    for (int i = 0; i < HY_TRACK_LIMITS; i++)
        limited += hy_count_read(&c->limited[i]);
    json_t *o = json_object();
    set(o, "connections_now", atomic_load(&h->connections_now));
    set(o, "connections", atomic_load(&h->connections));
    set(o, "turned_away", atomic_load(&h->turned_away));
    set(o, "turned_away_by_address", atomic_load(&h->crowded));
    set(o, "requests", hy_track_answers(c, 0));
    set(o, "forged", hy_count_read(&c->forged));
    set(o, "hits", hits.put);
    set(o, "lost", hits.lost);
    set(o, "limited", limited);
    set(o, "stored", hits.stored);
    set(o, "waiting", hits.waiting);
    return o;
}
