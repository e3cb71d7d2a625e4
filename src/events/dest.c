/* What files and webhooks have in common: reading on, failing and recovering, orders, views. */
#include <stdarg.h>
#include <stdio.h>

#include "events.h"
#include "hayauma/base/log.h"
#include "hayauma/base/rand.h"
#include "hayauma/track/verdict.h"

enum {
    RETRY_LEAST_MS = 1000,
    DOUBLINGS_MAX = 16,
    VERDICT_WAIT_MS = 2000, /* for who opened or clicked; judged later it is told later, too */
};

const char *hy_events_state_name(enum hy_events_state s)
{
    static const char *const names[] = {"ok", "failing", "paused", "disabled"};
    return (size_t)s < sizeof names / sizeof *names ? names[s] : "?";
}

static enum hy_events_state state_of(const struct dest *d)
{
    return d->is_disabled     ? HY_EVENTS_DISABLED
           : d->is_paused     ? HY_EVENTS_PAUSED
           : d->failing_since ? HY_EVENTS_FAILING
                              : HY_EVENTS_GOOD;
}

/* ---- reading ---- */

/* A snapshot of now, until the next call. */
static int renew(struct side *s)
{
    if (s->has_txn)
        return hy_txn_renew(&s->txn);
    int err = hy_txn_read(s->all->env, &s->txn);
    s->has_txn = err == 0;
    return err;
}

/* An open or click of a moment ago, of which nobody has said yet who did it: that is told with it,
 * unless it takes too long. */
static bool is_too_new(const struct hy_moment *m, hy_wall_ms now)
{
    const struct hy_activity *a = &m->of.activity;
    if (m->kind != HY_MOMENT_ACTIVITY || hy_verdict_is_given(a->flags, a->reason))
        return false;
    bool is_hit = a->kind == HY_ACTIVITY_OPEN || a->kind == HY_ACTIVITY_CLICK;
    return is_hit && now - hy_id_time(m->id) < VERDICT_WAIT_MS && hy_id_time(m->id) <= now;
}

static int gather(struct dest *d, char separator, bool is_behind, uint32_t n_max,
                  uint64_t bytes_max, struct batch *b)
{
    struct side *s = d->side;
    struct hy_timeline l;
    struct hy_moment m;
    hy_wall_ms now = hy_clock_wall_ms();
    int err = hy_timeline_open(&s->txn, d->cursor, &l);
    if (err)
        return err;
    for (unsigned i = 0; i < SCAN_MAX && b->n < n_max && b->bytes.len < bytes_max; i++) {
        err = hy_timeline_next(&l, &m);
        bool is_wanted = !err && hy_event_is_wanted(&s->writer, &s->txn, &m, d->filter);
        if (is_wanted && is_too_new(&m, now))
            err = HY_ENOTFOUND;
        if (err)
            break;
        if (is_wanted) {
            if (!is_behind && b->n)
                hy_buf_add_c(&b->bytes, separator);
            err = hy_event_put(&s->writer, &s->txn, &m, &b->bytes);
            if (err)
                break;
            if (is_behind)
                hy_buf_add_c(&b->bytes, separator);
            if (!b->first)
                b->first = m.id;
            b->n++;
        }
        b->last = m.id;
    }
    if (l.damaged && !s->has_damage) {
        s->has_damage = true;
        hy_log(HY_LOG_ERROR, "events",
               "a record of the logs cannot be read and is passed over: 'hayauma audit' names it");
    }
    hy_timeline_close(&l);
    b->is_all = err == HY_ENOTFOUND;
    return err == HY_ENOTFOUND ? b->bytes.err : err;
}

int dest_read(struct dest *d, char separator, bool is_behind, uint32_t n_max, uint64_t bytes_max,
              struct batch *b)
{
    b->n = 0;
    b->first = 0;
    b->last = d->cursor;
    b->is_all = false;
    int err = renew(d->side);
    if (err)
        return err;
    err = gather(d, separator, is_behind, n_max, bytes_max, b);
    hy_txn_park(&d->side->txn);
    return err;
}

