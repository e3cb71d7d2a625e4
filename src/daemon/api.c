/* From a config to what the HTTP API goes by, and its place in the life of the daemon. */
#include "daemon.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#include "api_scoring.h"
#include "hayauma/base/log.h"
#include "hayauma/config/scoring.h"
#include "hayauma/web/web.h"
#include "report.h"

enum { TOKENS_BYTES_MAX = 32 << 20 };

/* What a policy stands on; freed with it. */
struct ground {
    struct hy_web_policy policy;
    struct hy_config *config;
    struct hy_network *networks;
    struct hy_scoring *scoring;
};

static void release(struct hy_web_policy *p)
{
    struct ground *g = p->owner;
    hy_tls_unref(p->tls);
    hy_api_tokens_free(p->tokens);
    hy_scoring_free(g->scoring);
    hy_config_unref(g->config);
    free(g->networks);
    free(g);
}

static int load_networks(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    struct hy_diag diag = {""};
    int err = daemon_networks(&c->api.trusted_proxies, &g->networks, &diag);
    if (err != HY_OK)
        return daemon_config_fault(c, problems, "api.trusted_proxies", err, &diag);
    g->policy.proxies = g->networks;
    g->policy.n_proxies = c->api.trusted_proxies.n;
    return HY_OK;
}

/* Tokens do not cross a network in the open, unless a proxy that is named says that it takes care.
 */
static int check_listeners(const struct hy_config *c, struct hy_problems *problems)
{
    struct hy_diag diag = {""};
    char text[HY_SOCKADDR_TEXT_MAX];
    for (size_t i = 0; i < c->api.listen.n && c->api.trusted_proxies.n == 0; i++) {
        const struct hy_sockaddr *a = &c->api.listen.items[i];
        if (daemon_is_loopback(a))
            continue;
        hy_fail(&diag, HY_EINVAL,
                "%s is not on this machine, and there is no TLS: use api.listen_tls, or name the "
                "proxies in front of it in api.trusted_proxies",
                hy_sockaddr_format(a, text));
        return daemon_config_fault(c, problems, "api.listen", HY_EINVAL, &diag);
    }
    return HY_OK;
}

static int load_tls(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    struct hy_diag diag = {""};
    const char *chain = c->api.certificate, *key = c->api.private_key;
    if (!chain[0]) {
        if (c->api.listen_tls.n == 0)
            return HY_OK;
        hy_fail(&diag, HY_EINVAL, "api.listen_tls needs one");
        return daemon_config_fault(c, problems, "api.certificate", HY_EINVAL, &diag);
    }
    int err = hy_tls_create_server(chain, key[0] ? key : chain, &diag, &g->policy.tls);
    return err == HY_OK ? err : daemon_config_fault(c, problems, "api.certificate", err, &diag);
}

/* Hashes are secrets, too. */
static int load_tokens(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    struct hy_diag diag = {""};
    HY_CLEANUP(policy_wipe)
    struct hy_buf text = HY_BUF_INIT(TOKENS_BYTES_MAX + 1);
    const char *path = c->api.tokens;
    if (!path[0]) {
        hy_problems_warning(problems, c->file, 0, 0,
                            "api: without api.tokens nobody can use it; 'hayauma token create' "
                            "makes one");
        return HY_OK;
    }
    int err = policy_read_secret(path, "tokens", &text, &diag);
    if (err == HY_OK)
        err = hy_api_tokens_read(hy_buf_str(&text), &c->tenants, path, &diag, &g->policy.tokens);
    return err == HY_OK ? err : daemon_config_fault(c, problems, "api.tokens", err, &diag);
}

static void load_scores(const struct hy_config *c, struct ground *g)
{
    struct hy_problems problems = {0};
    if (c->scoring.rules[0] && hy_scoring_load(c->scoring.rules, &problems, &g->scoring) == HY_OK)
        g->policy.scores = hy_scoring_plan(g->scoring);
    hy_problems_free(&problems); /* told with the policy of reactions, which reads the same file */
}

