/* What all lanes of a provider share: connections, rates and the day, over all sources, sites and
 * workers. */
#pragma once
#include "daily.h"
#include "hayauma/shape/rate.h"
#include "pace.h"

struct hy_deliver;
struct hy_deliver_policy;
struct worker;
struct pool;

/* All that there are, by name. */
struct pools {
    pthread_mutex_t lock;
    struct hy_list all;
};

/* A lane's place in the queue for a connection. */
enum seat_state { SEAT_NONE, SEAT_WAITS, SEAT_GRANTED };
struct seat {
    struct hy_list link; /* pool's queue, under its lock */
    struct hy_list mine; /* worker->seats: those that wait or were granted one */
    struct pool *pool;   /* NULL: the rule has no limit for its provider */
    struct worker *worker;
    enum seat_state state; /* under the pool's lock */
    bool is_asking;        /* the lane was told to wait since this was last cleared */
};

void pools_init(struct pools *s);
void pools_close(struct pools *s);
/* Gives each rule of the policy that limits its provider its pool, old ones kept by name, with the
 * new limits. HY_ENOMEM. Main thread, before any other has the policy. */
HY_MUST_USE int pools_adopt(struct hy_deliver *d, struct hy_deliver_policy *p);
/* With the last reference to the policy; any thread. */
void pools_release(struct hy_deliver_policy *p);
/* The pool of a rule of the policy; NULL when it has none (rule may be NULL). */
struct pool *pool_of(const struct hy_deliver_policy *p, const struct hy_shape_rule *rule);

/* ---- connections; the worker's thread ---- */

void seat_init(struct seat *s, struct worker *w);
/* Points it at a pool, or at none; what it waited for or was granted elsewhere is given back. */
void seat_move(struct seat *s, struct pool *pool);
/* True: the lane may open one connection. False: it waits, in turn, and its worker gets MSG_SEATS
 * when there is one for it. */
bool seat_take(struct seat *s);
/* The lane wants none now: gives back what was granted meanwhile, and leaves the queue. */
void seat_leave(struct seat *s);
/* A connection that seat_take allowed is over. */
void pool_give_back(struct pool *s, struct hy_deliver *d);
/* How many lanes wait for a connection: those that have one should not keep it for ever. */
uint32_t pool_waiting(const struct pool *s);
/* How many connections are open beyond a limit that was lowered. */
uint32_t pool_surplus(const struct pool *s);

/* ---- rates and the day; any thread, without a lock. `l`: the limits that the lane knows ---- */

/* 0 and takes one; otherwise the time to ask again. */
hy_us pool_take_connect(struct pool *s, const struct hy_provider_limits *l, hy_us now);
void pool_put_back_connect(struct pool *s, const struct hy_provider_limits *l);
/* False: the lane of the place waits in line, and is woken when it has one. */
bool pool_take_message(struct pool *s, struct pace_place *p, const struct hy_provider_limits *l,
                       hy_us now);
void pool_put_back_message(struct pool *s, unsigned worker, const struct hy_provider_limits *l);
/* NULL while its rule has had no limit for a day. */
struct daily *pool_day(const struct pool *s);

struct pool_view {
    uint32_t connections, waiting;
    uint64_t sent_today;
};
struct pool_view pool_look(struct pool *s, hy_wall_ms now);
