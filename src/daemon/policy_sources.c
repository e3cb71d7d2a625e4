/* Sources and pools of a config as delivery has them. */
#include "daemon.h"

/* Views of texts as hy_str; NULL without memory. */
static const struct hy_str *views(const struct hy_strings *list, struct hy_arena *arena)
{
    struct hy_str *out = hy_arena_alloc(arena, (list->n + 1) * sizeof *out);
    for (size_t i = 0; out && i < list->n; i++)
        out[i] = hy_str_of(list->items[i]);
    return out;
}

/* The first line of the file. */
static int read_password(const char *path, struct hy_arena *arena, const char **ret,
                         struct hy_diag *diag)
{
    HY_CLEANUP(policy_wipe)
    struct hy_buf text = HY_BUF_INIT(4 * HY_PROXY_NAME_MAX);
    int err = policy_read_secret(path, "password", &text, diag);
    if (err != HY_OK)
        return err;
    struct hy_str line = hy_buf_str(&text);
    line = hy_str_slice(line, 0, hy_str_find(line, '\n', 0));
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n == 0 || line.n > HY_PROXY_NAME_MAX || hy_str_find(line, '\0', 0) != SIZE_MAX)
        return hy_fail(diag, HY_EINVAL, "the first line of %s is no password of 1 to %d bytes",
                       path, HY_PROXY_NAME_MAX);
    *ret = hy_arena_str(arena, line).p;
    return *ret ? HY_OK : HY_ENOMEM;
}

static int set_proxy(const struct hy_config_source *s, struct hy_arena *arena,
                     struct hy_problems *problems, const char *file, struct hy_proxy *ret)
{
    struct hy_diag diag = {""};
    *ret = s->proxy;
    if (s->proxy.kind == HY_PROXY_NONE || !s->proxy_user[0])
        return HY_OK;
    ret->user = s->proxy_user;
    int err = read_password(s->proxy_password_file, arena, &ret->password, &diag);
    if (err != HY_OK)
        hy_problems_error(problems, file, 0, 0, "source %s: proxy_password_file: %s", s->name,
                          diag.text[0] ? diag.text : hy_err_text(err));
    return err;
}

enum { CERTIFICATES_MAX = 256 * 1024 };

/* The certificate that a source shows; one without any: NULL. */
static int set_self(const struct hy_config_source *s, struct hy_problems *problems,
                    const char *file, const struct hy_tls_self **ret)
{
    HY_CLEANUP(policy_wipe)
    struct hy_buf chain = HY_BUF_INIT(CERTIFICATES_MAX);
    HY_CLEANUP(policy_wipe)
    struct hy_buf key = HY_BUF_INIT(CERTIFICATES_MAX);
    struct hy_diag diag = {""};
    struct hy_tls_self *self = NULL;
    bool has_key = s->tls_key[0];
    if (!s->tls_certificate[0])
        return HY_OK;
    int err = has_key ? policy_read_file(s->tls_certificate, "certificate", &chain, &diag)
                      : policy_read_secret(s->tls_certificate, "certificate", &chain, &diag);
    if (err == HY_OK && has_key)
        err = policy_read_secret(s->tls_key, "private key", &key, &diag);
    if (err == HY_OK)
        err =
            hy_tls_self_read(hy_buf_str(&chain), hy_buf_str(has_key ? &key : &chain), &diag, &self);
    if (err != HY_OK)
        hy_problems_error(problems, file, 0, 0, "source %s: tls_certificate: %s", s->name,
                          diag.text[0] ? diag.text : hy_err_text(err));
    *ret = self;
    return err;
}

void policy_free_sources(struct hy_deliver_policy *p)
{
    for (size_t i = 0; p->sources && i < p->n_sources; i++) {
        hy_tls_self_free((struct hy_tls_self *)(uintptr_t)p->sources[i].tls_self);
        char *password = (char *)(uintptr_t)p->sources[i].proxy.password;
        if (password)
            explicit_bzero(password, strlen(password));
    }
}

