/* Erasing people: lead.erase, and going on with what a stop, or a snapshot that somebody reads, has
 * interrupted. */
#include "erasures.h"

#include <stdlib.h>
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
        hy_log(HY_LOG_ERROR, "erase", "lead %u could not be erased: %s", (unsigned)job->lead,
               hy_err_text(err));
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
    hy_erase_job_init(&e->job, lead, HY_STR(""));
    e->job.contacts = d->contacts;
    e->job.req.done = done;
    atomic_store(&e->is_running, true);
    if (hy_writer_submit(d->writer, &e->job.req) != HY_OK)
        atomic_store(&e->is_running, false);
}

/* ---- lead.erase ---- */

struct job {
    struct hy_daemon *d;
    struct hy_control_call *call;
};

static int find(struct job *j, hy_lead_no *ret, struct hy_erase_names *names, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    const char *which = "";
    int err = hy_control_arg_string_required(hy_control_args(j->call), "lead", diag, &which);
    if (!err)
        err = hy_txn_read(j->d->env, &t);
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
static int erase(struct job *j, hy_lead_no lead, struct hy_diag *diag)
{
    char user[40], by[HY_ERASE_BY_MAX + 1];
    struct hy_erase_job job;
    int err = HY_EBUSY;
    user_name(hy_control_uid(j->call), user, sizeof user);
    snprintf(by, sizeof by, "%s", user);
    for (unsigned i = 0; err == HY_EBUSY && i < WAITS_MAX; i++) {
        if (i)
            usleep(WAIT_US);
        hy_erase_job_init(&job, lead, hy_str_of(by));
        job.contacts = j->d->contacts;
        err = hy_writer_run(j->d->writer, &job.req);
        if (err == HY_EBUSY && hy_control_is_cancelled(j->call))
            break;
    }
    return err == HY_EBUSY
               ? hy_fail(diag, err,
                         "the records are deleted; the file is overwritten once the backup, audit "
                         "or export that is reading an older state has ended")
               : err;
}

static int report(struct job *j, hy_lead_no lead, const struct hy_erase_names *names, json_t **ret)
{
    struct hy_txn t = {0};
    struct hy_erasure e;
    uint64_t left = 0;
    int err = hy_txn_read(j->d->env, &t);
    if (!err)
        err = hy_erasure_get(&t, lead, &e);
    if (!err)
        err = hy_erase_left(&t, names, &left);
    if (!err) {
        *ret = hy_erasure_json(&e);
        ctl_set_count(*ret, "left", left);
    }
    hy_txn_end(&t);
    return err;
}

static void job_main(void *arg)
{
    struct job *j = arg;
    struct hy_diag diag = {""};
    struct hy_erase_names names = {.n = 0};
    hy_lead_no lead = 0;
    json_t *o = NULL;
    int err = find(j, &lead, &names, &diag);
    if (!err)
        err = erase(j, lead, &diag);
    if (!err)
        err = report(j, lead, &names, &o);
    explicit_bzero(&names, sizeof names);
    if (lead)
        act_log(j->d, hy_control_command_name(j->call), hy_control_uid(j->call),
                json_pack("{s:I}", "lead", (json_int_t)lead));
    if (!err)
        hy_control_finish(j->call, o);
    else
        hy_control_fail_diag(j->call, err, &diag);
    free(j);
}

static void lead_erase(struct hy_control_call *call, void *ctx)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    *j = (struct job){ctx, call};
    if (!ctl_job_start(ctx, call, CTL_JOB_ALTER, job_main, j))
        free(j);
}

const struct hy_control_command ctl_erase_commands[] = {
    {"lead.erase", 0, 0, lead_erase},
    {NULL, 0, 0, NULL},
};
