/* segment.*: segments by hand. Each on a thread of its own: a change waits for its commit, counting
 * goes through all leads. */
#include "ctl_common.h"

#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/web/segment_json.h"

struct job {
    struct hy_daemon *d;
    struct hy_control_call *call;
    const json_t *args;
    int (*run)(struct job *j, json_t **ret, struct hy_diag *diag);
};

static void main_of_job(void *arg)
{
    struct job *j = arg;
    struct hy_diag diag = {""};
    json_t *o = NULL;
    j->args = hy_control_args(j->call);
    int err = j->run(j, &o, &diag);
    if (err == HY_OK)
        hy_control_finish(j->call, o);
    else
        hy_control_fail_diag(j->call, err, &diag);
    free(j);
}

static void start(struct hy_control_call *call, void *ctx, enum ctl_job_kind kind,
                  int (*run)(struct job *j, json_t **ret, struct hy_diag *diag))
{
    struct job *j = calloc(1, sizeof *j);
    if (!j) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    *j = (struct job){.d = ctx, .call = call, .run = run};
    if (!ctl_job_start(ctx, call, kind, main_of_job, j))
        free(j);
}

/* The segment that argument "name" names. */
static int find(struct job *j, struct hy_txn *t, struct hy_segment *ret, struct hy_diag *diag)
{
    const char *name = "";
    hy_segment_no no;
    int err = hy_control_arg_string_required(j->args, "name", diag, &name);
    if (err == HY_OK)
        err = hy_segment_find(t, hy_str_of(name), &no);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no segment \"%.200s\"", name);
    return err ? err : hy_segment_read(t, no, ret);
}

static int look(struct job *j, json_t **ret, struct hy_diag *diag,
                int (*read)(struct job *j, struct hy_txn *t, json_t **ret, struct hy_diag *diag))
{
    struct hy_txn t = {0};
    int err = hy_txn_read(j->d->env, &t);
    if (err == HY_OK)
        err = read(j, &t, ret, diag);
    hy_txn_end(&t);
    return err;
}

/* ---- looking ---- */

static int read_all(struct job *j, struct hy_txn *t, json_t **ret, struct hy_diag *diag)
{
    (void)j;
    (void)diag;
    return hy_segments_json(t, 0, 0, ret);
}

static int read_one(struct job *j, struct hy_txn *t, json_t **ret, struct hy_diag *diag)
{
    struct hy_segment s;
    struct segments_ground g;
    int err = find(j, t, &s, diag);
    if (err != HY_OK)
        return err;
    segments_ground(j->d, &g);
    *ret = hy_segment_json(t, &s, g.facts.plan);
    segments_ground_free(&g);
    return *ret ? HY_OK : HY_ENOMEM;
}

static int read_members(struct job *j, struct hy_txn *t, json_t **ret, struct hy_diag *diag)
{
    struct hy_segment s;
    int64_t after = 0, limit = 20;
    int err = find(j, t, &s, diag);
    if (err == HY_OK)
        err = hy_control_arg_int(j->args, "after", 0, 0, UINT32_MAX, diag, &after);
    if (err == HY_OK)
        err = hy_control_arg_int(j->args, "limit", 20, 1, HY_SEGMENT_PAGE_MAX, diag, &limit);
    return err ? err : hy_segment_members_json(t, s.no, (hy_lead_no)after, (size_t)limit, ret);
}

static bool is_cancelled(void *ctx)
{
    return hy_control_is_cancelled(ctx);
}

static int read_count(struct job *j, struct hy_txn *t, json_t **ret, struct hy_diag *diag)
{
    const char *text = "";
    int64_t n = 0;
    struct segments_ground g;
    int err = hy_control_arg_string_required(j->args, "expression", diag, &text);
    if (err == HY_OK)
        err = hy_control_arg_int(j->args, "sample", 0, 0, HY_SEGMENT_SAMPLE_MAX, diag, &n);
    if (err != HY_OK)
        return err;
    segments_ground(j->d, &g);
    struct hy_segment_count c = {.expression = hy_str_of(text),
                                 .sample = (size_t)n,
                                 .search = {.facts = g.facts,
                                            .now = hy_clock_wall_ms(),
                                            .is_cancelled = is_cancelled,
                                            .ctx = j->call}};
    err = hy_segment_count_json(t, &c, ret, diag);
    segments_ground_free(&g);
    return err;
}

