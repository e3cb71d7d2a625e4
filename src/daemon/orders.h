/* Orders to lanes as the daemon keeps them: in the store, and as part of the policy that delivery
 * works by. Any thread, but where said: what takes an order up waits for its commit, which the main
 * thread never does. */
#pragma once
#include <jansson.h>
#include <pthread.h>

#include "acts.h"
#include "hayauma/deliver/deliver.h"
#include "hayauma/deliver/orders.h"
#include "hayauma/store/operator.h"

struct hy_daemon;

struct order {
    uint32_t no;
    struct hy_lane_order o; /* its names are those below */
    char name[HY_DOMAIN_MAX + 1], source[64], pool[64];
    hy_wall_ms made, until; /* until 0: until it is released */
    uid_t uid;
    char user[64];  /* the name behind it when the order was made; "" = none */
    bool is_ending; /* its time is over, and the writer knows */
};

struct orders {
    pthread_mutex_t lock; /* never held while somebody waits for the store */
    bool is_closing;      /* delivery takes no policy any more */
    uint32_t last_no, n_coming;
    struct hy_deliver_policy *ground; /* the config's own, one reference; no orders in it */
    struct order *items;
    size_t n;
};

/* At boot, with an open store: those in force. */
int orders_load(struct hy_daemon *d, struct hy_diag *diag);
/* Delivery is about to end; then, when the writer is gone, all is freed. Main thread. */
void orders_stop(struct hy_daemon *d);
void orders_close(struct hy_daemon *d);
/* A policy for delivery: `ground` with the orders of now. Takes the reference of `ground`; the
 * result is the caller's. NULL when out of memory. Before delivery starts. */
struct hy_deliver_policy *orders_policy(struct hy_daemon *d, struct hy_deliver_policy *ground);
/* Gives delivery that of a new configuration. Takes the reference. */
void orders_reload(struct hy_daemon *d, struct hy_deliver_policy *ground);
/* The config's own policy, without orders; the reference is the caller's. */
struct hy_deliver_policy *orders_ground(struct hy_daemon *d);
/* [order_json], in the order in which they were given. */
json_t *orders_json(struct hy_daemon *d);
/* Takes one up, or lets one go: stored, logged as an act, sent to the workers. Not the main thread.
 * HY_ELIMIT, HY_ENOTFOUND. */
int orders_add(struct hy_daemon *d, struct order *o, struct hy_diag *diag);
int orders_remove(struct hy_daemon *d, uint32_t no, const char *why, uid_t uid,
                  struct hy_diag *diag);
/* Every second: lets those go whose time is over, without waiting. Main thread. */
void orders_tick(struct hy_daemon *d);
/* {no, order, scope, name, source, factor, connections, pool, campaign, made, until, uid, user} */
json_t *order_json(const struct order *o);
