/* From a config to what receiving goes by, and its place in the life of the daemon. */
#include "ctl_common.h"

#include <stdlib.h>
#include <time.h>

#include "hayauma/base/hash.h"
#include "hayauma/base/log.h"
#include "hayauma/receive/receive.h"

enum { USERS_BYTES_MAX = 32 << 20 };

/* What a policy stands on; freed with it. */
struct ground {
    struct hy_receive_policy policy;
    struct hy_config *config; /* has the tenants */
    struct hy_network *networks, *proxies;
    char host[256];
};

static void release(struct hy_receive_policy *p)
{
    struct ground *g = p->owner;
    hy_tls_unref(p->tls);
    hy_users_free(p->users);
    free(g->networks);
    free(g->proxies);
    hy_config_unref(g->config);
    free(g);
}

/* Hashes are secrets, too. */
static int load_users(const struct hy_config *c, struct hy_diag *diag, struct hy_users **ret)
{
    const char *path = c->submission.users;
    HY_CLEANUP(policy_wipe)
    struct hy_buf text = HY_BUF_INIT(USERS_BYTES_MAX + 1);
    int err = policy_read_secret(path, "users", &text, diag);
    return err == HY_OK ? hy_users_read(hy_buf_str(&text), &c->tenants, path, diag, ret) : err;
}

/* Some lines were made with --scram, and it is not offered all the same. */
static void tell_scram(const struct hy_config *c, const struct hy_users *users,
                       struct hy_problems *problems)
{
    size_t all = 0, scram = 0;
    hy_users_count(users, &all, &scram);
    if (scram > 0 && scram < all)
        hy_problems_warning(problems, c->file, 0, 0,
                            "submission.users: SCRAM is not offered before every line of '%s' is "
                            "made with 'hayauma password --scram': %zu of %zu are",
                            c->submission.users, scram, all);
}

int daemon_config_fault(const struct hy_config *c, struct hy_problems *problems, const char *key,
                        int err, const struct hy_diag *diag)
{
    hy_problems_error(problems, c->file, 0, 0, "%s: %s", key,
                      diag->text[0] ? diag->text : hy_err_text(err));
    return HY_EINVAL;
}

int daemon_networks(const struct hy_strings *texts, struct hy_network **ret, struct hy_diag *diag)
{
    struct hy_network *all = calloc(texts->n + 1, sizeof *all);
    if (!all)
        return HY_ENOMEM;
    for (size_t i = 0; i < texts->n; i++) {
        if (hy_network_parse(hy_str_of(texts->items[i]), &all[i]) == HY_OK)
            continue;
        free(all);
        return hy_fail(diag, HY_EINVAL,
                       "'%s' is no network: write 192.0.2.1, 10.1.0.0/16 or 2001:db8::/32",
                       texts->items[i]);
    }
    *ret = all;
    return HY_OK;
}

static int load_networks(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    struct hy_diag diag = {""};
    int err = daemon_networks(&c->submission.trusted, &g->networks, &diag);
    if (err != HY_OK)
        return daemon_config_fault(c, problems, "submission.trusted", err, &diag);
    g->policy.trusted = g->networks;
    g->policy.n_trusted = c->submission.trusted.n;
    err = daemon_networks(&c->submission.proxies, &g->proxies, &diag);
    if (err != HY_OK)
        return daemon_config_fault(c, problems, "submission.proxies", err, &diag);
    g->policy.proxies = g->proxies;
    g->policy.n_proxies = c->submission.proxies.n;
    return HY_OK;
}

static int load_tls(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    struct hy_diag diag = {""};
    const char *chain = c->submission.certificate, *key = c->submission.private_key;
    if (!chain[0]) {
        if (c->submission.listen_tls.n == 0)
            return HY_OK;
        hy_fail(&diag, HY_EINVAL, "submission.listen_tls needs one");
        return daemon_config_fault(c, problems, "submission.certificate", HY_EINVAL, &diag);
    }
    int err = hy_tls_create_server(chain, key[0] ? key : chain, &diag, &g->policy.tls);
    return err == HY_OK ? err
                        : daemon_config_fault(c, problems, "submission.certificate", err, &diag);
}

int daemon_utc_offset_min(void)
{
    time_t t = time(NULL);
    struct tm tm;
    localtime_r(&t, &tm);
    return (int)(tm.tm_gmtoff / 60);
}

