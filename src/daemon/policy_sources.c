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

static int set_sources(const struct hy_config *c, struct hy_arena *arena,
                       struct hy_deliver_policy *p)
{
    size_t n = c->delivery.sources.n;
    struct hy_deliver_source *all = hy_arena_zalloc(arena, n * sizeof *all);
    if (!all)
        return HY_ENOMEM;
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
            .warmup = s->warmup[0] ? hy_config_warmup_plan(c, s->warmup) : NULL,
            .warmup_start = s->warmup_start,
        };
        if (!all[i].dkim)
            return HY_ENOMEM;
    }
    p->sources = all;
    p->n_sources = n;
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
                       struct hy_deliver_policy *p)
{
    int err = set_sources(c, arena, p);
    return err ? err : set_pools(c, arena, p);
}