int api_policy(struct hy_config *c, struct hy_problems *problems, struct hy_web_policy **ret)
{
    if (c->api.listen.n + c->api.listen_tls.n == 0)
        return HY_OK;
    struct ground *g = calloc(1, sizeof *g);
    if (!g)
        return HY_ENOMEM;
    g->config = hy_config_ref(c);
    g->policy = (struct hy_web_policy){
        .host = hy_str_of(c->node.hostname),
        .tenants = &c->tenants,
        .body_max = c->api.max_body_bytes,
        .memory_max = c->api.memory_bytes,
        .message_max = c->delivery.max_message_bytes,
        .connections_max = c->api.max_connections,
        .connections_per_address = c->api.connections_per_address,
        .is_dkim_required = c->dkim.is_required,
        .utc_offset_min = daemon_utc_offset_min(),
        .join_back_ms = c->web_tag.join_back_us / 1000,
        .access_log = c->api.access_log,
        .release = release,
        .owner = g,
    };
    atomic_init(&g->policy.refs, 1);
    load_scores(c, g);
    int err = check_listeners(c, problems);
    if (err == HY_OK)
        err = load_networks(c, problems, g);
    if (err == HY_OK)
        err = load_tls(c, problems, g);
    if (err == HY_OK)
        err = load_tokens(c, problems, g);
    if (err != HY_OK) {
        hy_web_policy_unref(&g->policy);
        return err;
    }
    *ret = &g->policy;
    return HY_OK;
}

static int make_report(void *daemon, struct hy_txn *t, hy_id campaign, size_t domains, json_t **ret)
{
    const struct report_wish wish = {.campaign = campaign, .domains = domains};
    return report_make(daemon, t, &wish, ret);
}

int api_open(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag)
{
    const struct hy_config *c = d->config;
    struct hy_http_listener all[HY_HTTP_LISTENERS_MAX];
    struct hy_web_policy *policy = NULL;
    size_t n = 0;
    int err = api_policy(d->config, problems, &policy);
    if (err != HY_OK)
        return hy_fail(diag, err, "the configuration cannot be used: %s",
                       problems->n ? problems->items[problems->n - 1].text : hy_err_text(err));
    if (!policy)
        return HY_OK;
    for (size_t i = 0; i < c->api.listen.n; i++)
        all[n++] = (struct hy_http_listener){c->api.listen.items[i], false};
    for (size_t i = 0; i < c->api.listen_tls.n; i++)
        all[n++] = (struct hy_http_listener){c->api.listen_tls.items[i], true};
    struct hy_web_options o = {.reports = {make_report, d},
                               .scoring = api_scoring(d),
                               .env = d->env,
                               .writer = d->writer,
                               .deliver = d->deliver,
                               .listeners = all,
                               .n_listeners = n};
    err = hy_web_open(&o, policy, diag, &d->web);
    if (err == HY_OK)
        hy_log(HY_LOG_NOTICE, "api", "served at %zu addresses", n);
    return err;
}

static void set(json_t *o, const char *key, uint64_t n)
{
    json_object_set_new(o, key, json_integer((json_int_t)n));
}

/* Who may not come at all. */
static uint64_t unauthorized(const struct hy_web_counters *c)
{
    static const char *const codes[] = {"no_token",     "invalid_token",    "too_many_failures",
                                        "tls_required", "from_not_allowed", "missing_scope",
                                        "not_permitted"};
    uint64_t n = 0;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        n += hy_web_refused(c, codes[i]);
    return n;
}

json_t *api_json(const struct hy_daemon *d)
{
    if (!d->web)
        return NULL;
    const struct hy_web_counters *c = hy_web_counters_of(d->web);
    const struct hy_http_counters *h = hy_web_http_counters_of(d->web);
    json_t *o = json_object();
    set(o, "connections_now", atomic_load(&h->connections_now));
    set(o, "connections", atomic_load(&h->connections));
    set(o, "turned_away", atomic_load(&h->turned_away));
    set(o, "turned_away_by_address", atomic_load(&h->crowded));
    set(o, "requests", hy_web_requests(c, 0));
    set(o, "answers_2xx", hy_web_requests(c, 2));
    set(o, "answers_4xx", hy_web_requests(c, 4));
    set(o, "answers_5xx", hy_web_requests(c, 5));
    set(o, "unauthorized", unauthorized(c));
    set(o, "over_quota", hy_web_refused(c, "over_quota"));
    set(o, "messages", hy_count_read(&c->messages));
    set(o, "recipients", hy_count_read(&c->recipients));
    set(o, "bytes", hy_count_read(&c->bytes));
    return o;
}
