/* A request to the tracking server: from its path to a handler, and its answer. */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "hayauma/track/verdict.h"
#include "track_server.h"

extern const struct track_route track_hit_routes[];   /* track_hits.c */
extern const struct track_route track_leave_routes[]; /* track_leave.c */
extern const struct track_route track_join_routes[];  /* track_join.c */
extern const struct track_route track_view_routes[];  /* track_view.c */
extern const struct track_route track_plain_routes[]; /* track_plain.c */
extern const struct track_route track_tag_routes[];   /* tag.c */

const struct track_route *const track_tables[] = {track_hit_routes,
                                                  track_leave_routes,
                                                  track_join_routes,
                                                  track_view_routes,
                                                  track_plain_routes,
                                                  track_tag_routes,
                                                  NULL};

enum {
    FORGED_MAX = 60, /* wrong tokens of an address within FORGED_S that get more than a 429 */
    FORGED_S = 600,
};

/* ---- what handlers ask ---- */

struct hy_env *track_env(const struct track_call *c)
{
    return c->server->o.env;
}

struct hy_writer *track_writer(const struct track_call *c)
{
    return c->server->o.writer;
}

const struct hy_token_keys *track_keys(const struct track_call *c)
{
    return c->server->o.keys;
}

uint32_t track_suppressor(const struct track_call *c, uint32_t tenant)
{
    return c->server->o.suppressor(c->server->o.ctx, tenant);
}

struct hy_txn *track_snapshot(struct track_call *c)
{
    struct hy_track *s = c->server;
    int err = s->txn.env ? hy_txn_renew(&s->txn) : hy_txn_read(s->o.env, &s->txn);
    return err == HY_OK ? &s->txn : NULL;
}

void track_snapshot_done(struct track_call *c)
{
    if (c->server->txn.env)
        hy_txn_park(&c->server->txn);
}

/* ---- what is noted ---- */

static bool says_prefetch(const struct hy_http_head *h)
{
    static const char *const fields[] = {"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"};
    struct hy_str value;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (hy_http_field(h, hy_str_of(fields[i]), &value) &&
            (hy_str_istarts(value, HY_STR("prefetch")) ||
             hy_str_istarts(value, HY_STR("prerender")) ||
             hy_str_istarts(value, HY_STR("preview"))))
            return true;
    return false;
}

/* What the request itself says of who made it; the rest is judged later. */
static enum hy_verdict_reason sign_of(const struct track_call *c, const struct hy_activity *a)
{
    const struct hy_companies *relays = c->policy->relays;
    struct hy_company found;
    if (c->is_head)
        return HY_VERDICT_HEAD;
    if (says_prefetch(&c->http->head))
        return HY_VERDICT_PREFETCH;
    return a->kind == HY_ACTIVITY_OPEN && relays &&
                   hy_companies_find(relays, a->ip, &found) == HY_OK
               ? HY_VERDICT_PRIVACY
               : HY_VERDICT_NOTHING;
}

void track_hit(struct track_call *c, struct hy_activity *a)
{
    const struct hy_http_head *h = &c->http->head;
    if (!track_is_within(c, a))
        return;
    hy_sockaddr_ip16(&c->client, a->ip);
    (void)hy_http_field(h, HY_STR("User-Agent"), &a->agent);
    if (a->kind == HY_ACTIVITY_OPEN || a->kind == HY_ACTIVITY_CLICK)
        a->reason = sign_of(c, a);
    int err = hy_hits_put(c->server->o.hits, a);
    (void)err; /* counted */
}

bool track_is_forger(struct track_call *c)
{
    struct hy_track *s = c->server;
    uint64_t from = hy_sockaddr_network_hash(&c->client);
    uint32_t n = hy_failures_add(&s->failures, from, hy_clock_us(), FORGED_S * HY_US_PER_SEC);
    hy_count_add(&s->counters.forged, 1);
    if (n <= FORGED_MAX)
        return false;
    track_answer(c, 429, "text/plain; charset=utf-8", "Retry-After: 600\r\n",
                 HY_STR("Too many requests.\n"));
    return true;
}

/* ---- later ---- */

struct track_call *track_keep(struct track_call *c, void *state)
{
    struct track_call *kept = malloc(sizeof *kept);
    if (!kept) {
        track_busy(c);
        return NULL;
    }
    *kept = *c;
    kept->is_kept = true;
    kept->state = state;
    kept->policy = hy_track_policy_ref(c->policy);
    c->http->app = kept;
    return kept;
}

