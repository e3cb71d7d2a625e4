/* queue.retry, queue.move, queue.purge: rows that a person picks are tried now, put off, or taken
 * out.
 *
 * On a thread of its own: the queue is walked for the domains concerned, and a dry run ends there.
 * Then campaign by campaign: delivery holds it still (not for a retry, which only touches what
 * nobody can have in hand), the writer changes the rows in slices, delivery goes on. The rows of a
 * spool lie in the order of their arrival: they are changed a batch of blocks at a time, and
 * between two batches ready messages go on. A client that goes away ends it behind the slice at
 * hand; what was done stays done, and the act says so. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl_pick.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/spool.h"

enum { TOP_SHOWN = 20, REASON_MAX = 200, USER_MAX = 64, SPOOL_BLOCKS = 16384 };

struct altering {
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct ctl_pick pick;
    enum hy_alter what;
    const char *name; /* "queue.purge" */
    bool is_dry;
    uint32_t due_s;
    char reason[REASON_MAX + 1];
    char log_reason[REASON_MAX + USER_MAX + 32]; /* for the log of attempts */
    char user[USER_MAX + 1];
    uid_t uid;
    struct ctl_targets targets;
    uint64_t rows, domains; /* changed */

    /* of the campaign or spool at hand */
    struct hy_alter_job job;
    hy_domain_no *batch; /* its domains */
    size_t n_batch;
    uint32_t *blocks;     /* of a spool: those at hand */
    uint64_t rows_before; /* changed in batches before; its act counts them, too */
    bool is_more;         /* another batch may follow */
    json_t *act;          /* what its act says; the writer's while the job runs */
    pthread_mutex_t lock;
    pthread_cond_t come;
    bool has_come;
    int err;
};

/* ---- waiting for other threads ---- */

static void tell(struct altering *a, int err)
{
    pthread_mutex_lock(&a->lock);
    a->has_come = true;
    a->err = err;
    pthread_cond_signal(&a->come);
    pthread_mutex_unlock(&a->lock);
}

static int wait_for_it(struct altering *a)
{
    pthread_mutex_lock(&a->lock);
    while (!a->has_come)
        pthread_cond_wait(&a->come, &a->lock);
    a->has_come = false;
    pthread_mutex_unlock(&a->lock);
    return a->err;
}

static void on_quiet(void *ctx, int err)
{
    tell(ctx, err);
}

static void on_done(struct hy_alter_job *j, int err)
{
    tell(hy_container_of(j, struct altering, job), err);
}

static bool is_cancelled(struct hy_alter_job *j)
{
    struct altering *a = hy_container_of(j, struct altering, job);
    return hy_control_is_cancelled(a->call) || atomic_load(&a->d->alters_ending);
}

static void on_progress(struct hy_alter_job *j)
{
    struct altering *a = hy_container_of(j, struct altering, job);
    hy_control_progress(a->call, json_pack("{s:s,s:I,s:I}", "doing", "rows", "rows",
                                           (json_int_t)(a->rows + j->at.rows), "of",
                                           (json_int_t)a->targets.rows));
}

/* ---- the act ---- */

static void set_text(json_t *o, const char *key, const char *text)
{
    if (text[0])
        json_object_set_new(o, key, json_string(text));
}

static void set_states(json_t *o, unsigned states)
{
    char text[64] = "";
    if (states == (1u << HY_RCPT_FRESH | 1u << HY_RCPT_DEFERRED | 1u << HY_RCPT_HELD))
        return;
    for (int s = HY_RCPT_FRESH; s <= HY_RCPT_HELD; s++)
        if (states >> s & 1)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", text[0] ? "," : "",
                     hy_rcpt_state_name((enum hy_rcpt_state)s));
    set_text(o, "state", text);
}

/* Whose rows: {"campaign": ID}, or {"ready": "transactional", "tenant": 0}. */
static void set_whose(json_t *o, hy_id campaign)
{
    char id[HY_ID_TEXT_MAX];
    if (!hy_id_is_spool(campaign)) {
        json_object_set_new(o, "campaign", json_string(hy_id_format(campaign, id)));
        return;
    }
    const char *priority = hy_spool_priority_name(hy_spool_priority(campaign));
    json_object_set_new(o, "ready", json_string(priority));
    json_object_set_new(o, "tenant", json_integer(hy_spool_tenant(campaign)));
}

