/* A small HTTP server for those who watch the daemon: GET and HEAD, one request a connection, on a
 * thread of its own. RFC 9110, RFC 9112; what it does not need of them it refuses. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/io/sockaddr.h"

enum {
    HY_HTTP_HEAD_MAX = 8192,      /* bytes of a request */
    HY_HTTP_BODY_MAX = 16u << 20, /* bytes of an answer */
    HY_HTTP_CLIENTS_MAX = 32,     /* at once; more wait in the kernel's queue */
    HY_HTTP_PAUSE_US = 100000,    /* without accepting, when there is no descriptor */
};

struct hy_http_request {
    bool is_head;
    struct hy_str path;   /* "/metrics"; begins with '/', without the query; not decoded */
    struct hy_str accept; /* of the Accept header; empty when absent */
};

/* Reads a request up to and with its empty line: HY_EMORE until there is one, HY_ELIMIT past
 * HY_HTTP_HEAD_MAX, HY_EUNSUPPORTED (another method, HTTP/2's preface, a body), HY_EPARSE. Views
 * into `in`. Pure. */
HY_MUST_USE int hy_http_request_read(struct hy_str in, struct hy_http_request *ret);

struct hy_http_answer {
    int status;       /* 200 .. 599; preset to 404 */
    const char *type; /* Content-Type, a literal */
    struct hy_buf body;
};
/* Fills in the answer. On the server's thread: others wait meanwhile. */
typedef void hy_http_fn(void *ctx, const struct hy_http_request *r, struct hy_http_answer *a);

struct hy_http_options {
    struct hy_sockaddr listen;
    hy_us timeout_us; /* for a whole connection; 0 = 10 s */
    hy_http_fn *fn;
    void *ctx;
};
struct hy_http_server;

/* Listens and starts the thread. HY_EBUSY: the port is taken; HY_EIO, HY_ENOMEM; noted. */
HY_MUST_USE int hy_http_open(const struct hy_http_options *o, struct hy_diag *diag,
                             struct hy_http_server **ret);
/* How often nobody was accepted for HY_HTTP_PAUSE_US since descriptors or memory had run out. Any
 * thread. */
unsigned long hy_http_pauses(const struct hy_http_server *s);
/* Ends the thread, closes what is open. NULL is fine. Not from `fn`. */
void hy_http_close(struct hy_http_server *s);
