/* What follows from activities: from a config to the reader of the logs and its effects. */
#include "daemon.h"

#include <stdlib.h>

#include "hayauma/react/react.h"

/* What a policy stands on; freed with it. */
struct ground {
    struct hy_react_policy policy;
};

static void release(struct hy_react_policy *p)
{
    free(p->owner);
}

int reaction_policy(struct hy_config *config, struct hy_react_policy **ret)
{
    struct ground *g = calloc(1, sizeof *g);
    if (!g)
        return HY_ENOMEM;
    g->policy.hold_ms = (uint32_t)(config->reaction.hold_us / HY_US_PER_MS);
    hy_verdict_settings_init(&g->policy.verdicts);
    g->policy.release = release;
    g->policy.owner = g;
    atomic_init(&g->policy.refs, 1);
    *ret = &g->policy;
    return HY_OK;
}

int reaction_open(struct hy_daemon *d, struct hy_diag *diag)
{
    struct hy_react_policy *policy = NULL;
    int err = reaction_policy(d->config, &policy);
    if (err != HY_OK)
        return hy_fail(diag, err, "activities cannot be followed: %s", hy_err_text(err));
    return hy_react_start(d->env, d->writer, policy, diag, &d->react);
}
