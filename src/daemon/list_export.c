/* A list as CSV, a few hundred leads a snapshot, so that a slow reader holds no old pages. */
#include "hayauma/daemon/list_export.h"

#include <stdlib.h>

#include "hayauma/audience/csv.h"
#include "hayauma/store/suppress.h"
#include "write_out.h"

enum {
    LEADS_AT_ONCE = 500,
    OUT_BYTES = 256 * 1024,
    OUT_MAX = 256 * 1024 * 1024, /* 500 leads of the largest size there could be are cut short */
};

struct export
{
    const struct hy_list_export_options *o;
    struct hy_txn t;
    int fd;
    struct hy_buf out;
    size_t n_attrs;
    hy_domain_no domain; /* from 0 on, where those without an address are */
    hy_lead_no after;
    uint64_t leads;
    struct hy_lead_attr attrs[HY_ATTR_MAX];
};

static int put_header(struct export *e)
{
    int err = hy_attr_count(&e->t, &e->n_attrs);
    hy_buf_add_lit(&e->out, "email,mail_status"); /* status is an attribute of its own */
    for (size_t i = 0; i < e->n_attrs && err == HY_OK; i++) {
        struct hy_str name;
        err = hy_attr_name(&e->t, (hy_attr_no)i, &name);
        if (err == HY_OK)
            hy_csv_put(&e->out, name, false, !e->o->raw);
    }
    hy_buf_add_c(&e->out, '\n');
    return err;
}

static int put_lead(struct export *e, hy_lead_no no)
{
    struct hy_lead_view v;
    int err = hy_lead_read(&e->t, no, e->attrs, HY_ATTR_MAX, &v);
    if (err)
        return err;
    hy_csv_put(&e->out, v.address, true, !e->o->raw);
    hy_csv_put(&e->out, hy_str_of(hy_lead_status_name(hy_suppress_lead_status(&e->t, &v))), false,
               false);
    size_t next = 0;
    for (size_t i = 0; i < v.n_attrs && v.attrs[i].no < e->n_attrs; i++) {
        for (; next < v.attrs[i].no; next++)
            hy_buf_add_c(&e->out, ',');
        hy_csv_put(&e->out, v.attrs[i].value, false, !e->o->raw);
        next++;
    }
    for (; next < e->n_attrs; next++)
        hy_buf_add_c(&e->out, ',');
    hy_buf_add_c(&e->out, '\n');
    e->leads++;
    return HY_OK;
}

static int next_of_lists(struct export *e, hy_lead_no leads[LEADS_AT_ONCE], size_t *n)
{
    int err = hy_list_set_leads(&e->t, &e->o->lists, e->domain, e->after, leads, LEADS_AT_ONCE, n);
    if (err == HY_OK && *n == 0) {
        err = hy_list_set_next_domain(&e->t, &e->o->lists, e->domain, &e->domain);
        e->after = 0;
    }
    return err;
}

static int next_of_set(struct export *e, hy_lead_no leads[LEADS_AT_ONCE], size_t *n)
{
    int err = hy_lead_set_next(&e->t, e->o->set, e->after, leads, LEADS_AT_ONCE, n);
    return err == HY_OK && *n == 0 ? HY_ENOTFOUND : err;
}

/* The leads that follow in one snapshot; HY_ENOTFOUND behind the last. */
static int put_some(struct export *e)
{
    hy_lead_no leads[LEADS_AT_ONCE];
    size_t n = 0;
    int err = e->o->lists.n ? next_of_lists(e, leads, &n) : next_of_set(e, leads, &n);
    for (size_t i = 0; i < n && err == HY_OK && e->out.len < OUT_BYTES; i++) {
        err = put_lead(e, leads[i]);
        if (err == HY_ENOTFOUND && !e->o->lists.n) /* it is gone, and leaves the set in a moment */
            err = HY_OK;
        e->after = leads[i];
    }
    return err;
}

int hy_list_export(struct hy_env *env, int fd, const struct hy_list_export_options *o,
                   uint64_t *ret_leads)
{
    struct export *e = calloc(1, sizeof *e);
    if (!e)
        return HY_ENOMEM;
    e->o = o;
    e->fd = fd;
    e->out = HY_BUF_INIT(OUT_MAX);
    int err = hy_txn_read(env, &e->t);
    if (err == HY_OK)
        err = put_header(e);
    while (err == HY_OK) {
        err = put_some(e);
        if (e->out.len < OUT_BYTES || err)
            continue;
        hy_txn_park(&e->t);
        err = write_out(e->fd, &e->out, o->is_cancelled, o->ctx);
        if (o->progress)
            o->progress(o->ctx, e->leads);
        if (err == HY_OK)
            err = hy_txn_renew(&e->t);
    }
    hy_txn_end(&e->t);
    if (err == HY_ENOTFOUND)
        err = write_out(e->fd, &e->out, o->is_cancelled, o->ctx);
    if (err == HY_OK)
        *ret_leads = e->leads;
    hy_buf_free(&e->out);
    free(e);
    return err;
}
