/* Plans of warm-up: their days as numbers, and what does not go together. */
#include "config_schema.h"

enum { MESSAGES_MAX = 1000000000 };

/* One day; an error is noted. */
static uint32_t day(const struct schema_ctx *x, const struct yaml_node *n, const char *key,
                    struct hy_str text)
{
    uint64_t v = 0;
    if (hy_str_to_u64(text, MESSAGES_MAX, &v) || v == 0)
        schema_error_at(x, n, key, "a day must be a number of messages from 1 on, not '%.*s'",
                        HY_STR_ARG(text));
    return (uint32_t)v;
}

/* A warm-up grows; said once a list. */
static void check_growth(const struct schema_ctx *x, const struct yaml_node *n, const char *key,
                         struct hy_warmup_days d)
{
    for (size_t i = 1; i < d.n; i++) {
        if (d.limits[i] == 0 || d.limits[i] >= d.limits[i - 1])
            continue;
        schema_warn_at(x, n, key, "day %zu allows %u messages, less than the %u of the day before",
                       i + 1, d.limits[i], d.limits[i - 1]);
        return;
    }
}

static int read_days(const struct schema_ctx *x, const struct yaml_node *n,
                     struct hy_config_warmup *w)
{
    uint32_t *limits = hy_arena_zalloc(x->arena, (w->days.n + 1) * sizeof *limits);
    if (!limits)
        return HY_ENOMEM;
    for (size_t i = 0; i < w->days.n; i++)
        if (w->days.items[i])
            limits[i] = day(x, n, "days", hy_str_of(w->days.items[i]));
    if (w->days.n == 0)
        schema_error_at(x, n, "days", "says no day");
    w->plan.days = (struct hy_warmup_days){limits, w->days.n};
    check_growth(x, n, "days", w->plan.days);
    return HY_OK;
}

/* "20, 40, 80" */
static int read_provider(const struct schema_ctx *x, const struct yaml_node *n,
                         const struct hy_pair *p, struct hy_warmup_provider *ret)
{
    struct hy_str rest = p->value, piece, name = hy_arena_str(x->arena, p->name);
    uint32_t *limits = hy_arena_zalloc(x->arena, HY_WARMUP_DAYS_MAX * sizeof *limits);
    size_t count = 0;
    if (!limits || !name.p)
        return HY_ENOMEM;
    while (count < HY_WARMUP_DAYS_MAX && hy_str_split(&rest, ',', &piece))
        limits[count++] = day(x, n, "providers", hy_str_trim(piece));
    if (hy_str_split(&rest, ',', &piece))
        schema_error_at(x, n, "providers", "%s has more than %d days", name.p, HY_WARMUP_DAYS_MAX);
    *ret = (struct hy_warmup_provider){name.p, {limits, count}};
    check_growth(x, n, "providers", ret->days);
    return HY_OK;
}

static int finish(const struct schema_ctx *x, const struct yaml_node *n, struct hy_config_warmup *w)
{
    struct hy_warmup_provider *all = hy_arena_zalloc(x->arena, (w->providers.n + 1) * sizeof *all);
    if (!all)
        return HY_ENOMEM;
    w->plan = (struct hy_warmup_plan){.name = w->name,
                                      .providers = all,
                                      .n_providers = w->providers.n,
                                      .bad_percent = w->bad_percent,
                                      .waits = !w->overflows};
    const struct yaml_node *providers = yaml_find(n, "providers");
    w->line = providers->line;
    w->column = providers->column;
    int err = read_days(x, n, w);
    for (size_t i = 0; i < w->providers.n && !err; i++)
        err = read_provider(x, n, &w->providers.items[i], &all[i]);
    if (hy_warmup_builtin(hy_str_of(w->name)))
        schema_error_at(x, n, "name", "'%s' is a plan that comes with hayauma", w->name);
    return err;
}

int warmups_finish(const struct schema_ctx *x, const struct yaml_node *root, struct hy_config *c)
{
    const struct yaml_node *list = yaml_find(root, "delivery.warmup_plans");
    struct hy_config_warmups *all = &c->delivery.warmup_plans;
    struct hy_config_warmup *w = (struct hy_config_warmup *)(uintptr_t)all->items;
    if (all->n && !is_list_of(list, all->n))
        return HY_OK;
    for (size_t i = 0; i < all->n; i++) {
        const struct yaml_node *n = list->entries[i].value;
        int err = finish(x, n, &w[i]);
        if (err)
            return err;
        for (size_t j = 0; j < i; j++)
            if (w[i].name[0] && strcmp(w[j].name, w[i].name) == 0)
                schema_error_at(x, n, "name", "'%s' is the name of an earlier plan", w[i].name);
    }
    return HY_OK;
}

void warmups_check_used(const struct schema_ctx *x, const struct yaml_node *root,
                        const struct hy_config *c)
{
    const struct yaml_node *list = yaml_find(root, "delivery.warmup_plans");
    for (size_t i = 0; i < c->delivery.warmup_plans.n; i++) {
        const char *name = c->delivery.warmup_plans.items[i].name;
        bool is_used = false;
        for (size_t k = 0; k < c->delivery.sources.n && !is_used; k++)
            is_used = strcmp(c->delivery.sources.items[k].warmup, name) == 0;
        if (name[0] && !is_used && is_list_of(list, c->delivery.warmup_plans.n))
            schema_warn_at(x, list->entries[i].value, "name", "no source is warmed up by '%s'",
                           name);
    }
}

const struct hy_warmup_plan *hy_config_warmup_plan(const struct hy_config *c, const char *name)
{
    for (size_t i = 0; i < c->delivery.warmup_plans.n; i++)
        if (strcmp(c->delivery.warmup_plans.items[i].name, name) == 0)
            return &c->delivery.warmup_plans.items[i].plan;
    return hy_warmup_builtin(hy_str_of(name));
}
