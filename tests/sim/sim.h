/* A sender and a provider in virtual time: one lane with a backlog, as src/deliver keeps it,
 * against a model of bench/provider_model.h. Deterministic for a seed; an hour takes milliseconds.
 */
#pragma once
#include "hayauma/base/rand.h"
#include "hayauma/model/outcome.h"
#include "hayauma/shape/verdict.h"
#include "hayauma/shape/window.h"
#include "provider_model.h"

enum { SIM_SESSIONS_MAX = 40, SIM_SECONDS_MAX = 20000 };

/* What decides how fast; answers as in shape/window.h. `self` is the sender's. */
struct sim_sender {
    const char *name;
    bool
        carries_message; /* a connection is opened for a message, and its refusal defers that one */
    void *self;
    hy_us (*may_connect)(void *self, uint32_t open, hy_us now);
    hy_us (*may_send)(void *self, hy_us now);
    void (*sent)(void *self, hy_us now);
    uint32_t (*surplus)(void *self, uint32_t open);
    uint32_t (*per_connection)(void *self);
    void (*connected)(void *self, uint32_t up, hy_us now);
    /* `up` others are fine; 0: none is, the site cannot be reached. */
    void (*refused)(void *self, uint32_t up, const struct hy_outcome *o, hy_us now);
    void (*outcome)(void *self, const struct hy_window_event *ev, hy_us now);
    void (*look)(void *self, hy_us now, double *ret_connections, double *ret_rate);
};

/* The real window. */
void sim_window_sender(struct sim_sender *s, struct hy_window *w, const struct hy_shape_limits *l);

/* What the queue manager of Postfix is documented to do (SCHEDULER_README, "concurrency feedback
 * algorithm"), with its defaults: feedback 1 both ways, one failed cohort makes a destination dead
 * for minimal_backoff_time. */
struct sim_postfix {
    uint32_t limit, window;
    double success, failure, failed_cohorts;
    hy_us dead_until;
};
void sim_postfix_sender(struct sim_sender *s, struct sim_postfix *p, uint32_t limit);

struct sim_second {
    uint32_t taken, attempts, deferred, refused; /* in that second */
    float connections, rate;                     /* allowed, at its end */
    uint16_t open;
};

struct sim_options {
    uint32_t seconds;
    uint64_t seed;
    hy_us rtt_us;
    uint32_t demand; /* messages a second that come in; 0: a backlog without end */
    struct hy_retry_plan retry;
};

struct sim_result {
    struct sim_second *second; /* options.seconds of them; free() it */
    uint64_t taken, attempts, deferred, refused, expired;
};

/* HY_ENOMEM, HY_EINVAL. */
HY_MUST_USE int sim_run(const struct provider_model *m, const struct sim_sender *s,
                        const struct sim_options *o, struct sim_result *ret);

/* Of the seconds [from, to): messages taken a second, and the share of attempts deferred. */
double sim_goodput(const struct sim_result *r, uint32_t from, uint32_t to);
double sim_deferred(const struct sim_result *r, uint32_t from, uint32_t to);
/* The first second in [from, to) behind which a stretch of `over` seconds had at least `goodput`;
 * `to` when there is none. */
uint32_t sim_converged(const struct sim_result *r, uint32_t from, uint32_t to, uint32_t over,
                       double goodput);
