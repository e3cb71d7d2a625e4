/* lead.merge, lead.unmerge, lead.duplicates: people who are in the store more than once. */
#include "ctl_common.h"
#include "hayauma/base/list.h"
#include "hayauma/store/duplicates.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/merge.h"
#include "hayauma/web/leads.h"

enum { SHOWN_MAX = 1000 };

/* ---- merging ---- */

struct merging {
    struct hy_write_req req;
    hy_lead_no kept, part; /* kept 0: taken apart */
    const char *by;
    struct hy_merged did;
    struct hy_diag diag;
};

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct merging *m = hy_container_of(r, struct merging, req);
    struct hy_str by = hy_str_of(m->by);
    m->diag.text[0] = '\0';
    return m->kept ? hy_lead_merge(t, m->kept, m->part, by, &m->did, &m->diag)
                   : hy_lead_unmerge(t, m->part, by, &m->did, &m->diag);
}

/* A part is named by its number: everything else leads to the lead that was kept. */
static int find(struct ctl_task *k, struct hy_txn *t, const char *name, hy_lead_no *ret,
                struct hy_diag *diag)
{
    const char *which = "";
    uint64_t no = 0;
    struct hy_str address;
    hy_domain_no domain;
    int err = hy_control_arg_string_required(hy_control_args(k->call), name, diag, &which);
    if (err)
        return err;
    if (hy_str_to_u64(hy_str_of(which), UINT32_MAX, &no) == 0) {
        *ret = (hy_lead_no)no;
        err = hy_lead_address(t, *ret, &address, &domain);
    } else {
        err = hy_lead_resolve(t, hy_str_of(which), ret, diag);
    }
    return err == HY_ENOTFOUND ? hy_fail(diag, err, "there is no lead '%.200s'", which) : err;
}

static json_t *merged_json(const struct hy_merged *m)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "kept", (json_int_t)m->kept, "part",
                     (json_int_t)m->part, "attributes", (json_int_t)m->attributes, "labels",
                     (json_int_t)m->labels, "lists", (json_int_t)m->lists, "identities",
                     (json_int_t)m->identities);
}

static int change(struct ctl_task *k, bool is_merging, json_t *o, struct hy_diag *diag)
{
    struct merging m = {.req = {.class = HY_WRITE_ADMIN, .apply = apply}, .by = k->user};
    struct hy_txn t = {0};
    int err = hy_txn_read(k->d->env, &t);
    if (!err && is_merging)
        err = find(k, &t, "keep", &m.kept, diag);
    if (!err)
        err = find(k, &t, is_merging ? "other" : "lead", &m.part, diag);
    hy_txn_end(&t);
    if (!err)
        err = hy_writer_run(k->d->writer, &m.req);
    if (err) {
        if (m.diag.text[0])
            *diag = m.diag;
        return err;
    }
    json_t *did = merged_json(&m.did);
    json_object_update(o, did);
    act_log(k->d, hy_control_command_name(k->call), hy_control_uid(k->call), did);
    return HY_OK;
}

static int run_merge(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    return change(k, true, o, diag);
}

static int run_unmerge(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    return change(k, false, o, diag);
}

/* ---- duplicates ---- */

struct finding {
    struct hy_txn *t;
    json_t *out;
};

static int add(void *ctx, const struct hy_duplicates *x)
{
    const struct finding *f = ctx;
    json_t *leads = json_array();
    for (size_t i = 0; i < x->n; i++) {
        json_t *o = NULL;
        if (hy_lead_json(f->t, x->leads[i], &o) == 0)
            json_array_append_new(leads, o);
    }
    json_array_append_new(f->out, json_pack("{s:s, s:o, s:o}", "by", hy_duplicate_name(x->by),
                                            "value", ctl_text_json(x->value), "leads", leads));
    return json_array_size(f->out) >= SHOWN_MAX;
}

static int run_duplicates(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    struct finding f = {&t, json_array()};
    (void)diag;
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = hy_duplicates_each(&t, add, &f);
    hy_txn_end(&t);
    json_object_set_new(o, "duplicates", f.out);
    return err > 0 ? HY_OK : err;
}

static void merge(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ALTER, run_merge);
}

static void unmerge(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ALTER, run_unmerge);
}

static void duplicates(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_WHOLE, run_duplicates);
}

const struct hy_control_command ctl_merge_commands[] = {
    {"lead.merge", 0, 0, merge},
    {"lead.unmerge", 0, 0, unmerge},
    {"lead.duplicates", 0, 0, duplicates},
    {NULL, 0, 0, NULL},
};
