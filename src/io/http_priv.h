/* The parts of the HTTP server: the server with its listeners, and a connection.
 *
 *   listener --accept--> connection --on_request--> who serves
 *                             ^------hy_http_answer------'
 *
 * All of it belongs to the loop's thread, but for what hy_http_later and hy_http_reload hand over.
 */
#pragma once
#include <pthread.h>

#include "hayauma/base/list.h"
#include "hayauma/base/tally.h"
#include "hayauma/io/conn.h"
#include "hayauma/io/http.h"
#include "hayauma/io/loop.h"
#include "hayauma/io/mailbox.h"
#include "hayauma/io/thread.h"

struct http_listener {
    struct hy_http_server *server;
    struct hy_watch *watch;
    int fd;
    bool is_tls;
};

struct hy_http_server {
    struct hy_http_options o; /* its settings are those at the start */
    struct hy_loop *loop;
    struct hy_thread *thread;
    struct hy_mailbox *mailbox;
    struct http_listener listeners[HY_HTTP_LISTENERS_MAX];
    size_t n_listeners;
    struct hy_list conns, idle; /* idle ones: the one that is so longest first */
    uint32_t n_conns;
    struct hy_tally tally;  /* connections by network */
    uint64_t body_bytes;    /* of buffers of bodies */
    struct hy_timer pause;  /* armed: nobody is accepted */
    struct hy_timer ending; /* armed: it closes */
    bool is_ending;
    struct hy_msg end_msg;
    pthread_mutex_t settings_lock;
    struct hy_http_settings settings; /* under the lock; the loop's thread reads its own copy: */
    struct hy_http_settings now;
    atomic_bool is_reloaded;
    struct hy_http_counters counters;
};

enum http_phase {
    HTTP_HANDSHAKE = 0,
    HTTP_IDLE,   /* between requests */
    HTTP_HEAD,   /* a head has begun */
    HTTP_BODY,   /* it is there, and the body is not */
    HTTP_MAKING, /* who serves has it */
    HTTP_WRITING,
    HTTP_LINGER, /* the answer is out, and what still comes is thrown away */
};

struct http_conn {
    struct hy_list link; /* of server->conns */
    struct hy_list idle; /* of server->idle, in phase IDLE */
    struct hy_http_server *server;
    struct hy_conn *conn; /* NULL once closed */
    uint64_t network;     /* of the peer */
    struct hy_timer timer;
    enum http_phase phase;
    bool is_pumping;   /* answers given now are noticed by the pump */
    bool is_seen;      /* on_head or on_request had the call */
    bool is_answered;  /* the call */
    bool is_last;      /* the connection ends behind this answer */
    bool has_rest;     /* not all of the request was read */
    bool is_head_only; /* HEAD: the answer's body stays here */
    hy_us due;         /* of what is slow */
    struct hy_buf in;  /* read and not taken yet, from `at` on */
    size_t at;
    struct hy_buf ahead; /* read while a call is being answered */
    uint64_t expected;   /* bytes of the body */
    struct hy_buf head;  /* of the request at hand */
    struct hy_buf body;  /* in chunks */
    struct hy_http_chunks chunks;
    uint64_t counted; /* of server->body_bytes */
    struct hy_buf out;
    size_t sent;
    struct hy_http_call call;
    struct hy_msg later;
    void (*later_fn)(struct hy_http_call *c);
};

/* http_conn.c */
void http_conn_open(struct hy_http_server *s, int fd, const struct hy_sockaddr *peer, bool is_tls);
void http_conn_later(struct http_conn *c);
/* Ends it, behind the answer that is being made. */
void http_conn_end(struct http_conn *c);
void http_conn_cut(struct http_conn *c);

/* http.c: the newest settings. */
const struct hy_http_settings *http_settings(struct hy_http_server *s);
/* The last connection is gone, or there is room for one. */
void http_conn_gone(struct hy_http_server *s);
