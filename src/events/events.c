/* Events out, from outside: starting, ending, policies, looks and orders. */
#include "events.h"
#include "hayauma/base/list.h"

#include <stdlib.h>

enum { READERS_GONE_MAX = HY_LOG_READERS_MAX };

struct hy_events_policy *hy_events_policy_ref(struct hy_events_policy *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

void hy_events_policy_unref(struct hy_events_policy *p)
{
    if (p && atomic_fetch_sub(&p->refs, 1) == 1)
        p->release(p);
}

/* ---- readers that nobody configures any more ---- */

static bool is_in(const struct hy_events_policy *p, struct hy_str reader)
{
    struct hy_str hook = HY_STR("webhook:"), file = HY_STR("file:");
    if (hy_str_starts(reader, hook)) {
        struct hy_str name = hy_str_slice(reader, hook.n, reader.n);
        for (size_t i = 0; i < p->n_webhooks; i++)
            if (hy_str_eq(name, hy_str_of(p->webhooks[i].name)))
                return true;
        return false;
    }
    if (!hy_str_starts(reader, file))
        return true; /* not one of ours */
    struct hy_str name = hy_str_slice(reader, file.n, reader.n);
    for (size_t i = 0; i < p->n_files; i++)
        if (hy_str_eq(name, hy_str_of(p->files[i].name)))
            return true;
    return false;
}

struct letting_go {
    struct hy_write_req req; /* first */
    const struct hy_events_policy *policy;
};

static int let_go(struct hy_write_req *r, struct hy_txn *t)
{
    const struct letting_go *l = hy_container_of(r, struct letting_go, req);
    struct hy_log_reader reader = {.name = HY_STR("")};
    char name[HY_LOG_READER_NAME_MAX], state[HY_LOG_READER_STATE_MAX];
    int err;
    while ((err = hy_log_reader_next(t, reader.name, &reader)) == 0) {
        memcpy(name, reader.name.p, reader.name.n); /* views die with the put */
        memcpy(state, reader.state.p, reader.state.n);
        reader.name = hy_str_make(name, reader.name.n);
        reader.state = hy_str_make(state, reader.state.n);
        if (!reader.holds || is_in(l->policy, reader.name))
            continue;
        reader.holds = false;
        err = hy_log_reader_put(t, &reader);
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* What fails here holds the logs back until the next reload: no harm. */
static void let_go_of_others(struct hy_writer *w, const struct hy_events_policy *p)
{
    struct letting_go l = {.req = {.class = HY_WRITE_ADMIN, .apply = let_go}, .policy = p};
    (void)!hy_writer_run(w, &l.req);
}

/* ---- its life ---- */

int hy_events_start(struct hy_env *env, struct hy_writer *writer, struct hy_events_policy *policy,
                    struct hy_diag *diag, struct hy_events **ret)
{
    const struct hy_https_options https = {.max_running = HY_EVENTS_WEBHOOKS_MAX,
                                           .max_waiting = HY_EVENTS_WEBHOOKS_MAX};
    struct hy_events *e = calloc(1, sizeof *e);
    int err = e ? HY_OK : HY_ENOMEM;
    if (err == HY_OK) {
        e->env = env;
        e->writer = writer;
        let_go_of_others(writer, policy);
        err = hy_https_create(&https, diag, &e->https);
    }
    if (err == HY_OK)
        err = side_start(&e->files, e, "events", hy_events_policy_ref(policy));
    if (err == HY_OK)
        err = side_start(&e->hooks, e, "webhooks", hy_events_policy_ref(policy));
    hy_events_policy_unref(policy);
    if (err != HY_OK) {
        hy_events_stop(e);
        return hy_fail(diag, err, "events cannot go out: %s", hy_err_text(err));
    }
    *ret = e;
    return HY_OK;
}

void hy_events_reload(struct hy_events *e, struct hy_events_policy *policy)
{
    let_go_of_others(e->writer, policy);
    side_reload(&e->files, hy_events_policy_ref(policy));
    side_reload(&e->hooks, policy);
}

void hy_events_stop(struct hy_events *e)
{
    if (!e)
        return;
    hy_https_stop(e->https); /* answers every request, while there are those who wait for it */
    side_end(&e->hooks);
    side_end(&e->files);
    hy_https_free(e->https);
    free(e);
}

/* ---- from outside ---- */

size_t hy_events_look(struct hy_events *e, struct hy_events_view *out, size_t max)
{
    struct side *sides[] = {&e->files, &e->hooks};
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        pthread_mutex_lock(&sides[i]->lock);
        for (struct dest *d = sides[i]->dests; d && n < max; d = d->next)
            if (d->shared.view.name[0])
                out[n++] = d->shared.view;
        pthread_mutex_unlock(&sides[i]->lock);
    }
    return n;
}

int hy_events_do(struct hy_events *e, struct hy_str name, enum hy_events_order order, hy_id after)
{
    struct side *sides[] = {&e->files, &e->hooks};
    int err = HY_ENOTFOUND;
    for (size_t i = 0; i < 2; i++) {
        struct side *s = sides[i];
        pthread_mutex_lock(&s->lock);
        for (struct dest *d = s->dests; d; d = d->next)
            if (hy_str_eq(name, hy_str_of(d->name))) {
                if (order == HY_EVENTS_PAUSE)
                    d->shared.has_order[HY_EVENTS_RESUME] = false;
                if (order == HY_EVENTS_RESUME)
                    d->shared.has_order[HY_EVENTS_PAUSE] = false;
                d->shared.has_order[order] = true;
                d->shared.replay_after = after;
                s->is_woken = true;
                pthread_cond_signal(&s->wake);
                err = HY_OK;
            }
        pthread_mutex_unlock(&s->lock);
    }
    return err;
}
