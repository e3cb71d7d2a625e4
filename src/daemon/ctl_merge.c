/* lead.merge, lead.unmerge, lead.duplicates: people who are in the store more than once. */
#include "ctl_common.h"
#include "hayauma/store/merge.h"
#include "hayauma/web/leads.h"

enum { SHOWN_MAX = 1000 };

/* ---- merging ---- */

static int find(struct ctl_task *k, struct hy_txn *t, const char *name, hy_lead_no *ret,
                struct hy_diag *diag)
{
    const char *which = "";
    int err = hy_control_arg_string_required(k->args, name, diag, &which);
    return err ? err : hy_merge_find(t, hy_str_of(which), ret, diag);
}

static int find_part(struct ctl_task *k, struct hy_txn *t, hy_lead_no *ret, struct hy_diag *diag)
{
    const char *which = "";
    int err = hy_control_arg_string_required(k->args, "lead", diag, &which);
    return err ? err : hy_merge_find_part(t, hy_str_of(which), ret, diag);
}

static int change(struct ctl_task *k, bool is_merging, json_t *o, struct hy_diag *diag)
{
    struct hy_merge_job j;
    struct hy_txn t = {0};
    hy_lead_no kept = 0, part = 0;
    int err = hy_txn_read(k->d->env, &t);
    if (!err && is_merging)
        err = find(k, &t, "keep", &kept, diag);
    if (!err)
        err = is_merging ? find(k, &t, "other", &part, diag) : find_part(k, &t, &part, diag);
    hy_txn_end(&t);
    if (err)
        return err;
    hy_merge_job_init(&j, kept, part, hy_str_of(k->user));
    err = hy_writer_run(k->d->writer, &j.req);
    if (err) {
        if (j.diag.text[0])
            *diag = j.diag;
        return err;
    }
    json_t *did = hy_merged_json(&j.did);
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

struct look {
    struct ctl_task *k;
    hy_us told;
};

static bool go_on(void *ctx, uint64_t seen, uint64_t of)
{
    enum { TELL_EVERY_US = 200000 };
    struct look *l = ctx;
    hy_us now = hy_clock_us();
    if (now - l->told >= TELL_EVERY_US) {
        l->told = now;
        hy_control_progress(
            l->k->call, json_pack("{s:I,s:I}", "leads", (json_int_t)seen, "of", (json_int_t)of));
    }
    return !ctl_task_is_cancelled(l->k) && !atomic_load(&l->k->d->alters_ending);
}

static int run_duplicates(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct look l = {k, hy_clock_us()};
    struct hy_txn t = {0};
    json_t *found = NULL;
    (void)diag;
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = hy_duplicates_json(&t, SHOWN_MAX, go_on, &l, &found);
    hy_txn_end(&t);
    if (!err)
        json_object_set_new(o, "duplicates", found);
    return err;
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
