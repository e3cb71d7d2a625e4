/* The tracking server as a whole: its policy, its beginning and end. */
#include <stdlib.h>

#include "hayauma/base/log.h"
#include "track_server.h"

enum {
    BODY_MAX = 64 << 10,
    MEMORY_MAX = 64 << 20, /* of all bodies on their way in */
    IDLE_S = 15,           /* browsers come back soon, or not at all */
    HEAD_S = 10,
    SLOW_S = 10,
    CAMPAIGNS_MAX = 128, /* whose links are at hand */
    VIEWS_MAX = 4,       /* whose messages are: they may be large */
};

/* ---- policies ---- */

struct hy_track_policy *hy_track_policy_ref(struct hy_track_policy *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void hy_track_policy_unref(struct hy_track_policy *p)
{
    if (p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        p->release(p);
}

struct hy_track_policy *track_policy(struct hy_track *s)
{
    if (!atomic_load_explicit(&s->is_reloaded, memory_order_relaxed))
        return s->policy;
    pthread_mutex_lock(&s->policy_lock);
    struct hy_track_policy *old = s->policy;
    s->policy = s->fresh;
    s->fresh = NULL;
    atomic_store(&s->is_reloaded, false);
    pthread_mutex_unlock(&s->policy_lock);
    hy_track_policy_unref(old);
    track_campaigns_forget(s->campaigns); /* what was made of them may be another now */
    track_campaigns_forget(s->views);
    return s->policy;
}

static struct hy_http_settings settings_of(const struct hy_track_policy *p)
{
    return (struct hy_http_settings){
        .tls = p->tls,
        .connections_max = p->connections_max,
        .connections_per_address = p->connections_per_address,
        .body_max = BODY_MAX,
        .memory_max = MEMORY_MAX,
        .idle_us = IDLE_S * HY_US_PER_SEC,
        .head_us = HEAD_S * HY_US_PER_SEC,
        .slow_us = SLOW_S * HY_US_PER_SEC,
    };
}

void hy_track_reload(struct hy_track *s, struct hy_track_policy *policy)
{
    struct hy_http_settings settings = settings_of(policy);
    hy_http_reload(s->http, &settings);
    pthread_mutex_lock(&s->policy_lock);
    struct hy_track_policy *unseen = s->fresh;
    s->fresh = policy;
    atomic_store(&s->is_reloaded, true);
    pthread_mutex_unlock(&s->policy_lock);
    hy_track_policy_unref(unseen);
}

/* ---- life ---- */

static void server_free(struct hy_track *s)
{
    hy_txn_end(&s->txn);
    track_campaigns_free(s->campaigns);
    track_campaigns_free(s->views);
    track_limits_free(s);
    hy_agents_free(s->agents);
    free(s->batches);
    hy_track_policy_unref(s->policy);
    hy_track_policy_unref(s->fresh);
    pthread_mutex_destroy(&s->policy_lock);
    free(s);
}

int hy_track_open(const struct hy_track_options *o, struct hy_track_policy *policy,
                  struct hy_diag *diag, struct hy_track **ret)
{
    struct hy_track *s = calloc(1, sizeof *s);
    if (!s) {
        hy_track_policy_unref(policy);
        return HY_ENOMEM;
    }
    s->o = *o;
    s->policy = policy;
    pthread_mutex_init(&s->policy_lock, NULL);
    struct hy_http_options http = {.name = "tracking",
                                   .n_listeners = o->n_listeners,
                                   .settings = settings_of(policy),
                                   .ops = &track_http_ops,
                                   .ctx = s};
    int err = o->n_listeners <= HY_HTTP_LISTENERS_MAX ? HY_OK : HY_ELIMIT;
    for (size_t i = 0; i < o->n_listeners && err == HY_OK; i++)
        http.listeners[i] = o->listeners[i];
    s->batches = calloc(1, sizeof *s->batches);
    if (err == HY_OK)
        err = s->batches ? hy_agents_new(&s->agents) : HY_ENOMEM;
    if (err == HY_OK)
        err = track_campaigns_new(CAMPAIGNS_MAX, false, &s->campaigns);
    if (err == HY_OK)
        err = track_campaigns_new(VIEWS_MAX, true, &s->views);
    if (err == HY_OK)
        err = track_limits_new(s);
    if (err == HY_OK)
        err = hy_http_open(&http, diag, &s->http);
    if (err == HY_OK)
        err = hy_http_start(s->http);
    if (err != HY_OK) {
        hy_http_close(s->http);
        server_free(s);
        return hy_fail(diag, err, "browsers cannot be answered: %s", hy_err_text(err));
    }
    *ret = s;
    return HY_OK;
}

void hy_track_close(struct hy_track *s)
{
    if (!s)
        return;
    hy_http_close(s->http);
    server_free(s);
}

const struct hy_track_counters *hy_track_counters_of(const struct hy_track *s)
{
    return &s->counters;
}

const struct hy_http_counters *hy_track_http_counters_of(const struct hy_track *s)
{
    return hy_http_counters_of(s->http);
}
