/* The two threads: each makes steps with its destinations and sleeps until one wants the next.
 *
 * Happy path: step, step ..., sleep, woken by a commit, an answer, an order or the clock.
 * How it fails: each destination by itself; a new policy is taken between two rounds. */
#include "events.h"
#include "hayauma/base/log.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    WAIT_US = 500,
    SIDE_NICE = 10, /* a third of the press's weight: mail goes first */
};

/* ---- waking ---- */

void side_wake(struct side *s)
{
    pthread_mutex_lock(&s->lock);
    s->is_woken = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

bool side_is_ending(struct side *s)
{
    pthread_mutex_lock(&s->lock);
    bool is_ending = s->is_ending;
    pthread_mutex_unlock(&s->lock);
    return is_ending;
}

bool side_sleep(struct side *s, hy_us until)
{
    struct timespec at = {.tv_sec = until / HY_US_PER_SEC, .tv_nsec = until % HY_US_PER_SEC * 1000};
    int rc = 0;
    pthread_mutex_lock(&s->lock);
    while (!s->is_woken && !s->is_ending && !s->pending && rc == 0)
        rc = pthread_cond_timedwait(&s->wake, &s->lock, &at);
    s->is_woken = false;
    bool is_ending = s->is_ending;
    pthread_mutex_unlock(&s->lock);
    return is_ending;
}

/* ---- the policy ---- */

/* NULL: there is none. */
static struct dest *find(struct side *s, const char *name)
{
    for (struct dest *d = s->dests; d; d = d->next)
        if (strcmp(d->name, name) == 0)
            return d;
    return NULL;
}

static bool is_of_hooks(const struct side *s)
{
    return s == &s->all->hooks;
}

static void add(struct side *s, struct dest *d, int err, const char *name)
{
    if (err) {
        hy_log(HY_LOG_ERROR, "events", "destination %s cannot be opened: %s", name,
               hy_err_text(err));
        return;
    }
    pthread_mutex_lock(&s->lock);
    d->next = s->dests;
    s->dests = d;
    pthread_mutex_unlock(&s->lock);
}

static void apply_files(struct side *s, const struct hy_events_policy *p)
{
    for (size_t i = 0; i < p->n_files; i++) {
        const struct hy_events_file *f = &p->files[i];
        struct dest *d = find(s, f->name);
        if (d) {
            lines_apply(d, f);
        } else {
            int err = lines_new(s, f, &d);
            add(s, d, err, f->name);
        }
    }
}

static void apply_hooks(struct side *s, const struct hy_events_policy *p)
{
    for (size_t i = 0; i < p->n_webhooks; i++) {
        const struct hy_events_webhook *w = &p->webhooks[i];
        struct dest *d = find(s, w->name);
        if (d) {
            hook_apply(d, w);
        } else {
            int err = hook_new(s, w, &d);
            add(s, d, err, w->name);
        }
    }
}

static void dest_free(struct dest *d)
{
    (void)dest_settle(d);
    if (d->is_webhook)
        hook_free(d);
    else
        lines_free(d);
}

/* Takes those out that the policy does not have. */
static void drop_rest(struct side *s)
{
    struct dest **at = &s->dests, *gone = NULL;
    pthread_mutex_lock(&s->lock);
    while (*at) {
        struct dest *d = *at;
        if (d->is_configured || (d->is_webhook && hook_is_sending(d))) {
            at = &d->next;
            continue;
        }
        *at = d->next;
        d->next = gone;
        gone = d;
    }
    pthread_mutex_unlock(&s->lock);
    while (gone) {
        struct dest *d = gone;
        gone = d->next;
        dest_free(d);
    }
}

static void take_policy(struct side *s)
{
    pthread_mutex_lock(&s->lock);
    struct hy_events_policy *p = s->pending;
    s->pending = NULL;
    pthread_mutex_unlock(&s->lock);
    if (!p)
        return;
    hy_event_writer_free(&s->writer);
    hy_event_writer_init(&s->writer, p->tenants);
    for (struct dest *d = s->dests; d; d = d->next)
        d->is_configured = false;
    if (is_of_hooks(s))
        apply_hooks(s, p);
    else
        apply_files(s, p);
    drop_rest(s); /* before the policy they go by is gone */
    hy_events_policy_unref(s->policy);
    s->policy = p;
}

/* ---- the thread ---- */

static void run(void *arg)
{
    struct side *s = arg;
    hy_us until = 0;
    hy_thread_give_way(SIDE_NICE);
    do {
        take_policy(s);
        atomic_store(&s->is_up, true);
        hy_us now = hy_clock_us();
        until = now + 10 * HY_US_PER_SEC;
        for (struct dest *d = s->dests; d; d = d->next) {
            hy_us next = d->is_webhook ? hook_step(d, now) : lines_step(d, now);
            if (next < until)
                until = next;
        }
        drop_rest(s); /* whose request has been answered meanwhile */
    } while (!side_sleep(s, until));
    s->is_over = true;
    for (struct dest *d = s->dests; d; d = d->next) {
        d->is_configured = false;
        if (d->is_webhook)
            (void)hook_step(d, 0); /* takes the answer: all requests have one by now */
    }
    drop_rest(s);
    if (s->has_txn)
        hy_txn_end(&s->txn);
    hy_event_writer_free(&s->writer);
    hy_events_policy_unref(s->policy);
    s->policy = NULL;
}

int side_start(struct side *s, struct hy_events *all, const char *name,
               struct hy_events_policy *policy)
{
    pthread_condattr_t attr;
    s->all = all;
    s->pending = policy;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    int err = hy_thread_start(name, run, s, &s->thread);
    while (!err && !atomic_load(&s->is_up)) /* a commit of the writer for each destination */
        usleep(WAIT_US);
    return err;
}

void side_end(struct side *s)
{
    if (!s->all)
        return;
    if (s->thread) {
        pthread_mutex_lock(&s->lock);
        s->is_ending = true;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->lock);
        hy_thread_join(s->thread);
    }
    hy_events_policy_unref(s->pending);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
}

void side_reload(struct side *s, struct hy_events_policy *policy)
{
    pthread_mutex_lock(&s->lock);
    struct hy_events_policy *old = s->pending;
    s->pending = policy;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    hy_events_policy_unref(old);
}
