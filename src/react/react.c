/* The thread: looks, reads on, hands a batch to the writer, waits for its commit, looks again.
 *
 * How it fails: a batch that cannot be committed for want of space stays with the writer until
 * there is; after any other failure the place is read anew and the batch is made again. An activity
 * whose effects keep failing is passed over and told. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/base/rand.h"
#include "react_priv.h"

enum {
    IDLE_US = 100 * 1000,       /* between looks, while nothing happens */
    BUSY_US = 1000 * 1000,      /* for how long behind the last activity more are expected */
    QUIET_US = 5 * 1000 * 1000, /* a place that moved over nothing is stored this often */
    RETRY_US = 500 * 1000,
    STUCK_MS = 1000,
    FAILURES_MAX = 3, /* of the same activity, then it is passed over */
    REACT_NICE = 5,   /* mail goes first */
};

/* What the thread remembers from look to look. */
struct pace {
    struct culprit culprit; /* what failed last */
    unsigned failures;      /* of it, in a row */
    hy_us last_batch, last_stored;
    hy_wall_ms due_at; /* the second that was looked at last */
};

struct hy_react_policy *hy_react_policy_ref(struct hy_react_policy *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

void hy_react_policy_unref(struct hy_react_policy *p)
{
    if (p && atomic_fetch_sub(&p->refs, 1) == 1 && p->release)
        p->release(p);
}

/* ---- the batch and the writer ---- */

static void add_tally(struct tally *sum, const struct tally *t)
{
    sum->applied += t->applied;
    sum->counted += t->counted;
    sum->withdrawn += t->withdrawn;
    sum->revised += t->revised;
    sum->skipped += t->skipped;
    for (int v = 0; v < HY_VERDICTS; v++)
        for (int k = 0; k < HY_VERDICT_REASONS; k++)
            sum->verdicts[v][k] += t->verdicts[v][k];
}

static void add_delay(struct hy_react *r, hy_id noted, hy_wall_ms now)
{
    hy_histogram_sum_add(&r->shared.delay, (now - hy_id_time(noted)) * HY_US_PER_MS);
}

static void show_place(struct hy_react *r, const struct place *p)
{
    atomic_store(&r->now, p->now);
    atomic_store(&r->judged, p->judged);
    atomic_store(&r->held, p->held);
    atomic_store(&r->leads, p->leads);
}

/* Behind the commit of a slice; under the lock. */
static void show(struct hy_react *r, const struct batch *b)
{
    hy_wall_ms now = hy_clock_wall_ms();
    add_tally(&r->shared.tally, &b->tally);
    for (size_t i = 0; i < b->n_noted; i++)
        add_delay(r, b->noted[i], now);
    for (size_t i = 0; i < b->n_judged; i++) {
        const struct item *it = &b->items[i];
        if (it->step > b->from.judged && it->step <= b->reached.judged && it->id == it->step)
            add_delay(r, it->id, now);
    }
    show_place(r, &b->reached);
}

static void batch_slice(struct hy_write_req *req)
{
    struct batch *b = hy_container_of(req, struct batch, req);
    pthread_mutex_lock(&b->r->shared.lock);
    show(b->r, b);
    pthread_mutex_unlock(&b->r->shared.lock);
    b->from = b->reached;
}

static void batch_done(struct hy_write_req *req, int err)
{
    struct batch *b = hy_container_of(req, struct batch, req);
    struct hy_react *r = b->r;
    pthread_mutex_lock(&r->shared.lock);
    if (!err)
        show(r, b);
    r->shared.err = err;
    r->shared.is_busy = false;
    pthread_cond_signal(&r->shared.wake);
    pthread_mutex_unlock(&r->shared.lock);
}

/* Gives the batch to the writer and waits for its end. */
static int commit(struct hy_react *r, struct batch *b, hy_id oldest)
{
    b->req = (struct hy_write_req){.class = HY_WRITE_EFFECT,
                                   .when = HY_WRITE_GROUPED,
                                   .on_full = HY_WRITE_FULL_WAIT,
                                   .apply = batch_apply,
                                   .slice = batch_slice,
                                   .done = batch_done};
    pthread_mutex_lock(&r->shared.lock);
    r->shared.is_busy = true;
    r->shared.submitted = hy_clock_wall_ms();
    r->shared.waiting_since = oldest ? hy_id_time(oldest) : 0;
    pthread_mutex_unlock(&r->shared.lock);
    int err = hy_writer_submit(r->writer, &b->req);
    pthread_mutex_lock(&r->shared.lock);
    if (err) {
        r->shared.err = err;
        r->shared.is_busy = false;
    }
    while (r->shared.is_busy)
        pthread_cond_wait(&r->shared.wake, &r->shared.lock);
    err = r->shared.err;
    r->shared.last_err = err;
    r->shared.failures += err != 0;
    if (!err)
        r->shared.waiting_since = 0;
    pthread_mutex_unlock(&r->shared.lock);
    return err;
}

/* ---- the thread ---- */

/* True: it is to end. */
static bool pause_until(struct hy_react *r, hy_us until)
{
    struct timespec at = {.tv_sec = until / HY_US_PER_SEC, .tv_nsec = until % HY_US_PER_SEC * 1000};
    int rc = 0;
    pthread_mutex_lock(&r->shared.lock);
    while (!r->shared.is_ending && rc == 0)
        rc = pthread_cond_timedwait(&r->shared.wake, &r->shared.lock, &at);
    bool is_ending = r->shared.is_ending;
    pthread_mutex_unlock(&r->shared.lock);
    return is_ending;
}

static struct hy_react_policy *take_policy(struct hy_react *r)
{
    pthread_mutex_lock(&r->shared.lock);
    struct hy_react_policy *p = hy_react_policy_ref(r->shared.policy);
    pthread_mutex_unlock(&r->shared.lock);
    return p;
}

/* Where it stands, and a judge that knows what was before. */
static int find_place(struct hy_react *r, struct hy_txn *t)
{
    struct hy_react_policy *p = take_policy(r);
    hy_verdicts_free(r->verdicts);
    r->verdicts = NULL;
    int err = hy_verdicts_new(&p->verdicts, &r->key, &r->verdicts);
    hy_react_policy_unref(p);
    if (!err)
        err = place_get(t, &r->at);
    if (!err)
        err = read_back(r, t);
    if (!err)
        show_place(r, &r->at);
    return err;
}

/* Whether the batch is worth a commit. While activities come in there is always one on its way, so
 * that each finds it in the group in which it is noted. */
static bool is_wanted(const struct batch *b, hy_id news, const struct pace *p, hy_us now)
{
    bool moved = b->to.judged != b->from.judged || b->to.held != b->from.held ||
                 b->to.leads != b->from.leads;
    return news || b->n || b->has_due || now - p->last_batch < BUSY_US ||
           (moved && now - p->last_stored > QUIET_US);
}

static void prepare(struct hy_react *r, struct batch *b, const struct pace *p)
{
    const struct hy_react_effects *e;
    b->r = r;
    b->policy = take_policy(r);
    e = &b->policy->effects;
    b->has_due = e->due && b->now / 1000 > p->due_at / 1000;
    b->skip = p->failures >= FAILURES_MAX ? p->culprit : (struct culprit){0};
}

static void tell_skipped(const struct culprit *c)
{
    char id[HY_ID_TEXT_MAX];
    if (c->lead) {
        hy_log(HY_LOG_ERROR, "react", "lead %u cannot be looked at: its segments stay as they are",
               c->lead);
        return;
    }
    hy_log(HY_LOG_ERROR, "react", "the effects of %s keep failing: they are left out",
           hy_id_format(c->id, id));
}

static void succeeded(struct hy_react *r, struct pace *p, const struct batch *b, hy_us now)
{
    r->at = b->reached;
    if (b->skip.id || b->skip.lead)
        tell_skipped(&b->skip);
    if (b->has_due && !b->is_due_left)
        p->due_at = b->now;
    p->failures = 0;
    p->last_stored = now;
    if (b->n || b->tally.applied)
        p->last_batch = now;
}

/* What failed is made anew. */
static void failed(struct pace *p, const struct culprit *c, int err)
{
    bool is_same = c->id == p->culprit.id && c->nth == p->culprit.nth && c->lead == p->culprit.lead;
    bool is_its_own = err != HY_ENOMEM && err != HY_EIO && err != HY_EFULL;
    if (!is_same || p->failures == 0)
        hy_log(HY_LOG_ERROR, "react", "activities take no effect: %s; it is tried again",
               hy_err_text(err));
    p->failures = !is_its_own ? 0 : is_same ? p->failures + 1 : 1;
    p->culprit = *c;
}

/* Nothing is in between: all up to the end of what was read took effect. */
static void pass(struct hy_react *r, const struct batch *b)
{
    struct place p = b->to;
    p.now = b->to.judged;
    show_place(r, &p);
}

/* One look. *ret_next: when the next is due; an error: the place must be found anew. */
static int look(struct hy_react *r, struct hy_txn *t, struct pace *p, hy_us *ret_next)
{
    struct batch *b = r->batch;
    bool more = false;
    hy_id news = 0;
    b->now = hy_clock_wall_ms();
    prepare(r, b, p);
    int err = read_on(r, t, b, STEPS_MAX, &more);
    if (!err)
        err = read_news(r, t, &news);
    hy_txn_park(t);
    hy_us now = hy_clock_us();
    if (!err && is_wanted(b, news, p, now)) {
        hy_id first = b->n ? b->items[0].step : 0;
        err = commit(r, b, first && (!news || first < news) ? first : news);
        more |= b->is_cut || b->is_due_left;
        if (!err)
            succeeded(r, p, b, now);
    } else if (!err) {
        pass(r, b);
    }
    hy_react_policy_unref(b->policy);
    b->policy = NULL;
    bool is_busy = now - p->last_batch < BUSY_US;
    *ret_next = more || is_busy ? 0 : now + IDLE_US;
    return err;
}

static void run(void *arg)
{
    struct hy_react *r = arg;
    struct pace p = {.failures = 0};
    struct hy_txn t = {0};
    bool knows_place = false, has_txn = false;
    hy_us next = 0;
    hy_thread_give_way(REACT_NICE);
    while (!pause_until(r, next)) {
        int err = has_txn ? hy_txn_renew(&t) : hy_txn_read(r->env, &t);
        has_txn = has_txn || !err;
        if (!err && !knows_place) {
            err = find_place(r, &t);
            knows_place = !err;
        }
        if (!err)
            err = look(r, &t, &p, &next);
        if (!err)
            continue;
        if (err == HY_ECLOSED)
            break;
        failed(&p, &r->batch->failed, err);
        knows_place = false;
        hy_txn_end(&t);
        has_txn = false;
        next = hy_clock_us() + RETRY_US;
    }
    hy_txn_end(&t);
}

/* ---- its life ---- */

static void free_all(struct hy_react *r)
{
    pthread_mutex_destroy(&r->shared.lock);
    pthread_cond_destroy(&r->shared.wake);
    hy_react_policy_unref(r->shared.policy);
    hy_verdicts_free(r->verdicts);
    hy_agents_free(r->agents);
    free(r->batch);
    free(r);
}

/* A store that knows no place gets one at its end. */
static int begin(struct hy_write_req *req, struct hy_txn *t)
{
    struct place p = {0};
    (void)req;
    int err = place_get(t, &p);
    if (err != HY_ENOTFOUND)
        return err;
    err = read_end(t, 0, &p.now);
    p.judged = p.held = p.leads = p.now;
    return err ? err : place_put(t, &p);
}

/* Where there is a place, nothing is written: a full disk keeps no daemon from starting. */
static int ensure_place(struct hy_env *env, struct hy_writer *writer)
{
    struct hy_write_req first = {.class = HY_WRITE_ADMIN, .apply = begin};
    struct hy_react_position at;
    struct hy_txn t = {0};
    int err = hy_txn_read(env, &t);
    if (!err)
        err = hy_react_position_stored(&t, &at);
    hy_txn_end(&t);
    return err == HY_ENOTFOUND ? hy_writer_run(writer, &first) : err;
}

static int make(struct hy_env *env, struct hy_writer *writer, struct hy_react **ret)
{
    pthread_condattr_t attr;
    struct hy_react *r = calloc(1, sizeof *r);
    if (!r)
        return HY_ENOMEM;
    pthread_mutex_init(&r->shared.lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->shared.wake, &attr);
    pthread_condattr_destroy(&attr);
    r->env = env;
    r->writer = writer;
    r->batch = calloc(1, sizeof *r->batch);
    int err = r->batch ? hy_agents_new(&r->agents) : HY_ENOMEM;
    if (!err)
        err = hy_rand_bytes(&r->key, sizeof r->key);
    if (err)
        free_all(r);
    else
        *ret = r;
    return err;
}

int hy_react_start(struct hy_env *env, struct hy_writer *writer, struct hy_react_policy *policy,
                   struct hy_diag *diag, struct hy_react **ret)
{
    struct hy_react *r = NULL;
    int err = ensure_place(env, writer);
    if (!err)
        err = make(env, writer, &r);
    if (err) {
        hy_react_policy_unref(policy);
        return hy_fail(diag, err, "activities cannot be followed: %s", hy_err_text(err));
    }
    r->shared.policy = policy;
    err = hy_thread_start("react", run, r, &r->thread);
    if (err) {
        free_all(r);
        return hy_fail(diag, err, "activities cannot be followed: %s", hy_err_text(err));
    }
    *ret = r;
    return 0;
}

void hy_react_reload(struct hy_react *r, struct hy_react_policy *policy)
{
    pthread_mutex_lock(&r->shared.lock);
    struct hy_react_policy *old = r->shared.policy;
    r->shared.policy = policy;
    pthread_mutex_unlock(&r->shared.lock);
    hy_react_policy_unref(old);
}

void hy_react_stop(struct hy_react *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->shared.lock);
    r->shared.is_ending = true;
    pthread_cond_signal(&r->shared.wake);
    pthread_mutex_unlock(&r->shared.lock);
    hy_thread_join(r->thread);
    free_all(r);
}

