/* /v1/companies: companies as records, with their leads, and as accounts. Companies belong to the
 * installation: tokens of tenants have no business here. */
#include "hayauma/web/companies.h"

#include <stdlib.h>

#include "call.h"
#include "hayauma/base/list.h"

enum { EDIT_ARENA_MAX = 4 << 20, PAGE_USUAL = 100, MEMBERS_USUAL = 20, HOT_USUAL = 20 };

static void fail(struct web_call *c, int err, const char *field, const struct hy_diag *diag)
{
    web_fail_diag(c, err, field, diag && diag->text[0] ? diag->text : "There is no such company.");
}

/* ---- looking ---- */

struct look {
    struct hy_str text;
    uint64_t limit, after;
    json_t *found;
    int err;
};

static void look_free(void *state)
{
    json_decref(((struct look *)state)->found);
}

static void answer(struct web_call *c)
{
    struct look *l = c->state;
    if (l->err == HY_EINVAL)
        web_fail(c, 422, "invalid_value", "text", "This must be a part of a name or of a domain.");
    else if (l->err)
        fail(c, l->err, NULL, NULL);
    else
        web_answer(c, 200, json_incref(l->found));
}

static void look_at(struct web_call *c, uint64_t usual, uint64_t max, web_work_fn *gather)
{
    if (!web_is_installation(c))
        return;
    struct look *l = hy_arena_zalloc(&c->arena, sizeof *l);
    if (!l) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    c->state = l;
    c->state_free = look_free;
    (void)web_query(c, HY_STR("text"), 0, &l->text);
    if (web_query_number(c, "limit", 1, max, usual, &l->limit) &&
        web_query_number(c, "after", 0, UINT32_MAX, 0, &l->after) && web_work(c, gather) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

/* The worker's thread, as those below. */
static void gather_list(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    const struct hy_company_search s = {l->text, (hy_company_no)l->after, (size_t)l->limit};
    l->err = t ? hy_companies_json(t, &s, &l->found) : HY_EIO;
    web_later(c, answer);
}

static void gather_hot(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    l->err = t ? hy_company_hot_json(t, (size_t)l->limit, hy_clock_wall_ms(), &l->found) : HY_EIO;
    web_later(c, answer);
}

static int find(const struct web_call *c, struct hy_txn *t, hy_company_no *ret)
{
    return t ? hy_company_resolve(t, web_param(c, 0), ret) : HY_EIO;
}

static void gather_one(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    hy_company_no no = 0;
    l->err = find(c, t, &no);
    if (!l->err)
        l->err = hy_company_json(t, no, &l->found);
    web_later(c, answer);
}

static void gather_leads(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    hy_company_no no = 0;
    l->err = find(c, t, &no);
    if (!l->err)
        l->err = hy_company_leads_json(t, no, (hy_lead_no)l->after, (size_t)l->limit,
                                       hy_clock_wall_ms(), &l->found);
    web_later(c, answer);
}

static void gather_account(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    hy_company_no no = 0;
    l->err = find(c, t, &no);
    if (!l->err)
        l->err = hy_company_account_json(t, no, (size_t)l->limit, hy_clock_wall_ms(), &l->found);
    web_later(c, answer);
}

static void get_list(struct web_call *c)
{
    look_at(c, PAGE_USUAL, HY_COMPANY_PAGE_MAX, gather_list);
}

static void get_hot(struct web_call *c)
{
    look_at(c, HOT_USUAL, HY_COMPANY_HOT_MAX, gather_hot);
}

static void get_one(struct web_call *c)
{
    look_at(c, 1, 1, gather_one);
}

static void get_leads(struct web_call *c)
{
    look_at(c, PAGE_USUAL, HY_COMPANY_PAGE_MAX, gather_leads);
}

static void get_account(struct web_call *c)
{
    look_at(c, MEMBERS_USUAL, HY_COMPANY_PAGE_MAX, gather_account);
}

/* ---- changing ---- */

struct changing {
    struct hy_company_change change;
    struct hy_arena arena;
    struct web_call *call;
    int status; /* when it went well */
    int err;
};

static void changing_free(void *state)
{
    struct changing *x = state;
    hy_arena_free(&x->arena);
    free(x);
}

/* The company as it is now; of one that was deleted nothing. */
static void answer_change(struct web_call *c)
{
    struct changing *x = c->state;
    json_t *found = NULL;
    int err = x->err;
    if (err) {
        fail(c, err, NULL, &x->change.diag);
        return;
    }
    if (x->change.does == HY_COMPANY_DROP) {
        web_answer_nothing(c);
        return;
    }
    struct hy_txn *t = web_snapshot(c);
    err = t ? hy_company_json(t, x->change.no, &found) : HY_EIO;
    web_snapshot_done(c);
    if (err)
        fail(c, err, NULL, NULL);
    else
        web_answer(c, x->status, found);
}

static void done(struct hy_write_req *r, int err)
{
    struct hy_company_change *change = hy_container_of(r, struct hy_company_change, req);
    struct changing *x = hy_container_of(change, struct changing, change);
    x->err = err;
    web_later(x->call, answer_change);
}

/* NULL: it is answered. */
static struct changing *changing_new(struct web_call *c, int status)
{
    if (!web_is_installation(c))
        return NULL;
    struct changing *x = calloc(1, sizeof *x);
    if (!x) {
        web_fail_err(c, HY_ENOMEM);
        return NULL;
    }
    x->arena = HY_ARENA_INIT(EDIT_ARENA_MAX);
    x->call = c;
    x->status = status;
    c->state = x;
    c->state_free = changing_free;
    return x;
}

static void submit(struct web_call *c, struct changing *x)
{
    hy_company_change_init(&x->change);
    x->change.req.class = HY_WRITE_ADMIN;
    x->change.req.done = done;
    int err = hy_writer_submit(web_writer(c), &x->change.req);
    if (err)
        web_fail_err(c, err);
}

static void edit(struct web_call *c, struct hy_str which, int status)
{
    struct hy_diag diag = {""};
    char field[64] = "";
    struct changing *x = changing_new(c, status);
    const json_t *body = x ? web_json(c) : NULL;
    if (!body)
        return;
    x->change.does = HY_COMPANY_EDIT;
    x->change.which = which;
    int err = hy_company_edit_read(body, &x->arena, &x->change.edit, field, &diag);
    if (err)
        fail(c, err, field[0] ? field : NULL, &diag);
    else
        submit(c, x);
}

static void post_one(struct web_call *c)
{
    edit(c, HY_STR(""), 201);
}

static void patch_one(struct web_call *c)
{
    edit(c, web_param(c, 0), 200);
}

static void delete_one(struct web_call *c)
{
    struct changing *x = changing_new(c, 204);
    if (!x)
        return;
    x->change.does = HY_COMPANY_DROP;
    x->change.which = web_param(c, 0);
    (void)web_query(c, HY_STR("into"), 0, &x->change.into);
    /* A merge whose 'into' was left empty or badly written must not become a deletion. */
    if (c->http->head.query.n && !x->change.into.n)
        web_fail(c, 422, "invalid_value", "into", "This must name the company that stays.");
    else
        submit(c, x);
}

static void put_lead(struct web_call *c, bool is_leaving)
{
    struct changing *x = changing_new(c, 200);
    if (!x)
        return;
    x->change.does = HY_COMPANY_PUT_LEAD;
    x->change.which = web_param(c, 0);
    x->change.lead = web_param(c, 1);
    x->change.is_leaving = is_leaving;
    submit(c, x);
}

static void put_member(struct web_call *c)
{
    put_lead(c, false);
}

static void delete_member(struct web_call *c)
{
    put_lead(c, true);
}

const struct web_route web_company_routes[] = {
    {"GET", "/v1/companies", HY_SCOPE_LEADS_READ, get_list},
    {"POST", "/v1/companies", HY_SCOPE_LEADS_WRITE, post_one},
    {"GET", "/v1/companies/hot", HY_SCOPE_LEADS_READ, get_hot},
    {"GET", "/v1/companies/{company}", HY_SCOPE_LEADS_READ, get_one},
    {"PATCH", "/v1/companies/{company}", HY_SCOPE_LEADS_WRITE, patch_one},
    {"DELETE", "/v1/companies/{company}", HY_SCOPE_LEADS_WRITE, delete_one},
    {"GET", "/v1/companies/{company}/account", HY_SCOPE_LEADS_READ, get_account},
    {"GET", "/v1/companies/{company}/leads", HY_SCOPE_LEADS_READ, get_leads},
    {"PUT", "/v1/companies/{company}/leads/{lead}", HY_SCOPE_LEADS_WRITE, put_member},
    {"DELETE", "/v1/companies/{company}/leads/{lead}", HY_SCOPE_LEADS_WRITE, delete_member},
    {NULL, NULL, 0, NULL},
};