static int set_sources(const struct hy_config *c, struct hy_arena *arena,
                       struct hy_problems *problems, struct hy_deliver_policy *p)
{
    size_t n = c->delivery.sources.n;
    struct hy_deliver_source *all = hy_arena_zalloc(arena, n * sizeof *all);
    if (!all)
        return HY_ENOMEM;
    p->sources = all;
    p->n_sources = n;
    for (size_t i = 0; i < n; i++) {
        const struct hy_config_source *s = &c->delivery.sources.items[i];
        all[i] = (struct hy_deliver_source){
            .name = s->name,
            .ehlo = s->ehlo,
            .bind = s->bind,
            .bind6 = s->bind6,
            .dkim = views(&s->dkim, arena),
            .n_dkim = s->dkim.n,
            .tls = s->tls,
            .tls_version = s->tls_version,
            .warmup = s->warmup[0] ? hy_config_warmup_plan(c, s->warmup) : NULL,
            .warmup_start = s->warmup_start,
        };
        if (!all[i].dkim)
            return HY_ENOMEM;
        int err = set_proxy(s, arena, problems, c->file, &all[i].proxy);
        if (err == HY_OK)
            err = set_self(s, problems, c->file, &all[i].tls_self);
        if (err != HY_OK)
            return err;
    }
    return HY_OK;
}

/* A pool of `n` sources: those of `indices` with `weights`; NULL: all from `first` on, with their
 * own. */
static int set_pool(const struct hy_config *c, struct hy_arena *arena, struct hy_deliver_pool *pool,
                    const struct hy_config_pool *named, uint32_t first, size_t n)
{
    uint32_t *sources = hy_arena_alloc(arena, n * sizeof *sources);
    struct hy_spread_member *members = hy_arena_alloc(arena, n * sizeof *members);
    if (!sources || !members)
        return HY_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        sources[i] = named ? named->indices[i] : first + (uint32_t)i;
        const struct hy_config_source *s = &c->delivery.sources.items[sources[i]];
        members[i] = (struct hy_spread_member){hy_spread_seed(hy_str_of(s->name)),
                                               named ? named->weights[i] : s->weight};
    }
    pool->sources = sources;
    pool->members = members;
    pool->n = n;
    return HY_OK;
}

/* The pools of the config, and each source by its name. The first is what campaigns get that name
 * none. */
static int set_pools(const struct hy_config *c, struct hy_arena *arena, struct hy_deliver_policy *p)
{
    size_t n_named = c->delivery.pools.n, n_sources = c->delivery.sources.n, n = 1;
    struct hy_deliver_pool *all = hy_arena_zalloc(arena, (1 + n_named + n_sources) * sizeof *all);
    if (!all)
        return HY_ENOMEM;
    int err = set_pool(c, arena, &all[0], NULL, 0, n_sources);
    for (size_t i = 0; i < n_named && err == HY_OK; i++, n++) {
        const struct hy_config_pool *named = &c->delivery.pools.items[i];
        all[n].name = named->name;
        err = set_pool(c, arena, &all[n], named, 0, named->members.n);
    }
    for (size_t i = 0; i < n_sources && err == HY_OK; i++, n++) {
        all[n].name = c->delivery.sources.items[i].name;
        err = set_pool(c, arena, &all[n], NULL, (uint32_t)i, 1);
    }
    for (size_t i = 1; i < n && err == HY_OK; i++)
        if (strcmp(all[i].name, c->delivery.pool) == 0)
            all[0] = all[i];
    all[0].name = "";
    p->source_pools = all;
    p->n_source_pools = n;
    return err;
}

int policy_set_sources(const struct hy_config *c, struct hy_arena *arena,
                       struct hy_problems *problems, struct hy_deliver_policy *p)
{
    int err = set_sources(c, arena, problems, p);
    return err ? err : set_pools(c, arena, p);
}
