/* Erasing people: lead.erase, and going on with what a stop, or a snapshot that somebody reads, has
 * interrupted. */
#include "erasures.h"

#include <unistd.h>

#include "ctl_common.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/web/person_json.h"

enum { AGAIN_US = 2000000, WAIT_US = 200000, WAITS_MAX = 3000 };

/* ---- what is open ---- */

/* The writer's thread. */
static void done(struct hy_write_req *r, int err)
{
    struct hy_erase_job *job = hy_container_of(r, struct hy_erase_job, req);
    struct erasures *e = hy_container_of(job, struct erasures, job);
    if (err && err != HY_EBUSY && err != HY_ECLOSED)
        hy_log(HY_LOG_ERROR, "erase", "people could not be erased: %s", hy_err_text(err));
    atomic_store(&e->is_running, false);
}

void erasures_tick(struct hy_daemon *d, struct erasures *e)
{
    struct hy_txn t = {0};
    hy_lead_no lead = 0;
    hy_us now = hy_clock_us();
    uint32_t begun = hy_erasures_begun(d->env) + 1; /* never 0: the first tick looks */
    if (atomic_load(&e->is_running) || (begun == e->seen && (!e->is_open || now < e->again)))
        return;
    e->seen = begun;
    int err = hy_txn_read(d->env, &t);
    if (!err)
        err = hy_erasure_next_open(&t, 0, &lead);
    hy_txn_end(&t);
    e->is_open = err == HY_OK;
    e->again = now + AGAIN_US;
    if (err)
        return;
    hy_erase_job_init(&e->job, 0, HY_STR("")); /* all of them */
    e->job.contacts = d->contacts;
    e->job.req.done = done;
    atomic_store(&e->is_running, true);
    if (hy_writer_submit(d->writer, &e->job.req) != HY_OK)
        atomic_store(&e->is_running, false);
}

/* ---- lead.erase ---- */

static int find(struct ctl_task *k, hy_lead_no *ret, struct hy_erase_names *names,
                struct hy_diag *diag)
{
    struct hy_txn t = {0};
    const char *which = "";
    int err = hy_control_arg_string_required(k->args, "lead", diag, &which);
    if (!err)
        err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = hy_lead_resolve(&t, hy_str_of(which), ret, diag);
    if (!err)
        err = hy_lead_kept(&t, *ret, ret);
    if (!err)
        err = hy_erase_names(&t, *ret, names);
    hy_txn_end(&t);
    return err == HY_ENOTFOUND ? hy_fail(diag, err, "there is no lead '%.200s'", which) : err;
}

/* Waits for snapshots that are being read. */
static int erase(struct ctl_task *k, hy_lead_no lead, struct hy_diag *diag)
{
    struct hy_erase_job job;
    int err = HY_EBUSY;
    for (unsigned i = 0; err == HY_EBUSY && i < WAITS_MAX; i++) {
        if (i)
            usleep(WAIT_US);
        hy_erase_job_init(&job, lead, hy_str_of(k->user));
        job.contacts = k->d->contacts;
        err = hy_writer_run(k->d->writer, &job.req);
        if (err == HY_EBUSY && hy_control_is_cancelled(k->call))
            break;
    }
    return err == HY_EBUSY
               ? hy_fail(diag, err,
                         "the records are deleted; the file is overwritten once the backup, audit "
                         "or export that is reading an older state has ended")
               : err;
}

static int report(struct ctl_task *k, hy_lead_no lead, const struct hy_erase_names *names,
                  json_t *o)
{
    struct hy_txn t = {0};
    struct hy_erasure e;
    uint64_t left = 0;
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = hy_erasure_get(&t, lead, &e);
    if (!err)
        err = hy_erase_left(&t, names, &left);
    if (!err) {
        json_t *erasure = hy_erasure_json(&e);
        json_object_update(o, erasure);
        json_decref(erasure);
        ctl_set_count(o, "left", left);
    }
    hy_txn_end(&t);
    return err;
}

static int run_erase(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_erase_names names = {.n = 0};
    hy_lead_no lead = 0;
    int err = find(k, &lead, &names, diag);
    if (!err)
        err = erase(k, lead, diag);
    if (!err)
        err = report(k, lead, &names, o);
    hy_erase_names_free(&names);
    if (lead)
        act_log(k->d, hy_control_command_name(k->call), hy_control_uid(k->call),
                json_pack("{s:I}", "lead", (json_int_t)lead));
    return err;
}

static void lead_erase(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ALTER, run_erase);
}

static void lead_erase_file(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ALTER, erase_file_run);
}

const struct hy_control_command ctl_erase_commands[] = {
    {"lead.erase", 0, 0, lead_erase},
    {"lead.erase_file", 1, 0, lead_erase_file},
    {NULL, 0, 0, NULL},
};
