/* One request to the tracking server, as the files of its routes see it.
 *
 * A file of routes has handlers and a table, which goes into track_tables (track_call.c). A handler
 * runs on the server's thread when the whole body is there and ends with exactly one
 * track_answer..., at once; or it keeps the call (track_keep), and answers the one it then has
 * later, on the same thread (track_later brings it there from any other). What a person or a
 * machine did goes to track_hit, which fills in what the request tells of itself; it never waits.
 */
#pragma once
#include <pthread.h>

#include "hayauma/base/failures.h"
#include "hayauma/store/env.h"
#include "hayauma/web/track.h"

struct track_call;
struct track_route {
    const char *name; /* of its figures: "click" */
    const char
        *prefix;      /* "/c/": what is behind it is `rest`; without a slash at the end: the path */
    unsigned methods; /* of enum track_method; others get a 405 */
    void (*fn)(struct track_call *c);
};
enum track_method { TRACK_GET = 1, TRACK_POST = 2, TRACK_OPTIONS = 4 }; /* HEAD goes with GET */

/* The tables of all routes, NULL-terminated; each ended by a route without a name. */
extern const struct track_route *const track_tables[];

struct track_call {
    struct hy_http_call *http;
    struct hy_track *server;
    struct hy_track_policy *policy; /* for the length of the call */
    const struct track_route *route;
    unsigned route_no;         /* 1..; 0: none was found */
    struct hy_str rest;        /* of the path, behind the prefix; not decoded */
    struct hy_sockaddr client; /* the browser, behind trusted proxies */
    bool is_head;
    bool is_kept;
    void *state; /* of the handler that keeps it */
    void (*later)(struct track_call *c);
};

struct hy_env *track_env(const struct track_call *c);
struct hy_writer *track_writer(const struct track_call *c);
const struct hy_token_keys *track_keys(const struct track_call *c);
uint32_t track_suppressor(const struct track_call *c, uint32_t tenant);

/* A snapshot of the store for the length of a handler's step; NULL: there is none to be had.
 * track_snapshot_done follows in any case. */
struct hy_txn *track_snapshot(struct track_call *c);
void track_snapshot_done(struct track_call *c);

/* For an answer that comes later: the call, in memory of its own until it is answered. NULL: no
 * memory; it was answered with a 503. */
struct track_call *track_keep(struct track_call *c, void *state);
/* From any thread: `fn` is called with a kept call on the server's thread. */
void track_later(struct track_call *c, void (*fn)(struct track_call *c));

/* ---- what is noted ---- */

/* Adds where the request came from (ip, agent, and its signs in meta) and puts it into the journal,
 * unless there were too many of the like (policy->hits_max). Neither that nor a full journal is a
 * reason to answer otherwise. */
void track_hit(struct track_call *c, struct hy_activity *a);
/* A token that no mail of ours has: counted for the address; true: that were too many, and 429 was
 * answered. */
bool track_is_forger(struct track_call *c);

/* ---- answers ---- */

/* `fields`: further ones, each with its CRLF; NULL = none. `type` NULL: there is no body. */
void track_answer(struct track_call *c, int status, const char *type, const char *fields,
                  struct hy_str body);
/* track_page.c: there is nothing here, 404; 503, come again; pages for people. */
void track_not_found(struct track_call *c);
void track_busy(struct track_call *c);
