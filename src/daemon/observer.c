/* Where the daemon listens for those who watch it, and what it says of its health. */
#include "daemon.h"

#include <stdio.h>

#include "hayauma/base/log.h"

enum { STALLED_S = 30 }; /* a main loop that did not turn for this long is taken for dead */

void observer_init(struct observer *o, struct hy_daemon *d)
{
    o->d = d;
    pthread_mutex_init(&o->lock, NULL);
    hy_count_set(&o->loaded_ms, (uint64_t)hy_clock_wall_ms());
    observer_beat(o);
}

void observer_beat(struct observer *o)
{
    atomic_store_explicit(&o->beat, hy_clock_us(), memory_order_relaxed);
}

void observer_ending(struct observer *o)
{
    atomic_store(&o->is_ready, false);
}

void observer_receive(struct observer *o, const struct hy_receive *r)
{
    pthread_mutex_lock(&o->lock);
    o->receive = r;
    pthread_mutex_unlock(&o->lock);
}

const char *observer_trouble(struct observer *o)
{
    if (!atomic_load(&o->is_ready))
        return "starting or ending";
    switch (hy_env_state(o->d->env)) {
    case HY_ENV_FULL:
        return "the store is full: outcomes wait for space";
    case HY_ENV_FAILED:
        return "the store has failed";
    default:
        return NULL;
    }
}

static void say(struct hy_http_answer *a, const char *trouble)
{
    a->status = trouble ? 503 : 200;
    hy_buf_printf(&a->body, "%s\n", trouble ? trouble : "ok");
}

/* The server's thread. */
static void answer(void *ctx, const struct hy_http_request *r, struct hy_http_answer *a)
{
    struct observer *o = ctx;
    if (hy_str_eq(r->path, HY_STR("/metrics"))) {
        bool is_open =
            hy_str_find_str(r->accept, HY_STR("application/openmetrics-text"), 0) != SIZE_MAX;
        a->status = 200;
        a->type = is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                          : "text/plain; version=0.0.4; charset=utf-8";
        metrics_answer(o, is_open, &a->body);
    } else if (hy_str_eq(r->path, HY_STR("/healthz"))) {
        hy_us still = hy_clock_us() - atomic_load_explicit(&o->beat, memory_order_relaxed);
        say(a, still > STALLED_S * HY_US_PER_SEC && atomic_load(&o->is_ready)
                   ? "the main loop does not turn"
                   : NULL);
    } else if (hy_str_eq(r->path, HY_STR("/readyz"))) {
        say(a, observer_trouble(o));
    }
}

static void listen_at(struct observer *o, const char *place)
{
    struct hy_diag diag = {""};
    struct hy_http_options options = {.fn = answer, .ctx = o};
    hy_http_close(o->http);
    o->http = NULL;
    o->listen[0] = '\0';
    if (!place[0])
        return;
    int err = hy_sockaddr_parse(hy_str_of(place), 9095, &options.listen);
    if (err == HY_OK)
        err = hy_http_open(&options, &diag, &o->http);
    if (err != HY_OK) {
        hy_log(HY_LOG_WARNING, "metrics", "no metrics: %s (metrics.listen)",
               diag.text[0] ? diag.text : hy_err_text(err));
        return;
    }
    snprintf(o->listen, sizeof o->listen, "%s", place);
}

void observer_apply(struct observer *o, const struct hy_config *c)
{
    pthread_mutex_lock(&o->lock);
    o->limits = (struct observer_limits){
        .sites = c->metrics.sites,
        .campaigns = c->metrics.campaigns,
        .max_connections = c->delivery.max_connections,
        .open_domains = c->delivery.open_domains,
        .in_flight_max = c->delivery.in_flight_max,
    };
    pthread_mutex_unlock(&o->lock);
    atomic_store(&o->is_ready, true);
    if (strcmp(o->listen, c->metrics.listen) != 0)
        listen_at(o, c->metrics.listen);
}

void observer_close(struct observer *o)
{
    hy_http_close(o->http);
    o->http = NULL;
    o->listen[0] = '\0';
}
