/* tenant.list, tenant.show: what tenants may, what they have used up, and how their mail stands. It
 * looks at every campaign, so on a thread of its own and in one snapshot. */
#include "ctl_common.h"

#include <stdlib.h>

#include "hayauma/store/tenant.h"

struct look {
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct hy_config *config;
    struct hy_txn txn;
    const struct hy_tenant *only; /* of config; NULL: all */
    bool *was_told;               /* by the place in the policy's order: by_number */
    json_t *list;
    hy_wall_ms now;
};

static json_t *ledger_json(const struct hy_ledger *l)
{
    json_t *o = json_object();
    ctl_set_count(o, "queued", l->queued);
    for (int i = 0; i < HY_RCPT_STATES; i++)
        ctl_set_count(o, hy_rcpt_state_name((enum hy_rcpt_state)i), l->by_state[i]);
    ctl_set_count(o, "pending", hy_ledger_pending(l));
    ctl_set_count(o, "attempts", l->attempts);
    return o;
}

/* A limit of 0 is none. */
static json_t *used_json(uint64_t used, uint64_t limit)
{
    json_t *o = json_object();
    ctl_set_count(o, "used", used);
    json_object_set_new(o, "limit", limit ? json_integer((json_int_t)limit) : json_null());
    return o;
}

static json_t *keys_json(const struct hy_config *c, const struct hy_tenant *t)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->dkim.keys.n; i++) {
        const struct hy_config_dkim_key *k = &c->dkim.keys.items[i];
        const char *owner = k->tenant[0] ? k->tenant : HY_TENANT_DEFAULT;
        if (hy_str_ieq(hy_str_of(owner), hy_str_of(t->name)))
            json_array_append_new(
                list, json_pack("{s:s,s:s}", "domain", k->domain, "selector", k->selector));
    }
    return list;
}

/* What the configuration says of it. */
static void add_rules(const struct look *l, const struct hy_tenant *t, json_t *o)
{
    json_t *domains = json_array();
    for (size_t i = 0; i < t->domains.n; i++)
        json_array_append_new(domains, json_string(t->domains.items[i]));
    json_object_set_new(o, "from_domains", domains);
    ctl_set_count(o, "weight", t->weight);
    json_object_set_new(o, "rate_count", json_integer(t->rate.count));
    json_object_set_new(o, "rate_period_s",
                        json_real((double)t->rate.period_us / (double)HY_US_PER_SEC));
    json_object_set_new(o, "pool", json_string(t->pool));
    json_object_set_new(o, "contact", json_string(t->contact));
    json_object_set_new(o, "installation_keys", json_boolean(t->has_installation_keys));
    json_object_set_new(o, "shared_suppression", json_boolean(t->shares_suppression));
    json_object_set_new(o, "dkim", keys_json(l->config, t));
}

static void add_quota(const struct look *l, const struct hy_tenant_quota *q,
                      struct hy_tenant_used *used, const struct hy_tenant_sums *sums, json_t *o)
{
    char time[32];
    json_t *accepted = json_object(), *quota = json_object();
    ctl_set_count(accepted, "messages", used->messages);
    ctl_set_count(accepted, "recipients", used->rcpts);
    ctl_set_count(accepted, "bytes", used->bytes);
    json_object_set_new(accepted, "last",
                        used->last ? json_string(hy_wall_format(used->last, time)) : json_null());
    json_object_set_new(o, "accepted", accepted);
    json_object_set_new(quota, "hour", used_json(hy_hour_total(&used->day, l->now), q->per_hour));
    json_object_set_new(quota, "day", used_json(hy_day_total(&used->day, l->now), q->per_day));
    json_object_set_new(quota, "queued", used_json(hy_ledger_pending(&sums->messages), q->queued));
    ctl_set_count(quota, "max_recipients", q->rcpts);
    ctl_set_count(quota, "max_message_size", q->size_bytes);
    json_object_set_new(o, "quota", quota);
}

