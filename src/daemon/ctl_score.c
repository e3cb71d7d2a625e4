/* score.*: what leads' points are made of, and who is hot. They read the store, on threads of their
 * own. */
#include "ctl_common.h"

#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/config/scoring.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/lead.h"
#include "hayauma/web/handoffs.h"
#include "hayauma/web/score_json.h"

enum { ENTRIES = 200, HOT = 50, USER_MAX = 64, NOTE_MAX = 2000 };
#define AMOUNT_MAX INT64_C(1000000000000000)

struct look {
    struct hy_daemon *d;
    struct hy_control_call *call;
    int (*read)(struct look *l, struct hy_txn *t, json_t **ret, struct hy_diag *diag);
    const struct hy_score_plan *plan;
};

static void look_main(void *arg)
{
    struct look *l = arg;
    struct hy_scoring *scoring = daemon_scoring(l->d);
    struct hy_diag diag = {""};
    struct hy_txn t = {0};
    json_t *o = NULL;
    int err = scoring ? hy_txn_read(l->d->env, &t)
                      : hy_fail(&diag, HY_ENOTFOUND,
                                "leads have no points: scoring.rules names no file of rules");
    if (err == HY_OK) {
        l->plan = hy_scoring_plan(scoring);
        err = l->read(l, &t, &o, &diag);
    }
    hy_txn_end(&t);
    hy_scoring_free(scoring);
    if (err == HY_OK)
        hy_control_finish(l->call, o);
    else
        hy_control_fail_diag(l->call, err, &diag);
    free(l);
}

static void start(struct hy_control_call *call, struct hy_daemon *d, enum ctl_job_kind kind,
                  int (*read)(struct look *l, struct hy_txn *t, json_t **ret, struct hy_diag *diag))
{
    struct look *l = calloc(1, sizeof *l);
    if (!l) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    *l = (struct look){.d = d, .call = call, .read = read};
    if (!ctl_job_start(d, call, kind, look_main, l))
        free(l);
}

/* ---- explain ---- */

static int read_lead(struct look *l, struct hy_txn *t, json_t **ret, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(l->call);
    const char *who;
    int64_t limit;
    hy_lead_no lead;
    int err = hy_control_arg_string_required(args, "lead", diag, &who);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "limit", ENTRIES, 0, HY_SCORE_ENTRIES_MAX, diag, &limit);
    if (err == HY_OK)
        err = hy_lead_resolve(t, hy_str_of(who), &lead, diag);
    if (err == HY_OK)
        err = hy_score_explain_json(t, l->plan, lead, hy_clock_wall_ms(), (unsigned)limit, ret);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no lead '%.200s'", who);
    return err;
}

static void explain(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_LOOK, read_lead);
}

/* ---- hot ---- */

/* The threshold of the name; without one the first. */
static int threshold_arg(struct look *l, struct hy_diag *diag, size_t *ret)
{
    const char *name;
    int err = hy_control_arg_string(hy_control_args(l->call), "threshold", "", diag, &name);
    if (err != HY_OK)
        return err;
    for (size_t i = 0; i < l->plan->n_thresholds; i++)
        if (!name[0] || hy_str_eq(l->plan->thresholds[i].name, hy_str_of(name))) {
            *ret = i;
            return HY_OK;
        }
    return hy_fail(diag, HY_ENOTFOUND, "the rules have no threshold '%.100s'",
                   name[0] ? name : "hot");
}

static int read_hot(struct look *l, struct hy_txn *t, json_t **ret, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(l->call);
    struct hy_score_hot of = {0};
    int64_t limit;
    int err = threshold_arg(l, diag, &of.threshold);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "limit", HOT, 1, HY_SCORE_HOT_MAX, diag, &limit);
    if (err == HY_OK)
        err = hy_control_arg_bool(args, "closed", false, diag, &of.with_closed);
    if (err != HY_OK)
        return err;
    of.limit = (unsigned)limit;
    return hy_score_hot_json(t, l->plan, &of, hy_clock_wall_ms(), ret);
}

static void hot(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_LOOK, read_hot);
}

/* ---- hand-offs ---- */

