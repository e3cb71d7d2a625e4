/* One request to the API, as the files of its resources see it.
 *
 * A resource is a file: handlers and a table of routes, which goes into web_tables (router.c) and
 * into openapi.json. A handler runs on the web thread, is called when the whole body is there, and
 * ends with exactly one web_answer..., web_fail..., at once or later (web_later). */
#pragma once
#include <jansson.h>

#include "hayauma/base/arena.h"
#include "hayauma/io/mailbox.h"
#include "hayauma/store/env.h"
#include "hayauma/store/once.h"
#include "hayauma/web/web.h"

enum {
    WEB_PARAMS_MAX = 4,
    WEB_REQUEST_ID_MAX = 64,
    WEB_CLIENT_MAX = HY_SOCKADDR_TEXT_MAX,
};

struct web_call;
typedef void web_work_fn(struct web_call *c, struct hy_txn *t);
struct web_route {
    const char *method; /* "POST" */
    const char *path;   /* "/v1/messages/{id}" */
    unsigned scopes;    /* one of these is needed; 0 = open to everybody */
    void (*fn)(struct web_call *c);
};
/* The tables of all resources, NULL-terminated; each ended by a route without a method. */
extern const struct web_route *const web_tables[];

struct web_call {
    struct hy_http_call *http;
    struct hy_web *web;
    struct hy_web_policy *policy;     /* referenced */
    const struct hy_api_token *token; /* who; NULL: an open route */
    const struct web_route *route;    /* NULL: none was found */
    unsigned route_no;                /* its place among all, 1..; 0: none */
    struct hy_str params[WEB_PARAMS_MAX];
    char request_id[WEB_REQUEST_ID_MAX + 1];
    char client[WEB_CLIENT_MAX]; /* its address, behind trusted proxies */
    struct hy_sockaddr client_addr;
    struct hy_arena arena; /* dies with the call */
    json_t *json;          /* of web_json; dies with the call */
    struct {
        json_t *json; /* dies with the call */
        int err;
    } found;        /* by a worker: for web_answer_found */
    char error[32]; /* code of the error it was answered with; "" = none */
    void *state;    /* of the handler, ended by */
    void (*state_free)(void *state);
    void (*later)(struct web_call *c);
    struct hy_msg work;
    web_work_fn *work_fn;
    struct web_call *next_free;
};

struct hy_env *web_env(const struct web_call *c);
struct hy_writer *web_writer(const struct web_call *c);
struct hy_deliver *web_deliver(const struct web_call *c);
struct hy_web_counters *web_counters(const struct web_call *c);
static inline struct hy_str web_host(const struct web_call *c)
{
    return c->policy->host;
}

/* The i-th {parameter} of the route's path, decoded. */
static inline struct hy_str web_param(const struct web_call *c, size_t i)
{
    return c->params[i];
}
/* The n-th value (0..) of a parameter of the query, decoded, in the arena; false: there is none. */
bool web_query(struct web_call *c, struct hy_str name, size_t n, struct hy_str *ret);
/* A whole number of the query, min..max; `usual` where there is none. False: it is no such number,
 * and answered (422). */
bool web_query_number(struct web_call *c, const char *name, uint64_t min, uint64_t max,
                      uint64_t usual, uint64_t *ret);
/* Whether the body is of this media type; parameters behind it do not matter. */
bool web_body_is(const struct web_call *c, struct hy_str type);
/* The body as a JSON object, which lives as long as the call; NULL: it was none, and is answered.
 */
json_t *web_json(struct web_call *c);

/* Leads belong to the installation: whether its own token asks, and no tenant's. False: it is
 * answered (403). */
bool web_is_installation(struct web_call *c);

/* A snapshot of the store on the web thread, for the length of a handler's step; NULL: there is
 * none to be had. web_snapshot_done follows in any case. */
struct hy_txn *web_snapshot(struct web_call *c);
void web_snapshot_done(struct web_call *c);
/* 128 bits that nothing else ever gets. Any thread. */
HY_MUST_USE int web_unique(struct web_call *c, uint64_t ret[2]);
/* Text of strangers as JSON: what is no UTF-8 becomes U+FFFD. */
json_t *web_text_json(struct hy_str text);

/* worker.c: `fn` is called on a thread for what takes long, with a snapshot of its own or NULL. It
 * answers nothing, but ends with web_later. HY_ELIMIT: too many wait. */
HY_MUST_USE int web_work(struct web_call *c, web_work_fn *fn);

/* Likewise, on a thread that gives way to all others, for what goes through all leads; few may
 * wait. */
HY_MUST_USE int web_work_long(struct web_call *c, web_work_fn *fn);
/* Whether the API is being closed: what takes long ends early. Any thread. */
bool web_is_closing(const struct web_call *c);

/* From any thread: `fn` is called on the web thread. */
void web_later(struct web_call *c, void (*fn)(struct web_call *c));

/* ---- once.c: calls that are done once ---- */

/* What the call's Idempotency-Key stands for; ret->key is empty when it has none. HY_OK: it is new;
 * HY_EEXIST: it was done, *answer is what was answered; HY_ELIMIT (no such key can be), HY_EINVAL
 * (the key came with another request): web_once_refusal tells it. *answer is the caller's to free.
 */
HY_MUST_USE int web_once_find(struct web_call *c, struct hy_txn *t, struct hy_once *ret,
                              struct hy_buf *answer);
/* The same for a handler on the web thread: false: it is answered, with the answer of then and this
 * status, or with why not. */
bool web_once_look(struct web_call *c, struct hy_once *ret, int status);
/* Status, code and words of a refusal; of another error: the key is being used at this moment. */
void web_once_refusal(int err, int *ret_status, const char **ret_code, const char **ret_message);
/* The answer of a call that another one with the same key came before, while both were on their
 * way; with the status that such calls are answered with. */
void web_once_answer(struct web_call *c, const struct hy_once *once, int status);
void web_once_replay(struct web_call *c, struct hy_str answer, int status);

/* ---- answers: exactly one ---- */

/* Takes the reference. */
void web_answer(struct web_call *c, int status, json_t *body);
/* A JSON text. `fields`: further fields, each with its CRLF; NULL = none. */
void web_answer_text(struct web_call *c, int status, struct hy_str json, const char *fields);
void web_answer_nothing(struct web_call *c); /* 204 */
/* 200 with what was found, or what web_fail_err() says of found.err. */
void web_answer_found(struct web_call *c);
/* {"error":{"code","message","field","request_id"}}. `code` is a word that programs look at;
 * `field`, a path such as "to[3].email", may be NULL. */
void web_fail(struct web_call *c, int status, const char *code, const char *field, const char *fmt,
              ...) HY_PRINTF(5, 6);
/* The same with further members of the error, as JSON: "\"faults\":[...]". */
void web_fail_more(struct web_call *c, int status, const char *code, const char *field,
                   struct hy_str members, const char *fmt, ...) HY_PRINTF(6, 7);
/* The same with 429: it may come again in `wait_s` seconds, which Retry-After says. */
void web_fail_wait(struct web_call *c, const char *code, int64_t wait_s, const char *fmt, ...)
    HY_PRINTF(4, 5);
/* The error of a function of ours, as a client may see it. */
void web_fail_err(struct web_call *c, int err);
/* The same, with words for what the request did wrong: not_found, invalid, conflict, too_many. */
void web_fail_diag(struct web_call *c, int err, const char *field, const char *why);

/* error.c: the object alone, for lists of what was wrong. Appends. */
void web_put_error(struct hy_buf *out, const char *code, const char *field, struct hy_str message,
                   const char *request_id);
