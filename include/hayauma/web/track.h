/* The tracking server: browsers that follow a link of a mail, load its beacon, unsubscribe, or run
 * the web tag of a site. One thread with a loop of its own (io/http.h); what browsers did goes into
 * the hits journal (store/hits.h), so that an answer waits for no disk. docs/guides/tracking.md
 * says what is seen from outside. */
#pragma once
#include <stdatomic.h>

#include "hayauma/base/arena.h"
#include "hayauma/io/http.h"
#include "hayauma/mail/message.h"
#include "hayauma/receive/receive.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/hits.h"
#include "hayauma/track/company.h"
#include "hayauma/track/target.h"
#include "hayauma/web/web.h"

struct hy_track;
struct hy_env;
struct hy_writer;

/* What is needed of a campaign to answer for it. Filled by hy_track_load_fn; its owner frees it
 * with hy_track_campaign_free. */
struct hy_track_campaign {
    struct hy_message *message; /* compiled: its links, its pages */
    const struct hy_str *slots; /* values of those who have none, by slot; {NULL, 0}: none */
    size_t n_slots;
    struct hy_utm utm;
    uint32_t tenant;       /* whose it is */
    struct hy_arena arena; /* all that is pointed to */
};
void hy_track_campaign_free(struct hy_track_campaign *c);
/* Reads and compiles one. The server's thread. HY_ENOTFOUND: there is none. */
typedef int hy_track_load_fn(void *ctx, struct hy_txn *t, hy_id campaign,
                             struct hy_track_campaign *ret);

/* Pages of a site that mean more than others. */
struct hy_track_key_page {
    struct hy_str name;
    struct hy_str patterns; /* apart by spaces; see hy_page_matches */
};

/* How many hits are noted one by one, 0: any number. Those beyond are answered and counted. */
enum hy_track_limit {
    HY_TRACK_BY_ADDRESS, /* a minute, of a browser's address (a /64 of IPv6) */
    HY_TRACK_BY_TOKEN,   /* a minute, of one link or beacon of one person's mail */
    HY_TRACK_BY_VISITOR, /* a minute, of a visitor of the sites */
    HY_TRACK_BY_LEAD,    /* an hour, of one person */
    HY_TRACK_LIMITS,
};

/* What a reload may change: immutable, counted, given with its reference. `release` frees what it
 * stands on when the last one lets go of it, on any thread. */
struct hy_track_policy {
    struct hy_tls *tls;               /* NULL: none */
    const struct hy_network *proxies; /* whose word on the browser's address counts */
    size_t n_proxies;
    const struct hy_str *sites; /* "www.example.jp", "*.example.jp": they learn who clicked */
    size_t n_sites;
    const struct hy_track_key_page *key_pages;
    size_t n_key_pages;
    const struct hy_companies *companies; /* whose visitors come; NULL: nobody looks */
    const struct hy_companies *relays;    /* that fetch images unread; NULL: none are known */
    struct hy_str notice[2]; /* English, Japanese: HTML of what is sent; empty: nothing is shown */
    uint32_t connections_max, connections_per_address;
    uint32_t hits_max[HY_TRACK_LIMITS]; /* below HY_RATE_MAX (track/rate.h) */
    void (*release)(struct hy_track_policy *p);
    void *owner;
    atomic_uint refs; /* starts at 1 */
};
struct hy_track_policy *hy_track_policy_ref(struct hy_track_policy *p);
void hy_track_policy_unref(struct hy_track_policy *p); /* NULL is fine */

enum { HY_TRACK_ROUTES_MAX = 24 }; /* the first stands for requests that found none */
/* Since start; moved by the server's thread, read by any. */
struct hy_track_counters {
    struct hy_web_route_counters routes[HY_TRACK_ROUTES_MAX]; /* times: to the answer */
    hy_count forged;                                          /* tokens that no mail of ours has */
    hy_count limited[HY_TRACK_LIMITS]; /* hits that were answered, and not noted */
};
/* "token" of HY_TRACK_BY_TOKEN. */
const char *hy_track_limit_name(enum hy_track_limit by);
/* "click" of counters->routes[i]; NULL: there is none. */
const char *hy_track_route_name(size_t i);
/* Answers of a class (2 .. 5), or all of them (0). */
uint64_t hy_track_answers(const struct hy_track_counters *c, int class);

struct hy_track_options {
    struct hy_env *env; /* these outlive it */
    struct hy_writer *writer;
    struct hy_hits *hits;
    const struct hy_token_keys *keys;
    hy_track_load_fn *load;
    /* Under which tenant the suppressions of a tenant stand. Any thread. */
    uint32_t (*suppressor)(void *ctx, uint32_t tenant);
    void *ctx; /* of both */
    const struct hy_http_listener *listeners;
    size_t n_listeners;
};
/* Listens and starts the thread; `policy`'s reference is taken in any case. HY_EBUSY: an address is
 * in use; HY_EIO, HY_ENOMEM, with the reason. */
HY_MUST_USE int hy_track_open(const struct hy_track_options *o, struct hy_track_policy *policy,
                              struct hy_diag *diag, struct hy_track **ret);
/* New requests and connections go by it; connections that are open go on. Its reference is taken.
 * Any thread. */
void hy_track_reload(struct hy_track *s, struct hy_track_policy *policy);
/* Takes nothing new, gives answers up to 5 s to go out, ends the thread and frees. NULL is fine.
 * While the writer runs. */
void hy_track_close(struct hy_track *s);
const struct hy_track_counters *hy_track_counters_of(const struct hy_track *s);
const struct hy_http_counters *hy_track_http_counters_of(const struct hy_track *s);
