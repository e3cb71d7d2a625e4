/* The HTTP/1.1 server: one thread with a loop, TCP and TLS, connections that stay open, requests
 * one behind the other. RFC 9110, RFC 9112; what is not strict is refused.
 *
 * Happy path: a head is complete: on_head, which may refuse by answering at once; the body is
 * complete: on_request; hy_http_answer, from there or later; on_done; the next request.
 * How it fails: what is not HTTP, too large or too slow gets its 4xx and the connection ends. A
 * connection that breaks while an answer is being made ends with that answer: on_request is always
 * followed by hy_http_answer, which then goes nowhere. */
#pragma once
#include <stdatomic.h>

#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/io/sockaddr.h"
#include "hayauma/io/tls.h"

struct hy_loop;

enum {
    HY_HTTP_HEAD_MAX = 16384,      /* bytes of a request without its body */
    HY_HTTP_FIELDS_MAX = 100,      /* of a request */
    HY_HTTP_LISTENERS_MAX = 32,    /* of a server */
    HY_HTTP_ANSWER_MAX = 64 << 20, /* bytes */
    HY_HTTP_CONNECTIONS_MAX = 60000,
    HY_HTTP_PAUSE_US = 100000, /* without accepting, when there is no descriptor */
};

/* ---- reading; pure ---- */

struct hy_http_head {
    struct hy_str method; /* "POST" */
    struct hy_str path;   /* begins with '/', without the query; not decoded */
    struct hy_str query;  /* behind the '?' */
    struct hy_str fields; /* the lines of its fields */
    uint64_t length;      /* of the body, when it is said */
    size_t bytes;         /* of the head with its empty line */
    bool has_length, is_chunked;
    bool is_http_1_0;
    bool closes;           /* the client wants the connection to end behind the answer */
    bool expects_continue; /* and waits for "100 Continue" before it sends the body */
};
/* Bytes of a head up to and with its empty line; SIZE_MAX: there is none yet. */
size_t hy_http_head_end(struct hy_str in);
/* Reads a head up to and with its empty line: HY_EMORE until there is one, HY_ELIMIT past
 * HY_HTTP_HEAD_MAX or HY_HTTP_FIELDS_MAX, HY_EUNSUPPORTED (another version, HTTP/2's preface,
 * another transfer coding), HY_EPARSE; among which is what two readers could take for two bodies.
 * Views into `in`. */
HY_MUST_USE int hy_http_head_read(struct hy_str in, struct hy_http_head *ret);
/* The value of the first field of that name (any case); false: there is none. */
bool hy_http_field(const struct hy_http_head *h, struct hy_str name, struct hy_str *ret_value);

/* A body in chunks (RFC 9112 7.1). Zeroed at first. */
struct hy_http_chunks {
    enum { HY_CHUNK_SIZE, HY_CHUNK_DATA, HY_CHUNK_DATA_END, HY_CHUNK_TRAILER } at;
    uint64_t left;
    size_t trailer_bytes;
};
/* Takes what it can of `in` and appends the body to `out`. HY_OK: this was the end; HY_EMORE;
 * HY_EPARSE; HY_ELIMIT and HY_ENOMEM of `out`. *ret_used: how many bytes were taken. */
HY_MUST_USE int hy_http_chunks_read(struct hy_http_chunks *c, struct hy_str in, struct hy_buf *out,
                                    size_t *ret_used);

/* ---- serving ---- */

struct hy_http_server;

/* A request on its way. Owned by its connection. */
struct hy_http_call {
    struct hy_http_head head; /* views until it is done; empty when none could be read */
    struct hy_str body;       /* empty in on_head */
    struct hy_sockaddr peer;
    bool is_tls;
    int status;      /* of the answer, once it is given */
    hy_us began;     /* when its first byte came */
    void *app;       /* of who serves; NULL at first */
    uint32_t number; /* of the request on its connection, 1.. */
};

