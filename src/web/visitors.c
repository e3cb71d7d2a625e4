/* GET /v1/web/visitors: the companies whose people came to the operator's sites. */
#include <stdlib.h>

#include "call.h"
#include "hayauma/web/visitors_json.h"

enum { SHOWN_USUAL = 100, DAYS_USUAL = 30 };

struct look {
    struct hy_visitors_ask ask;
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
    if (l->err)
        web_fail_err(c, l->err);
    else
        web_answer(c, 200, json_incref(l->found));
}

static bool is_closing(void *ctx)
{
    return web_is_closing(ctx);
}

/* The worker's thread, for what is long. The walk takes snapshots of its own, short ones: that of
 * the call would keep old pages of the store as long as all of it. */
static void gather(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    if (t)
        hy_txn_park(t);
    l->found = json_object();
    l->err = l->found ? hy_visitors_json(web_env(c), &l->ask, l->found) : HY_ENOMEM;
    web_later(c, answer);
}

/* False: it was answered. */
static bool read_query(struct web_call *c, struct hy_visitors_ask *ask)
{
    struct hy_str text = {0};
    uint64_t limit = SHOWN_USUAL;
    ask->since = hy_clock_wall_ms() - (hy_wall_ms)DAYS_USUAL * 86400 * 1000;
    if (web_query(c, HY_STR("limit"), 0, &text) &&
        (hy_str_to_u64(text, HY_VISITORS_COMPANIES_MAX, &limit) != HY_OK || limit == 0)) {
        web_fail(c, 422, "invalid", "limit", "Up to %d companies are shown.",
                 HY_VISITORS_COMPANIES_MAX);
        return false;
    }
    if (web_query(c, HY_STR("since"), 0, &text) && hy_wall_parse(text, &ask->since) != HY_OK) {
        web_fail(c, 422, "invalid", "since",
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
    struct look *l = hy_arena_zalloc(&c->arena, sizeof *l);
    if (!l) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    if (!read_query(c, &l->ask))
        return;
    l->ask.is_cancelled = is_closing;
    l->ask.ctx = c;
    c->state = l;
    c->state_free = look_free;
    if (web_work_long(c, gather) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

const struct web_route web_visitors_routes[] = {
    {"GET", "/v1/web/visitors", HY_SCOPE_LEADS_READ, get_visitors},
    {NULL, NULL, 0, NULL},
};
