/* GET /v1/web/visitors: the companies whose people came to the operator's sites. */
#include <stdlib.h>

#include "call.h"
#include "hayauma/web/visitors_json.h"

enum { SHOWN_USUAL = 100, DAYS_USUAL = 30 };

static bool is_closing(void *ctx)
{
    return web_is_closing(ctx);
}

/* The worker's thread, for what is long. The walk takes snapshots of its own, short ones: that of
 * the call would keep old pages of the store as long as all of it. */
static void gather(struct web_call *c, struct hy_txn *t)
{
    if (t)
        hy_txn_park(t);
    c->found.json = json_object();
    c->found.err =
        c->found.json ? hy_visitors_json(web_env(c), c->state, c->found.json) : HY_ENOMEM;
    web_later(c, web_answer_found);
}

/* False: it was answered. */
static bool read_query(struct web_call *c, struct hy_visitors_ask *ask)
{
    struct hy_str text = {0};
    uint64_t limit;
    ask->since = hy_clock_wall_ms() - (hy_wall_ms)DAYS_USUAL * 86400 * 1000;
    if (!web_query_number(c, "limit", 1, HY_VISITORS_COMPANIES_MAX, SHOWN_USUAL, &limit))
        return false;
    if (web_query(c, HY_STR("since"), 0, &text) && hy_wall_parse(text, &ask->since) != HY_OK) {
        web_fail(c, 422, "invalid_value", "since",
                 "A time with its zone, such as 2026-12-01T09:00:00+09:00.");
        return false;
    }
    ask->limit = (size_t)limit;
    return true;
}

static void get_visitors(struct web_call *c)
{
    if (!web_is_installation(c))
        return;
    struct hy_visitors_ask *ask = hy_arena_zalloc(&c->arena, sizeof *ask);
    if (!ask) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    if (!read_query(c, ask))
        return;
    ask->is_cancelled = is_closing;
    ask->ctx = c;
    c->state = ask;
    if (web_work_long(c, gather) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

const struct web_route web_visitors_routes[] = {
    {"GET", "/v1/web/visitors", HY_SCOPE_LEADS_READ, get_visitors},
    {NULL, NULL, 0, NULL},
};
