/* audit, backup, list.export, segment.export: each reads the whole store on a thread of its own. */
#include "ctl_common.h"

#include <stdlib.h>
#include <unistd.h>

#include "hayauma/config/audit_json.h"
#include "hayauma/daemon/list_export.h"
#include "hayauma/store/retention.h"
#include "hayauma/store/segments.h"

struct store_job {
    struct hy_daemon *d;
    struct hy_control_call *call;
    void (*run)(struct store_job *j);
    char *path;
    int fd;
    struct hy_list_export_options export;
};

static void job_free(struct store_job *j)
{
    if (j->fd >= 0)
        close(j->fd);
    free(j->path);
    free(j);
}

static void job_main(void *arg)
{
    struct store_job *j = arg;
    j->run(j);
    job_free(j);
}

/* Takes the job; the call is finished in every case. */
static void job_start(struct store_job *j)
{
    if (!ctl_job_start(j->d, j->call, CTL_JOB_WHOLE, job_main, j))
        job_free(j);
}

static struct store_job *job_new(struct hy_control_call *call, struct hy_daemon *d,
                                 void (*run)(struct store_job *j))
{
    struct store_job *j = calloc(1, sizeof *j);
    if (!j) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return NULL;
    }
    j->d = d;
    j->call = call;
    j->run = run;
    j->fd = -1;
    return j;
}

/* ---- audit ---- */

static void run_audit(struct store_job *j)
{
    json_t *o = NULL;
    int err = hy_audit_json(j->d->env, &o);
    if (err == HY_OK)
        hy_control_finish(j->call, o);
    else
        hy_control_fail(j->call, err, "the store could not be read to its end", NULL);
}

static void audit(struct hy_control_call *call, void *ctx)
{
    struct store_job *j = job_new(call, ctx, run_audit);
    if (j)
        job_start(j);
}

/* What takes data out of the store is an act, too. */
static void log_act(struct store_job *j, json_t *details)
{
    act_log(j->d, hy_control_command_name(j->call), hy_control_uid(j->call), details);
}

/* ---- backup ---- */

static void run_backup(struct store_job *j)
{
    struct hy_diag diag = {""};
    int err = hy_backup(j->d->env, j->d->hits, j->path, &diag);
    if (err == HY_OK)
        log_act(j, json_pack("{s:s}", "path", j->path));
    if (err == HY_OK)
        hy_control_finish(j->call, json_pack("{s:s}", "path", j->path));
    else
        hy_control_fail_diag(j->call, err, &diag);
}

static void backup(struct hy_control_call *call, void *ctx)
{
    struct hy_diag diag = {""};
    const char *path;
    int err = hy_control_arg_string_required(hy_control_args(call), "path", &diag, &path);
    if (err == HY_OK && path[0] != '/')
        err = hy_fail(&diag, HY_EINVAL, "argument 'path' must be absolute");
    if (err != HY_OK) {
        hy_control_fail_diag(call, err, &diag);
        return;
    }
    struct store_job *j = job_new(call, ctx, run_backup);
    if (!j)
        return;
    j->path = strdup(path);
    if (j->path) {
        job_start(j);
        return;
    }
    hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
    free(j);
}

/* ---- list.export ---- */

static bool is_cancelled(void *ctx)
{
    return hy_control_is_cancelled(((struct store_job *)ctx)->call);
}

static void progress(void *ctx, uint64_t leads)
{
    hy_control_progress(((struct store_job *)ctx)->call,
                        json_pack("{s:I}", "rows", (json_int_t)leads));
}

static void run_export(struct store_job *j)
{
    uint64_t leads = 0;
    int err = hy_list_export(j->d->env, j->fd, &j->export, &leads);
    const char *of = j->export.lists.n ? "list" : "segment";
    log_act(j, json_pack("{s:O,s:I}", of, json_object_get(hy_control_args(j->call), of), "rows",
                         (json_int_t)leads));
    if (err == HY_OK)
        hy_control_finish(j->call, json_pack("{s:I}", "rows", (json_int_t)leads));
    else
        hy_control_fail(j->call, err,
                        j->export.lists.n ? "the list could not be written whole"
                                          : "the segment could not be written whole",
                        hy_err_text(err));
}

static int named_list(struct hy_txn *t, struct hy_control_call *call,
                      struct hy_list_export_options *o, struct hy_diag *diag)
{
    const char *name = "";
    o->lists.n = 1;
    return ctl_list_arg(t, call, &o->lists.lists[0], &name, diag);
}

static int named_segment(struct hy_txn *t, struct hy_control_call *call,
                         struct hy_list_export_options *o, struct hy_diag *diag)
{
    const char *name = "";
    hy_segment_no no = 0;
    int err = hy_control_arg_string_required(hy_control_args(call), "segment", diag, &name);
    if (err == HY_OK)
        err = hy_segment_find(t, hy_str_of(name), &no);
    o->set = hy_segment_set_of(no);
    return err == HY_ENOTFOUND ? hy_fail(diag, err, "there is no segment \"%.200s\"", name) : err;
}

static void start_export(struct hy_control_call *call, struct hy_daemon *d,
                         int (*named)(struct hy_txn *t, struct hy_control_call *call,
                                      struct hy_list_export_options *o, struct hy_diag *diag))
{
    struct hy_list_export_options o = {.is_cancelled = is_cancelled, .progress = progress};
    struct hy_diag diag = {""};
    struct hy_txn t = {0};
    bool safe = true;
    int err = hy_control_arg_bool(hy_control_args(call), "safe", true, &diag, &safe);
    if (err == HY_OK)
        err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = named(&t, call, &o, &diag);
    hy_txn_end(&t);
    if (err != HY_OK) {
        hy_control_fail_diag(call, err, &diag);
        return;
    }
    struct store_job *j = job_new(call, d, run_export);
    if (!j)
        return;
    j->fd = hy_control_take_fd(call, 0);
    j->export = o;
    j->export.raw = !safe;
    j->export.ctx = j;
    job_start(j);
}

static void list_export(struct hy_control_call *call, void *ctx)
{
    start_export(call, ctx, named_list);
}

static void segment_export(struct hy_control_call *call, void *ctx)
{
    start_export(call, ctx, named_segment);
}

const struct hy_control_command ctl_store_commands[] = {
    {"audit", 0, 0, audit},
    {"backup", 0, 0, backup},
    {"list.export", 1, 1, list_export},
    {"segment.export", 1, 1, segment_export},
    {NULL, 0, 0, NULL},
};
