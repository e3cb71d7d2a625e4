/* What other rules would make of the history, without storing anything: one snapshot, lead by lead.
 */
#include "score_try.h"

#include <stdlib.h>

#include "ctl_common.h"
#include "hayauma/base/zone.h"
#include "hayauma/react/scores.h"
#include "hayauma/store/lead.h"

enum {
    BINS = 24, /* below 0, none, 20 steps, above */
    STEPS = 20,
    MOVERS = 20,
    LOOK_EVERY = 256,
    TELL_US = 200000,
};

struct mover {
    hy_lead_no lead;
    int64_t before, after;
};

struct trying {
    const struct score_try_watch *watch;
    struct hy_scoring *now, *then; /* the rules in force (NULL: none), those that are tried */
    struct hy_zone *zone;
    struct hy_scorer *scorer;
    int32_t step; /* points of a bin */
    uint64_t before[BINS], after[BINS];
    double sum_before, sum_after;
    uint64_t leads, changed, skipped;
    struct {
        uint64_t before, after, enter, leave;
    } thresholds[HY_SCORE_THRESHOLDS_MAX];
    struct mover movers[MOVERS]; /* by how far they move, the farthest first */
    size_t n_movers;
};

static void try_free(struct trying *y)
{
    hy_scorer_free(y->scorer);
    hy_zone_free(y->zone);
    hy_scoring_free(y->now);
    free(y);
}

/* ---- one lead ---- */

static size_t bin_of(const struct trying *y, int64_t milli)
{
    if (milli <= 0)
        return milli < 0 ? 0 : 1;
    int64_t step = (int64_t)y->step * 1000, bin = milli / step;
    return bin < STEPS ? 2 + (size_t)bin : BINS - 1;
}

static int64_t distance(const struct mover *m)
{
    return m->after > m->before ? m->after - m->before : m->before - m->after;
}

static void keep_mover(struct trying *y, struct mover m)
{
    size_t i = y->n_movers;
    if (i == MOVERS && distance(&m) <= distance(&y->movers[MOVERS - 1]))
        return;
    if (i == MOVERS)
        i--;
    else
        y->n_movers++;
    for (; i > 0 && distance(&y->movers[i - 1]) < distance(&m); i--)
        y->movers[i] = y->movers[i - 1];
    y->movers[i] = m;
}

/* Whether it is over a threshold of the same name by the rules in force. */
static bool was_over(const struct trying *y, const struct hy_score *s, struct hy_str name)
{
    const struct hy_score_plan *plan = y->now ? hy_scoring_plan(y->now) : NULL;
    for (size_t i = 0; plan && i < plan->n_thresholds; i++)
        if (hy_str_eq(plan->thresholds[i].name, name))
            return s->thresholds[i].is_over;
    return false;
}

static void compare(struct trying *y, hy_lead_no lead, const struct hy_score *s, int64_t after)
{
    const struct hy_score_plan *plan = hy_scoring_plan(y->then);
    y->leads++;
    y->before[bin_of(y, s->total_milli)]++;
    y->after[bin_of(y, after)]++;
    y->sum_before += (double)s->total_milli;
    y->sum_after += (double)after;
    for (size_t i = 0; i < plan->n_thresholds; i++) {
        bool was = was_over(y, s, plan->thresholds[i].name);
        bool is = hy_score_is_over(&plan->thresholds[i], was, after);
        y->thresholds[i].before += was;
        y->thresholds[i].after += is;
        y->thresholds[i].enter += is && !was;
        y->thresholds[i].leave += was && !is;
    }
    if (s->total_milli == after)
        return;
    y->changed++;
    keep_mover(y, (struct mover){lead, s->total_milli, after});
}

static int try_lead(struct trying *y, struct hy_txn *t, hy_lead_no lead, hy_wall_ms now)
{
    static const struct hy_score_plan none;
    struct hy_score s;
    struct hy_score_tried tried;
    int err = hy_scorer_try(y->scorer, t, lead, now, &tried);
    if (err == HY_ENOTFOUND)
        return HY_OK;
    if (err == HY_ELIMIT) {
        y->skipped++;
        return HY_OK;
    }
    if (err == HY_OK)
        err = hy_score_read(t, y->now ? hy_scoring_plan(y->now) : &none, lead, now, &s);
    if (err == HY_OK)
        compare(y, lead, &s, tried.total_milli);
    return err;
}

