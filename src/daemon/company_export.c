/* company.export: all companies as CSV; company.import reads it again. */
#include <stdlib.h>

#include "export_rows.h"
#include "hayauma/base/list.h"
#include "hayauma/store/company.h"
#include "hayauma/track/company_rows.h"

enum {
    LOOKED_AT_ONCE = 2000,
    CELL_BYTES = 64 << 10,
    ROW_BYTES = 2 << 20, /* more than a record takes, with all its quotes doubled */
};

struct export
{
    struct export_rows e;
    struct hy_company_record c;
    hy_company_no last;
    bool has[HY_ATTR_MAX]; /* attributes that some company has */
    hy_attr_no attrs[HY_ATTR_MAX];
    size_t n_attrs;
    struct hy_diag *diag;
};

/* ---- which attributes there are ---- */

static int look_at_some(struct export *x, struct hy_txn *t, hy_company_no *after)
{
    int err = HY_OK;
    for (unsigned i = 0; i < LOOKED_AT_ONCE && !err; i++) {
        err = hy_company_next(t, *after, &x->c);
        for (size_t k = 0; !err && k < x->c.n_attrs; k++)
            x->has[x->c.attrs[k].no] = true;
        *after = err ? *after : x->c.no;
    }
    return err;
}

static int put_heads(struct export *x, struct hy_txn *t)
{
    for (size_t f = 0; f < HY_COMPANY_FIELDS; f++)
        hy_csv_put(&x->e.out, hy_str_of(hy_company_fields[f].name), f == 0, false);
    for (size_t no = 0; no < HY_ATTR_MAX; no++) {
        struct hy_buf head HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(CELL_BYTES);
        struct hy_str name;
        if (!x->has[no])
            continue;
        int err = hy_attr_name(t, (hy_attr_no)no, &name);
        if (err)
            return err;
        hy_company_attr_head(name, &head);
        hy_csv_put(&x->e.out, hy_buf_str(&head), false, x->e.is_safe);
        x->attrs[x->n_attrs++] = (hy_attr_no)no;
    }
    return HY_OK;
}

static int find_attrs(struct export *x, struct ctl_task *k)
{
    struct hy_txn t = {0};
    hy_company_no after = 0;
    int err = HY_OK;
    while (!err) {
        err = ctl_task_is_cancelled(k) ? HY_ECANCELED : hy_txn_read(k->d->env, &t);
        if (!err)
            err = look_at_some(x, &t, &after);
        if (err == HY_ENOTFOUND) {
            err = put_heads(x, &t);
            hy_txn_end(&t);
            break;
        }
        hy_txn_end(&t);
    }
    return err;
}

/* ---- rows ---- */

static void put_texts(struct export_rows *e, const struct hy_str *texts, size_t n)
{
    struct hy_buf cell HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(CELL_BYTES);
    for (size_t i = 0; i < n; i++)
        hy_company_cell_add(&cell, texts[i]);
    hy_csv_put(&e->out, hy_buf_str(&cell), false, e->is_safe);
}

static int put_row(struct export_rows *e, struct hy_txn *t)
{
    struct export *x = hy_container_of(e, struct export, e);
    const struct hy_company_record *c = &x->c;
    size_t next = 0;
    int err = hy_company_next(t, x->last, &x->c);
    if (err)
        return err;
    x->last = c->no;
    hy_csv_put(&e->out, c->name, true, e->is_safe);
    put_texts(e, c->aliases, c->n_aliases);
    put_texts(e, c->domains, c->n_domains);
    put_texts(e, c->ids, c->n_ids);
    for (size_t i = 0; i < x->n_attrs; i++) {
        bool has = next < c->n_attrs && c->attrs[next].no == x->attrs[i];
        hy_csv_put(&e->out, has ? c->attrs[next].value : HY_STR(""), false, e->is_safe);
        next += has;
    }
    return next == c->n_attrs ? HY_OK
                              : hy_fail(x->diag, HY_EBUSY,
                                        "a company was given a new attribute meanwhile: export "
                                        "again");
}

static int run_export(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct export *x = calloc(1, sizeof *x);
    if (!x)
        return HY_ENOMEM;
    x->e.put = put_row;
    x->diag = diag;
    int err = export_rows_begin(&x->e, k, ROW_BYTES, diag);
    if (!err)
        err = find_attrs(x, k);
    err = export_rows(&x->e, k, err, o);
    free(x);
    return err;
}

static void export_all(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_export);
}

const struct hy_control_command ctl_company_export_commands[] = {
    {"company.export", 1, 1, export_all},
    {NULL, 0, 0, NULL},
};
