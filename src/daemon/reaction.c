/* What follows from activities: from a config to the reader of the logs and its effects. */
#include "daemon.h"

#include <stdlib.h>

#include "hayauma/base/zone.h"
#include "hayauma/config/scoring.h"
#include "hayauma/react/facts.h"
#include "hayauma/react/react.h"
#include "hayauma/store/lead_change.h"
#include "hayauma/store/score.h"

enum { DUE_AT_ONCE = 64 };

/* What a policy stands on; freed with it. All but the policy is the writer thread's. */
struct ground {
    struct hy_react_policy policy;
    struct hy_scoring *scoring;       /* NULL: leads have no points */
    const struct hy_score_plan *plan; /* of it */
    struct hy_zone *zone;
    struct hy_deed *deed;
    struct hy_facts *facts;
};

static void free_ground(struct ground *g)
{
    hy_facts_free(g->facts);
    hy_deed_free(g->deed);
    hy_zone_free(g->zone);
    hy_scoring_free(g->scoring);
    free(g);
}

static void release(struct hy_react_policy *p)
{
    free_ground(p->owner);
}

/* ---- effects: the writer thread ---- */

/* What filters ask it for; NULL: it does not count. */
static const struct hy_segment_deed *deed_of(void *ctx, struct hy_txn *t,
                                             const struct hy_activity *a)
{
    struct ground *g = ctx;
    const struct hy_segment_deed *deed = hy_deed_of(g->deed, t, a);
    return hy_deed_counts(g->deed, a) ? deed : NULL;
}

static int note(void *ctx, struct hy_txn *t, const struct hy_activity *a, int sign)
{
    struct ground *g = ctx;
    const struct hy_segment_deed *deed = sign > 0 ? deed_of(g, t, a) : NULL;
    bool is_changed = false;
    if (sign > 0 && !deed)
        return HY_OK;
    return g->plan ? hy_scores_note(t, g->plan, a, deed, sign, &is_changed) : HY_OK;
}

static int review(struct ground *g, struct hy_txn *t, hy_lead_no lead, unsigned what)
{
    struct hy_score_past past = {.ctx = g, .deed = deed_of};
    bool is_changed = false;
    int err = hy_facts_of(g->facts, t, lead, t->now);
    if (err == HY_ENOTFOUND) /* it is gone */
        return hy_scores_erase(t, lead);
    if (err != HY_OK)
        return err;
    past.facts = hy_facts_ask(g->facts);
    err = what & HY_LEAD_MERGED ? hy_scores_redo(t, g->plan, lead, &past, &is_changed)
                                : hy_scores_review(t, g->plan, lead, past.facts, &is_changed);
    return err == HY_OK ? hy_facts_err(g->facts) : err;
}

static int lead(void *ctx, struct hy_txn *t, hy_lead_no no, unsigned what)
{
    struct ground *g = ctx;
    return g->plan ? review(g, t, no, what) : HY_OK;
}

static int due(void *ctx, struct hy_txn *t, hy_wall_ms now)
{
    struct ground *g = ctx;
    bool more = g->plan != NULL;
    int err = HY_OK;
    while (err == HY_OK && more && !hy_txn_should_yield(t))
        err = hy_scores_due(t, g->plan, now, DUE_AT_ONCE, &more);
    return err == HY_OK && more ? HY_EMORE : err;
}

/* ---- from a config ---- */

static int load(struct ground *g, struct hy_config *c, struct hy_problems *problems)
{
    int err = HY_OK;
    if (c->scoring.rules[0])
        err = hy_scoring_load(c->scoring.rules, problems, &g->scoring);
    if (g->scoring)
        g->plan = hy_scoring_plan(g->scoring);
    g->zone = hy_zone_local();
    if (err == HY_OK)
        err = hy_deed_new(&g->deed);
    if (err == HY_OK)
        err = hy_facts_new(&(struct hy_facts_options){.plan = g->plan, .zone = g->zone}, &g->facts);
    return err;
}

int reaction_policy(struct hy_config *config, struct hy_problems *problems,
                    struct hy_scoring **ret_scoring, struct hy_react_policy **ret)
{
    struct ground *g = calloc(1, sizeof *g);
    int err = g ? load(g, config, problems) : HY_ENOMEM;
    if (err != HY_OK) {
        if (g)
            free_ground(g);
        return err;
    }
    g->policy.hold_ms = (uint32_t)(config->reaction.hold_us / HY_US_PER_MS);
    hy_verdict_settings_init(&g->policy.verdicts);
    g->policy.effects = (struct hy_react_effects){.ctx = g, .note = note, .lead = lead, .due = due};
    g->policy.release = release;
    g->policy.owner = g;
    atomic_init(&g->policy.refs, 1);
    *ret_scoring = g->scoring ? hy_scoring_ref(g->scoring) : NULL;
    *ret = &g->policy;
    return HY_OK;
}

int reaction_open(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag)
{
    struct hy_react_policy *policy = NULL;
    int err = reaction_policy(d->config, problems, &d->scoring, &policy);
    if (err != HY_OK)
        return hy_fail(diag, err, "activities cannot be followed: %s",
                       problems->n ? problems->items[problems->n - 1].text : hy_err_text(err));
    return hy_react_start(d->env, d->writer, policy, diag, &d->react);
}

void reaction_reload(struct hy_daemon *d, struct hy_scoring *scoring,
                     struct hy_react_policy *policy)
{
    hy_react_reload(d->react, policy);
    pthread_mutex_lock(&d->plan_lock);
    struct hy_scoring *old = d->scoring;
    d->scoring = scoring;
    pthread_mutex_unlock(&d->plan_lock);
    hy_scoring_free(old);
}

struct hy_scoring *daemon_scoring(struct hy_daemon *d)
{
    pthread_mutex_lock(&d->plan_lock);
    struct hy_scoring *s = d->scoring ? hy_scoring_ref(d->scoring) : NULL;
    pthread_mutex_unlock(&d->plan_lock);
    return s;
}
