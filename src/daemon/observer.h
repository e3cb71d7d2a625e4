/* The daemon watched from outside: metrics and health over HTTP. Made and changed by the main
 * thread; answers on the server's own. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "hayauma/base/meter.h"
#include "hayauma/io/http.h"

struct hy_config;
struct hy_daemon;
struct hy_intake;
struct hy_receive;
struct hy_web;
struct hy_track;
struct hy_hits;

/* Of the configuration, for the other thread; under the lock. */
struct observer_limits {
    uint32_t sites, campaigns, max_connections, open_domains, in_flight_max;
};

/* What takes mail in and counts it; NULL: it is not there. */
struct observer_faces {
    const struct hy_receive *receive; /* messages that are handed in by SMTP */
    const struct hy_web *web;
    const struct hy_track *track; /* browsers */
    struct hy_hits *hits;         /* what they did */
    const struct hy_intake *intake;
    const struct hy_receive *returns; /* mail that comes back by SMTP */
};

struct observer {
    struct hy_daemon *d;
    struct hy_http_server *http;
    char listen[80]; /* where it listens; "" = nowhere */
    pthread_mutex_t lock;
    struct observer_limits limits;
    struct observer_faces faces; /* under the lock */
    hy_count reloads, failed_reloads;
    hy_count loaded_ms;   /* when the configuration in use was read */
    _Atomic hy_us beat;   /* when the main loop turned last */
    atomic_bool is_ready; /* booted, and not ending */
};

/* Before anything else of it is called. */
void observer_init(struct observer *o, struct hy_daemon *d);
/* At boot and after each reload: listens where the configuration says. A port that cannot be had is
 * a warning: mail goes out all the same. */
void observer_apply(struct observer *o, const struct hy_config *c);
/* Whose counts are shown; none of them before they go. */
void observer_faces(struct observer *o, const struct observer_faces *f);
/* Every second. */
void observer_beat(struct observer *o);
/* Says no to /readyz from now on, but goes on answering. */
void observer_ending(struct observer *o);
/* Before the writer, the store and delivery go. */
void observer_close(struct observer *o);

/* metrics.c; the server's thread */
void metrics_answer(struct observer *o, bool is_open_metrics, struct hy_buf *out);
/* NULL, or why the daemon is not ready. */
const char *observer_trouble(struct observer *o);
