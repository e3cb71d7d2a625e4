/* From a config to where events go, with the keys that sign them. */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/codec.h"
#include "hayauma/base/log.h"
#include "hayauma/model/activity.h"

enum { SECRET_FILE_MAX = 4096, SECRET_LEAST = 16 };
static const struct hy_str standard_prefix = {"whsec_", 6};

/* What a policy stands on; freed with it. */
struct ground {
    struct hy_events_policy policy;
    struct hy_config *config;
    struct hy_events_file *files;
    struct hy_events_webhook *webhooks;
    struct hy_arena arena;
};

static void release(struct hy_events_policy *p)
{
    struct ground *g = p->owner;
    if (g->webhooks) {
        explicit_bzero(g->webhooks, (p->n_webhooks + 1) * sizeof *g->webhooks);
        free(g->webhooks);
    }
    free(g->files);
    hy_config_unref(g->config);
    hy_arena_free(&g->arena);
    free(g);
}

/* ---- what both kinds have ---- */

static void copy_name(char out[HY_EVENTS_NAME_MAX + 1], const char *name)
{
    snprintf(out, HY_EVENTS_NAME_MAX + 1, "%s", name);
}

static int make_filter(struct ground *g, const struct hy_strings *types,
                       const struct hy_strings *tenants, struct hy_event_filter *ret)
{
    struct hy_event_filter f = {0};
    uint32_t *numbers = hy_arena_zalloc(&g->arena, (tenants->n + 1) * sizeof *numbers);
    if (!numbers)
        return HY_ENOMEM;
    for (size_t i = 0; i < types->n; i++) {
        enum hy_activity_kind kind;
        if (hy_activity_kind_find(hy_str_of(types->items[i]), &kind) == HY_OK)
            hy_event_filter_add(&f, kind);
    }
    for (size_t i = 0; i < tenants->n; i++) {
        const struct hy_tenant *t =
            hy_tenant_by_name(&g->config->tenants, hy_str_of(tenants->items[i]));
        if (t)
            numbers[f.n_tenants++] = t->number;
    }
    f.tenants = numbers;
    *ret = f;
    return HY_OK;
}

/* ---- files ---- */

static int make_files(struct ground *g)
{
    const struct hy_config_events_files *all = &g->config->events.files;
    g->files = calloc(all->n + 1, sizeof *g->files);
    if (!g->files)
        return HY_ENOMEM;
    g->policy.files = g->files;
    for (size_t i = 0; i < all->n; i++) {
        const struct hy_config_events_file *c = &all->items[i];
        struct hy_events_file *f = &g->files[g->policy.n_files++];
        copy_name(f->name, c->name);
        f->dir = c->dir;
        f->rotate_bytes = c->rotate_bytes;
        f->rotate_us = c->rotate_us;
        f->level = (int)c->level;
        f->keep_us = c->keep_us;
        f->keep_bytes = c->keep_bytes;
        f->sync = c->sync;
        int err = make_filter(g, &c->types, &c->tenants, &f->filter);
        if (err != HY_OK)
            return err;
    }
    return HY_OK;
}

/* ---- webhooks ---- */

/* whsec_BASE64, as Standard Webhooks has it, or the text itself. */
static int read_secret(struct hy_str line, const char *path, struct hy_diag *diag,
                       struct hy_events_secret *ret)
{
    uint8_t bytes[SECRET_FILE_MAX];
    size_t n = line.n;
    bool is_standard = hy_str_starts(line, standard_prefix);
    if (is_standard) {
        line = hy_str_slice(line, standard_prefix.n, line.n);
        if (hy_base64_decode(line, bytes, &n) != HY_OK)
            return hy_fail(diag, HY_EINVAL, "%s: what follows whsec_ is not base64", path);
    } else {
        memcpy(bytes, line.p, n);
    }
    int err = HY_OK;
    if (n < SECRET_LEAST || n > HY_EVENTS_SECRET_MAX)
        err = hy_fail(diag, HY_EINVAL, "%s: a key has %d to %d bytes, not %zu", path, SECRET_LEAST,
                      HY_EVENTS_SECRET_MAX, n);
    else {
        memcpy(ret->bytes, bytes, n);
        ret->n = n;
    }
    explicit_bzero(bytes, sizeof bytes);
    return err;
}

