/* campaign.start, .pause, .resume, .cancel, .held: each changes the stored state first, and is
 * answered after that is durable; on threads of their own, for they wait for the commit. */
#include "ctl_common.h"

#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/store/list.h"
#include "hayauma/store/queue.h"

static void answer(struct hy_daemon *d, struct hy_control_call *call, hy_id id, int err,
                   struct hy_diag *diag)
{
    json_t *o = NULL;
    if (err == HY_OK)
        err = ctl_campaign_read(d, id, &o, diag);
    if (err == HY_OK)
        hy_control_finish(call, o);
    else
        hy_control_fail_diag(call, err, diag);
}

/* What a person did with a campaign goes into the log of acts. */
static void log_act(struct hy_daemon *d, struct hy_control_call *call, hy_id id)
{
    char text[HY_ID_TEXT_MAX];
    const json_t *decision = json_object_get(hy_control_args(call), "decision");
    json_t *details = json_pack("{s:s}", "campaign", hy_id_format(id, text));
    if (details && decision)
        json_object_set(details, "decision", (json_t *)(uintptr_t)decision);
    act_log(d, hy_control_command_name(call), hy_control_uid(call), details);
}

/* The state as a word, for messages. */
static const char *state_of(struct hy_daemon *d, hy_id id)
{
    struct hy_txn t = {0};
    struct hy_campaign c;
    const char *name = "?";
    if (hy_txn_read(d->env, &t) == HY_OK && hy_campaign_get(&t, id, &c) == HY_OK)
        name = hy_campaign_state_name(c.state);
    hy_txn_end(&t);
    return name;
}

static int move(struct hy_daemon *d, hy_id id, enum hy_campaign_state to, const char *verb,
                struct hy_diag *diag)
{
    int err = campaign_move(d, id, to);
    if (err == HY_EINVAL)
        return hy_fail(diag, err, "a campaign that is %s cannot be %s", state_of(d, id), verb);
    if (err != HY_OK)
        return hy_fail(diag, err, "the campaign cannot be %s: %s", verb, hy_err_text(err));
    return HY_OK;
}

/* Templates, keys, pool, tenant: as the feeder will load it. */
static int check_plan(struct hy_daemon *d, hy_id id, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    struct hy_campaign c;
    struct hy_campaign_progress p;
    struct hy_list_audience whom = {0};
    HY_CLEANUP(hy_buf_free)
    struct hy_buf bundle = HY_BUF_INIT(HY_CAMPAIGN_BUNDLE_MAX);
    struct plan_findings found = {.unknown = HY_BUF_INIT(65536)};
    int err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = hy_campaign_get(&t, id, &c);
    if (err == HY_OK)
        err = hy_campaign_bundle(&t, id, &bundle);
    if (err == HY_OK)
        err = plan_check(d, &t, hy_buf_str(&bundle), &c, diag, &found);
    if (err == HY_OK)
        err = hy_campaign_progress(&t, id, &p);
    if (err == HY_OK && !p.queued_all)
        err = plan_audience(d, &t, &c, &whom, diag);
    hy_txn_end(&t);
    hy_list_audience_free(&whom);
    hy_buf_free(&found.unknown);
    return err == HY_OK ? err : hy_fail(diag, err, "%s", hy_err_text(err));
}

/* Nothing is started, or goes on, that could not be sent. */
static int check(struct hy_daemon *d, hy_id id, struct hy_diag *diag)
{
    enum hy_env_state space = hy_env_state(d->env);
    int err = check_plan(d, id, diag);
    if (err == HY_OK && space != HY_ENV_READY)
        err = hy_fail(diag, HY_EFULL,
                      "the disk is %s: free some space (see store.min_free), then try again",
                      space == HY_ENV_LOW ? "nearly full" : "full");
    return err;
}

static void start(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_diag diag = {""};
    hy_id id = 0;
    int err = ctl_campaign_arg(d, call, &id, &diag);
    if (err == HY_OK)
        err = check(d, id, &diag);
    if (err == HY_OK)
        err = move(d, id, HY_CAMPAIGN_QUEUEING, "started", &diag);
    if (err == HY_OK)
        log_act(d, call, id);
    if (err == HY_OK)
        err = jobs_start(d, id, &diag);
    answer(d, call, id, err, &diag);
}

static void pause_campaign(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_diag diag = {""};
    hy_id id = 0;
    int err = ctl_campaign_arg(d, call, &id, &diag);
    if (err == HY_OK)
        err = move(d, id, HY_CAMPAIGN_PAUSED, "paused", &diag);
    if (err == HY_OK) {
        log_act(d, call, id);
        hy_deliver_campaign_changed(d->deliver, id);
    }
    answer(d, call, id, err, &diag);
}

struct resume_req {
    struct hy_write_req req;
    hy_id campaign;
    enum hy_campaign_state state;
};