/* Of this store, or of all nodes that share `tracking.secret`. */
static struct hy_hash_key secret_of(const struct hy_daemon *d)
{
    static const char first[] = "names of submission 1", second[] = "names of submission 2";
    const struct hy_hash_key *root = &d->tokens.key[d->tokens.current];
    return (struct hy_hash_key){hy_siphash(root, first, sizeof first - 1),
                                hy_siphash(root, second, sizeof second - 1)};
}

int submission_policy(const struct hy_daemon *d, struct hy_config *c, struct hy_problems *problems,
                      struct hy_receive_policy **ret)
{
    struct hy_diag diag = {""};
    if (c->submission.listen.n + c->submission.listen_tls.n == 0)
        return HY_OK;
    struct ground *g = calloc(1, sizeof *g);
    if (!g)
        return HY_ENOMEM;
    g->config = hy_config_ref(c);
    snprintf(g->host, sizeof g->host, "%s", c->node.hostname);
    g->policy = (struct hy_receive_policy){
        .host = hy_str_of(g->host),
        .tenants = &c->tenants,
        .size_max = c->delivery.max_message_bytes,
        .memory_max = c->submission.memory_bytes,
        .rcpts_max = c->submission.max_recipients,
        .connections_max = c->submission.max_connections,
        .connections_per_address = c->submission.connections_per_address,
        .is_dkim_required = c->dkim.is_required,
        .secret = secret_of(d),
        .utc_offset_min = daemon_utc_offset_min(),
        .release = release,
        .owner = g,
    };
    atomic_init(&g->policy.refs, 1);
    int err = load_networks(c, problems, g);
    if (err == HY_OK)
        err = load_tls(c, problems, g);
    if (err == HY_OK && c->submission.users[0]) {
        err = load_users(c, &diag, &g->policy.users);
        if (err != HY_OK)
            err = daemon_config_fault(c, problems, "submission.users", err, &diag);
        else
            tell_scram(c, g->policy.users, problems);
    }
    if (err != HY_OK) {
        hy_receive_policy_unref(&g->policy);
        return err;
    }
    bool can_log_in = g->policy.users && g->policy.tls;
    if (!can_log_in && g->policy.n_trusted == 0)
        hy_problems_warning(problems, c->file, 0, 0,
                            "submission: without a certificate and users, or trusted networks, "
                            "nobody can hand a message in");
    *ret = &g->policy;
    return HY_OK;
}

int submission_open(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag)
{
    struct hy_config *c = d->config;
    struct hy_receive_listener all[HY_RECEIVE_LISTENERS_MAX];
    struct hy_receive_policy *policy = NULL;
    size_t n = 0;
    int err = submission_policy(d, c, problems, &policy);
    if (err != HY_OK)
        return hy_fail(diag, err, "the configuration cannot be used: %s",
                       problems->n ? problems->items[problems->n - 1].text : hy_err_text(err));
    if (!policy)
        return HY_OK;
    for (size_t i = 0; i < c->submission.listen.n; i++)
        all[n++] = (struct hy_receive_listener){c->submission.listen.items[i], false};
    for (size_t i = 0; i < c->submission.listen_tls.n; i++)
        all[n++] = (struct hy_receive_listener){c->submission.listen_tls.items[i], true};
    err = hy_receive_open(d->deliver, all, n, policy, diag, &d->receive);
    if (err == HY_OK)
        hy_log(HY_LOG_NOTICE, "receive", "messages are taken at %zu addresses", n);
    return err;
}

static void set(json_t *o, const char *key, const _Atomic uint64_t *n)
{
    json_object_set_new(o, key, json_integer((json_int_t)atomic_load(n)));
}

json_t *submission_json(const struct hy_daemon *d)
{
    if (!d->receive)
        return NULL;
    const struct hy_receive_counters *c = hy_receive_counters_of(d->receive);
    json_t *o = json_object();
    set(o, "connections_now", &c->connections_now);
    set(o, "connections", &c->connections);
    set(o, "turned_away", &c->turned_away);
    set(o, "messages", &c->messages);
    set(o, "recipients", &c->recipients);
    set(o, "bytes", &c->bytes);
    json_t *refused = json_object();
    uint64_t all = 0;
    for (unsigned i = 0; i < HY_RECEIVE_REFUSALS; i++) {
        set(refused, hy_receive_refusal_name(i), &c->refused[i]);
        all += atomic_load(&c->refused[i]);
    }
    ctl_set_count(o, "refused", all);
    json_object_set_new(o, "refused_for", refused);
    set(o, "logins", &c->logins);
    set(o, "login_failures", &c->login_failures);
    return o;
}