/* ---- from outside ---- */

struct hy_react_position hy_react_position(const struct hy_react *r)
{
    hy_id now = atomic_load(&r->now), judged = atomic_load(&r->judged);
    return (struct hy_react_position){.now = now < judged ? now : judged,
                                      .held = atomic_load(&r->held),
                                      .leads = atomic_load(&r->leads)};
}

void hy_react_look(struct hy_react *r, struct hy_react_view *ret)
{
    pthread_mutex_lock(&r->shared.lock);
    const struct tally *t = &r->shared.tally;
    hy_wall_ms now = hy_clock_wall_ms(), since = r->shared.waiting_since;
    if (!since && r->shared.is_busy && now - r->shared.submitted > STUCK_MS)
        since = r->shared.submitted; /* what was noted since then waits, too */
    *ret = (struct hy_react_view){.applied = t->applied,
                                  .counted = t->counted,
                                  .withdrawn = t->withdrawn,
                                  .revised = t->revised,
                                  .skipped = t->skipped,
                                  .failures = r->shared.failures,
                                  .err = r->shared.last_err,
                                  .delay = r->shared.delay};
    memcpy(ret->verdicts, t->verdicts, sizeof ret->verdicts);
    pthread_mutex_unlock(&r->shared.lock);
    ret->lag_ms = since && now > since ? now - since : 0;
    ret->at = hy_react_position(r);
    ret->cpu_us = hy_thread_cpu_us(r->thread);
}
