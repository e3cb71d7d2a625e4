/* The life of a request: it gets an id, a route and a token before its body is read, then its
 * handler; whatever it held goes when it is over. */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/hash.h"
#include "web_priv.h"

enum {
    FREE_CALLS_MAX = 64,   /* kept for the next requests */
    ARENA_MAX = 256 << 20, /* bytes; what bounds it is the body */
    JSON_ERROR_COLUMNS = 100000,
};

/* ---- what handlers ask ---- */

struct hy_env *web_env(const struct web_call *c)
{
    return c->web->env;
}

struct hy_writer *web_writer(const struct web_call *c)
{
    return c->web->writer;
}

struct hy_deliver *web_deliver(const struct web_call *c)
{
    return c->web->deliver;
}

struct hy_web_counters *web_counters(const struct web_call *c)
{
    return &c->web->counters;
}

struct hy_txn *web_snapshot(struct web_call *c)
{
    struct hy_web *w = c->web;
    int err = w->txn.env ? hy_txn_renew(&w->txn) : hy_txn_read(w->env, &w->txn);
    return err == HY_OK ? &w->txn : NULL;
}

void web_snapshot_done(struct web_call *c)
{
    if (c->web->txn.env)
        hy_txn_park(&c->web->txn);
}

int web_unique(struct web_call *c, uint64_t ret[2])
{
    struct hy_web *w = c->web;
    uint64_t no = atomic_fetch_add_explicit(&w->next_unique, 1, memory_order_relaxed);
    for (int i = 0; i < 2; i++)
        ret[i] = hy_siphash(&w->unique_keys[i], &no, sizeof no);
    return HY_OK;
}

json_t *web_text_json(struct hy_str text)
{
    json_t *o = json_stringn(text.p ? text.p : "", text.n);
    struct hy_buf safe = HY_BUF_INIT(65536);
    for (size_t at = 0; !o && at < text.n;) {
        size_t from = at;
        if (hy_utf8_next(text, &at) == UINT32_MAX)
            hy_buf_add_lit(&safe, "\xef\xbf\xbd");
        else
            hy_buf_add(&safe, text.p + from, at - from);
    }
    if (!o)
        o = json_stringn(safe.data ? safe.data : "", safe.len);
    hy_buf_free(&safe);
    return o;
}

bool web_body_is(const struct web_call *c, struct hy_str type)
{
    struct hy_str value;
    if (!hy_http_field(&c->http->head, HY_STR("Content-Type"), &value))
        return false;
    return hy_str_ieq(hy_str_trim(hy_str_slice(value, 0, hy_str_find(value, ';', 0))), type);
}

json_t *web_json(struct web_call *c)
{
    json_error_t why;
    if (c->json)
        return c->json;
    if (!web_body_is(c, HY_STR("application/json"))) {
        web_fail(c, 415, "unsupported_media_type", NULL,
                 "The body must be JSON: send 'Content-Type: application/json'.");
        return NULL;
    }
    c->json = json_loadb(c->http->body.p ? c->http->body.p : "", c->http->body.n,
                         JSON_REJECT_DUPLICATES, &why);
    if (!c->json) {
        web_fail(c, 400, "invalid_json", NULL, "The body is no JSON: line %d, column %d: %s",
                 why.line, why.column, why.text);
        return NULL;
    }
    if (!json_is_object(c->json)) {
        web_fail(c, 400, "invalid_json", NULL, "The body must be a JSON object.");
        return NULL;
    }
    return c->json;
}

static void run_later(struct hy_http_call *h)
{
    struct web_call *c = h->app;
    c->later(c);
}

void web_later(struct web_call *c, void (*fn)(struct web_call *c))
{
    c->later = fn;
    hy_http_later(c->http, run_later);
}

/* ---- its life ---- */

static bool is_request_id(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = hy_ascii_lower(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !strchr("-_.:", c))
            return false;
    }
    return s.n > 0 && s.n <= WEB_REQUEST_ID_MAX;
}

/* The client's own, when it can stand in a field, else one that tells nothing of the others. */
static void name_request(struct web_call *c)
{
    struct hy_str given;
    if (hy_http_field(&c->http->head, HY_STR("X-Request-Id"), &given) && is_request_id(given)) {
        snprintf(c->request_id, sizeof c->request_id, "%.*s", HY_STR_ARG(given));
        return;
    }
    uint64_t parts[2] = {c->web->request_salt, c->web->next_request++};
    uint64_t id = hy_siphash(hy_hash_process_key(), parts, sizeof parts);
    snprintf(c->request_id, sizeof c->request_id, "%016lx", id);
}