static int read_handoffs(struct look *l, struct hy_txn *t, json_t **ret, struct hy_diag *diag)
{
    struct hy_handoff_search s = {.limit = HY_HANDOFF_PAGE_MAX};
    const json_t *args = hy_control_args(l->call);
    const char *state = "", *after = "";
    int err = hy_control_arg_string(args, "state", "", diag, &state);
    if (err == HY_OK && state[0] && hy_handoff_state_read(hy_str_of(state), &s.state) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "argument 'state' must be waits or failed");
    if (err == HY_OK)
        err = hy_control_arg_string(args, "after", "", diag, &after);
    if (err == HY_OK && after[0] && hy_handoff_place_read(hy_str_of(after), &s.after) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "argument 'after' must be what the page before said");
    return err == HY_OK ? hy_handoffs_json(t, &s, ret) : err;
}

/* The one that argument "handoff" names. */
static int find_handoff(struct hy_daemon *d, const char *text, struct hy_handoff *ret,
                        struct hy_diag *diag)
{
    struct hy_txn t = {0};
    hy_id id = 0;
    int err = hy_id_parse(hy_str_of(text), &id) == HY_OK ? hy_txn_read(d->env, &t) : HY_ENOTFOUND;
    if (err == HY_OK)
        err = hy_handoff_find(&t, id, ret);
    hy_txn_end(&t);
    return err == HY_ENOTFOUND
               ? hy_fail(diag, err, "there is no hand-off '%.100s' on its way", text)
               : err;
}

static void retry(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_handoff_retry y = {.n = 0};
    struct hy_diag diag = {""};
    const char *which = "";
    int err = hy_control_arg_string(hy_control_args(call), "handoff", "", &diag, &which);
    if (err == HY_OK && which[0])
        err = find_handoff(d, which, &y.one, &diag);
    hy_handoff_retry_init(&y);
    if (err == HY_OK)
        err = hy_writer_run(d->writer, &y.req);
    if (err != HY_OK) {
        hy_control_fail_diag(call, err, &diag);
        return;
    }
    act_log(d, "score.retry", hy_control_uid(call),
            json_pack("{s:I}", "handoffs", (json_int_t)y.n));
    hy_control_finish(call, json_pack("{s:I}", "handoffs", (json_int_t)y.n));
}

static void handoffs(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_LOOK, read_handoffs);
}

static void handoffs_retry(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, retry);
}

/* ---- what sales say ---- */

struct result {
    struct hy_write_req req;
    struct hy_activity a;
};

static int apply_result(struct hy_write_req *r, struct hy_txn *t)
{
    struct result *x = hy_container_of(r, struct result, req);
    struct hy_str address;
    hy_domain_no domain;
    int err = hy_lead_address(t, x->a.lead, &address, &domain);
    return err == HY_OK ? hy_activity_put(t, &x->a) : err;
}

/* {"amount": 480000, "note": "..."}; to be freed. */
static int make_meta(const json_t *args, struct hy_diag *diag, char **ret)
{
    const char *note;
    int64_t amount;
    int err = hy_control_arg_string(args, "note", "", diag, &note);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "amount", -1, -1, AMOUNT_MAX, diag, &amount);
    if (err == HY_OK && strlen(note) > NOTE_MAX)
        err = hy_fail(diag, HY_EINVAL, "argument 'note' must have at most %d bytes", NOTE_MAX);
    if (err != HY_OK)
        return err;
    json_t *meta = json_object();
    if (amount >= 0)
        json_object_set_new(meta, "amount", json_integer(amount));
    if (note[0])
        json_object_set_new(meta, "note", json_string(note));
    *ret = json_dumps(meta, JSON_COMPACT);
    json_decref(meta);
    return *ret ? HY_OK : HY_ENOMEM;
}

static bool is_result(const char *word)
{
    return strcmp(word, HY_SALES_WON) == 0 || strcmp(word, HY_SALES_LOST) == 0 ||
           strcmp(word, HY_SALES_RECYCLED) == 0;
}

static int find_lead(struct hy_daemon *d, const char *who, hy_lead_no *ret, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = hy_lead_resolve(&t, hy_str_of(who), ret, diag);
    hy_txn_end(&t);
    return err == HY_ENOTFOUND ? hy_fail(diag, err, "there is no lead '%.200s'", who) : err;
}

