/* All points given anew by the rules as they are: a long job of the writer, lead by lead. Its place
 * is in the store, so that it goes on after a restart. */
#include "score_apply.h"

#include <stdlib.h>

#include "ctl_common.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/base/zone.h"
#include "hayauma/config/scoring.h"
#include "hayauma/react/scores.h"
#include "hayauma/react/segment_edit.h"
#include "hayauma/react/segments.h"
#include "hayauma/store/lead.h"

struct apply {
    struct hy_write_req req; /* first */
    struct hy_daemon *d;
    struct hy_control_call *call; /* NULL: nobody waits */
    struct hy_scoring *scoring;
    struct hy_zone *zone;
    struct hy_scorer *scorer;
    struct hy_segments *segments; /* which ask for scores */
    uint64_t print;
    bool is_silent;
    hy_lead_no only; /* finishes one lead that other rules left half done; 0: all of them */
    hy_us told;
    /* of the slice that was applied last */
    hy_lead_no next, end;
    uint64_t changed, slice_changed;
};

static void apply_free(struct apply *a)
{
    hy_segments_free(a->segments);
    hy_scorer_free(a->scorer);
    hy_zone_free(a->zone);
    hy_scoring_free(a->scoring);
    free(a);
}

static int begin_at(struct apply *a, struct hy_txn *t, struct hy_score_applied *ret)
{
    int err = hy_scores_applied(t, ret);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (a->only) {
        a->end = a->only + 1;
        ret->next = a->only;
        return err;
    }
    if (err || ret->print != a->print || ret->next == 0)
        *ret = (struct hy_score_applied){.print = a->print, .next = 1, .at = t->now};
    return hy_lead_next_no(t, &a->end);
}

static int apply_slice(struct hy_write_req *r, struct hy_txn *t)
{
    struct apply *a = hy_container_of(r, struct apply, req);
    struct hy_score_applied at;
    int err = begin_at(a, t, &at);
    a->slice_changed = 0;
    while (err == HY_OK && at.next < a->end && !hy_txn_should_yield(t)) {
        bool is_changed = false;
        err = hy_scorer_redo(a->scorer, t, at.next, a->is_silent, &is_changed);
        if (err == HY_OK && is_changed)
            err = hy_segments_lead(t, a->segments, at.next, 0, true);
        if (err != HY_OK)
            break;
        a->slice_changed += is_changed;
        at.next++;
    }
    bool has_more = err == HY_EMORE; /* of the lead at hand */
    if (err == HY_OK || has_more)
        err = hy_segments_look(t, a->segments, NULL);
    if (err != HY_OK)
        return err;
    a->next = at.next;
    bool is_done = at.next >= a->end;
    if (is_done)
        at = (struct hy_score_applied){
            .print = a->only ? at.print : a->print, .next = 0, .at = t->now};
    err = hy_scores_apply_mark(t, &at);
    if (err == HY_OK && is_done) /* segments follow deeds and time, but not this */
        err = hy_segments_rebuild(t, true, false);
    return err == HY_OK && !is_done ? HY_EMORE : err;
}

static json_t *state_json(const struct apply *a)
{
    return json_pack("{s:I,s:I,s:I}", "leads", (json_int_t)(a->next ? a->next - 1 : 0), "of",
                     (json_int_t)(a->end ? a->end - 1 : 0), "changed", (json_int_t)a->changed);
}

static void on_slice(struct hy_write_req *r)
{
    struct apply *a = hy_container_of(r, struct apply, req);
    hy_us now = hy_clock_us();
    a->changed += a->slice_changed;
    if (!a->call || now - a->told < 200000)
        return;
    a->told = now;
    hy_control_progress(a->call, state_json(a));
}

static void on_done(struct hy_write_req *r, int err)
{
    struct apply *a = hy_container_of(r, struct apply, req);
    a->changed += err == HY_OK ? a->slice_changed : 0;
    if (err == HY_OK && !a->only)
        hy_log(HY_LOG_NOTICE, "scoring", "all points were given anew: %lu of %u leads changed",
               a->changed, a->end ? a->end - 1 : 0);
    else if (err != HY_ECLOSED)
        hy_log(HY_LOG_ERROR, "scoring", "points cannot be given anew: %s", hy_err_text(err));
    if (a->call && err == HY_OK)
        hy_control_finish(a->call, state_json(a));
    else if (a->call)
        hy_control_fail(a->call, err, "points were not all given anew",
                        "'hayauma score apply' goes on where it was");
    atomic_store(&a->d->is_applying_scores, false);
    apply_free(a);
}

static int make(struct hy_daemon *d, struct hy_scoring *scoring, bool is_silent, hy_lead_no only,
                struct apply **ret)
{
    const struct hy_score_plan *plan = hy_scoring_plan(scoring);
    struct apply *a = calloc(1, sizeof *a);
    if (!a)
        return HY_ENOMEM;
    *a = (struct apply){
        .req = {.class = HY_WRITE_ADMIN,
                .on_full = HY_WRITE_FULL_WAIT,
                .apply = apply_slice,
                .done = on_done,
                .slice = on_slice},
        .d = d,
        .scoring = hy_scoring_ref(scoring),
        .zone = hy_zone_local(),
        .print = hy_score_plan_print(plan),
        .is_silent = is_silent,
        .only = only,
    };
    int err = hy_scorer_new(&(struct hy_scorer_options){plan, a->zone}, &a->scorer);
    if (err == HY_OK)
        err = hy_segments_new(&(struct hy_facts_options){.plan = plan, .zone = a->zone},
                              &d->segments_meter, &a->segments);
    if (err == HY_OK)
        *ret = a;
    else
        apply_free(a);
    return err;
}

static int begin(struct hy_daemon *d, struct hy_scoring *scoring, bool is_silent, hy_lead_no only,
                 struct hy_control_call *call)
{
    struct apply *a = NULL;
    bool was = false;
    if (!atomic_compare_exchange_strong(&d->is_applying_scores, &was, true))
        return HY_EBUSY;
    int err = make(d, scoring, is_silent, only, &a);
    if (err == HY_OK) {
        a->call = call;
        err = hy_writer_submit(d->writer, &a->req);
        if (err != HY_OK)
            apply_free(a);
    }
    if (err != HY_OK)
        atomic_store(&d->is_applying_scores, false);
    return err;
}

int score_apply_start(struct hy_daemon *d, struct hy_scoring *scoring, bool is_silent,
                      struct hy_control_call *call)
{
    return begin(d, scoring, is_silent, 0, call);
}

void score_apply_look(struct hy_daemon *d, struct hy_scoring *scoring)
{
    struct hy_score_applied at = {0};
    struct hy_txn t = {0};
    uint64_t given = 0;
    if (!scoring)
        return;
    int err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = hy_table_count(&t, HY_TABLE_SCORES, &given);
    if (err == HY_OK)
        err = hy_scores_applied(&t, &at);
    hy_txn_end(&t);
    if (err != HY_OK && err != HY_ENOTFOUND)
        return;
    bool is_same = err == HY_OK && at.print == hy_score_plan_print(hy_scoring_plan(scoring));
    if (err == HY_OK && at.next)
        err = begin(d, scoring, true, is_same ? 0 : at.next, NULL);
    if (!is_same && given)
        hy_log(HY_LOG_NOTICE, "scoring",
               "points were given by other rules before: 'hayauma score try' shows what these "
               "make of the history, 'hayauma score apply' gives all anew");
    (void)err; /* a look is all that is missed */
}
