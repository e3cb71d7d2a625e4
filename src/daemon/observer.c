/* Where the daemon listens for those who watch it, and what it says of its health. */
#include "daemon.h"

#include <stdio.h>

#include "hayauma/base/log.h"

enum {
    STALLED_S = 30, /* a main loop that did not turn for this long is taken for dead */
    CONNECTIONS_MAX = 32,
    ANSWER_MAX = 16 << 20, /* bytes */
};

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

void observer_faces(struct observer *o, const struct observer_faces *f)
{
    pthread_mutex_lock(&o->lock);
    o->faces = *f;
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

static int say(struct hy_buf *out, const char *trouble)
{
    hy_buf_printf(out, "%s\n", trouble ? trouble : "ok");
    return trouble ? 503 : 200;
}

static int look(struct observer *o, struct hy_str path, bool is_open, struct hy_buf *out)
{
    if (hy_str_eq(path, HY_STR("/metrics"))) {
        metrics_answer(o, is_open, out);
        return 200;
    }
    if (hy_str_eq(path, HY_STR("/healthz"))) {
        hy_us still = hy_clock_us() - atomic_load_explicit(&o->beat, memory_order_relaxed);
        return say(out, still > STALLED_S * HY_US_PER_SEC && atomic_load(&o->is_ready)
                            ? "the main loop does not turn"
                            : NULL);
    }
    if (hy_str_eq(path, HY_STR("/readyz")))
        return say(out, observer_trouble(o));
    return 404;
}

/* The server's thread. */
static void on_request(void *ctx, struct hy_http_call *c)
{
    static const char fields[] = "Cache-Control: no-store\r\n";
    struct observer *o = ctx;
    struct hy_str accept = {0};
    struct hy_buf body = HY_BUF_INIT(ANSWER_MAX);
    struct hy_http_answer a = {.type = "text/plain; charset=utf-8", .fields = fields};
    bool is_get =
        hy_str_eq(c->head.method, HY_STR("GET")) || hy_str_eq(c->head.method, HY_STR("HEAD"));
    bool is_open = hy_http_field(&c->head, HY_STR("Accept"), &accept) &&
                   hy_str_find_str(accept, HY_STR("application/openmetrics-text"), 0) != SIZE_MAX;
    a.status = is_get ? look(o, c->head.path, is_open, &body) : 405;
    if (!is_get)
        a.fields = "Allow: GET, HEAD\r\n";
    if (a.status == 200 && hy_str_eq(c->head.path, HY_STR("/metrics")))
        a.type = is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                         : "text/plain; version=0.0.4; charset=utf-8";
    if (body.err || body.len == 0) /* refused in the server's words */
        a.type = NULL;
    if (body.err)
        a.status = 500;
    a.body = hy_buf_str(&body);
    hy_http_answer(c, &a);
    hy_buf_free(&body);
}

static const struct hy_http_ops ops = {.on_request = on_request};

static void listen_at(struct observer *o, const char *place)
{
    struct hy_diag diag = {""};
    struct hy_http_options options = {.name = "http",
                                      .n_listeners = 1,
                                      .settings = {.connections_max = CONNECTIONS_MAX},
                                      .ops = &ops,
                                      .ctx = o};
    hy_http_close(o->http);
    o->http = NULL;
    o->listen[0] = '\0';
    if (!place[0])
        return;
    int err = hy_sockaddr_parse(hy_str_of(place), 9095, &options.listeners[0].addr);
    if (err == HY_OK)
        err = hy_http_open(&options, &diag, &o->http);
    if (err == HY_OK)
        err = hy_http_start(o->http);
    if (err != HY_OK) {
        hy_http_close(o->http);
        o->http = NULL;
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
