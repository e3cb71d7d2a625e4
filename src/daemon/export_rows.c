/* A table of the store as CSV, in snapshots. */
#include "export_rows.h"

#include "write_out.h"

enum { ROWS_AT_ONCE = 2000, OUT_BYTES = 256 << 10 };

int export_rows_begin(struct export_rows *e, const struct ctl_task *k, size_t row_bytes,
                      struct hy_diag *diag)
{
    e->out = HY_BUF_INIT(OUT_BYTES + row_bytes);
    e->is_safe = true;
    return hy_control_arg_bool(k->args, "safe", true, diag, &e->is_safe);
}

static int put_some(struct export_rows *e, struct hy_txn *t)
{
    int err = HY_OK;
    for (unsigned i = 0; !err && i < ROWS_AT_ONCE && e->out.len < OUT_BYTES; i++) {
        err = e->put(e, t);
        if (err)
            break;
        hy_buf_add_c(&e->out, '\n');
        e->rows++;
    }
    return err;
}

int export_rows(struct export_rows *e, struct ctl_task *k, int err, json_t *o)
{
    struct hy_txn t = {0};
    hy_buf_add_c(&e->out, '\n');
    while (!err) {
        err = hy_txn_read(k->d->env, &t);
        if (!err)
            err = put_some(e, &t);
        hy_txn_end(&t);
        int written = write_out(k->fd, &e->out, ctl_task_is_cancelled, k);
        err = err && err != HY_ENOTFOUND ? err : written ? written : err;
        hy_control_progress(k->call, json_pack("{s:I}", "rows", (json_int_t)e->rows));
    }
    hy_buf_free(&e->out);
    ctl_set_count(o, "rows", e->rows);
    return err == HY_ENOTFOUND ? HY_OK : err;
}
