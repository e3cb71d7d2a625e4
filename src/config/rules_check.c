/* What the configuration and the shaping rules say against each other. Warnings all: rules change
 * with the presets, and an upgrade must not stop a daemon. */
#include "hayauma/config/config.h"
#include "hayauma/shape/reply_rules.h"
#include "value.h"

struct checking {
    const struct hy_config *config;
    const struct hy_shape_rules *rules;
    struct hy_problems *problems;
};

/* ---- days of a warm-up for a provider ---- */

enum { NEAR_MAX = 1000 }; /* names that a slip of the finger is looked for among */

static bool has_rule(const struct hy_shape_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->n_rules; i++)
        if (strcmp(rules->rules[i].name, name) == 0)
            return true;
    return false;
}

static void check_provider(const struct checking *c, const struct hy_config_warmup *w,
                           const char *name)
{
    const char *names[NEAR_MAX];
    size_t n = c->rules->n_rules < NEAR_MAX ? c->rules->n_rules : NEAR_MAX;
    if (strcmp(name, "default") == 0 || has_rule(c->rules, name))
        return;
    for (size_t i = 0; i < n; i++)
        names[i] = c->rules->rules[i].name;
    const char *near = hy_str_nearest(hy_str_of(name), names, n);
    if (near)
        hy_problems_warning(c->problems, c->config->file, w->line, w->column,
                            "providers: there is no shaping rule '%s' (did you mean '%s'?): its "
                            "days are not used",
                            name, near);
    else
        hy_problems_warning(c->problems, c->config->file, w->line, w->column,
                            "providers: there is no shaping rule '%s' ('default': sites without "
                            "one): its days are not used",
                            name);
}

/* ---- mail that is to go by another source ---- */

static bool has_second_source(const struct hy_config *c)
{
    bool is_found = c->delivery.pool[0] == '\0' && c->delivery.sources.n > 1;
    for (size_t i = 0; i < c->delivery.pools.n && !is_found; i++)
        is_found = c->delivery.pools.items[i].members.n > 1;
    return is_found;
}

static void check_fail_over(const struct checking *c, const struct hy_shape_rule *r)
{
    for (size_t i = 0; i < r->n_replies; i++) {
        const struct hy_reply_rule *p = &r->replies[i];
        if (p->action == HY_REPLY_FAIL_OVER)
            hy_problems_warning(c->problems, p->file, p->line, 0,
                                "on: '%s' leaves mail to other sources, but no pool has a second "
                                "one: it waits, as with suspend",
                                p->pattern);
    }
}

void hy_config_check_rules(const struct hy_config *config, const struct hy_shape_rules *rules,
                           struct hy_problems *problems)
{
    struct checking c = {config, rules, problems};
    for (size_t i = 0; i < config->delivery.warmup_plans.n; i++) {
        const struct hy_config_warmup *w = &config->delivery.warmup_plans.items[i];
        for (size_t k = 0; k < w->plan.n_providers; k++)
            check_provider(&c, w, w->plan.providers[k].name);
    }
    if (!has_second_source(config)) {
        check_fail_over(&c, rules->base);
        for (size_t i = 0; i < rules->n_rules; i++)
            check_fail_over(&c, &rules->rules[i]);
    }
    hy_problems_sort(problems);
}