static void run_later(struct hy_http_call *http)
{
    struct track_call *c = http->app;
    c->later(c);
}

void track_later(struct track_call *c, void (*fn)(struct track_call *c))
{
    c->later = fn;
    hy_http_later(c->http, run_later);
}

/* ---- answers ---- */

static void count(struct track_call *c, int status)
{
    struct hy_web_route_counters *r = &c->server->counters.routes[c->route_no];
    hy_count_add(&r->by_class[status / 100], 1);
    hy_histogram_add(&r->times, hy_clock_us() - c->http->began);
}

void track_answer(struct track_call *c, int status, const char *type, const char *fields,
                  struct hy_str body)
{
    struct hy_http_answer a = {.status = status,
                               .type = type ? type : "text/plain; charset=utf-8",
                               .fields = fields,
                               .body = body};
    struct hy_http_call *http = c->http;
    count(c, status);
    if (status == 204 || status == 304)
        a.type = NULL;
    if (c->is_kept) {
        hy_track_policy_unref(c->policy);
        free(c);
    }
    hy_http_answer(http, &a);
}

/* ---- routes ---- */

static unsigned method_of(const struct track_call *c)
{
    struct hy_str m = c->http->head.method;
    if (c->is_head || hy_str_eq(m, HY_STR("GET")))
        return TRACK_GET;
    if (hy_str_eq(m, HY_STR("POST")))
        return TRACK_POST;
    return hy_str_eq(m, HY_STR("OPTIONS")) ? TRACK_OPTIONS : 0;
}

static bool is_at(const struct track_route *r, struct hy_str path)
{
    struct hy_str prefix = hy_str_of(r->prefix);
    return hy_str_ends(prefix, HY_STR("/")) && prefix.n > 1 ? hy_str_starts(path, prefix)
                                                            : hy_str_eq(path, prefix);
}

static bool find_route(struct track_call *c)
{
    unsigned no = 0;
    for (size_t t = 0; track_tables[t]; t++) {
        for (const struct track_route *r = track_tables[t]; r->name; r++) {
            no++;
            if (!is_at(r, c->http->head.path))
                continue;
            c->route = r;
            c->route_no = no < HY_TRACK_ROUTES_MAX ? no : 0;
            c->rest = hy_str_slice(c->http->head.path, strlen(r->prefix), c->http->head.path.n);
            return true;
        }
    }
    return false;
}

static void refuse_method(struct track_call *c)
{
    char allow[64];
    snprintf(allow, sizeof allow, "Allow: %s%s%s\r\n",
             c->route->methods & TRACK_GET ? "GET, HEAD" : "",
             c->route->methods & TRACK_GET && c->route->methods & TRACK_POST ? ", " : "",
             c->route->methods & TRACK_POST ? "POST" : "");
    track_answer(c, 405, NULL, allow, HY_STR("This cannot be done here.\n"));
}

static void on_request(void *ctx, struct hy_http_call *http)
{
    struct hy_track *s = ctx;
    struct track_call c = {.http = http, .server = s, .policy = track_policy(s)};
    (void)web_find_client(c.policy->proxies, c.policy->n_proxies, http, &c.client);
    c.is_head = hy_str_eq(http->head.method, HY_STR("HEAD"));
    if (!find_route(&c))
        track_not_found(&c);
    else if (!(method_of(&c) & c.route->methods))
        refuse_method(&c);
    else
        c.route->fn(&c);
}

/* Whether connections_per_address does not hold for it: a proxy speaks for many. */
static bool is_trusted(void *ctx, const struct hy_sockaddr *peer)
{
    const struct hy_track_policy *p = track_policy(ctx);
    return web_is_one_of(p->proxies, p->n_proxies, peer);
}

const struct hy_http_ops track_http_ops = {.is_trusted = is_trusted, .on_request = on_request};

/* ---- figures ---- */

const char *hy_track_route_name(size_t i)
{
    size_t no = 0;
    if (i == 0)
        return "none";
    for (size_t t = 0; track_tables[t]; t++)
        for (const struct track_route *r = track_tables[t]; r->name; r++)
            if (++no == i)
                return r->name;
    return NULL;
}

uint64_t hy_track_answers(const struct hy_track_counters *c, int class)
{
    uint64_t n = 0;
    for (size_t i = 0; i < HY_TRACK_ROUTES_MAX; i++)
        for (int k = 2; k < 6; k++)
            n += class == 0 || class == k ? hy_count_read(&c->routes[i].by_class[k]) : 0;
    return n;
}