static int add(struct look *l, uint32_t number, const struct hy_tenant_sums *sums)
{
    static const struct hy_tenant_quota none = {0};
    const struct hy_tenant *t = hy_tenant_by_number(&l->config->tenants, number);
    struct hy_tenant_used used;
    char name[16];
    int err = hy_tenant_used(&l->txn, number, &used);
    if (err != HY_OK)
        return err;
    snprintf(name, sizeof name, "%u", number);
    json_t *o = json_object();
    json_object_set_new(o, "tenant", json_string(t ? t->name : name));
    ctl_set_count(o, "number", number);
    json_object_set_new(o, "configured", json_boolean(t != NULL));
    if (t)
        add_rules(l, t, o);
    add_quota(l, t ? &t->quota : &none, &used, sums, o);
    json_object_set_new(o, "messages", ledger_json(&sums->messages));
    ctl_set_count(o, "n_campaigns", sums->n_campaigns);
    json_object_set_new(o, "campaigns", ledger_json(&sums->campaigns));
    return json_array_append_new(l->list, o) ? HY_ENOMEM : HY_OK;
}

static int on_tenant(void *ctx, uint32_t number, const struct hy_tenant_sums *sums)
{
    struct look *l = ctx;
    const struct hy_tenant *t = hy_tenant_by_number(&l->config->tenants, number);
    if (hy_control_is_cancelled(l->call))
        return HY_ECANCELED;
    if (l->only && t != l->only)
        return HY_OK;
    if (t && t->number)
        l->was_told[t - l->config->tenants.items] = true;
    return add(l, number, sums);
}

/* Those that have no mail yet. */
static int add_others(struct look *l)
{
    static const struct hy_tenant_sums nothing = {0};
    const struct hy_tenants *all = &l->config->tenants;
    int err = HY_OK;
    for (size_t i = 0; i < all->n && err == HY_OK; i++)
        if (!l->was_told[i] && all->items[i].number && (!l->only || l->only == &all->items[i]))
            err = add(l, all->items[i].number, &nothing);
    return err;
}

static int find(struct look *l, struct hy_diag *diag)
{
    const char *name = "";
    int err = hy_control_arg_string(hy_control_args(l->call), "tenant", "", diag, &name);
    if (err != HY_OK || !name[0])
        return err;
    l->only = hy_tenant_find(&l->config->tenants, hy_str_of(name));
    return l->only ? HY_OK
                   : hy_fail(diag, HY_ENOTFOUND,
                             "there is no tenant '%.64s' under 'tenants' in hayauma.yaml", name);
}

static void look_free(struct look *l)
{
    hy_txn_end(&l->txn);
    hy_config_unref(l->config);
    json_decref(l->list);
    free(l->was_told);
    free(l);
}

static void look_main(void *arg)
{
    struct look *l = arg;
    struct hy_diag diag = {""};
    json_t *o = NULL;
    int err = find(l, &diag);
    if (err == HY_OK)
        err = hy_txn_read(l->d->env, &l->txn);
    if (err == HY_OK)
        err = hy_tenant_each(&l->txn, on_tenant, l);
    if (err == HY_OK)
        err = add_others(l);
    if (err == HY_OK && l->only && l->only->number == 0 && json_array_size(l->list) == 0)
        err = add(l, 0, &(struct hy_tenant_sums){0});
    if (err == HY_OK) {
        o = json_object();
        json_object_set(o, "tenants", l->list);
        hy_control_finish(l->call, o);
    } else {
        hy_control_fail_diag(l->call, err, &diag);
    }
    look_free(l);
}

static void list(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct look *l = calloc(1, sizeof *l);
    if (l) {
        *l = (struct look){.d = d, .call = call, .config = daemon_config(d)};
        l->now = hy_clock_wall_ms();
        l->was_told = calloc(l->config->tenants.n + 1, sizeof *l->was_told);
        l->list = json_array();
    }
    if (!l || !l->was_told || !l->list)
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
    else if (ctl_job_start(d, call, CTL_JOB_LOOK, look_main, l))
        return;
    if (l)
        look_free(l);
}

const struct hy_control_command ctl_tenant_commands[] = {
    {"tenant.list", 0, 0, list},
    {NULL, 0, 0, NULL},
};
