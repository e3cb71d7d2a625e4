/* GET /v1/leads/{lead}/score, GET /v1/scores/hot: points of leads, by the rules in force. */
#include "hayauma/store/identity.h"
#include "hayauma/web/score_json.h"
#include "hayauma/web/web.h"
#include "web_priv.h"

enum { ENTRIES = 200, HOT = 50 };

struct look {
    uint64_t limit;
    struct hy_score_hot hot;
    json_t *result;
    int err;
};

static void look_free(void *state)
{
    json_decref(((struct look *)state)->result);
}

static void answer(struct web_call *c)
{
    struct look *l = c->state;
    if (l->err == HY_ENOTFOUND || l->err == HY_EPARSE)
        web_fail(c, 404, "not_found", "lead", "There is no such lead.");
    else if (l->err != HY_OK)
        web_fail_err(c, l->err);
    else
        web_answer(c, 200, json_incref(l->result));
}

/* NULL: it is answered. */
static struct look *look_new(struct web_call *c, uint64_t usual, uint64_t max)
{
    struct look *l;
    if (!web_is_installation(c))
        return NULL;
    if (!c->policy->scores) {
        web_fail(c, 404, "not_found", NULL, "There are no rules that give points.");
        return NULL;
    }
    l = hy_arena_zalloc(&c->arena, sizeof *l);
    if (!l) {
        web_fail_err(c, HY_ENOMEM);
        return NULL;
    }
    c->state = l;
    c->state_free = look_free;
    return web_query_number(c, "limit", 1, max, usual, &l->limit) ? l : NULL;
}

static void work(struct web_call *c, web_work_fn *fn)
{
    if (web_work(c, fn) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

/* The worker's thread. */
static void gather_one(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    struct hy_diag diag = {""};
    hy_lead_no no = 0;
    l->err = t ? hy_lead_resolve(t, web_param(c, 0), &no, &diag) : HY_EIO;
    if (l->err == HY_OK)
        l->err = hy_score_explain_json(t, c->policy->scores, no, hy_clock_wall_ms(),
                                       (unsigned)l->limit, &l->result);
    web_later(c, answer);
}

static void get_one(struct web_call *c)
{
    if (look_new(c, ENTRIES, HY_SCORE_ENTRIES_MAX))
        work(c, gather_one);
}

static void gather_hot(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    l->hot.limit = (unsigned)l->limit;
    l->err = t ? hy_score_hot_json(t, c->policy->scores, &l->hot, hy_clock_wall_ms(), &l->result)
               : HY_EIO;
    web_later(c, answer);
}

/* Without a name the first. False: it is answered. */
static bool find_threshold(struct web_call *c, struct look *l)
{
    const struct hy_score_plan *plan = c->policy->scores;
    struct hy_str name = {0};
    bool has_name = web_query(c, HY_STR("threshold"), 0, &name);
    for (size_t i = 0; i < plan->n_thresholds; i++)
        if (!has_name || hy_str_eq(plan->thresholds[i].name, name)) {
            l->hot.threshold = i;
            return true;
        }
    web_fail(c, 404, "not_found", "threshold", "The rules have no such threshold.");
    return false;
}

static void get_hot(struct web_call *c)
{
    struct look *l = look_new(c, HOT, HY_SCORE_HOT_MAX);
    struct hy_str text;
    if (!l || !find_threshold(c, l))
        return;
    l->hot.with_closed =
        web_query(c, HY_STR("closed"), 0, &text) && hy_str_eq(text, HY_STR("true"));
    work(c, gather_hot);
}

const struct web_route web_score_routes[] = {
    {"GET", "/v1/leads/{lead}/score", HY_SCOPE_LEADS_READ, get_one},
    {"GET", "/v1/scores/hot", HY_SCOPE_LEADS_READ, get_hot},
    {0},
};
