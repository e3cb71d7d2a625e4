/* company.*: companies by hand. Each on a thread of its own: a change waits for its commit, looking
 * may go through all of them. */
#include "ctl_common.h"
#include "hayauma/web/companies.h"

enum { EDIT_ARENA_MAX = 4 << 20 };

static int no_company(const char *which, struct hy_diag *diag)
{
    return hy_fail(diag, HY_ENOTFOUND, "there is no company '%.200s'", which);
}

/* The company that argument "company" names. */
static int find(struct ctl_task *k, struct hy_txn *t, hy_company_no *ret, struct hy_diag *diag)
{
    const char *which = "";
    int err = hy_control_arg_string_required(k->args, "company", diag, &which);
    if (!err)
        err = hy_company_resolve(t, hy_str_of(which), ret);
    return err == HY_ENOTFOUND ? no_company(which, diag) : err;
}

/* Takes what is in `got`. */
static int answer(json_t *o, json_t *got, int err)
{
    if (!err)
        json_object_update(o, got);
    json_decref(got);
    return err;
}

/* ---- looking ---- */

static int run_show(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    json_t *got = NULL, *account = NULL;
    hy_company_no no = 0;
    int64_t limit = 0;
    int err = hy_control_arg_int(k->args, "limit", 20, 1, HY_COMPANY_PAGE_MAX, diag, &limit);
    if (!err)
        err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = find(k, &t, &no, diag);
    if (!err)
        err = hy_company_json(&t, no, &got);
    if (!err)
        err = hy_company_account_json(&t, no, (size_t)limit, hy_clock_wall_ms(), &account);
    hy_txn_end(&t);
    if (!err)
        json_object_update(o, account);
    json_decref(account);
    return answer(o, got, err);
}

static int run_hot(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    json_t *got = NULL;
    int64_t limit = 0;
    int err = hy_control_arg_int(k->args, "limit", 20, 1, HY_COMPANY_HOT_MAX, diag, &limit);
    if (!err)
        err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = hy_company_hot_json(&t, (size_t)limit, hy_clock_wall_ms(), &got);
    hy_txn_end(&t);
    return answer(o, got, err);
}

static int run_list(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_company_search s = {.limit = 0};
    struct hy_txn t = {0};
    const char *text = "";
    json_t *got = NULL;
    int64_t limit = 0, after = 0;
    int err = hy_control_arg_int(k->args, "limit", 100, 1, HY_COMPANY_PAGE_MAX, diag, &limit);
    if (!err)
        err = hy_control_arg_int(k->args, "after", 0, 0, UINT32_MAX, diag, &after);
    if (!err)
        err = hy_control_arg_string(k->args, "text", "", diag, &text);
    if (!err)
        err = hy_txn_read(k->d->env, &t);
    s = (struct hy_company_search){hy_str_of(text), (hy_company_no)after, (size_t)limit};
    if (!err)
        err = hy_companies_json(&t, &s, &got);
    hy_txn_end(&t);
    return answer(o, got, err);
}

static int run_leads(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    json_t *got = NULL;
    hy_company_no no = 0;
    int64_t limit = 0, after = 0;
    int err = hy_control_arg_int(k->args, "limit", 100, 1, HY_COMPANY_PAGE_MAX, diag, &limit);
    if (!err)
        err = hy_control_arg_int(k->args, "after", 0, 0, UINT32_MAX, diag, &after);
    if (!err)
        err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = find(k, &t, &no, diag);
    if (!err)
        err = hy_company_leads_json(&t, no, (hy_lead_no)after, (size_t)limit, hy_clock_wall_ms(),
                                    &got);
    hy_txn_end(&t);
    return answer(o, got, err);
}

/* ---- changing ---- */

/* Submits it, and tells who did it. */
static int change(struct ctl_task *k, struct hy_company_change *x, struct hy_diag *diag)
{
    hy_company_change_init(x);
    x->req.class = HY_WRITE_ADMIN;
    int err = hy_writer_run(k->d->writer, &x->req);
    if (err && !diag->text[0])
        *diag = x->diag;
    if (!err)
        act_log(
            k->d, hy_control_command_name(k->call), hy_control_uid(k->call),
            json_pack("{s:I, s:I}", "company", (json_int_t)x->no, "lead", (json_int_t)x->lead_no));
    return err;
}

static int run_edit(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_arena arena = HY_ARENA_INIT(EDIT_ARENA_MAX);
    struct hy_company_change x = {.does = HY_COMPANY_EDIT};
    struct hy_txn t = {0};
    char field[64];
    const char *which = "";
    json_t *got = NULL;
    int err = hy_company_edit_read(json_object_get(k->args, "edit"), &arena, &x.edit, field, diag);
    if (err && field[0]) {
        struct hy_diag where = {""};
        hy_fail(&where, err, "%s: %.400s", field, diag->text);
        *diag = where;
    }
    if (!err)
        err = hy_control_arg_string(k->args, "company", "", diag, &which);
    x.which = hy_str_of(which);
    if (!err)
        err = change(k, &x, diag);
    hy_arena_free(&arena);
    if (!err)
        err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = hy_company_json(&t, x.no, &got);
    hy_txn_end(&t);
    return answer(o, got, err);
}

static int run_delete(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_company_change x = {.does = HY_COMPANY_DROP};
    const char *which = "", *into = "";
    int err = hy_control_arg_string_required(k->args, "company", diag, &which);
    if (!err)
        err = hy_control_arg_string(k->args, "into", "", diag, &into);
    x.which = hy_str_of(which);
    x.into = hy_str_of(into);
    if (!err)
        err = change(k, &x, diag);
    if (!err)
        ctl_set_count(o, "company", x.no);
    return err;
}

static int run_lead(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_company_change x = {.does = HY_COMPANY_PUT_LEAD};
    const char *which = "", *lead = "";
    int err = hy_control_arg_string_required(k->args, "company", diag, &which);
    if (!err)
        err = hy_control_arg_string_required(k->args, "lead", diag, &lead);
    if (!err)
        err = hy_control_arg_bool(k->args, "leave", false, diag, &x.is_leaving);
    x.which = hy_str_of(which);
    x.lead = hy_str_of(lead);
    if (!err)
        err = change(k, &x, diag);
    if (err)
        return err;
    ctl_set_count(o, "company", x.no);
    ctl_set_count(o, "lead", x.lead_no);
    json_object_set_new(o, "changed", json_boolean(x.is_changed));
    return 0;
}

/* ---- the table ---- */

static void show(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_show);
}

static void hot(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_hot);
}

static void list(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_list);
}

static void leads(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_leads);
}

static void edit(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ACT, run_edit);
}

static void delete (struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ACT, run_delete);
}

static void put_lead(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ACT, run_lead);
}

const struct hy_control_command ctl_company_commands[] = {
    {"company.show", 0, 0, show},     {"company.hot", 0, 0, hot},
    {"company.list", 0, 0, list},     {"company.leads", 0, 0, leads},
    {"company.edit", 0, 0, edit},     {"company.delete", 0, 0, delete},
    {"company.lead", 0, 0, put_lead}, {NULL, 0, 0, NULL},
};
