/* /v1/campaigns/{campaign}/report: what became of a campaign, as `hayauma campaign report --json`
 * tells it. A tenant sees its own campaigns; the installation's tokens (tenant 0) see all. The
 * report reads every row of the campaign, so it is made on the worker. */
#include "call.h"
#include "hayauma/store/campaign.h"
#include "web_priv.h"

enum { DOMAINS_USUAL = 50, DOMAINS_MAX = 1000 };

struct asking {
    uint64_t domains;
    json_t *report;
    int err;
};

static void asking_free(void *state)
{
    json_decref(((struct asking *)state)->report);
}

static void answer(struct web_call *c)
{
    struct asking *a = c->state;
    if (a->err == HY_ENOTFOUND)
        web_fail(c, 404, "not_found", NULL, "There is no such campaign.");
    else if (a->err != HY_OK)
        web_fail_err(c, a->err);
    else
        web_answer(c, 200, json_incref(a->report));
}

/* By its name or its id; another tenant's is as if it were not. */
static int find(struct web_call *c, struct hy_txn *t, hy_id *ret)
{
    struct hy_str text = web_param(c, 0);
    uint32_t tenant = c->token->tenant->number;
    struct hy_campaign campaign;
    hy_id id = 0;
    int err = hy_campaign_find(t, text, &id);
    if (err == HY_ENOTFOUND && hy_id_parse(text, &id) == HY_OK)
        err = HY_OK;
    if (err == HY_OK)
        err = hy_campaign_get(t, id, &campaign);
    if (err == HY_OK && tenant != 0 && campaign.tenant != tenant)
        err = HY_ENOTFOUND;
    if (err == HY_OK)
        *ret = id;
    return err;
}

static void make(struct web_call *c, struct hy_txn *t)
{
    struct asking *a = c->state;
    const struct hy_web_reports *reports = &c->web->reports;
    hy_id id = 0;
    a->err = t ? find(c, t, &id) : HY_EIO;
    if (a->err == HY_OK)
        a->err = reports->make(reports->ctx, t, id, (size_t)a->domains, &a->report);
    web_later(c, answer);
}

static void get_report(struct web_call *c)
{
    struct asking *a = hy_arena_zalloc(&c->arena, sizeof *a);
    if (!a) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    c->state = a;
    c->state_free = asking_free;
    if (!web_query_number(c, "domains", 0, DOMAINS_MAX, DOMAINS_USUAL, &a->domains))
        return;
    if (!c->web->reports.make)
        web_fail_err(c, HY_EUNSUPPORTED);
    else if (web_work(c, make) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

const struct web_route web_campaign_routes[] = {
    {"GET", "/v1/campaigns/{campaign}/report", HY_SCOPE_MESSAGES_READ | HY_SCOPE_LEADS_READ,
     get_report},
    {0},
};
