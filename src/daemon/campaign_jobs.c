/* The long jobs of campaigns, as the writer runs them: making rows from an audience, and sweeping
 * the rows of a cancelled one. They go on from the store after a restart. */
#include "daemon.h"

#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/store/list.h"
#include "hayauma/store/queue.h"

/* One running job; freed on the writer's thread when it is done. */
struct campaign_job {
    struct hy_daemon *d;
    hy_id campaign;
    bool is_sweep;
    bool is_announced; /* the feeder knows that rows are there */
    struct hy_list_audience audience;
    union {
        struct hy_enqueue_job enqueue;
        struct hy_sweep_job sweep;
    };
};

static void job_free(struct campaign_job *j)
{
    if (!j->is_sweep) {
        hy_enqueue_job_free(&j->enqueue);
        hy_list_audience_free(&j->audience);
    }
    free(j);
}

static void finish(struct campaign_job *j, int err)
{
    char id[HY_ID_TEXT_MAX];
    if (err != HY_OK && err != HY_ECLOSED)
        hy_log(HY_LOG_ERROR, "campaign", "%s of campaign %s stopped: %s%s",
               j->is_sweep ? "the sweep" : "the making of rows", hy_id_format(j->campaign, id),
               hy_err_text(err),
               err == HY_EFULL ? "; it goes on with 'hayauma campaign resume' when there is space"
                               : "");
    if (j->d->deliver && err != HY_ECLOSED)
        hy_deliver_campaign_changed(j->d->deliver, j->campaign);
    job_free(j);
}

static void enqueue_done(struct hy_write_req *r, int err)
{
    finish(hy_container_of(r, struct campaign_job, enqueue.req), err);
}

static void enqueue_slice(struct hy_write_req *r)
{
    struct campaign_job *j = hy_container_of(r, struct campaign_job, enqueue.req);
    if (!j->is_announced) {
        j->is_announced = true;
        hy_deliver_campaign_changed(j->d->deliver, j->campaign);
    }
}

static void sweep_done(struct hy_write_req *r, int err)
{
    finish(hy_container_of(r, struct campaign_job, sweep.req), err);
}

static int submit(struct hy_daemon *d, struct campaign_job *j, struct hy_write_req *req,
                  struct hy_diag *diag)
{
    int err = hy_writer_submit(d->writer, req);
    if (err == HY_OK)
        return HY_OK;
    job_free(j);
    if (err == HY_EFULL)
        return hy_fail(diag, err,
                       "the disk is full, or nearly so (store.min_free): free some space first");
    return hy_fail(diag, err, "the writer does not take it: %s", hy_err_text(err));
}

static struct campaign_job *job_new(struct hy_daemon *d, hy_id campaign, bool is_sweep)
{
    struct campaign_job *j = calloc(1, sizeof *j);
    if (j) {
        j->d = d;
        j->campaign = campaign;
        j->is_sweep = is_sweep;
    }
    return j;
}

/* Takes what `whom` has. */
static int start_enqueue(struct hy_daemon *d, hy_id id, struct hy_list_audience *whom,
                         struct hy_diag *diag)
{
    struct campaign_job *j = job_new(d, id, false);
    if (!j) {
        hy_list_audience_free(whom);
        return hy_fail(diag, HY_ENOMEM, "out of memory");
    }
    struct hy_audience audience;
    j->audience = *whom;
    hy_list_set_audience(&j->audience, &audience);
    int err = hy_enqueue_job_init(&j->enqueue, id, audience);
    if (err != HY_OK) {
        hy_list_audience_free(&j->audience);
        free(j);
        return hy_fail(diag, err, "its rows cannot be made: %s", hy_err_text(err));
    }
    j->enqueue.req.done = enqueue_done;
    j->enqueue.req.slice = enqueue_slice;
    return submit(d, j, &j->enqueue.req, diag);
}

static int start_sweep(struct hy_daemon *d, hy_id campaign, struct hy_diag *diag)
{
    struct campaign_job *j = job_new(d, campaign, true);
    if (!j)
        return hy_fail(diag, HY_ENOMEM, "out of memory");
    hy_sweep_job_init(&j->sweep, campaign, HY_SWEEP_CANCEL);
    j->sweep.req.done = sweep_done;
    return submit(d, j, &j->sweep.req, diag);
}