/* ---- failing ---- */

/* Doubling, with the upper half left to chance. */
static hy_us pause_of(uint32_t failures, hy_us most)
{
    uint64_t chance = 0;
    hy_us pause = RETRY_LEAST_MS * HY_US_PER_MS;
    for (uint32_t i = 1; i < failures && i < DOUBLINGS_MAX && pause < most; i++)
        pause *= 2;
    if (pause > most)
        pause = most;
    if (hy_rand_bytes(&chance, sizeof chance) != HY_OK)
        return pause;
    return pause / 2 + (hy_us)(chance % (uint64_t)(pause / 2 + 1));
}

bool dest_note_failure(struct dest *d, const char *why)
{
    bool is_first = d->failing_since == 0;
    d->failures++;
    hy_count_add(&d->counts.failures, 1);
    if (is_first)
        d->failing_since = hy_clock_wall_ms();
    pthread_mutex_lock(&d->side->lock);
    snprintf(d->shared.view.why, sizeof d->shared.view.why, "%s", why);
    pthread_mutex_unlock(&d->side->lock);
    return is_first;
}

void dest_failed(struct dest *d, hy_us retry_most_us, const char *fmt, ...)
{
    char why[HY_EVENTS_WHY_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    if (dest_note_failure(d, why))
        hy_log(HY_LOG_WARNING, "events", "%s %s fails: %s; it is tried again",
               d->is_webhook ? "webhook" : "file", d->name, why);
    d->next_try = hy_clock_us() + pause_of(d->failures, retry_most_us);
}

void dest_succeeded(struct dest *d)
{
    if (!d->failing_since)
        return;
    hy_log(HY_LOG_NOTICE, "events", "%s %s works again after %u failures",
           d->is_webhook ? "webhook" : "file", d->name, d->failures);
    d->failing_since = 0;
    d->failures = 0;
    d->next_try = 0;
}

/* ---- orders and views ---- */

bool dest_take_orders(struct dest *d)
{
    bool has[3];
    pthread_mutex_lock(&d->side->lock);
    memcpy(has, d->shared.has_order, sizeof has);
    memset(d->shared.has_order, 0, sizeof d->shared.has_order);
    hy_id after = d->shared.replay_after;
    pthread_mutex_unlock(&d->side->lock);
    if (has[HY_EVENTS_PAUSE])
        d->is_paused = true;
    if (has[HY_EVENTS_RESUME]) {
        d->is_paused = d->is_disabled = false;
        d->failing_since = 0;
        d->failures = 0;
        d->next_try = 0;
    }
    if (has[HY_EVENTS_REPLAY])
        d->cursor = after;
    return has[HY_EVENTS_PAUSE] || has[HY_EVENTS_RESUME] || has[HY_EVENTS_REPLAY];
}

void dest_show(struct dest *d, const char *to, hy_us now)
{
    struct hy_events_view *v = &d->shared.view;
    pthread_mutex_lock(&d->side->lock);
    memcpy(v->name, d->name, sizeof v->name);
    snprintf(v->to, sizeof v->to, "%s", to);
    v->is_webhook = d->is_webhook;
    v->state = state_of(d);
    v->cursor = d->cursor;
    v->sent = hy_count_read(&d->counts.sent);
    v->bytes = hy_count_read(&d->counts.bytes);
    v->requests = hy_count_read(&d->counts.requests);
    v->failures = hy_count_read(&d->counts.failures);
    v->files = hy_count_read(&d->counts.files);
    v->failing_since = d->failing_since;
    v->next_try = d->next_try > now ? hy_clock_wall_ms() + (d->next_try - now) / HY_US_PER_MS : 0;
    if (v->state == HY_EVENTS_GOOD)
        v->why[0] = '\0';
    pthread_mutex_unlock(&d->side->lock);
}