struct hy_http_ops {
    /* Whether connections_per_address does not hold for the peer; NULL: it holds for all. */
    bool (*is_trusted)(void *ctx, const struct hy_sockaddr *peer);
    /* May refuse by answering; NULL: nothing is looked at before the body is there. */
    void (*on_head)(void *ctx, struct hy_http_call *c);
    void (*on_request)(void *ctx, struct hy_http_call *c);
    /* Once, for a call that on_head or on_request saw: it is over. NULL is fine. */
    void (*on_done)(void *ctx, struct hy_http_call *c);
    /* Fills `out` with what is said when the server itself refuses a request; NULL: the reason as
     * plain text. Returns the content type. */
    const char *(*on_refused)(void *ctx, int status, struct hy_buf *out);
};

struct hy_http_answer {
    int status;         /* 200 .. 599 */
    const char *type;   /* Content-Type; NULL: the server says why, see on_refused (204: nothing) */
    const char *fields; /* further ones, each with its CRLF; NULL = none */
    struct hy_str body; /* copied */
    bool closes;        /* the connection ends behind it */
};
/* Once for each request. The server's thread. */
void hy_http_answer(struct hy_http_call *c, const struct hy_http_answer *a);
/* From any thread: `fn` is called with the call on the server's thread. Not again before that, and
 * only while the call has no answer. */
void hy_http_later(struct hy_http_call *c, void (*fn)(struct hy_http_call *c));

/* What may be changed while it runs. */
struct hy_http_settings {
    struct hy_tls *tls;       /* for listeners that have it; referenced */
    uint32_t connections_max; /* up to HY_HTTP_CONNECTIONS_MAX, 0 = 32; when they are all taken, the
                                 one that is idle longest ends, or, when none is, who comes is sent
                                 away with a 503 */
    uint32_t connections_per_address; /* of one network (hy_sockaddr_network_hash) that ops do not
                                         trust; more get a 429. 0 = as many as there may be */
    uint64_t body_max;                /* 0 = no bodies */
    uint64_t memory_max; /* of all bodies; with more, further ones get a 503. 0 = 64 MiB */
    hy_us idle_us;       /* between requests; 0 = 60 s */
    hy_us head_us;       /* for a head to come; 0 = 10 s */
    hy_us slow_us;       /* until the first bytes of a body or an answer have moved; then
                            16 KiB/s at least. 0 = 15 s */
};

struct hy_http_listener {
    struct hy_sockaddr addr;
    bool is_tls;
};

struct hy_http_options {
    const char *name; /* of the thread */
    struct hy_http_listener listeners[HY_HTTP_LISTENERS_MAX];
    size_t n_listeners;
    struct hy_http_settings settings;
    const struct hy_http_ops *ops; /* outlives the server */
    void *ctx;
};

struct hy_http_counters { /* since start; any thread */
    _Atomic uint64_t connections, connections_now, requests, pauses;
    _Atomic uint64_t turned_away, crowded; /* there were too many; too many of its address */
};

/* Listens; nobody is answered before hy_http_start. HY_EBUSY: the port is taken; HY_EIO,
 * HY_ENOMEM; noted. */
HY_MUST_USE int hy_http_open(const struct hy_http_options *o, struct hy_diag *diag,
                             struct hy_http_server **ret);
/* Starts the thread, once. HY_EIO, HY_ENOMEM. */
HY_MUST_USE int hy_http_start(struct hy_http_server *s);
/* Connections that come, and bodies, go by these from now on. Any thread. */
void hy_http_reload(struct hy_http_server *s, const struct hy_http_settings *settings);
/* Takes nothing new, gives answers that are being made up to 5 s to go out, ends the thread and
 * frees. NULL is fine. Not from its own thread; whoever makes answers still does. */
void hy_http_close(struct hy_http_server *s);
/* The loop of its thread, for what who serves does there. */
struct hy_loop *hy_http_loop(struct hy_http_server *s);
const struct hy_http_counters *hy_http_counters_of(const struct hy_http_server *s);