static int run_list(struct job *j, json_t **ret, struct hy_diag *diag)
{
    return look(j, ret, diag, read_all);
}

static int run_show(struct job *j, json_t **ret, struct hy_diag *diag)
{
    return look(j, ret, diag, read_one);
}

static int run_members(struct job *j, json_t **ret, struct hy_diag *diag)
{
    return look(j, ret, diag, read_members);
}

static int run_count(struct job *j, json_t **ret, struct hy_diag *diag)
{
    return look(j, ret, diag, read_count);
}

/* ---- changing ---- */

struct change {
    struct hy_write_req req; /* first */
    struct hy_segment_edit edit;
    const char *name;
    hy_segment_no no;
    struct hy_diag diag;
};

static int apply_edit(struct hy_write_req *r, struct hy_txn *t)
{
    struct change *x = hy_container_of(r, struct change, req);
    x->diag.text[0] = '\0';
    return hy_segment_edit(t, &x->edit, &x->no, &x->diag);
}

static int apply_delete(struct hy_write_req *r, struct hy_txn *t)
{
    struct change *x = hy_container_of(r, struct change, req);
    hy_segment_no no;
    x->diag.text[0] = '\0';
    int err = hy_segment_find(t, hy_str_of(x->name), &no);
    if (err == HY_ENOTFOUND)
        return hy_fail(&x->diag, err, "there is no segment \"%.200s\"", x->name);
    return err ? err : hy_segment_delete(t, no, &x->diag);
}

static int submit(struct job *j, struct change *x, const char *act, struct hy_diag *diag)
{
    int err = hy_writer_run(j->d->writer, &x->req);
    if (err != HY_OK && !diag->text[0])
        *diag = x->diag;
    if (err == HY_OK)
        act_log(j->d, act, hy_control_uid(j->call), json_pack("{s:s}", "segment", x->name));
    return err;
}

static int edit(struct job *j, bool is_new, json_t **ret, struct hy_diag *diag)
{
    struct change x = {.req = {.class = HY_WRITE_ADMIN, .apply = apply_edit}};
    const char *text = "";
    char who[40];
    int64_t announces = -1;
    int err = hy_control_arg_string_required(j->args, "name", diag, &x.name);
    if (err == HY_OK)
        err = hy_control_arg_string(j->args, "expression", "", diag, &text);
    if (err == HY_OK)
        err = hy_control_arg_int(j->args, "announce", -1, -1, 1, diag, &announces);
    if (err != HY_OK)
        return err;
    user_name(hy_control_uid(j->call), who, sizeof who);
    x.edit = (struct hy_segment_edit){.name = hy_str_of(x.name),
                                      .text = hy_str_of(text),
                                      .is_new = is_new,
                                      .announces = (int)announces,
                                      .who = hy_str_of(who)};
    err = submit(j, &x, is_new ? "segment.create" : "segment.change", diag);
    return err ? err : run_show(j, ret, diag);
}

static int run_create(struct job *j, json_t **ret, struct hy_diag *diag)
{
    return edit(j, true, ret, diag);
}

static int run_change(struct job *j, json_t **ret, struct hy_diag *diag)
{
    return edit(j, false, ret, diag);
}

static int run_delete(struct job *j, json_t **ret, struct hy_diag *diag)
{
    struct change x = {.req = {.class = HY_WRITE_ADMIN, .apply = apply_delete}};
    int err = hy_control_arg_string_required(j->args, "name", diag, &x.name);
    if (err == HY_OK)
        err = submit(j, &x, "segment.delete", diag);
    if (err == HY_OK)
        *ret = json_pack("{s:s}", "deleted", x.name);
    return err;
}

/* ---- commands ---- */

static void segment_list(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_LOOK, run_list);
}

static void segment_show(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_LOOK, run_show);
}

static void segment_members(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_LOOK, run_members);
}

static void segment_count(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_LOOK, run_count);
}

static void segment_create(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_ACT, run_create);
}

static void segment_change(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_ACT, run_change);
}

static void segment_delete(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_ACT, run_delete);
}

const struct hy_control_command ctl_segment_commands[] = {
    {"segment.list", 0, 0, segment_list},       {"segment.show", 0, 0, segment_show},
    {"segment.members", 0, 0, segment_members}, {"segment.count", 0, 0, segment_count},
    {"segment.create", 0, 0, segment_create},   {"segment.change", 0, 0, segment_change},
    {"segment.delete", 0, 0, segment_delete},   {NULL, 0, 0, NULL},
};
