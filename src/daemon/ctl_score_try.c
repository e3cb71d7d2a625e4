/* score.try: what other rules would make of the history. score.apply: the rules that are in force
 * give all points anew. */
#include "score_try.h"

#include <stdlib.h>

#include "ctl_common.h"
#include "score_apply.h"

/* ---- try ---- */

struct trying {
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct hy_scoring *rules;
};

static void try_free(struct trying *y)
{
    hy_scoring_free(y->rules);
    free(y);
}

static bool is_over(void *ctx)
{
    return hy_control_is_cancelled(((struct trying *)ctx)->call);
}

static void progress(void *ctx, hy_lead_no done, hy_lead_no of)
{
    hy_control_progress(((struct trying *)ctx)->call,
                        json_pack("{s:I,s:I}", "leads", (json_int_t)done, "of", (json_int_t)of));
}

static void try_main(void *arg)
{
    struct trying *y = arg;
    const struct score_try_watch watch = {is_over, progress, y};
    struct hy_txn t = {0};
    json_t *o = NULL;
    int err = hy_txn_read(y->d->env, &t);
    if (err == HY_OK)
        err = score_try(y->d, &t, y->rules, &watch, &o);
    if (err == HY_OK)
        hy_control_finish(y->call, o);
    else
        hy_control_fail(y->call, err, "the history could not be read to its end", NULL);
    hy_txn_end(&t);
    try_free(y);
}

static int read_rules(struct hy_control_call *call, struct hy_diag *diag, struct hy_scoring **ret)
{
    struct hy_problems p = {0};
    const char *text;
    int err = hy_control_arg_string_required(hy_control_args(call), "rules", diag, &text);
    if (err != HY_OK)
        return err;
    err = hy_scoring_parse("rules", hy_str_of(text), &p, ret);
    if (err != HY_OK && p.n)
        err = hy_fail(diag, err, "rules:%u:%u: %.300s", (unsigned)p.items[0].line,
                      (unsigned)p.items[0].column, p.items[0].text);
    hy_problems_free(&p);
    return err;
}

static void try_rules(struct hy_control_call *call, void *ctx)
{
    struct hy_diag diag = {""};
    struct trying *y = calloc(1, sizeof *y);
    int err = y ? read_rules(call, &diag, &y->rules) : HY_ENOMEM;
    if (err == HY_OK) {
        y->d = ctx;
        y->call = call;
    } else {
        hy_control_fail_diag(call, err, &diag);
    }
    if (err != HY_OK || !ctl_job_start(ctx, call, CTL_JOB_WHOLE, try_main, y)) {
        if (y)
            try_free(y);
    }
}

/* ---- apply ---- */

static void apply(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    struct hy_scoring *scoring = daemon_scoring(d);
    uid_t uid = hy_control_uid(call);
    bool announces = false;
    int err = hy_control_arg_bool(hy_control_args(call), "announce", false, &diag, &announces);
    if (err == HY_OK && !scoring)
        err = hy_fail(&diag, HY_ENOTFOUND,
                      "leads have no points: scoring.rules names no file of rules");
    if (err == HY_OK)
        err = score_apply_start(d, scoring, !announces, call);
    if (err == HY_EBUSY)
        err = hy_fail(&diag, err, "points are being given anew already");
    if (err != HY_OK)
        hy_control_fail_diag(call, err, &diag);
    else
        act_log_apart(d, "score.apply", uid, json_object()); /* the call may be finished */
    hy_scoring_free(scoring);
}

const struct hy_control_command ctl_score_try_commands[] = {
    {"score.try", 0, 0, try_rules},
    {"score.apply", 0, 0, apply},
    {NULL, 0, 0, NULL},
};
