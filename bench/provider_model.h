/* A provider that reacts: what a mailbox provider does to one client (an address that sends), by
 * time and load. Pure: `now` comes in, so that the sink plays it in real time and tests/sim in
 * virtual time. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/err.h"
#include "hayauma/base/rand.h"
#include "hayauma/base/str.h"

enum { PROVIDER_PHASES_MAX = 8, PROVIDER_GREY_MAX = 1 << 20 };

/* What holds from a time on; zeroed: everything is welcome, at once. */
struct provider_limits {
    hy_us from;                       /* since the first connection */
    uint32_t connections;             /* at once; more meet 421 */
    uint32_t messages_per_connection; /* then 421 to MAIL */
    uint32_t rate;                    /* messages in rate_period_us; more meet 4.7.x */
    hy_us rate_period_us;
    bool is_counted_in_periods; /* the count begins anew each period; otherwise it drips */
    uint32_t quota;             /* the same in a longer period, counted in periods */
    hy_us quota_period_us;
    hy_us grey_us;              /* a new recipient is refused for this long */
    uint32_t noise_ppm;         /* refused by 4.7.1 whatever the pace */
    hy_us latency_us;           /* what a message takes, with no load */
    hy_us latency_most_us;      /* uniform between the two; 0: the same */
    uint32_t tar_from;          /* connections from which on everything is slower; 0: never */
    uint32_t tar_power_percent; /* how much: (connections / tar_from) ^ (percent / 100) */
};

struct provider_model {
    char name[32];
    struct provider_limits limits[PROVIDER_PHASES_MAX];
    uint32_t n;
};

/* The state for one client. */
struct provider {
    const struct provider_model *model;
    struct hy_rng rng;
    hy_us start; /* 0: nobody came yet */
    uint32_t open;
    double drops; /* of the dripping rate, used */
    hy_us drops_at;
    uint32_t counted, quota_used;
    hy_us counted_at, quota_at;
    struct provider_seen {
        uint64_t user;
        hy_us at;
    } * seen;
    size_t n_seen, seen_cap;
    uint64_t refused, taken;
};

/* code 0: the usual reply. `text` is static. */
struct provider_reply {
    uint16_t code;
    const char *text;
};

/* Reads "connections=10 latency=0.2 at=600 connections=4": limits, and from `at` seconds on what
 * changes then. connections, messages (per connection), rate=N/SECONDS, count=N/SECONDS (begins
 * anew each period), quota=N/SECONDS, grey=S, noise=PERCENT, latency=S or S-S, tar=N:PERCENT.
 * HY_EINVAL with a reason. */
HY_MUST_USE int provider_model_parse(struct provider_model *m, struct hy_str spec,
                                     struct hy_diag *diag);

void provider_init(struct provider *p, const struct provider_model *m, uint64_t seed);
void provider_free(struct provider *p);
/* What holds now. */
const struct provider_limits *provider_limits(struct provider *p, hy_us now);
/* A connection comes; with a code it is refused, and does not count as open. */
struct provider_reply provider_connect(struct provider *p, hy_us now);
void provider_close(struct provider *p);
/* MAIL behind `done` messages on its connection. 421 ends the connection. */
struct provider_reply provider_mail(struct provider *p, uint32_t done, hy_us now);
/* RCPT for a recipient, by a hash of the address. */
struct provider_reply provider_rcpt(struct provider *p, uint64_t user, hy_us now);
/* The content came; how long the reply takes. */
hy_us provider_latency(struct provider *p, hy_us now);
/* The most messages a second that a sender can have taken in the long run with `connections` at
 * most, each of which loses `rtt_us` a message. */
double provider_best_rate(const struct provider_limits *l, uint32_t connections, hy_us rtt_us);