static void result(struct hy_daemon *d, struct hy_control_call *call)
{
    const json_t *args = hy_control_args(call);
    struct result x = {.req = {.class = HY_WRITE_ADMIN, .apply = apply_result},
                       .a = {.kind = HY_ACTIVITY_SALES}};
    struct hy_diag diag = {""};
    const char *who, *word;
    char *meta = NULL, by[USER_MAX + 1] = "", id[HY_ID_TEXT_MAX];
    int err = hy_control_arg_string_required(args, "lead", &diag, &who);
    if (err == HY_OK)
        err = hy_control_arg_string_required(args, "result", &diag, &word);
    if (err == HY_OK && !is_result(word))
        err = hy_fail(&diag, HY_EINVAL, "argument 'result' must be won, lost or recycled");
    if (err == HY_OK)
        err = make_meta(args, &diag, &meta);
    if (err == HY_OK)
        err = find_lead(d, who, &x.a.lead, &diag);
    if (err == HY_OK) {
        user_name(hy_control_uid(call), by, sizeof by);
        x.a.text = hy_str_of(word);
        x.a.source = hy_str_of(by[0] ? by : "hayauma");
        x.a.meta = hy_str_of(meta);
        err = hy_writer_run(d->writer, &x.req);
    }
    free(meta);
    if (err == HY_OK)
        hy_control_finish(call, json_pack("{s:s,s:I,s:s}", "activity", hy_id_format(x.a.id, id),
                                          "lead", (json_int_t)x.a.lead, "result", word));
    else
        hy_control_fail_diag(call, err, &diag);
}

static void lead_result(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, result);
}

/* ---- grades ---- */

static json_t *names_json(const struct hy_score_grades *g)
{
    json_t *all = json_array();
    for (size_t i = 0; i < g->n; i++)
        json_array_append_new(all, ctl_text_json(g->names[i]));
    json_array_append_new(all, json_null()); /* fewer points than the last asks for */
    return all;
}

/* Leads that have points by the grades of the first two groups that have grades. */
static int read_grades(struct look *l, struct hy_txn *t, json_t **ret, struct hy_diag *diag)
{
    const struct hy_score_plan *plan = l->plan;
    uint64_t n[HY_SCORE_LEVELS_MAX + 1][HY_SCORE_LEVELS_MAX + 1] = {{0}};
    hy_wall_ms now = hy_clock_wall_ms();
    hy_lead_no lead = 0;
    struct hy_score s;
    int err = plan->n_grades ? HY_OK : hy_fail(diag, HY_ENOTFOUND, "the rules have no grades");
    bool has_two = plan->n_grades > 1;
    while (err == HY_OK && (err = hy_score_next_lead(t, lead, &lead)) == HY_OK) {
        err = hy_score_read(t, plan, lead, now, &s);
        n[s.grades[0]][has_two ? s.grades[1] : 0] += err == HY_OK;
        if (err == HY_OK && hy_control_is_cancelled(l->call))
            err = HY_ECANCELED;
    }
    if (err != HY_ENOTFOUND || !plan->n_grades)
        return err;
    json_t *o = json_object(), *rows = json_array();
    for (size_t i = 0; i <= plan->grades[0].n; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k <= (has_two ? plan->grades[1].n : 0); k++)
            json_array_append_new(row, json_integer((json_int_t)n[i][k]));
        json_array_append_new(rows, row);
    }
    for (size_t i = 0; i < 1 + (size_t)has_two; i++) {
        const struct hy_score_grades *g = &plan->grades[i];
        json_object_set_new(o, i ? "column_group" : "row_group",
                            ctl_text_json(plan->groups[g->group].name));
        json_object_set_new(o, i ? "columns" : "rows", names_json(g));
    }
    json_object_set_new(o, "leads", rows);
    *ret = o;
    return HY_OK;
}

static void grades(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_WHOLE, read_grades);
}

const struct hy_control_command ctl_score_commands[] = {
    {"score.grades", 0, 0, grades},
    {"lead.result", 0, 0, lead_result},
    {"score.handoffs", 0, 0, handoffs},
    {"score.retry", 0, 0, handoffs_retry},
    {"score.explain", 0, 0, explain},
    {"score.hot", 0, 0, hot},
    {NULL, 0, 0, NULL},
};
