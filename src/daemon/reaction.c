/* What follows from activities: from a config to the reader of the logs and its effects. */
#include "daemon.h"
#include "score_apply.h"

#include <stdlib.h>

#include "hayauma/base/zone.h"
#include "hayauma/config/scoring.h"
#include "hayauma/react/react.h"
#include "hayauma/react/scores.h"
#include "hayauma/react/segments.h"

enum { DUE_AT_ONCE = 64, SEGMENTS_DUE_AT_ONCE = 1000 };

/* What a policy stands on; freed with it. */
struct ground {
    struct hy_react_policy policy;
    struct hy_scoring *scoring;       /* NULL: leads have no points */
    const struct hy_score_plan *plan; /* of it */
    struct hy_zone *zone;
    struct hy_scorer *scorer; /* the writer thread's, like the segments */
    struct hy_segments *segments;
};

static void free_ground(struct ground *g)
{
    hy_segments_free(g->segments);
    hy_scorer_free(g->scorer);
    hy_zone_free(g->zone);
    hy_scoring_free(g->scoring);
    free(g);
}

static void release(struct hy_react_policy *p)
{
    free_ground(p->owner);
}

/* ---- effects: the writer thread ---- */

static int note(void *ctx, struct hy_txn *t, const struct hy_activity *a, int sign)
{
    struct ground *g = ctx;
    bool is_changed = false;
    int err = g->scorer ? hy_scorer_note(g->scorer, t, a, sign, &is_changed) : HY_OK;
    return err ? err : hy_segments_note(t, g->segments, a, is_changed);
}

static int lead(void *ctx, struct hy_txn *t, hy_lead_no no, unsigned what)
{
    struct ground *g = ctx;
    bool is_changed = false;
    int err = g->scorer ? hy_scorer_lead(g->scorer, t, no, what, &is_changed) : HY_OK;
    return err ? err : hy_segments_lead(t, g->segments, no, what, is_changed);
}

static int settle(void *ctx, struct hy_txn *t, struct hy_react_fault *f)
{
    struct ground *g = ctx;
    struct hy_segments_fault of = {.skip = f->skip};
    int err = hy_segments_look(t, g->segments, &of);
    f->failed = of.failed;
    return err;
}

static int due(void *ctx, struct hy_txn *t, hy_wall_ms now, struct hy_react_fault *f)
{
    struct ground *g = ctx;
    struct hy_segments_fault of = {.skip = f->skip};
    bool more = g->plan != NULL;
    int err = HY_OK;
    while (err == HY_OK && more && !hy_txn_should_yield(t))
        err = hy_scores_due(t, g->plan, now, DUE_AT_ONCE, &more);
    if (err != HY_OK || more)
        return err ? err : HY_EMORE;
    err = hy_segments_due(t, g->segments, now, SEGMENTS_DUE_AT_ONCE, &of, &more);
    f->failed = of.failed;
    return err == HY_OK && more ? HY_EMORE : err;
}

/* ---- from a config ---- */

static int load(struct ground *g, struct hy_daemon *d, struct hy_config *c,
                struct hy_problems *problems)
{
    int err = HY_OK;
    if (c->scoring.rules[0])
        err = hy_scoring_load(c->scoring.rules, problems, &g->scoring);
    g->zone = hy_zone_local();
    if (err == HY_OK && g->scoring) {
        g->plan = hy_scoring_plan(g->scoring);
        err = hy_scorer_new(&(struct hy_scorer_options){g->plan, g->zone}, &g->scorer);
    }
    if (err == HY_OK)
        err = hy_segments_new(&(struct hy_facts_options){g->plan, g->zone}, &d->segments_meter,
                              &g->segments);
    return err;
}

int reaction_policy(struct hy_daemon *d, struct hy_config *config, struct hy_problems *problems,
                    struct hy_scoring **ret_scoring, struct hy_react_policy **ret)
{
    struct ground *g = calloc(1, sizeof *g);
    int err = g ? load(g, d, config, problems) : HY_ENOMEM;
    if (err != HY_OK) {
        if (g)
            free_ground(g);
        return err;
    }
    g->policy.hold_ms = (uint32_t)(config->reaction.hold_us / HY_US_PER_MS);
    hy_verdict_settings_init(&g->policy.verdicts);
    g->policy.effects = (struct hy_react_effects){
        .ctx = g, .note = note, .lead = lead, .settle = settle, .due = due};
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
    int err = reaction_policy(d, d->config, problems, &d->scoring, &policy);
    if (err != HY_OK)
        return hy_fail(diag, err, "activities cannot be followed: %s",
                       problems->n ? problems->items[problems->n - 1].text : hy_err_text(err));
    score_apply_look(d, d->scoring);
    err = hy_react_start(d->env, d->writer, policy, diag, &d->react);
    return err ? err : segments_start(d, diag);
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
    score_apply_look(d, scoring);
}

struct hy_scoring *daemon_scoring(struct hy_daemon *d)
{
    pthread_mutex_lock(&d->plan_lock);
    struct hy_scoring *s = d->scoring ? hy_scoring_ref(d->scoring) : NULL;
    pthread_mutex_unlock(&d->plan_lock);
    return s;
}
