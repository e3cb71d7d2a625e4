/* The API's server as a whole: its policy, its access log, its beginning and end. */
#include "hayauma/web/web.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/base/rand.h"
#include "hayauma/io/loop.h"
#include "web_priv.h"

/* ---- policies ---- */

struct hy_web_policy *hy_web_policy_ref(struct hy_web_policy *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void hy_web_policy_unref(struct hy_web_policy *p)
{
    if (p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        p->release(p);
}

struct hy_web_policy *web_policy(struct hy_web *w)
{
    pthread_mutex_lock(&w->policy_lock);
    struct hy_web_policy *p = hy_web_policy_ref(w->policy);
    pthread_mutex_unlock(&w->policy_lock);
    return p;
}

static struct hy_http_settings settings_of(const struct hy_web_policy *p)
{
    return (struct hy_http_settings){
        .tls = p->tls,
        .connections_max = p->connections_max,
        .connections_per_address = p->connections_per_address,
        .body_max = p->body_max,
        .memory_max = p->memory_max,
    };
}

void hy_web_reload(struct hy_web *w, struct hy_web_policy *policy)
{
    struct hy_http_settings settings = settings_of(policy);
    hy_http_reload(w->http, &settings);
    pthread_mutex_lock(&w->policy_lock);
    struct hy_web_policy *old = w->policy;
    w->policy = policy;
    pthread_mutex_unlock(&w->policy_lock);
    atomic_store(&w->is_reloaded, true);
    hy_web_policy_unref(old);
}

/* ---- the access log ---- */

static void on_flush(void *arg)
{
    struct hy_web *w = arg;
    if (w->access)
        web_access_flush(w->access);
}

/* Anew after a reload: the file may have been moved away. */
static void reopen(struct hy_web *w, const struct hy_web_policy *p)
{
    web_access_close(w->access);
    w->access = NULL;
    if (p->access_log[0]) {
        int err = web_access_open(p->access_log, &w->access);
        (void)err; /* said */
    }
}

void web_access_note(struct hy_web *w, const struct web_call *c)
{
    if (atomic_load_explicit(&w->is_reloaded, memory_order_relaxed)) {
        atomic_store(&w->is_reloaded, false);
        reopen(w, c->policy);
    }
    if (!w->access)
        return;
    web_access_put(w->access, c, hy_clock_us() - c->http->began);
    hy_loop_defer(hy_http_loop(w->http), &w->flush);
}

/* ---- life ---- */

static void web_free(struct hy_web *w)
{
    web_worker_stop(w);
    web_access_close(w->access);
    web_calls_free(w);
    hy_txn_end(&w->txn);
    hy_web_policy_unref(w->policy);
    pthread_mutex_destroy(&w->policy_lock);
    free(w);
}

int hy_web_open(const struct hy_web_options *o, struct hy_web_policy *policy, struct hy_diag *diag,
                struct hy_web **ret)
{
    struct hy_web *w = calloc(1, sizeof *w);
    if (!w) {
        hy_web_policy_unref(policy);
        return HY_ENOMEM;
    }
    w->env = o->env;
    w->writer = o->writer;
    w->deliver = o->deliver;
    w->reports = o->reports;
    w->scoring = o->scoring;
    w->policy = policy;
    atomic_init(&w->is_reloaded, true);
    pthread_mutex_init(&w->policy_lock, NULL);
    hy_defer_init(&w->flush, on_flush, w);
    struct hy_http_options http = {.name = "web",
                                   .n_listeners = o->n_listeners,
                                   .settings = settings_of(policy),
                                   .ops = &web_http_ops,
                                   .ctx = w};
    int err = o->n_listeners <= HY_HTTP_LISTENERS_MAX ? HY_OK : HY_ELIMIT;
    for (size_t i = 0; i < o->n_listeners && err == HY_OK; i++)
        http.listeners[i] = o->listeners[i];
    if (err == HY_OK)
        err = hy_rand_bytes(&w->request_salt, sizeof w->request_salt);
    if (err == HY_OK)
        err = hy_rand_bytes(w->unique_keys, sizeof w->unique_keys);
    if (err == HY_OK)
        err = web_worker_start(w);
    if (err == HY_OK)
        err = hy_http_open(&http, diag, &w->http);
    if (err == HY_OK)
        err = hy_http_start(w->http);
    if (err != HY_OK) {
        hy_http_close(w->http);
        web_free(w);
        return hy_fail(diag, err, "the API cannot be served: %s", hy_err_text(err));
    }
    *ret = w;
    return HY_OK;
}

void hy_web_close(struct hy_web *w)
{
    if (!w)
        return;
    atomic_store(&w->is_closing, true);
    hy_http_close(w->http);
    web_free(w);
}

const struct hy_web_counters *hy_web_counters_of(const struct hy_web *w)
{
    return &w->counters;
}

const struct hy_http_counters *hy_web_http_counters_of(const struct hy_web *w)
{
    return hy_http_counters_of(w->http);
}