/* Who did what to which rows; the numbers come with each slice. */
static json_t *act_json(const struct altering *a, hy_id campaign)
{
    static const char *const words[] = {"domain",  "recipient", "sender",
                                        "message", "code",      "reply"};
    const json_t *args = hy_control_args(a->call);
    char time[32];
    json_t *o =
        json_pack("{s:s,s:I,s:s}", "act", a->name, "uid", (json_int_t)a->uid, "user", a->user);
    if (!o)
        return NULL;
    set_whose(o, campaign);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *text = json_string_value(json_object_get(args, words[i]));
        if (text)
            set_text(o, words[i], text);
    }
    set_text(o, "site", a->pick.site);
    set_text(o, "provider", a->pick.provider);
    set_states(o, a->pick.pick.states);
    if (a->pick.started_before)
        set_text(o, "started_before", hy_wall_format(a->pick.started_before, time));
    if (a->what == HY_ALTER_POSTPONE)
        set_text(o, "due", hy_wall_format((hy_wall_ms)a->due_s * 1000, time));
    if (a->what == HY_ALTER_BOUNCE)
        json_object_set_new(o, "bounce", json_true());
    set_text(o, "reason", a->reason);
    return o;
}

/* The writer's thread. */
static char *act_text(struct hy_alter_job *j, const struct hy_alter_place *done, bool is_over)
{
    struct altering *a = hy_container_of(j, struct altering, job);
    bool is_spool = hy_id_is_spool(j->campaign);
    ctl_set_count(a->act, "rows", a->rows_before + done->rows);
    ctl_set_count(a->act, "domains", is_spool ? a->n_batch : done->places);
    json_object_set_new(a->act, "complete", json_boolean(is_over && !a->is_more));
    return json_dumps(a->act, JSON_COMPACT);
}

/* ---- one campaign, or one spool ---- */

static void log_changed(const struct altering *a)
{
    char *text = a->rows_before ? json_dumps(a->act, JSON_COMPACT) : NULL;
    if (text)
        hy_log(HY_LOG_NOTICE, "operator", "%s", text);
    free(text);
}

/* Changes rows at these places while delivery has nothing of them in hand. */
static int run_job(struct altering *a, hy_id campaign, const uint32_t *places, size_t n)
{
    bool is_still = a->what != HY_ALTER_RETRY;
    hy_id act_id = a->job.act_id;
    int err = HY_OK;
    hy_alter_job_init(&a->job, campaign, a->what);
    a->job.pick = &a->pick.pick;
    a->job.places = places;
    a->job.n_places = n;
    a->job.due_s = a->due_s;
    a->job.reason = hy_str_of(a->log_reason);
    a->job.act = act_text;
    a->job.act_id = act_id;
    a->job.progress = on_progress;
    a->job.is_cancelled = is_cancelled;
    a->job.done = on_done;
    if (is_still) {
        err = hy_deliver_quiet(a->d->deliver, campaign, on_quiet, a);
        if (err == HY_OK)
            err = wait_for_it(a);
        if (err != HY_OK)
            return err;
    }
    err = hy_writer_submit(a->d->writer, &a->job.req);
    if (err == HY_OK)
        err = wait_for_it(a);
    if (is_still)
        hy_deliver_quiet_end(a->d->deliver, campaign);
    a->rows += a->job.at.rows;
    a->rows_before += a->job.at.rows;
    return err;
}

static int alter_campaign(struct altering *a, hy_id campaign)
{
    int err = run_job(a, campaign, a->batch, a->n_batch);
    a->domains += a->job.at.places;
    return err;
}

