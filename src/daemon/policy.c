/* From a config to what delivery works by: shaping rules, DKIM keys, sources. All of it is read and
 * checked before anything is used. */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "hayauma/base/log.h"
#include "hayauma/config/bounces.h"
#include "hayauma/config/shaping.h"

enum { SOURCES_ARENA_MAX = 16 << 20 };

/* What a policy stands on; freed with it. */
struct ground {
    struct hy_deliver_policy policy;
    struct hy_config *config;
    struct hy_shape_rules *rules;
    struct hy_bounces *bounces;
    struct hy_arena arena; /* of sources, pools and tenants */
    struct hy_dkim_field *fields;
};

static void release(struct hy_deliver_policy *p)
{
    struct ground *g = p->owner;
    hy_dkim_keyset_unref(p->dkim);
    for (size_t i = 0; i < p->n_tenants; i++)
        hy_dkim_keyset_unref(p->tenants[i].dkim);
    policy_free_sources(p);
    hy_shaping_free(g->rules);
    hy_bounces_free(g->bounces);
    hy_arena_free(&g->arena);
    free(g->fields);
    hy_config_unref(g->config);
    free(g);
}

static int read_file(const char *path, const char *what, bool is_secret, struct hy_buf *out,
                     struct hy_diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int sys = errno;
        if (fd >= 0)
            close(fd);
        return hy_fail(diag, HY_EIO, "%s cannot be read: %s", path, strerror(sys));
    }
    int err = HY_OK;
    if (!S_ISREG(st.st_mode) || st.st_size >= (off_t)out->max)
        err = hy_fail(diag, HY_EINVAL, "%s is not a %s file", path, what);
    else if (is_secret && (st.st_mode & (S_IROTH | S_IWOTH)))
        err = hy_fail(diag, HY_EAUTH, "%s can be read by everybody: chmod o= it", path);
    else if (hy_buf_reserve(out, (size_t)st.st_size + 1) != HY_OK)
        err = HY_ENOMEM;
    while (err == HY_OK && out->len <= (size_t)st.st_size) {
        ssize_t n = read(fd, out->data + out->len, out->cap - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            err = hy_fail(diag, HY_EIO, "%s cannot be read: %s", path, strerror(errno));
        if (n <= 0)
            break;
        out->len += (size_t)n;
    }
    close(fd);
    return err;
}

int policy_read_secret(const char *path, const char *what, struct hy_buf *out, struct hy_diag *diag)
{
    return read_file(path, what, true, out, diag);
}

int policy_read_file(const char *path, const char *what, struct hy_buf *out, struct hy_diag *diag)
{
    return read_file(path, what, false, out, diag);
}

void policy_wipe(struct hy_buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap);
    hy_buf_free(b);
}

static int load_key(const struct hy_config_dkim_key *k, struct hy_dkim_key **ret,
                    struct hy_diag *diag)
{
    HY_CLEANUP(policy_wipe)
    struct hy_buf pem = HY_BUF_INIT(HY_DKIM_PEM_MAX + 1);
    int err = policy_read_secret(k->key_file, "private key", &pem, diag);
    if (err == HY_OK)
        err = hy_dkim_key_load(hy_str_of(k->domain), hy_str_of(k->selector), hy_buf_str(&pem), ret,
                               diag);
    return err;
}

/* All keys of the config; every one that is wrong is a problem. */
static int load_keys(const struct hy_config *c, struct hy_arena *arena,
                     struct hy_problems *problems, struct hy_deliver_policy *p)
{
    size_t n = c->dkim.keys.n;
    struct hy_dkim_key **keys = calloc(n + 1, sizeof(struct hy_dkim_key *));
    if (!keys)
        return HY_ENOMEM;
    int worst = HY_OK;
    for (size_t i = 0; i < n; i++) {
        struct hy_diag diag = {""};
        int err = load_key(&c->dkim.keys.items[i], &keys[i], &diag);
        if (err != HY_OK) {
            hy_problems_error(problems, c->file, 0, 0, "dkim.keys[%zu] (%s, selector %s): %s", i,
                              c->dkim.keys.items[i].domain, c->dkim.keys.items[i].selector,
                              diag.text[0] ? diag.text : hy_err_text(err));
            worst = HY_EINVAL;
        } else if (hy_dkim_key_algorithm(keys[i]) == HY_DKIM_RSA_SHA256 &&
                   hy_dkim_key_bits(keys[i]) < HY_DKIM_RSA_BITS_GOOD) {
            hy_problems_warning(problems, c->file, 0, 0,
                                "dkim.keys[%zu]: an RSA key of %u bits is weak; make one of %d "
                                "with 'hayauma dkim keygen'",
                                i, hy_dkim_key_bits(keys[i]), HY_DKIM_RSA_BITS_GOOD);
        }
    }
    if (worst == HY_OK)
        worst = policy_set_tenants(c, keys, arena, problems, p);
    for (size_t i = 0; i < n; i++)
        hy_dkim_key_unref(keys[i]);
    free(keys);
    return worst;
}