static int load_secrets(const char *path, struct hy_diag *diag, struct hy_events_webhook *w)
{
    HY_CLEANUP(policy_wipe)
    struct hy_buf text = HY_BUF_INIT(SECRET_FILE_MAX);
    int err = policy_read_secret(path, "key", &text, diag);
    struct hy_str rest = hy_buf_str(&text), line;
    while (err == HY_OK && hy_str_split(&rest, '\n', &line)) {
        line = hy_str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (w->n_secrets == HY_EVENTS_SECRETS_MAX)
            return hy_fail(diag, HY_ELIMIT, "%s has more than %d keys", path,
                           HY_EVENTS_SECRETS_MAX);
        err = read_secret(line, path, diag, &w->secrets[w->n_secrets++]);
    }
    if (err == HY_OK && w->n_secrets == 0)
        return hy_fail(diag, HY_EINVAL,
                       "%s holds no key: write one, as from 'openssl rand -hex 32'", path);
    return err;
}

static int make_webhook(struct ground *g, const struct hy_config_webhook *c,
                        struct hy_problems *problems, struct hy_events_webhook *w)
{
    struct hy_diag diag = {""};
    copy_name(w->name, c->name);
    w->url = c->url;
    w->batch = c->batch;
    w->batch_bytes = c->batch_bytes;
    w->wait_us = c->wait_us;
    w->timeout_us = c->timeout_us;
    w->retry_most_us = c->retry_most_us;
    w->disable_after_us = c->disable_after_us;
    w->ca_file = c->ca_file;
    w->allows_private = c->allows_private;
    w->allows_http = c->allows_http;
    int err = make_filter(g, &c->types, &c->tenants, &w->filter);
    if (err != HY_OK)
        return err;
    err = load_secrets(c->secret_file, &diag, w);
    if (err != HY_OK)
        hy_problems_error(problems, g->config->file, 0, 0, "events.webhooks: %s: %s", c->name,
                          diag.text[0] ? diag.text : hy_err_text(err));
    return err == HY_ENOMEM ? err : HY_OK; /* the others may have mistakes, too */
}

static int make_webhooks(struct ground *g, struct hy_problems *problems)
{
    const struct hy_config_webhooks *all = &g->config->events.webhooks;
    size_t before = problems->n;
    g->webhooks = calloc(all->n + 1, sizeof *g->webhooks);
    if (!g->webhooks)
        return HY_ENOMEM;
    g->policy.webhooks = g->webhooks;
    for (size_t i = 0; i < all->n; i++) {
        int err = make_webhook(g, &all->items[i], problems, &g->webhooks[g->policy.n_webhooks++]);
        if (err != HY_OK)
            return err;
    }
    return problems->n > before ? HY_EINVAL : HY_OK;
}

int events_policy(struct hy_config *config, struct hy_problems *problems,
                  struct hy_events_policy **ret)
{
    struct ground *g = calloc(1, sizeof *g);
    if (!g)
        return HY_ENOMEM;
    g->config = hy_config_ref(config);
    g->arena = HY_ARENA_INIT(64 << 20);
    g->policy =
        (struct hy_events_policy){.tenants = &config->tenants, .release = release, .owner = g};
    atomic_init(&g->policy.refs, 1);
    int err = make_files(g);
    if (err == HY_OK)
        err = make_webhooks(g, problems);
    if (err != HY_OK)
        hy_events_policy_unref(&g->policy);
    else
        *ret = &g->policy;
    return err;
}

int events_apply(struct hy_daemon *d, struct hy_events_policy *policy, struct hy_diag *diag)
{
    struct hy_events *running = atomic_load(&d->events), *fresh = NULL;
    if (running) {
        hy_events_reload(running, policy);
        return HY_OK;
    }
    if (policy->n_files + policy->n_webhooks == 0) {
        hy_events_policy_unref(policy);
        return HY_OK;
    }
    int err = hy_events_start(d->env, d->writer, policy, diag, &fresh);
    atomic_store(&d->events, fresh);
    return err;
}
