/* Delivery as a whole: making, starting, reloading and stopping its threads.
 *
 * Stop in order: the feeder takes nothing up any more; the workers drop what is not on the wire,
 * wait for the replies to what is, and for the writer to store them; then the press and the feeder
 * end. What a time-out cuts off is settled as in doubt. */
#include "parts.h"

#include <stdlib.h>

#include "hayauma/base/log.h"

enum { JOBS_MAX = 1 << 20 };

int hy_deliver_create(const struct hy_deliver_settings *settings, struct hy_deliver_policy *policy,
                      struct hy_env *env, struct hy_writer *writer, struct hy_inflight *inflight,
                      struct hy_diag *diag, struct hy_deliver **ret)
{
    struct hy_deliver *d = calloc(1, sizeof *d);
    if (!d) {
        hy_deliver_policy_unref(policy);
        return hy_fail(diag, HY_ENOMEM, "out of memory");
    }
    d->settings = *settings;
    d->env = env;
    d->writer = writer;
    d->inflight = inflight;
    d->policy = policy;
    d->press_policy = hy_deliver_policy_ref(policy);
    d->n_press = settings->press_threads < WORKERS_MAX ? settings->press_threads : WORKERS_MAX;
    unsigned n_workers = settings->workers < WORKERS_MAX ? settings->workers : WORKERS_MAX;
    d->n_workers = n_workers;
    pthread_rwlock_init(&d->policy_lock, NULL);
    providers_init(&d->providers);
    const char *ca_file = settings->tls.ca_file;
    struct hy_tls_options trust = {.ca_file = ca_file && ca_file[0] ? ca_file : NULL};
    pools_init(&d->pools);
    dailies_init(&d->dailies, env, writer);
    sources_init(&d->sources);
    waits_init(&d->waits);
    warmths_init(&d->warmths, env, writer);
    int err = pools_adopt(d, policy);
    if (err == HY_OK)
        err = sources_adopt(d, policy);
    if (err == HY_OK)
        err = hy_tls_create(&trust, diag, &d->tls);
    if (err == HY_OK)
        err = hy_jobs_create(JOBS_MAX, d->n_press, &d->jobs);
    if (err == HY_OK)
        err = feeder_create(d, diag, &d->feeder);
    for (unsigned i = 0; i < n_workers && err == HY_OK; i++)
        err = worker_init(&d->workers[i], d, i);
    if (err != HY_OK) {
        hy_deliver_free(d);
        return hy_fail(diag, err, "delivery cannot be made: %s", hy_err_text(err));
    }
    *ret = d;
    return HY_OK;
}

int hy_deliver_start(struct hy_deliver *d, struct hy_diag *diag)
{
    int err = HY_OK;
    for (unsigned i = 0; i < d->n_press && err == HY_OK; i++) {
        char name[16];
        snprintf(name, sizeof name, "press-%hhu", (unsigned char)i);
        err = hy_thread_start(name, press_main, d, &d->press[i]);
    }
    windows_load(d);
    for (unsigned i = 0; i < d->n_workers && err == HY_OK; i++)
        err = worker_start(&d->workers[i]);
    if (err == HY_OK)
        err = feeder_start(d->feeder);
    if (err != HY_OK)
        return hy_fail(diag, err, "a delivery thread cannot be started: %s", hy_err_text(err));
    return HY_OK;
}

static void send_policy(struct hy_mailbox *to, struct hy_deliver_policy *policy)
{
    struct policy_msg *m = calloc(1, sizeof *m);
    if (!m) {
        hy_log(HY_LOG_ERROR, "deliver", "out of memory: a reload did not reach every thread");
        return;
    }
    m->msg.kind = MSG_POLICY;
    m->policy = hy_deliver_policy_ref(policy);
    if (hy_mailbox_post_answer(to, &m->msg) != HY_OK) {
        hy_deliver_policy_unref(m->policy);
        free(m);
    }
}

void hy_deliver_reload(struct hy_deliver *d, struct hy_deliver_policy *policy)
{
    int err = pools_adopt(d, policy);
    if (err == HY_OK)
        err = sources_adopt(d, policy);
    if (err != HY_OK) {
        hy_log(HY_LOG_ERROR, "deliver", "%s: delivery goes on with the rules and sources it has",
               err == HY_ELIMIT ? "too many sources since the start" : "out of memory");
        hy_deliver_policy_unref(policy);
        return;
    }
    pthread_rwlock_wrlock(&d->policy_lock);
    struct hy_deliver_policy *old_press = d->press_policy;
    d->press_policy = hy_deliver_policy_ref(policy);
    pthread_rwlock_unlock(&d->policy_lock);
    hy_deliver_policy_unref(old_press);
    send_policy(feeder_mailbox(d->feeder), policy);
    for (unsigned i = 0; i < d->n_workers; i++)
        send_policy(d->workers[i].mailbox, policy);
    hy_deliver_policy_unref(d->policy);
    d->policy = policy;
}

static void send_drain(struct hy_mailbox *to, hy_us timeout_us)
{
    struct drain_msg *m = calloc(1, sizeof *m);
    if (!m)
        abort(); /* a stop that cannot be said: the supervisor starts us anew */
    m->msg.kind = MSG_DRAIN;
    m->timeout_us = timeout_us;
    int err = hy_mailbox_post_answer(to, &m->msg);
    (void)err;
}

uint64_t hy_deliver_stop(struct hy_deliver *d, hy_us timeout_us)
{
    uint64_t cut_off = 0;
    if (feeder_thread(d->feeder))
        send_drain(feeder_mailbox(d->feeder), timeout_us);
    for (unsigned i = 0; i < d->n_workers; i++) {
        if (d->workers[i].thread)
            send_drain(d->workers[i].mailbox, timeout_us);
    }
    for (unsigned i = 0; i < d->n_workers; i++) {
        hy_thread_join(d->workers[i].thread);
        d->workers[i].thread = NULL;
        cut_off += d->workers[i].cut_off;
    }
    hy_jobs_close(d->jobs);
    for (unsigned i = 0; i < d->n_press; i++) {
        hy_thread_join(d->press[i]);
        d->press[i] = NULL;
    }
    feeder_join(d->feeder);
    dailies_save(&d->dailies);
    warmths_save(&d->warmths);
    return cut_off;
}

void hy_deliver_free(struct hy_deliver *d)
{
    if (!d)
        return;
    for (unsigned i = 0; i < d->n_workers; i++) {
        if (d->workers[i].d)
            worker_close(&d->workers[i]);
    }
    feeder_free(d->feeder);
    if (d->jobs)
        hy_jobs_free(d->jobs);
    hy_tls_unref(d->tls);
    hy_deliver_policy_unref(d->press_policy);
    hy_deliver_policy_unref(d->policy);
    pthread_rwlock_destroy(&d->policy_lock);
    providers_close(&d->providers);
    pools_close(&d->pools);
    warmths_close(&d->warmths);
    dailies_close(&d->dailies);
    sources_close(&d->sources);
    tenants_live_close(&d->tenants);
    waits_close(&d->waits);
    free(d);
}

const struct hy_deliver_counters *hy_deliver_counters_of(const struct hy_deliver *d)
{
    return &d->counters;
}

const char *hy_wait_for_name(enum hy_wait_for w)
{
    static const char *const names[] = {"nothing", "hours", "trouble", "restart"};
    return (unsigned)w < sizeof names / sizeof *names ? names[w] : "?";
}

bool hy_deliver_wait_of(struct hy_deliver *d, hy_id campaign, struct hy_campaign_wait *ret)
{
    return waits_find(&d->waits, campaign, ret);
}