static int walk(struct trying *y, struct hy_txn *t)
{
    hy_wall_ms now = hy_clock_wall_ms();
    hy_us told = hy_clock_us();
    hy_lead_no end = 0;
    int err = hy_lead_next_no(t, &end);
    for (hy_lead_no lead = 1; lead < end && err == HY_OK; lead++) {
        err = try_lead(y, t, lead, now);
        if (lead % LOOK_EVERY)
            continue;
        if (y->watch->is_over(y->watch->ctx))
            return HY_ECANCELED;
        if (!y->watch->progress || hy_clock_us() - told < TELL_US)
            continue;
        told = hy_clock_us();
        y->watch->progress(y->watch->ctx, lead, end - 1);
    }
    return err;
}

/* ---- told ---- */

static json_t *counts_json(const uint64_t n[BINS])
{
    json_t *all = json_array();
    for (size_t i = 0; i < BINS; i++)
        json_array_append_new(all, json_integer((json_int_t)n[i]));
    return all;
}

static json_t *mover_json(struct hy_txn *t, const struct mover *m)
{
    struct hy_str address = {0};
    hy_domain_no domain;
    json_t *o = json_object();
    json_object_set_new(o, "lead", json_integer(m->lead));
    bool is_known = hy_lead_address(t, m->lead, &address, &domain) == HY_OK && address.n;
    json_object_set_new(o, "email", is_known ? ctl_text_json(address) : json_null());
    json_object_set_new(o, "before", json_real((double)m->before / 1000));
    json_object_set_new(o, "after", json_real((double)m->after / 1000));
    return o;
}

static json_t *thresholds_json(const struct trying *y)
{
    const struct hy_score_plan *plan = hy_scoring_plan(y->then);
    json_t *all = json_array();
    for (size_t i = 0; i < plan->n_thresholds; i++) {
        json_t *o = json_object();
        json_object_set_new(o, "name", ctl_text_json(plan->thresholds[i].name));
        json_object_set_new(o, "from", json_integer(plan->thresholds[i].from));
        ctl_set_count(o, "before", y->thresholds[i].before);
        ctl_set_count(o, "after", y->thresholds[i].after);
        ctl_set_count(o, "enter", y->thresholds[i].enter);
        ctl_set_count(o, "leave", y->thresholds[i].leave);
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *result_json(struct trying *y, struct hy_txn *t)
{
    json_t *o = json_object(), *movers = json_array();
    double n = y->leads ? (double)y->leads * 1000 : 1;
    for (size_t i = 0; i < y->n_movers; i++)
        json_array_append_new(movers, mover_json(t, &y->movers[i]));
    ctl_set_count(o, "leads", y->leads);
    ctl_set_count(o, "changed", y->changed);
    ctl_set_count(o, "skipped", y->skipped);
    json_object_set_new(o, "step", json_integer(y->step));
    json_object_set_new(o, "before", counts_json(y->before));
    json_object_set_new(o, "after", counts_json(y->after));
    json_object_set_new(o, "mean_before", json_real(y->sum_before / n));
    json_object_set_new(o, "mean_after", json_real(y->sum_after / n));
    json_object_set_new(o, "thresholds", thresholds_json(y));
    json_object_set_new(o, "movers", movers);
    return o;
}

/* A tenth of the way to the first threshold, so that about half of the bins are below it. */
static int32_t step_of(const struct hy_score_plan *plan)
{
    int32_t step = plan->n_thresholds ? plan->thresholds[0].from / 10 : 10;
    return step > 0 ? step : 1;
}

int score_try(struct hy_daemon *d, struct hy_txn *t, struct hy_scoring *rules,
              const struct score_try_watch *watch, json_t **ret)
{
    struct trying *y = calloc(1, sizeof *y);
    if (!y)
        return HY_ENOMEM;
    y->watch = watch;
    y->then = rules;
    y->now = daemon_scoring(d);
    y->zone = hy_zone_local();
    y->step = step_of(hy_scoring_plan(rules));
    int err =
        hy_scorer_new(&(struct hy_scorer_options){hy_scoring_plan(rules), y->zone}, &y->scorer);
    if (err == HY_OK)
        err = walk(y, t);
    if (err == HY_OK)
        *ret = result_json(y, t);
    try_free(y);
    return err;
}