/* The next blocks of a spool, into a->blocks. */
static int find_blocks(struct altering *a, hy_id spool, uint32_t *at, size_t *ret_n)
{
    struct hy_txn t = {0};
    size_t n = 0;
    if (is_cancelled(&a->job))
        return HY_ECANCELED;
    int err = hy_txn_read(a->d->env, &t);
    if (err == HY_OK)
        err = hy_pick_blocks(&t, spool, &a->pick.pick, a->batch, a->n_batch, at, a->blocks,
                             SPOOL_BLOCKS, &n);
    hy_txn_end(&t);
    *ret_n = n;
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int alter_spool(struct altering *a, hy_id spool)
{
    uint32_t at = 0;
    size_t n = 0;
    a->blocks = malloc(SPOOL_BLOCKS * sizeof *a->blocks);
    int err = a->blocks ? HY_OK : HY_ENOMEM;
    do {
        if (err == HY_OK)
            err = find_blocks(a, spool, &at, &n);
        a->is_more = n == SPOOL_BLOCKS;
        if (err == HY_OK && (n || a->job.act_id)) /* the act ends with the last batch, if empty */
            err = run_job(a, spool, a->blocks, n);
    } while (err == HY_OK && a->is_more);
    a->domains += a->rows_before ? a->n_batch : 0;
    free(a->blocks);
    a->blocks = NULL;
    return err;
}

static int alter_one(struct altering *a, const struct ctl_target *targets, size_t n)
{
    hy_id campaign = targets[0].campaign;
    for (size_t i = 0; i < n; i++)
        a->batch[i] = targets[i].domain;
    a->n_batch = n;
    a->rows_before = 0;
    a->job.act_id = 0;
    a->is_more = false;
    a->act = act_json(a, campaign);
    if (!a->act)
        return HY_ENOMEM;
    int err = hy_id_is_spool(campaign) ? alter_spool(a, campaign) : alter_campaign(a, campaign);
    log_changed(a);
    json_decref(a->act);
    a->act = NULL;
    return err;
}

static int alter_all(struct altering *a)
{
    const struct ctl_targets *t = &a->targets;
    a->batch = calloc(t->n + 1, sizeof *a->batch);
    int err = a->batch ? HY_OK : HY_ENOMEM;
    for (size_t at = 0, end; at < t->n && err == HY_OK; at = end) {
        for (end = at; end < t->n && t->items[end].campaign == t->items[at].campaign;)
            end++;
        err = alter_one(a, t->items + at, end - at);
    }
    free(a->batch);
    return err;
}

/* ---- the answer ---- */

/* The domains with the most rows, the first in front; how many. */
static size_t find_top(const struct ctl_targets *t, struct ctl_target top[TOP_SHOWN])
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct ctl_target *x = &t->items[i];
        if (n == TOP_SHOWN && x->rows <= top[n - 1].rows)
            continue;
        n += n < TOP_SHOWN;
        size_t at = n - 1;
        for (; at > 0 && top[at - 1].rows < x->rows; at--)
            top[at] = top[at - 1];
        top[at] = *x;
    }
    return n;
}

static json_t *top_json(struct hy_daemon *d, const struct ctl_targets *t)
{
    struct ctl_target top[TOP_SHOWN];
    struct hy_txn txn = {0};
    json_t *all = json_array();
    size_t n = find_top(t, top);
    if (hy_txn_read(d->env, &txn) != HY_OK)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        struct hy_str name = HY_STR("?");
        if (hy_domain_name(&txn, top[i].domain, &name) != HY_OK)
            name = HY_STR("?");
        json_t *o = json_object();
        set_whose(o, top[i].campaign);
        ctl_set_count(o, "rows", top[i].rows);
        json_object_set_new(o, "domain", json_stringn(name.p, name.n));
        json_array_append_new(all, o);
    }
    hy_txn_end(&txn);
    return all;
}

static size_t count_campaigns(const struct ctl_targets *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) /* spools have the greatest ids */
        n += !hy_id_is_spool(t->items[i].campaign) &&
             (i == 0 || t->items[i].campaign != t->items[i - 1].campaign);
    return n;
}

static uint64_t count_ready(const struct ctl_targets *t)
{
    uint64_t rows = 0;
    for (size_t i = t->n; i > 0 && hy_id_is_spool(t->items[i - 1].campaign); i--)
        rows += t->items[i - 1].rows;
    return rows;
}

static json_t *answer_json(const struct altering *a)
{
    const struct ctl_targets *t = &a->targets;
    json_t *o = json_object();
    json_object_set_new(o, "act", json_string(a->name));
    json_object_set_new(o, "dry_run", json_boolean(a->is_dry));
    ctl_set_count(o, "rows", t->rows);
    ctl_set_count(o, "domains", t->n);
    ctl_set_count(o, "campaigns", count_campaigns(t));
    ctl_set_count(o, "ready", count_ready(t));
    ctl_set_count(o, "unknown_domains", t->unknown);
    ctl_set_count(o, "queueing", t->queueing);
    ctl_set_count(o, "changed", a->rows);
    ctl_set_count(o, "changed_domains", a->domains);
    json_object_set_new(o, "top", top_json(a->d, t));
    return o;
}

