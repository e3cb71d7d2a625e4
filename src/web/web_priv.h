/* The inside of the API's server: what requests share. */
#pragma once
#include <pthread.h>

#include "call.h"
#include "hayauma/base/failures.h"
#include "hayauma/base/hash.h"
#include "hayauma/base/list.h"
#include "hayauma/io/loop.h"
#include "hayauma/io/thread.h"

struct web_access;

struct hy_web {
    struct hy_http_server *http;
    struct hy_env *env;
    struct hy_writer *writer;
    struct hy_deliver *deliver;
    struct hy_web_reports reports;
    struct hy_web_scoring scoring;
    pthread_mutex_t policy_lock;
    struct hy_web_policy *policy;
    /* the web thread's */
    struct hy_failures failures;
    struct hy_txn txn; /* parked between calls; zeroed before the first */
    struct web_call *free_calls;
    unsigned n_free_calls;
    uint64_t next_request;
    uint64_t request_salt;
    atomic_uint_fast64_t next_unique;
    struct hy_hash_key unique_keys[2];
    struct hy_mailbox *work, *long_work; /* for the workers */
    struct hy_thread *worker, *long_worker;
    atomic_bool is_closing;    /* what takes long ends early */
    struct web_access *access; /* NULL: nothing is logged */
    struct hy_defer flush;     /* writes it, at the end of a turn */
    atomic_bool is_reloaded;   /* it is opened anew with the next line */
    struct hy_web_counters counters;
};

/* web.c: the newest policy, with a reference for the caller. */
struct hy_web_policy *web_policy(struct hy_web *w);
/* call.c: what io/http.h calls. */
extern const struct hy_http_ops web_http_ops;
void web_calls_free(struct hy_web *w);
/* web.c: a request is over. */
void web_access_note(struct hy_web *w, const struct web_call *c);
/* worker.c; stopped when no call is left */
int web_worker_start(struct hy_web *w);
void web_worker_stop(struct hy_web *w);
/* counters.c */
void web_count_answer(struct hy_web *w, const struct web_call *c);
void web_count_refusal(struct hy_web *w, const char *code);
/* error.c */
void web_fail_method(struct web_call *c, const char *allow);

/* router.c: finds the route. HY_ENOTFOUND: no such path; HY_EUNSUPPORTED: not this method,
 * *ret_allow lists those there are. Parameters are decoded into the arena. HY_ENOMEM, HY_EPARSE:
 * what is behind a % is no byte, or a NUL or a slash. */
HY_MUST_USE int web_route_find(struct web_call *c, struct hy_str method, struct hy_str path,
                               char allow[80]);
/* query.c: whether all of the query can be read; false: it is answered (400). */
bool web_check_query(struct web_call *c);
/* Undoes %XX (and, in a query, +). HY_EPARSE, HY_ENOMEM. */
HY_MUST_USE int web_decode(struct hy_arena *arena, struct hy_str text, bool is_query,
                           struct hy_str *ret);

/* auth.c: who asks, and whether he may. 0, or the call is answered already. */
int web_authorize(struct web_call *c);
/* Whether the peer is one of api.trusted_proxies, and speaks for many. */
bool web_is_proxy(void *web, const struct hy_sockaddr *peer);
/* Finds the client's address: the peer's, or what a proxy that is trusted says. False: it speaks
 * without TLS from somewhere else, which nobody may. */
bool web_may_speak(struct web_call *c);

/* access.c: a line for each request, buffered. */
int web_access_open(const char *path, struct web_access **ret);
void web_access_put(struct web_access *a, const struct web_call *c, hy_us took);
void web_access_flush(struct web_access *a);
void web_access_close(struct web_access *a); /* NULL is fine */