static int apply_resume(struct hy_write_req *r, struct hy_txn *t)
{
    struct resume_req *m = hy_container_of(r, struct resume_req, req);
    return hy_campaign_resume(t, m->campaign, &m->state);
}

static int move_on(struct hy_daemon *d, hy_id id, struct hy_diag *diag)
{
    struct resume_req m = {
        .req = {.class = HY_WRITE_ADMIN, .when = HY_WRITE_NOW, .apply = apply_resume},
        .campaign = id,
    };
    int err = hy_writer_run(d->writer, &m.req);
    if (err == HY_EINVAL)
        return hy_fail(diag, err, "a campaign that is %s cannot be resumed", state_of(d, id));
    if (err != HY_OK)
        return hy_fail(diag, err, "the campaign cannot be resumed: %s", hy_err_text(err));
    return HY_OK;
}

static void resume(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_diag diag = {""};
    hy_id id = 0;
    int err = ctl_campaign_arg(d, call, &id, &diag);
    if (err == HY_OK)
        err = check(d, id, &diag);
    if (err == HY_OK)
        err = move_on(d, id, &diag);
    if (err == HY_OK) {
        log_act(d, call, id);
        err = jobs_start(d, id, &diag);
    }
    if (err == HY_OK)
        hy_deliver_campaign_changed(d->deliver, id);
    answer(d, call, id, err, &diag);
}

static void cancel(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_diag diag = {""};
    hy_id id = 0;
    int err = ctl_campaign_arg(d, call, &id, &diag);
    if (err == HY_OK)
        err = move(d, id, HY_CAMPAIGN_CANCELLED, "cancelled", &diag);
    if (err == HY_OK) {
        log_act(d, call, id);
        hy_deliver_campaign_changed(d->deliver, id);
        err = jobs_start(d, id, &diag);
    }
    answer(d, call, id, err, &diag);
}

/* ---- held rows ---- */

struct held_job {
    struct hy_sweep_job sweep; /* first */
    struct hy_daemon *d;
    struct hy_control_call *call;
};

/* Writer thread: the sweep is durable. */
static void held_done(struct hy_write_req *r, int err)
{
    struct held_job *j = hy_container_of(r, struct held_job, sweep.req);
    struct hy_diag diag = {""};
    if (err != HY_OK)
        hy_fail(&diag, err, "the held recipients could not all be changed: %s", hy_err_text(err));
    if (err != HY_ECLOSED)
        hy_deliver_campaign_changed(j->d->deliver, j->sweep.campaign);
    answer(j->d, j->call, j->sweep.campaign, err, &diag);
    free(j);
}

static int read_decision(struct hy_control_call *call, enum hy_sweep *ret, struct hy_diag *diag)
{
    static const struct {
        const char *word;
        enum hy_sweep what;
    } words[] = {{"resend", HY_SWEEP_HELD_RESEND},
                 {"delivered", HY_SWEEP_HELD_DELIVERED},
                 {"cancel", HY_SWEEP_HELD_CANCEL}};
    const char *word;
    int err = hy_control_arg_string_required(hy_control_args(call), "decision", diag, &word);
    for (size_t i = 0; err == HY_OK && i < sizeof words / sizeof *words; i++) {
        if (hy_str_eq(hy_str_of(word), hy_str_of(words[i].word))) {
            *ret = words[i].what;
            return HY_OK;
        }
    }
    return err ? err
               : hy_fail(diag, HY_EINVAL,
                         "argument 'decision' must be resend, delivered or cancel");
}

/* A person decides about rows that were in doubt after a crash and are held. */
static void held(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_diag diag = {""};
    hy_id id = 0;
    enum hy_sweep what = HY_SWEEP_HELD_RESEND;
    int err = ctl_campaign_arg(d, call, &id, &diag);
    if (err == HY_OK)
        err = read_decision(call, &what, &diag);
    struct held_job *j = err == HY_OK ? calloc(1, sizeof *j) : NULL;
    if (err == HY_OK && !j)
        err = HY_ENOMEM;
    if (err == HY_OK) {
        hy_sweep_job_init(&j->sweep, id, what);
        j->sweep.req.done = held_done;
        j->d = d;
        j->call = call;
        err = hy_writer_submit(d->writer, &j->sweep.req);
        if (err == HY_OK) {
            log_act(d, call, id);
            return;
        }
        free(j);
    }
    hy_control_fail_diag(call, err, &diag);
}

static void on_start(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, start);
}

static void on_pause(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, pause_campaign);
}

static void on_resume(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, resume);
}

static void on_cancel(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, cancel);
}

static void on_held(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, held);
}

const struct hy_control_command ctl_campaign_run_commands[] = {
    {"campaign.start", 0, 0, on_start},   {"campaign.pause", 0, 0, on_pause},
    {"campaign.resume", 0, 0, on_resume}, {"campaign.cancel", 0, 0, on_cancel},
    {"campaign.held", 0, 0, on_held},     {NULL, 0, 0, NULL},
};
