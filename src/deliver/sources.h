/* What is known of each source, over all workers and policies. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/err.h"
#include "hayauma/base/list.h"
#include "hayauma/deliver/meter.h"

struct hy_deliver;
struct hy_deliver_policy;
struct hy_deliver_source;
struct hy_proxy;
struct hy_sockaddr;

enum {
    SOURCES_MAX = 1024, /* that one process ever knew, over all reloads */
    SOURCE_GONE_S = 10, /* an address, or proxy, that is missing is tried again after this */
};

/* Stays until delivery ends, so that lanes may keep it. */
struct source {
    struct hy_list link; /* sources.all */
    uint32_t no;         /* in the order they came to be known */
    char name[64];
    _Atomic hy_us gone_until[2]; /* its IPv4, IPv6 address is not on this machine; 0 = it is */
    _Atomic hy_us proxy_until;   /* its proxy does not do its part; 0 = it does */
    char apart[64];              /* what is read often, from what every message moves */
    _Atomic uint64_t outcomes[HY_METER_OUTCOMES]; /* [kind - HY_OUTCOME_DELIVERED], of all lanes */
    _Atomic uint32_t connections;                 /* that are up */
};

struct sources {
    pthread_mutex_t lock; /* of the list */
    struct hy_list all;
    uint32_t n;
};

void sources_init(struct sources *s);
void sources_close(struct sources *s);
/* Fills `live` of the policy. HY_ENOMEM, HY_ELIMIT. Main thread, before any other has it. */
HY_MUST_USE int sources_adopt(struct hy_deliver *d, struct hy_deliver_policy *p);
/* With the last reference to the policy; any thread. */
void sources_release(struct hy_deliver_policy *p);
/* What a policy says of a source; NULL: nothing any more. Any thread. */
const struct hy_deliver_source *source_in(const struct hy_deliver_policy *p,
                                          const struct source *s);

/* The family of addresses that can be sent to now: AF_UNSPEC = any; -1: none. Any thread. */
int source_family(const struct source *s, const struct hy_deliver_source *from, hy_us now);
/* When an address, or a proxy, that is missing is tried again; 0 = none is. */
hy_us source_back_at(const struct source *s, hy_us now);
/* The address of that family to bind to; {0}: the system chooses. */
struct hy_sockaddr source_address(const struct hy_deliver_source *from, int family);
/* An address was found missing, or there. Any thread; says so once. */
void source_gone(struct source *s, const struct hy_sockaddr *address, hy_us now);
void source_there(struct source *s, const struct hy_sockaddr *address);
/* The same of its proxy; `why` for people. */
void source_proxy_gone(struct source *s, const struct hy_proxy *proxy, const char *why, hy_us now);
void source_proxy_there(struct source *s);

/* Counts an outcome, or a connection that is up (1) or over (-1). Any thread. */
void source_count(struct source *s, enum hy_outcome_kind kind);
void source_count_connection(struct source *s, int by);
