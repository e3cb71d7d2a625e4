/* /v1/handoffs: hot leads on their way to sales, and trying those again that did not arrive. They
 * belong to the installation, as leads do. */
#include <stdlib.h>

#include "call.h"
#include "hayauma/base/list.h"
#include "hayauma/web/handoffs.h"

enum { PAGE_USUAL = 100 };

/* ---- GET ---- */

/* The worker's thread. */
static void gather(struct web_call *c, struct hy_txn *t)
{
    c->found.err = t ? hy_handoffs_json(t, c->state, &c->found.json) : HY_EIO;
    web_later(c, web_answer_found);
}

/* False: it is answered. */
static bool read_search(struct web_call *c, struct hy_handoff_search *s)
{
    struct hy_str text;
    uint64_t limit;
    if (web_query(c, HY_STR("state"), 0, &text) &&
        hy_handoff_state_read(text, &s->state) != HY_OK) {
        web_fail(c, 422, "invalid_value", "state", "This must be 'waits' or 'failed'.");
        return false;
    }
    if (!web_query_number(c, "limit", 1, HY_HANDOFF_PAGE_MAX, PAGE_USUAL, &limit))
        return false;
    if (web_query(c, HY_STR("after"), 0, &text) &&
        hy_handoff_place_read(text, &s->after) != HY_OK) {
        web_fail(c, 422, "invalid_value", "after", "This must be what the page before said.");
        return false;
    }
    s->limit = (size_t)limit;
    return true;
}

static void get_list(struct web_call *c)
{
    if (!web_is_installation(c))
        return;
    struct hy_handoff_search *s = hy_arena_zalloc(&c->arena, sizeof *s);
    if (!s) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    c->state = s;
    if (read_search(c, s) && web_work(c, gather) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

/* ---- POST ---- */

struct retrying {
    struct hy_handoff_retry retry;
    struct web_call *call;
    hy_id id; /* 0: all that have failed */
    int err;
};

/* Web thread, as the next: it is durable. */
static void answer_retry(struct web_call *c)
{
    const struct retrying *r = c->state;
    if (r->err == HY_ENOTFOUND)
        web_fail(c, 404, "not_found", NULL, "There is no such hand-off on its way.");
    else if (r->err != HY_OK)
        web_fail_err(c, r->err);
    else
        web_answer(c, 200, json_pack("{s:I}", "handoffs", (json_int_t)r->retry.n));
}

static void done(struct hy_write_req *req, int err)
{
    struct retrying *r = hy_container_of(req, struct retrying, retry.req);
    r->err = err;
    web_later(r->call, answer_retry);
}

static void submit(struct web_call *c)
{
    struct retrying *r = c->state;
    int err = r->err == HY_OK ? hy_writer_submit(web_writer(c), &r->retry.req) : r->err;
    if (err == HY_OK)
        return;
    r->err = err;
    answer_retry(c);
}

/* The worker's thread. */
static void find(struct web_call *c, struct hy_txn *t)
{
    struct retrying *r = c->state;
    r->err = t ? hy_handoff_find(t, r->id, &r->retry.one) : HY_EIO;
    web_later(c, submit);
}

/* NULL: it is answered. */
static struct retrying *retrying_new(struct web_call *c)
{
    if (!web_is_installation(c))
        return NULL;
    struct retrying *r = calloc(1, sizeof *r);
    if (!r) {
        web_fail_err(c, HY_ENOMEM);
        return NULL;
    }
    c->state = r;
    c->state_free = free;
    r->call = c;
    hy_handoff_retry_init(&r->retry);
    r->retry.req.on_full = HY_WRITE_FULL_FAIL;
    r->retry.req.done = done;
    return r;
}

static void post_retry_all(struct web_call *c)
{
    if (retrying_new(c))
        submit(c);
}

static void post_retry_one(struct web_call *c)
{
    struct retrying *r = retrying_new(c);
    if (!r)
        return;
    if (hy_id_parse(web_param(c, 0), &r->id) != HY_OK || r->id == 0)
        web_fail(c, 404, "not_found", NULL, "There is no such hand-off on its way.");
    else if (web_work(c, find) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

const struct web_route web_handoff_routes[] = {
    {"GET", "/v1/handoffs", HY_SCOPE_LEADS_READ, get_list},
    {"POST", "/v1/handoffs/retry", HY_SCOPE_LEADS_WRITE, post_retry_all},
    {"POST", "/v1/handoffs/{handoff}/retry", HY_SCOPE_LEADS_WRITE, post_retry_one},
    {0},
};
