/* The audit as JSON. */
#include "hayauma/config/audit_json.h"

#include "hayauma/store/audit.h"

struct gather {
    json_t *campaigns, *problems;
};

static void set_count(json_t *o, const char *key, uint64_t n)
{
    json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void on_campaign(void *ctx, const struct hy_audit_campaign *c)
{
    struct gather *g = ctx;
    char id[HY_ID_TEXT_MAX];
    json_t *o = json_object();
    json_object_set_new(o, "id", json_string(hy_id_format(c->campaign.id, id)));
    json_object_set_new(o, "name", json_stringn(c->campaign.name.p, c->campaign.name.n));
    json_object_set_new(o, "state", json_string(hy_campaign_state_name(c->campaign.state)));
    set_count(o, "queued", c->ledger.queued);
    for (int i = 0; i < HY_RCPT_STATES; i++)
        set_count(o, hy_rcpt_state_name((enum hy_rcpt_state)i), c->counted.by_state[i]);
    set_count(o, "pending", hy_ledger_pending(&c->counted));
    set_count(o, "attempts", c->ledger.attempts);
    set_count(o, "resent_in_doubt", c->ledger.resent_in_doubt);
    set_count(o, "domains", c->domains);
    json_object_set_new(o, "ok", json_boolean(c->holds));
    json_array_append_new(g->campaigns, o);
}

static void on_problem(void *ctx, const char *text)
{
    struct gather *g = ctx;
    json_array_append_new(g->problems, json_string(text));
}

int hy_audit_json(struct hy_env *env, json_t **ret)
{
    struct gather g = {json_array(), json_array()};
    struct hy_audit_sink sink = {.campaign = on_campaign, .problem = on_problem, .ctx = &g};
    struct hy_audit_report r = {0};
    json_t *o = json_object();
    int err = g.campaigns && g.problems && o ? hy_audit(env, &sink, &r) : HY_ENOMEM;
    if (err != HY_OK) {
        json_decref(g.campaigns);
        json_decref(g.problems);
        json_decref(o);
        return err;
    }
    json_object_set_new(o, "ok", json_boolean(r.problems == 0));
    json_object_set_new(o, "campaigns", g.campaigns);
    json_object_set_new(o, "problems", g.problems);
    set_count(o, "n_problems", r.problems);
    set_count(o, "rows", r.rows);
    set_count(o, "blocks", r.blocks);
    set_count(o, "attempts", r.attempts);
    set_count(o, "activities", r.activities);
    set_count(o, "endings", r.endings);
    set_count(o, "due_entries", r.due_entries);
    set_count(o, "lists", r.lists);
    set_count(o, "members", r.members);
    set_count(o, "suppressions", r.suppressions);
    *ret = o;
    return HY_OK;
}
