/* HTTPS requests on a thread of their own: policies are fetched, reports and events are posted.
 * Strict on purpose: https only (unless a request says otherwise), certificates verified, TLS 1.2
 * or later, no redirects, no proxy, no cookies, an answer of bounded size in bounded time. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/io/sockaddr.h"
#include "hayauma/io/tls.h"

struct hy_https;
struct hy_https_options {
    const char *ca_file;  /* PEM; NULL or "" = the system's */
    uint32_t max_running; /* at once; 0 = 8. Others wait their turn */
    uint32_t max_waiting; /* 0 = 1024 */
};
/* Starts the thread. HY_ENOMEM, HY_EIO with `diag`. */
HY_MUST_USE int hy_https_create(const struct hy_https_options *o, struct hy_diag *diag,
                                struct hy_https **ret);
/* Requests that are not done get HY_ECANCELED, later ones HY_ECLOSED. Blocks until the thread has
 * ended. NULL is fine. */
void hy_https_stop(struct hy_https *h);
/* Stops it first, if need be. NULL is fine. */
void hy_https_free(struct hy_https *h);

struct hy_https_result {
    /* 0: an answer came, whatever its status. HY_EAUTH: the certificate is not the host's;
     * HY_ETIMEOUT; HY_ELIMIT: the answer is too long; HY_EUNSUPPORTED: the address is not allowed;
     * HY_ECANCELED; HY_EIO: all else. */
    int err;
    unsigned status;            /* 200 ... */
    uint32_t retry_after_s;     /* that the answer asks for; 0: none */
    struct hy_str content_type; /* views that die with the call; "" = none */
    struct hy_str body;
    const char *text; /* of a failure, for people */
};

/* Embedded in the caller's object, which lives until `done`. */
struct hy_https_request {
    const char *url;                     /* "https://host[:port]/path", no user, no fragment */
    const struct hy_sockaddr *addresses; /* of its host, at most HY_HTTPS_ADDRESSES_MAX; none = the
                                            system looks it up */
    size_t n_addresses;
    const char *content_type;  /* of the body; NULL: a GET */
    const char *method;        /* with a body; NULL: POST */
    struct hy_str body;        /* lives until done */
    const char *const *fields; /* further lines "Name: value" of the header, ended by NULL; NULL:
                                  none; live until done */
    const char *ca_file;       /* PEM; NULL or "": that of the client */
    /* Whether it may connect to the address, wherever a look-up leads; NULL: to any. On the thread
     * of requests. */
    bool (*may_connect)(const struct hy_sockaddr *a);
    bool allows_http;      /* http:// too */
    bool keeps_connection; /* for the next request to the same host */
    size_t max_bytes;      /* of the answer's body */
    hy_us timeout_us;      /* for all of it, 1 s.. */
    /* Once, on the thread of requests. May free the request; must be short. */
    void (*done)(struct hy_https_request *r, const struct hy_https_result *result);
    /* private */
    struct hy_https_request *next;
};
enum { HY_HTTPS_ADDRESSES_MAX = 16, HY_HTTPS_URL_MAX = 1024 };

/* Any thread. HY_EINVAL: no URL of a kind that is allowed; HY_EBUSY: too many wait; HY_ECLOSED.
 * Then no `done`. */
HY_MUST_USE int hy_https_submit(struct hy_https *h, struct hy_https_request *r);
