/* The HTTP API: JSON over HTTP/1.1, bearer tokens, answers that stand for what is durable. One
 * thread with a loop of its own (io/http.h). docs/guides/api.md says what clients see. */
#pragma once
#include <stdatomic.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/meter.h"
#include "hayauma/io/http.h"
#include "hayauma/model/id.h"
#include "hayauma/receive/receive.h"
#include "hayauma/web/tokens.h"

struct hy_web;
struct hy_deliver;
struct hy_env;
struct hy_writer;

/* What a reload may change: immutable, counted, given with its reference. `release` frees what it
 * stands on when the last request is over; the web thread, or whoever drops it last. */
struct hy_score_plan;
struct hy_web_policy {
    struct hy_str host;
    const struct hy_tenants *tenants;
    struct hy_tls *tls;               /* NULL: none */
    struct hy_api_tokens *tokens;     /* NULL: nobody may come */
    const struct hy_network *proxies; /* whose word on the client's address counts, and who may
                                         speak without TLS though not on this machine */
    size_t n_proxies;
    uint64_t body_max, memory_max;
    uint64_t message_max; /* bytes of one message */
    uint32_t connections_max, connections_per_address;
    bool is_dkim_required; /* mail that no key signs is refused */
    int utc_offset_min;
    int64_t join_back_ms;               /* web_tag.join_back */
    const struct hy_score_plan *scores; /* NULL: leads have no points */
    const char *access_log;             /* file of a JSON line a request; "" = none */
    void (*release)(struct hy_web_policy *p);
    void *owner;
    atomic_uint refs; /* starts at 1 */
};
struct hy_web_policy *hy_web_policy_ref(struct hy_web_policy *p);
void hy_web_policy_unref(struct hy_web_policy *p);

enum {
    HY_WEB_ROUTES_MAX = 128, /* the first stands for requests that found none */
    HY_WEB_CODES_MAX = 64,   /* codes of errors that are told apart */
    HY_WEB_CLASSES = 6,      /* of answers: [2] = 2xx ... [5] */
};
struct hy_web_route_counters {
    hy_count by_class[HY_WEB_CLASSES];
    struct hy_histogram times; /* from the first byte of a request to the last of its answer */
};
/* Since start; moved by the web thread, read by any. */
struct hy_web_counters {
    struct hy_web_route_counters routes[HY_WEB_ROUTES_MAX];
    hy_count refused[HY_WEB_CODES_MAX];   /* requests; see hy_web_code_name */
    hy_count messages, recipients, bytes; /* stored */
};
/* "POST" and "/v1/messages" of counters->routes[i]; false: there is none. */
bool hy_web_route_name(size_t i, const char **ret_method, const char **ret_path);
/* The code behind counters->refused[i], such as "over_quota"; NULL: there is none. */
const char *hy_web_code_name(size_t i);
/* Answers of a class (2 .. 5), or all of them (0). */
uint64_t hy_web_requests(const struct hy_web_counters *c, int class);
/* Requests refused with a code. */
uint64_t hy_web_refused(const struct hy_web_counters *c, const char *code);

/* Who makes the report on a campaign. Any thread; *ret is a new object. */
struct json_t;
struct hy_txn;
struct hy_web_reports {
    int (*make)(void *ctx, struct hy_txn *t, hy_id campaign, size_t domains, struct json_t **ret);
    void *ctx;
};

/* Rules that give points, as somebody sends them. */
struct hy_web_rules {
    struct hy_str text;
    struct hy_str version;           /* of what they are to replace; empty: whatever is there */
    const char *by;                  /* who sends them */
    bool (*is_over)(void *over_ctx); /* of a try: asked now and then, HY_ECANCELED */
    void *over_ctx;
    struct json_t *faults; /* result, with HY_EINVAL: [{"line", "column", "message"}] */
    struct hy_diag diag;   /* result, with other errors */
};
/* The file of rules that scoring.rules names: told, tried and replaced. On a worker's thread.
 * HY_ENOTFOUND: none is named. */
struct hy_web_scoring {
    int (*read)(void *ctx, struct json_t **ret);
    int (*try)(void *ctx, struct hy_txn *t, struct hy_web_rules *r, struct json_t **ret);
    /* HY_EEXIST: the file is of another version; HY_EUNSUPPORTED: it cannot be written. */
    int (*put)(void *ctx, struct hy_web_rules *r, struct json_t **ret);
    void *ctx;
};

struct hy_web_options {
    struct hy_web_reports reports; /* NULL: there are none */
    struct hy_web_scoring scoring; /* likewise */
    struct hy_env *env;            /* these outlive it */
    struct hy_writer *writer;
    struct hy_deliver *deliver;
    const struct hy_http_listener *listeners;
    size_t n_listeners;
};
/* Listens and starts the thread; `policy`'s reference is taken in any case. HY_EBUSY: an address is
 * in use; HY_EIO, HY_ENOMEM, with the reason. */
HY_MUST_USE int hy_web_open(const struct hy_web_options *o, struct hy_web_policy *policy,
                            struct hy_diag *diag, struct hy_web **ret);
/* New requests go by it. Its reference is taken. Any thread. */
void hy_web_reload(struct hy_web *w, struct hy_web_policy *policy);
/* Takes nothing new, gives answers up to 5 s to go out, ends the thread and frees. NULL is fine.
 * While the writer runs. */
void hy_web_close(struct hy_web *w);
const struct hy_web_counters *hy_web_counters_of(const struct hy_web *w);
const struct hy_http_counters *hy_web_http_counters_of(const struct hy_web *w);