static bool names_has(const struct hy_strings *names, struct hy_str name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (hy_str_ieq(hy_str_of(names->items[i]), name))
            return true;
    }
    return false;
}

/* The fields to sign: the default list, then what the config adds. */
static int set_fields(struct ground *g)
{
    const struct hy_config *c = g->config;
    if (c->dkim.headers.n == 0 && c->dkim.oversign.n == 0)
        return HY_OK;
    size_t n_always, n = 0;
    const struct hy_dkim_field *always = hy_dkim_default_fields(&n_always);
    g->fields = calloc(n_always + c->dkim.headers.n, sizeof *g->fields);
    if (!g->fields)
        return HY_ENOMEM;
    for (size_t i = 0; i < n_always + c->dkim.headers.n; i++) {
        struct hy_dkim_field f =
            i < n_always
                ? always[i]
                : (struct hy_dkim_field){hy_str_of(c->dkim.headers.items[i - n_always]), 0};
        bool is_known = false;
        for (size_t k = 0; k < n && !is_known; k++)
            is_known = hy_str_ieq(g->fields[k].name, f.name);
        f.oversign |= names_has(&c->dkim.oversign, f.name);
        if (!is_known)
            g->fields[n++] = f;
    }
    g->policy.dkim_options.fields = g->fields;
    g->policy.dkim_options.n_fields = n;
    return HY_OK;
}

/* What the config says of rules: HY_EINVAL. */
static int check_rules(const struct hy_config *c, const struct hy_shape_rules *rules,
                       struct hy_problems *problems)
{
    size_t before = problems->n_errors;
    hy_config_check_rules(c, rules, problems);
    return problems->n_errors > before ? HY_EINVAL : HY_OK;
}

int policy_make(const struct hy_daemon *d, struct hy_config *config, struct hy_problems *problems,
                struct hy_deliver_policy **ret)
{
    struct ground *g = calloc(1, sizeof *g);
    if (!g)
        return HY_ENOMEM;
    struct hy_deliver_policy *p = &g->policy;
    g->arena = HY_ARENA_INIT(SOURCES_ARENA_MAX);
    g->config = hy_config_ref(config);
    p->owner = g;
    p->release = release;
    atomic_init(&p->refs, 1);
    p->is_dkim_required = config->dkim.is_required;
    p->is_doubt_held = config->delivery.in_doubt == HY_IN_DOUBT_HOLD;
    p->max_connections = config->delivery.max_connections;
    p->return_keys = config->bounce.of_ready ? &d->tokens : NULL;
    p->return_prefix = config->bounce.prefix;
    p->return_domain = config->bounce.domain[0] ? config->bounce.domain : config->node.hostname;
    p->counts_all_tls = config->tls.contact[0] || config->tls.report_from[0];
    p->dkim_options.lifetime_s = (uint32_t)(config->dkim.expire_us / HY_US_PER_SEC);
    int err =
        hy_shaping_load(config->paths.shaping.items, config->paths.shaping.n, problems, &g->rules);
    p->rules = g->rules;
    if (err == HY_OK)
        err = check_rules(config, g->rules, problems);
    int bounces_err = hy_bounces_load(config->paths.bounces.items, config->paths.bounces.n,
                                      problems, &g->bounces);
    p->bounces = hy_bounces_rules(g->bounces);
    if (err == HY_OK)
        err = bounces_err;
    int keys_err = load_keys(config, &g->arena, problems, p);
    if (err == HY_OK)
        err = keys_err;
    if (err == HY_OK)
        err = set_fields(g);
    if (err == HY_OK)
        err = policy_set_sources(config, &g->arena, problems, p);
    if (err != HY_OK) {
        release(p);
        return err;
    }
    *ret = p;
    return HY_OK;
}
