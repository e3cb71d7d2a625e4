/* queue.list: single rows, those that a person picks, with what was said of each last. */
#include <stdlib.h>

#include "ctl_pick.h"
#include "hayauma/store/attempt.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/spool.h"

enum { LIMIT_MAX = 1000 };

struct listing {
    struct hy_daemon *d;
    struct hy_control_call *call;
    int64_t limit;
    struct hy_txn t;
    json_t *rows;
    const struct ctl_target *of_spool; /* the domains of a spool that are meant, */
    size_t n_of_spool;                 /* while one is walked */
};

static json_t *time_json(hy_wall_ms t)
{
    char text[32];
    return t ? json_string(hy_wall_format(t, text)) : json_null();
}

static void set_lead(struct listing *l, json_t *o, const struct hy_rcpt_ref *ref)
{
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    struct hy_lead_view lead;
    char id[HY_ID_TEXT_MAX];
    int found = hy_lead_read(&l->t, ref->lead, attrs, HY_ATTR_MAX, &lead);
    json_object_set_new(o, "campaign", json_string(hy_id_format(ref->campaign, id)));
    json_object_set_new(o, "recipient", found == HY_OK ? ctl_text_json(lead.address) : json_null());
}

static void set_ready(struct listing *l, json_t *o, const struct hy_rcpt_ref *ref)
{
    struct hy_spool_rcpt rcpt;
    struct hy_spool_message m;
    char id[HY_ID_TEXT_MAX];
    hy_id message;
    json_object_set_new(o, "campaign", json_null());
    json_object_set_new(o, "tenant", json_integer(hy_spool_tenant(ref->campaign)));
    if (hy_spool_rcpt(&l->t, ref, &rcpt, &message) != HY_OK)
        return;
    json_object_set_new(o, "recipient", ctl_text_json(rcpt.address));
    json_object_set_new(o, "message", json_string(hy_id_format(message, id)));
    if (hy_spool_message(&l->t, message, &m) == HY_OK)
        json_object_set_new(o, "sender", ctl_text_json(m.sender));
}

static int compare_domain(const void *key, const void *target)
{
    hy_domain_no a = *(const hy_domain_no *)key, b = ((const struct ctl_target *)target)->domain;
    return a < b ? -1 : a > b;
}

static bool is_meant(const struct listing *l, const struct hy_queue_row *row)
{
    return !l->of_spool || bsearch(&row->ref.domain, l->of_spool, l->n_of_spool,
                                   sizeof *l->of_spool, compare_domain);
}

static int add_row(void *ctx, const struct hy_queue_row *row)
{
    struct listing *l = ctx;
    struct hy_attempt a;
    bool is_ready = hy_id_is_spool(row->ref.campaign);
    if (!is_meant(l, row))
        return HY_OK;
    json_t *o = json_object();
    json_object_set_new(o, "ready", json_boolean(is_ready));
    if (is_ready)
        set_ready(l, o, &row->ref);
    else
        set_lead(l, o, &row->ref);
    json_object_set_new(o, "state", json_string(hy_rcpt_state_name(row->state)));
    json_object_set_new(o, "attempts", json_integer(row->ref.attempts));
    json_object_set_new(o, "due", time_json((hy_wall_ms)row->due_s * 1000));
    if (row->last_attempt && hy_attempt_get(&l->t, row->last_attempt, &a) == HY_OK) {
        json_object_set_new(o, "tried", time_json(hy_id_time(a.id)));
        json_object_set_new(o, "code", json_integer(a.outcome.code));
        json_object_set_new(o, "reply", ctl_text_json(a.outcome.text));
        json_object_set_new(o, "mx_host", ctl_text_json(a.mx_host));
    }
    json_array_append_new(l->rows, o);
    return (int64_t)json_array_size(l->rows) >= l->limit ? HY_EMORE : HY_OK;
}

/* A campaign is walked domain by domain, a spool once for all its domains. */
static int list_rows(struct listing *l, const struct ctl_pick *p, const struct ctl_targets *targets)
{
    int err = hy_txn_read(l->d->env, &l->t);
    for (size_t i = 0, n; err == HY_OK && i < targets->n; i += n) {
        const struct ctl_target *at = &targets->items[i];
        n = 1;
        if (hy_id_is_spool(at->campaign)) {
            while (i + n < targets->n && at[n].campaign == at->campaign)
                n++;
            l->of_spool = at;
            l->n_of_spool = n;
        }
        err = hy_pick_rows(&l->t, at->campaign, l->of_spool ? 0 : at->domain, &p->pick, add_row, l);
    }
    hy_txn_end(&l->t);
    return err == HY_EMORE ? HY_OK : err;
}

static void list_main(void *arg)
{
    struct listing *l = arg;
    struct hy_diag diag = {""};
    struct ctl_pick pick;
    struct ctl_targets targets = {0};
    l->rows = json_array();
    int err = ctl_pick_read(l->d, l->call, &pick, &diag);
    if (err == HY_OK)
        err = ctl_targets_find(l->d, l->call, &pick, &targets, &diag);
    if (err == HY_OK)
        err = list_rows(l, &pick, &targets);
    if (err == HY_OK) {
        json_t *o = json_pack("{s:o}", "rows", l->rows);
        ctl_set_count(o, "total", targets.rows);
        ctl_set_count(o, "domains", targets.n);
        ctl_set_count(o, "unknown_domains", targets.unknown);
        ctl_set_count(o, "queueing", targets.queueing);
        hy_control_finish(l->call, o);
    } else {
        json_decref(l->rows);
        hy_control_fail_diag(l->call, err, &diag);
    }
    ctl_pick_free(&pick);
    ctl_targets_free(&targets);
    free(l);
}

static void list(struct hy_control_call *call, void *ctx)
{
    struct hy_diag diag = {""};
    int64_t limit = 50;
    int err = hy_control_arg_int(hy_control_args(call), "limit", 50, 1, LIMIT_MAX, &diag, &limit);
    struct listing *l = err == HY_OK ? calloc(1, sizeof *l) : NULL;
    if (!l) {
        hy_control_fail_diag(call, err == HY_OK ? HY_ENOMEM : err, &diag);
        return;
    }
    *l = (struct listing){.d = ctx, .call = call, .limit = limit};
    if (!ctl_job_start(ctx, call, CTL_JOB_ALTER, list_main, l))
        free(l);
}

const struct hy_control_command ctl_rows_commands[] = {
    {"queue.list", 0, 0, list},
    {NULL, 0, 0, NULL},
};
