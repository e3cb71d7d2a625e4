/* suppress.export: the suppression list as CSV, some thousand entries a snapshot, so that a slow
 * reader holds no old pages. What it writes, suppress.import reads. */
#include <stdlib.h>
#include <unistd.h>

#include "ctl_common.h"
#include "hayauma/store/suppress_text.h"
#include "write_out.h"

enum { OUT_BYTES = 256 * 1024, ROW_BYTES = 4096 };

struct job {
    struct hy_daemon *d;
    struct hy_control_call *call;
    int fd;
    bool is_safe;
    struct hy_suppress_names names;
    struct hy_txn t;
    struct hy_buf out;
    uint64_t rows;
};

static void put_header(struct hy_buf *out)
{
    for (int c = 0; c < HY_SUPPRESS_COLS; c++)
        hy_csv_put(out, hy_str_of(hy_suppress_column_name((enum hy_suppress_column)c)), c == 0,
                   false);
    hy_buf_add_c(out, '\n');
}

/* 1: the buffer is to be written. */
static int put_row(void *ctx, const struct hy_suppress_entry *e)
{
    struct job *j = ctx;
    struct hy_suppress_fields fields;
    hy_suppress_fields_of(&j->names, &j->t, e, &fields);
    for (int c = 0; c < HY_SUPPRESS_COLS; c++)
        hy_csv_put(&j->out, fields.f[c], c == 0, j->is_safe);
    hy_buf_add_c(&j->out, '\n');
    j->rows++;
    return j->out.len >= OUT_BYTES;
}

static bool is_cancelled(void *ctx)
{
    return hy_control_is_cancelled(((struct job *)ctx)->call);
}

static int run(struct job *j)
{
    struct hy_suppress_key at = {0};
    int err = hy_txn_read(j->d->env, &j->t);
    put_header(&j->out);
    while (err == HY_OK) {
        err = hy_suppress_walk(&j->t, &at, SIZE_MAX, put_row, j);
        if (err < 0)
            break;
        hy_txn_park(&j->t);
        err = write_out(j->fd, &j->out, is_cancelled, j);
        hy_control_progress(j->call, json_pack("{s:I}", "rows", (json_int_t)j->rows));
        if (err == HY_OK)
            err = hy_txn_renew(&j->t);
    }
    hy_txn_end(&j->t);
    return err == HY_ENOTFOUND ? write_out(j->fd, &j->out, is_cancelled, j) : err;
}

static void job_free(struct job *j)
{
    if (j->fd >= 0)
        close(j->fd);
    hy_buf_free(&j->out);
    free(j);
}

static void job_main(void *arg)
{
    struct job *j = arg;
    struct hy_config *config = daemon_config(j->d);
    j->names = (struct hy_suppress_names){.tenants = &config->tenants};
    int err = run(j);
    hy_config_unref(config);
    act_log(j->d, hy_control_command_name(j->call), hy_control_uid(j->call),
            json_pack("{s:I}", "rows", (json_int_t)j->rows));
    if (err == HY_OK)
        hy_control_finish(j->call, json_pack("{s:I}", "rows", (json_int_t)j->rows));
    else
        hy_control_fail(j->call, err, "the list could not be written whole", hy_err_text(err));
    job_free(j);
}

static void export_all(struct hy_control_call *call, void *ctx)
{
    struct hy_diag diag = {""};
    bool is_safe = true;
    int err = hy_control_arg_bool(hy_control_args(call), "safe", true, &diag, &is_safe);
    struct job *j = err == HY_OK ? calloc(1, sizeof *j) : NULL;
    if (!j) {
        hy_control_fail_diag(call, err ? err : HY_ENOMEM, &diag);
        return;
    }
    *j = (struct job){.d = ctx,
                      .call = call,
                      .fd = hy_control_take_fd(call, 0),
                      .is_safe = is_safe,
                      .out = HY_BUF_INIT(OUT_BYTES + ROW_BYTES)};
    if (!ctl_job_start(ctx, call, CTL_JOB_WHOLE, job_main, j))
        job_free(j);
}

const struct hy_control_command ctl_suppress_export_commands[] = {
    {"suppress.export", 1, 1, export_all},
    {NULL, 0, 0, NULL},
};
