/* Figures of the busiest lanes. The order goes through the workers' mailboxes; whoever finishes it
 * copies what is wanted and wakes the server's thread. */
#include "metrics_lanes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/deliver/deliver.h"

enum { WAIT_S = 1 };

struct site {
    char site[EXPO_VALUE_MAX], source[64];
    double connections, window, waiting, rate, suspended_s;
};

/* Belongs to both threads: the last one frees it. */
struct snapshot {
    atomic_uint refs;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_done;
    struct hy_lanes_sum all;
    size_t n, most;
    struct site sites[];
};

static void unref(struct snapshot *s)
{
    if (atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* A worker's thread. */
static void on_lanes(void *ctx, const struct hy_lane_report *lanes, size_t n,
                     const struct hy_lanes_sum *all)
{
    struct snapshot *s = ctx;
    pthread_mutex_lock(&s->lock);
    s->n = n < s->most ? n : s->most;
    s->all = *all;
    for (size_t i = 0; i < s->n; i++) {
        struct site *to = &s->sites[i];
        *to = (struct site){.connections = lanes[i].connections,
                            .window = lanes[i].window,
                            .waiting = lanes[i].waiting,
                            .rate = lanes[i].rate,
                            .suspended_s = (double)lanes[i].suspended_us / 1e6};
        snprintf(to->site, sizeof to->site, "%s", lanes[i].site);
        snprintf(to->source, sizeof to->source, "%s", lanes[i].source);
    }
    s->is_done = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    unref(s);
}

static struct snapshot *ask(struct hy_deliver *d, size_t most)
{
    struct snapshot *s = calloc(1, sizeof *s + most * sizeof s->sites[0]);
    if (!s)
        return NULL;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&s->lock, NULL);
    s->most = most;
    atomic_init(&s->refs, 2);
    if (hy_deliver_lanes(d, most, on_lanes, s) != HY_OK) {
        unref(s);
        unref(s);
        return NULL;
    }
    return s;
}

static bool wait_for(struct snapshot *s)
{
    hy_us until = hy_clock_us() + WAIT_S * HY_US_PER_SEC;
    struct timespec at = {.tv_sec = until / HY_US_PER_SEC, .tv_nsec = until % HY_US_PER_SEC * 1000};
    int timed_out = 0;
    pthread_mutex_lock(&s->lock);
    while (!s->is_done && !timed_out)
        timed_out = pthread_cond_timedwait(&s->wake, &s->lock, &at);
    bool is_done = s->is_done;
    pthread_mutex_unlock(&s->lock);
    return is_done;
}

/* One metric over all sites: what a site has of it, and what all have, or less than 0 when a sum
 * means nothing. */
static void put(struct expo *e, const struct snapshot *s, enum hy_metric m, size_t offset,
                double all)
{
    double shown = 0;
    expo_head(e, m);
    for (size_t i = 0; i < s->n; i++) {
        struct expo_label l[] = {{"site", hy_str_of(s->sites[i].site)},
                                 {"source", hy_str_of(s->sites[i].source)}};
        double v = *(const double *)((const char *)&s->sites[i] + offset);
        shown += v;
        expo_sample(e, m, l, 2, v);
    }
    struct expo_label other[] = {{"site", HY_STR("other")}, {"source", HY_STR("")}};
    if (all >= 0)
        expo_sample(e, m, other, 2, all > shown ? all - shown : 0);
}

void metrics_put_lanes(struct expo *e, struct hy_deliver *d, size_t most)
{
    struct snapshot *s = ask(d, most);
    if (!s)
        return;
    if (wait_for(s)) { /* from now on nobody else writes to it */
        expo_one(e, HY_M_LANES_SUSPENDED, (double)s->all.suspended);
        expo_one(e, HY_M_LANES_HELD, (double)s->all.held);
        expo_one(e, HY_M_LANES_SLOWED, (double)s->all.slowed);
        put(e, s, HY_M_SITE_CONNECTIONS, offsetof(struct site, connections),
            (double)s->all.connections);
        put(e, s, HY_M_SITE_WINDOW, offsetof(struct site, window), -1);
        put(e, s, HY_M_SITE_WAITING, offsetof(struct site, waiting), (double)s->all.waiting);
        put(e, s, HY_M_SITE_RATE, offsetof(struct site, rate), s->all.rate);
        put(e, s, HY_M_SITE_SUSPENDED, offsetof(struct site, suspended_s), -1);
    }
    unref(s);
}