int jobs_start(struct hy_daemon *d, hy_id campaign, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    struct hy_campaign c;
    struct hy_campaign_progress p;
    struct hy_list_audience whom;
    int err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = hy_campaign_get(&t, campaign, &c);
    if (err == HY_OK)
        err = hy_campaign_progress(&t, campaign, &p);
    bool is_to_queue = err == HY_OK && c.state == HY_CAMPAIGN_QUEUEING && !p.queued_all;
    if (is_to_queue && (err = plan_audience(d, &t, &c, &whom, diag)) != HY_OK)
        brakes_on_unsendable(d, campaign, diag->text);
    hy_txn_end(&t);
    if (err != HY_OK)
        return hy_fail(diag, err, "the campaign cannot be read: %s", hy_err_text(err));
    if (is_to_queue)
        return start_enqueue(d, campaign, &whom, diag);
    if (c.state == HY_CAMPAIGN_CANCELLED && !p.cancelled_all)
        return start_sweep(d, campaign, diag);
    return HY_OK;
}

int jobs_start_all(struct hy_daemon *d, struct hy_diag *diag)
{
    hy_id after = 0;
    for (;;) {
        struct hy_txn t = {0};
        struct hy_campaign c;
        int err = hy_txn_read(d->env, &t);
        if (err == HY_OK)
            err = hy_campaign_next(&t, after, &c);
        hy_id id = err == HY_OK ? c.id : 0;
        enum hy_campaign_state state = err == HY_OK ? c.state : HY_CAMPAIGN_DRAFT;
        hy_txn_end(&t);
        if (err == HY_ENOTFOUND)
            return HY_OK;
        if (err != HY_OK)
            return hy_fail(diag, err, "campaigns cannot be read: %s", hy_err_text(err));
        after = id;
        if (state != HY_CAMPAIGN_QUEUEING && state != HY_CAMPAIGN_CANCELLED)
            continue;
        struct hy_diag why = {""};
        if (jobs_start(d, id, &why) != HY_OK) {
            char text[HY_ID_TEXT_MAX];
            hy_log(HY_LOG_ERROR, "campaign", "campaign %s does not go on: %s",
                   hy_id_format(id, text), why.text);
        }
    }
}

struct move_req {
    struct hy_write_req req;
    hy_id campaign;
    enum hy_campaign_state to;
};

static int apply_move(struct hy_write_req *r, struct hy_txn *t)
{
    struct move_req *m = hy_container_of(r, struct move_req, req);
    return hy_campaign_move(t, m->campaign, m->to);
}

int campaign_move(struct hy_daemon *d, hy_id campaign, enum hy_campaign_state to)
{
    struct move_req m = {
        .req = {.class = HY_WRITE_ADMIN, .when = HY_WRITE_NOW, .apply = apply_move},
        .campaign = campaign,
        .to = to,
    };
    return hy_writer_run(d->writer, &m.req);
}

struct due_start {
    hy_id id;
    hy_wall_ms start_at;
};

void jobs_start_scheduled(struct hy_daemon *d)
{
    struct hy_txn t = {0};
    if (hy_txn_read(d->env, &t) != HY_OK)
        return;
    struct due_start due[64];
    hy_id after = 0;
    size_t n = 0;
    hy_wall_ms now = hy_clock_wall_ms();
    struct hy_campaign c;
    while (n < 64 && hy_campaign_next(&t, after, &c) == HY_OK) {
        after = c.id;
        if (c.state == HY_CAMPAIGN_SCHEDULED && c.start_at <= now)
            due[n++] = (struct due_start){c.id, c.start_at};
    }
    hy_txn_end(&t);
    for (size_t i = 0; i < n; i++) {
        struct hy_diag why = {""};
        char id[HY_ID_TEXT_MAX];
        if (brakes_hold_stale(d, due[i].id, due[i].start_at))
            continue;
        int err = campaign_move(d, due[i].id, HY_CAMPAIGN_QUEUEING);
        if (err == HY_OK)
            err = jobs_start(d, due[i].id, &why);
        if (err != HY_OK)
            hy_log(HY_LOG_ERROR, "campaign", "campaign %s could not start at its time: %s",
                   hy_id_format(due[i].id, id), why.text[0] ? why.text : hy_err_text(err));
    }
}