static void altering_free(struct altering *a)
{
    ctl_pick_free(&a->pick);
    ctl_targets_free(&a->targets);
    pthread_cond_destroy(&a->come);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static void alter_main(void *arg)
{
    struct altering *a = arg;
    struct hy_diag diag = {""};
    user_name(a->uid, a->user, sizeof a->user);
    snprintf(a->log_reason, sizeof a->log_reason, "taken out by %s%s%s",
             a->user[0] ? a->user : "an operator", a->reason[0] ? ": " : "", a->reason);
    int err = ctl_pick_read(a->d, a->call, &a->pick, &diag);
    if (err == HY_OK && a->what == HY_ALTER_RETRY) /* what is held only when it is asked for */
        a->pick.pick.states &= json_object_get(hy_control_args(a->call), "state")
                                   ? 1u << HY_RCPT_DEFERRED | 1u << HY_RCPT_HELD
                                   : 1u << HY_RCPT_DEFERRED;
    if (err == HY_OK && a->what == HY_ALTER_POSTPONE)
        a->pick.pick.states &= 1u << HY_RCPT_FRESH | 1u << HY_RCPT_DEFERRED;
    if (err == HY_OK)
        err = ctl_targets_find(a->d, a->call, &a->pick, &a->targets, &diag);
    if (err == HY_OK && !a->is_dry) {
        err = alter_all(a);
        if (err != HY_OK)
            hy_fail(&diag, err, "ended after %llu rows: %s", (unsigned long long)a->rows,
                    hy_err_text(err));
    }
    if (err == HY_OK)
        hy_control_finish(a->call, answer_json(a));
    else
        hy_control_fail_diag(a->call, err, &diag);
    altering_free(a);
}

static int read_args(const json_t *args, struct altering *a, struct hy_diag *diag)
{
    enum { YEAR_S = 366 * 86400 };
    const char *reason = "";
    bool is_bounce = false;
    int64_t in_s = 0;
    int err = hy_control_arg_bool(args, "dry_run", false, diag, &a->is_dry);
    if (err == HY_OK && a->what == HY_ALTER_POSTPONE)
        err = hy_control_arg_int(args, "in_s", 0, 60, YEAR_S, diag, &in_s);
    if (err == HY_OK && a->what == HY_ALTER_POSTPONE && in_s == 0)
        err = hy_fail(diag, HY_EINVAL, "say when: --in 2h");
    a->due_s = (uint32_t)(hy_clock_wall_ms() / 1000 + in_s);
    if (err == HY_OK)
        err = hy_control_arg_bool(args, "bounce", false, diag, &is_bounce);
    if (is_bounce && a->what == HY_ALTER_CANCEL)
        a->what = HY_ALTER_BOUNCE;
    if (err == HY_OK)
        err = hy_control_arg_string(args, "reason", "", diag, &reason);
    if (err == HY_OK && strlen(reason) > REASON_MAX)
        err = hy_fail(diag, HY_EINVAL, "the reason is longer than %d bytes", REASON_MAX);
    for (size_t i = 0; err == HY_OK && i <= strlen(reason); i++) /* it goes into logs */
        a->reason[i] = (unsigned char)reason[i] < 0x20 && reason[i] ? ' ' : reason[i];
    return err;
}

static void alter(struct hy_control_call *call, struct hy_daemon *d, enum hy_alter what)
{
    struct hy_diag diag = {""};
    struct altering *a = calloc(1, sizeof *a);
    if (!a) {
        hy_control_fail_diag(call, HY_ENOMEM, &diag);
        return;
    }
    a->d = d;
    a->call = call;
    a->what = what;
    a->name = hy_control_command_name(call);
    a->uid = hy_control_uid(call);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->come, NULL);
    int err = read_args(hy_control_args(call), a, &diag);
    if (err != HY_OK)
        hy_control_fail_diag(call, err, &diag);
    if (err != HY_OK || !ctl_job_start(d, call, CTL_JOB_ALTER, alter_main, a))
        altering_free(a);
}

static void retry(struct hy_control_call *call, void *ctx)
{
    alter(call, ctx, HY_ALTER_RETRY);
}

static void move(struct hy_control_call *call, void *ctx)
{
    alter(call, ctx, HY_ALTER_POSTPONE);
}

static void purge(struct hy_control_call *call, void *ctx)
{
    alter(call, ctx, HY_ALTER_CANCEL);
}

const struct hy_control_command ctl_alter_commands[] = {
    {"queue.retry", 0, 0, retry},
    {"queue.move", 0, 0, move},
    {"queue.purge", 0, 0, purge},
    {NULL, 0, 0, NULL},
};