static struct web_call *call_new(struct hy_web *w, struct hy_http_call *h)
{
    struct web_call *c = w->free_calls;
    struct hy_arena arena = HY_ARENA_INIT(ARENA_MAX);
    if (c) {
        w->free_calls = c->next_free;
        w->n_free_calls--;
        arena = c->arena;
    } else {
        c = malloc(sizeof *c);
    }
    if (!c)
        return NULL;
    *c = (struct web_call){.http = h, .web = w, .arena = arena, .policy = web_policy(w)};
    h->app = c;
    return c;
}

static void on_done(void *ctx, struct hy_http_call *h)
{
    struct hy_web *w = ctx;
    struct web_call *c = h->app;
    if (!c)
        return;
    web_count_answer(w, c);
    web_access_note(w, c);
    if (c->state_free)
        c->state_free(c->state);
    json_decref(c->json);
    json_decref(c->found.json);
    hy_web_policy_unref(c->policy);
    if (w->n_free_calls == FREE_CALLS_MAX) {
        hy_arena_free(&c->arena);
        free(c);
        return;
    }
    hy_arena_reset(&c->arena);
    c->next_free = w->free_calls;
    w->free_calls = c;
    w->n_free_calls++;
}

/* Before the body: what can be refused now costs no memory. */
static void on_head(void *ctx, struct hy_http_call *h)
{
    struct hy_web *w = ctx;
    struct web_call *c = call_new(w, h);
    static const struct hy_http_answer busy = {.status = 503, .closes = true};
    char allow[80];
    if (!c) {
        hy_http_answer(h, &busy);
        return;
    }
    name_request(c);
    if (!web_may_speak(c)) {
        web_fail(c, 403, "tls_required", NULL,
                 "Without TLS only trusted proxies and this machine may speak here.");
        return;
    }
    int err = web_route_find(c, h->head.method, h->head.path, allow);
    if (err == HY_ENOTFOUND)
        web_fail(c, 404, "not_found", NULL, "There is nothing at this path.");
    else if (err == HY_EUNSUPPORTED)
        web_fail_method(c, allow);
    else if (err == HY_EPARSE)
        web_fail(c, 400, "invalid_path", NULL, "The path holds what it cannot hold.");
    else if (err != HY_OK)
        web_fail_err(c, err);
    else if (web_authorize(c) == HY_OK) /* they answer when they refuse */
        (void)web_check_query(c);
}

static void on_request(void *ctx, struct hy_http_call *h)
{
    struct web_call *c = h->app;
    (void)ctx;
    c->route->fn(c);
}

/* A request that io/http.h refuses by itself. */
static const char *on_refused(void *ctx, int status, struct hy_buf *out)
{
    static const struct {
        int status;
        const char *code, *message;
    } words[] = {
        {400, "invalid_request", "This is no HTTP/1.1 request, or one that is in doubt."},
        {408, "timeout", "The request did not come in time."},
        {413, "too_large", "The body is larger than api.max_body allows."},
        {431, "headers_too_large", "The header of the request is too large."},
        {501, "unsupported", "This transfer coding or version of HTTP is not served."},
        {503, "busy", "Too busy. Try again later."},
    };
    const char *code = "internal", *message = "This went wrong here.";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].status == status) {
            code = words[i].code;
            message = words[i].message;
        }
    }
    web_count_refusal(ctx, code);
    hy_buf_add_lit(out, "{\"error\":");
    web_put_error(out, code, NULL, hy_str_of(message), NULL);
    hy_buf_add_lit(out, "}");
    return "application/json";
}

const struct hy_http_ops web_http_ops = {
    .is_trusted = web_is_proxy,
    .on_head = on_head,
    .on_request = on_request,
    .on_done = on_done,
    .on_refused = on_refused,
};

void web_calls_free(struct hy_web *w)
{
    for (struct web_call *c; (c = w->free_calls) != NULL;) {
        w->free_calls = c->next_free;
        hy_arena_free(&c->arena);
        free(c);
    }
}
