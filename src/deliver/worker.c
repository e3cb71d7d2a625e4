/* A worker: the thread of some lanes. It takes feeds in, sends jobs to the press and deliveries to
 * their lanes, and lets go of deliveries when the writer has made their outcome durable.
 *
 * Memory: deliveries in hand are bounded by connections (two each on the wire), by the bytes of
 * messages that wait (press_memory_bytes, shared out over the workers) and by the slots of the
 * in-flight table; a lane that finds a bound reached is starved, and woken when something is freed.
 */
#include "lane.h"

#include <stdlib.h>

#include "hayauma/base/log.h"

enum {
    SPARE_MAX = 256,
    TABLE_SIZE = 4096,
    LANE_IDLE_S = 60,
    LANES_MANY = 4096,
    SWEEP_S = 5,
    LAG_RETRY_MS = 20,
    PACE_US = 1000,  /* between turns when there is much to do */
    TALLY_S = 10,    /* counts for TLS reports go to the writer */
    WINDOWS_S = 300, /* and what windows learned */
};

/* ---- deliveries ---- */

struct delivery *delivery_new(struct worker *w)
{
    struct hy_list *spare = hy_list_pop(&w->spare);
    struct delivery *d;
    if (spare) {
        d = hy_container_of(spare, struct delivery, link);
        struct hy_buf signature = d->signature, bytes = d->bytes;
        w->n_spare--;
        memset(d, 0, offsetof(struct delivery, settle));
        d->signature = signature;
        d->bytes = bytes;
    } else {
        d = calloc(1, sizeof *d);
        if (!d)
            return NULL;
        d->signature = HY_BUF_INIT(64 * 1024);
        d->bytes = HY_BUF_INIT(64 << 20);
    }
    d->message_id[0] = '\0';
    hy_list_init(&d->link);
    hy_list_init(&d->all);
    hy_list_push(&w->deliveries, &d->all);
    d->worker = w;
    d->inflight = HY_INFLIGHT_NONE;
    w->n_deliveries++;
    return d;
}

void delivery_drop_bytes(struct delivery *d)
{
    if (d->pressed_bytes) {
        d->worker->pressed_bytes -= d->pressed_bytes;
        d->pressed_bytes = 0;
        worker_wake_starved(d->worker);
    }
    /* Large buffers go back to the system, so that memory follows what is on the way. */
    hy_buf_free(&d->bytes);
    hy_buf_free(&d->signature);
    d->is_pressed = false;
}

void delivery_free(struct delivery *d)
{
    struct worker *w = d->worker;
    delivery_drop_bytes(d);
    if (d->has_claim)
        hy_contacts_release(w->d->settings.contacts, d->ref.lead, 0);
    if (d->inflight != HY_INFLIGHT_NONE) {
        hy_inflight_free(w->d->inflight, d->inflight);
        worker_wake_starved(w); /* somebody may wait for a slot */
    }
    hy_list_remove(&d->link);
    hy_list_remove(&d->all);
    struct feed *f = d->feed;
    atomic_fetch_sub(&d->run->in_hand, 1);
    run_unref(d->run);
    hy_deliver_policy_unref(d->policy);
    d->policy = NULL;
    tls_site_unref(d->tls);
    d->tls = NULL;
    free(d->words);
    d->words = NULL;
    free(d->dsn);
    d->dsn = NULL;
    w->n_deliveries--;
    if (w->n_spare < SPARE_MAX) {
        hy_list_push_front(&w->spare, &d->link);
        w->n_spare++;
    } else {
        free(d);
    }
    f->w.in_hand--;
    worker_feed_return(w, f);
}

/* ---- feeds ---- */

bool worker_is_full(const struct worker *w)
{
    return w->n_deliveries >= IN_HAND_MAX / w->d->n_workers;
}

/* A domain that cannot be reached by DNS: its rows are settled with the reason, at the writer's
 * pace: at least one of each such feed is in hand, and its return brings the next. */
static void refuse_rows(struct worker *w, struct feed *f)
{
    bool is_final = f->mx->status != HY_MX_TEMPFAIL;
    struct hy_outcome o = {
        .kind = is_final ? HY_OUTCOME_BOUNCED : HY_OUTCOME_DEFERRED,
        .spoils = HY_SPOILS_SITE,
        .phase = HY_PHASE_DNS,
        .enhanced = f->mx->enhanced,
        .text = f->mx->text,
    };
    struct feed_part *p = &f->w.one;
    while (p->next < p->end && (f->w.in_hand == 0 || !worker_is_full(w))) {
        struct delivery *d = worker_take(w, p);
        if (!d)
            break;
        d->started = hy_clock_wall_ms();
        d->submitted = hy_loop_now(w->loop);
        settle_refusal(d, is_final ? HY_RCPT_BOUNCED : HY_RCPT_DEFERRED, &o);
    }
}

bool worker_is_over(const struct worker *w, const struct feed *f)
{
    return w->is_draining || atomic_load(&f->run->stopped);
}

void worker_drop_rows(struct feed *f)
{
    f->next = f->n;
    for (uint32_t i = 0; i < f->w.n_parts; i++)
        deal_drop(&f->w.parts[i]);
    f->is_exhausted = true;
}

/* To the feeder, when it is dry: for more, or for good. */
void worker_feed_return(struct worker *w, struct feed *f)
{
    bool is_refused = f->mx->status != HY_MX_OK;
    if (is_refused && !f->w.is_away && f->w.in_hand == 0) {
        if (worker_is_over(w, f))
            worker_drop_rows(f);
        refuse_rows(w, f);
    }
    if (f->w.is_away || f->w.left)
        return;
    if ((f->is_exhausted || is_refused) && f->w.in_hand)
        return;
    f->is_done = f->is_exhausted;
    f->w.is_away = true;
    if (f->is_done)
        deal_leave(f);
    f->msg.kind = MSG_FEED;
    int err = hy_mailbox_post_answer(feeder_mailbox(w->d->feeder), &f->msg);
    (void)err; /* closed only when the feeder is gone, after the workers */
}

struct delivery *worker_take(struct worker *w, struct feed_part *p)
{
    struct delivery *d = delivery_new(w);
    if (!d)
        return NULL;
    struct feed *f = p->feed;
    const struct feed_row *row = &f->rows[p->next++];
    f->w.left--;
    d->feed = f;
    d->run = run_ref(f->run);
    d->queued = f->run->queued;
    atomic_fetch_add(&f->run->in_hand, 1);
    f->w.in_hand++;
    d->lane = p->lane;
    d->ref = (struct hy_rcpt_ref){.campaign = f->run->campaign,
                                  .domain = f->domain,
                                  .block = row->block,
                                  .slot = row->slot,
                                  .attempts = row->attempts,
                                  .lead = row->lead};
    return d;
}

static void on_feed(struct worker *w, struct feed *f)
{
    f->w.is_away = false;
    if (worker_is_over(w, f))
        worker_drop_rows(f);
    if (f->next < f->n && f->mx->status == HY_MX_OK) {
        deal(w, f);
        return;
    }
    if (f->next < f->n)
        deal_nowhere(f);
    worker_feed_return(w, f);
}

/* ---- the press ---- */

void worker_press(struct worker *w, struct delivery *d)
{
    enum hy_priority priority = d->run->plan.brakes.priority;
    d->msg.kind = MSG_PRESSED;
    d->msg.next = NULL;
    d->source = d->lane->source;
    *w->jobs_tail[priority] = &d->msg;
    w->jobs_tail[priority] = &d->msg.next;
    w->pressing++;
    hy_loop_defer(w->loop, &w->flush);
}

static void take_jobs_back(struct worker *w, struct hy_msg *jobs)
{
    for (struct hy_msg *m = jobs, *next; m; m = next) {
        next = m->next;
        w->pressing--;
        struct delivery *d = hy_container_of(m, struct delivery, msg);
        d->lane->n_pressing--;
        lane_count_ahead(d->lane, d, -1);
        party_free(d);
    }
}

/* Looks again soon, at all that waits for room elsewhere. */
static void wait_for_room(struct worker *w)
{
    if (!hy_timer_armed(&w->lag_timer))
        hy_loop_arm_in(w->loop, &w->lag_timer, LAG_RETRY_MS * HY_US_PER_MS);
}

static void flush_jobs(void *arg)
{
    struct worker *w = arg;
    for (int i = HY_PRIORITIES - 1; i >= 0; i--) {
        struct hy_msg *jobs = w->jobs[i];
        if (!jobs)
            continue;
        int err = i == HY_PRIORITY_TRANSACTIONAL ? hy_jobs_push_urgent(w->d->jobs, jobs)
                                                 : hy_jobs_push(w->d->jobs, jobs);
        if (err == HY_ELIMIT) { /* they wait here until the press has room */
            wait_for_room(w);
            continue;
        }
        w->jobs[i] = NULL;
        w->jobs_tail[i] = &w->jobs[i];
        if (err != HY_OK) /* ending */
            take_jobs_back(w, jobs);
    }
}

static void on_pressed(struct worker *w, struct delivery *d)
{
    w->pressing--;
    d->lane->n_pressing--;
    lane_count_ahead(d->lane, d, -1);
    if (d->is_pressed) {
        d->pressed_bytes = d->bytes.cap + d->signature.cap;
        if (d->party)
            d->pressed_bytes += sizeof *d->party + d->party->n * sizeof *d;
        w->pressed_bytes += d->pressed_bytes;
        w->typical_bytes = (w->typical_bytes * 15 + (uint32_t)d->pressed_bytes) / 16;
    }
    lane_pressed(d->lane, d);
}

bool worker_is_pressing(const struct worker *w)
{
    return w->pressing > PRESS_BATCH * w->d->n_press / w->d->n_workers;
}

/* ---- bounds ---- */

bool worker_may_take(struct worker *w, const struct lane *l, bool is_urgent)
{
    struct hy_writer_lag lag = hy_writer_lag(w->d->writer);
    if (lag.queued > WRITER_LAG_MAX) {
        wait_for_room(w);
        return false;
    }
    uint64_t expected = w->pressed_bytes + (uint64_t)w->pressing * w->typical_bytes;
    if (expected < w->pressed_max)
        return true;
    /* A lane with nothing at all may have one, so that none waits for ever behind the others. */
    bool has_none = is_urgent ? l->n_urgent == 0 : l->n_ready + l->n_pressing == 0;
    return has_none && expected < 2 * w->pressed_max;
}

void worker_starve(struct worker *w, struct lane *l)
{
    if (hy_list_empty(&l->starved))
        hy_list_push(&w->starved, &l->starved);
}

void worker_wake_starved(struct worker *w)
{
    for (int i = 0; i < 4; i++) { /* a few for each thing freed: no herd */
        struct hy_list *it = hy_list_pop(&w->starved);
        if (!it)
            return;
        lane_wake(hy_container_of(it, struct lane, starved));
    }
}

static void on_lag_timer(void *arg)
{
    struct worker *w = arg;
    hy_loop_defer(w->loop, &w->flush);
    for (struct hy_list *it; (it = hy_list_pop(&w->starved));)
        lane_wake(hy_container_of(it, struct lane, starved));
}

/* Lanes that nobody uses any more go when they know nothing that still counts: after a minute, or
 * at once when there are many. So a campaign to a million small domains keeps the lanes of those
 * that are open. */
static void on_sweep_timer(void *arg)
{
    struct worker *w = arg;
    hy_us now = hy_loop_now(w->loop);
    hy_list_for_each_safe (it, &w->lanes) {
        struct lane *l = hy_container_of(it, struct lane, link);
        bool is_old = now - l->last_used > LANE_IDLE_S * HY_US_PER_SEC;
        if ((is_old || w->n_lanes > LANES_MANY) && lane_is_idle(l) && !lane_knows_something(l, now))
            lane_free(l);
    }
    meter_levels(w);
    hy_loop_arm_in(w->loop, &w->sweep_timer, SWEEP_S * HY_US_PER_SEC);
}

/* ---- what comes ---- */

static void check_drained(struct worker *w)
{
    if (!w->is_draining || w->is_done || w->n_deliveries || w->n_connections)
        return;
    w->is_done = true;
    hy_loop_stop(w->loop);
}

static void on_seats(struct worker *w)
{
    atomic_store(&w->seats_told, false);
    hy_list_for_each (it, &w->seats) {
        struct seat *s = hy_container_of(it, struct seat, mine);
        lane_wake(hy_container_of(s, struct lane, seat));
    }
}

void worker_tell_seats(struct worker *w)
{
    if (atomic_exchange(&w->seats_told, true))
        return;
    w->seats_msg.kind = MSG_SEATS;
    int err = hy_mailbox_post_answer(w->mailbox, &w->seats_msg);
    (void)err; /* closed: it ends, and its lanes with it */
}

static void on_mail(void *arg, struct hy_msg *m)
{
    struct worker *w = arg;
    while (m) {
        struct hy_msg *next = m->next;
        switch (m->kind) {
        case MSG_FEED:
            on_feed(w, hy_container_of(m, struct feed, msg));
            break;
        case MSG_PRESSED:
            on_pressed(w, hy_container_of(m, struct delivery, msg));
            break;
        case MSG_SETTLED: {
            struct delivery *d = hy_container_of(m, struct delivery, msg);
            note_attempt(w, d);
            if (d->lane_of_settle)
                d->lane_of_settle->n_settling--;
            delivery_free(d);
            break;
        }
        case MSG_STOP_RUN:
            worker_stop_run(w, hy_container_of(m, struct stop_order, msg));
            break;
        case MSG_POLICY:
            worker_policy(w, hy_container_of(m, struct policy_msg, msg));
            break;
        case MSG_DRAIN:
            worker_drain(w, hy_container_of(m, struct drain_msg, msg));
            break;
        case MSG_SEATS:
            on_seats(w);
            break;
        case MSG_LANES:
            report_lanes(w, m);
            break;
        default:
            break;
        }
        m = next;
    }
    meter_levels(w);
    check_drained(w);
}

void worker_connection_over(struct worker *w)
{
    w->n_connections--;
    meter_levels(w);
    atomic_fetch_sub_explicit(&w->d->counters.connections_now, 1, memory_order_relaxed);
    worker_wake_starved(w);
    check_drained(w);
}

/* ---- life ---- */

static void on_tally_timer(void *arg)
{
    struct worker *w = arg;
    tls_tallies_flush(w->tallies);
    hy_loop_arm_in(w->loop, &w->tally_timer, TALLY_S * HY_US_PER_SEC);
}

static void on_windows_timer(void *arg)
{
    struct worker *w = arg;
    windows_save(w);
    hy_loop_arm_in(w->loop, &w->windows_timer, WINDOWS_S * HY_US_PER_SEC);
}

static void run_worker(void *arg)
{
    struct worker *w = arg;
    hy_loop_pace(w->loop, PACE_US);
    hy_loop_arm_in(w->loop, &w->windows_timer, WINDOWS_S * HY_US_PER_SEC);
    hy_thread_interrupt_none();
    hy_loop_arm_in(w->loop, &w->tally_timer, TALLY_S * HY_US_PER_SEC);
    if (hy_loop_run(w->loop) != HY_OK)
        hy_log(HY_LOG_ERROR, "worker", "the event loop failed");
    tls_tallies_flush(w->tallies);
    windows_save(w);
}

int worker_init(struct worker *w, struct hy_deliver *d, unsigned index)
{
    w->d = d;
    w->index = index;
    hy_list_init(&w->lanes);
    hy_list_init(&w->seats);
    hy_list_init(&w->starved);
    hy_list_init(&w->held);
    hy_list_init(&w->poor);
    hy_list_init(&w->spare);
    hy_list_init(&w->deliveries);
    for (int i = 0; i < HY_PRIORITIES; i++)
        w->jobs_tail[i] = &w->jobs[i];
    w->typical_bytes = 16 * 1024;
    w->pressed_max = d->settings.press_memory_bytes / d->n_workers;
    w->policy = hy_deliver_policy_ref(d->policy);
    worker_share_connections(w);
    uint64_t seed = 0;
    int err = hy_rand_bytes(&seed, sizeof seed);
    hy_rng_seed(&w->rng, seed);
    hy_defer_init(&w->flush, flush_jobs, w);
    hy_timer_init(&w->lag_timer, on_lag_timer, w);
    hy_timer_init(&w->drain_timer, worker_drain_over, w);
    hy_timer_init(&w->sweep_timer, on_sweep_timer, w);
    hy_timer_init(&w->tally_timer, on_tally_timer, w);
    hy_timer_init(&w->windows_timer, on_windows_timer, w);
    w->tallies = tls_tallies_new(d->writer, &d->counters.tls_uncounted);
    w->table_size = TABLE_SIZE;
    w->table = calloc(TABLE_SIZE, sizeof *w->table);
    if (err == HY_OK && !w->table)
        err = HY_ENOMEM;
    if (err == HY_OK)
        err = hy_loop_create(&w->loop);
    if (err == HY_OK)
        err = hy_tls_cache_create(4096, &w->tls_cache);
    if (err == HY_OK)
        err = hy_mailbox_create(1u << 20, &w->mailbox);
    if (err == HY_OK)
        err = hy_mailbox_attach(w->mailbox, w->loop, on_mail, w);
    if (err == HY_OK)
        hy_loop_arm_in(w->loop, &w->sweep_timer, SWEEP_S * HY_US_PER_SEC);
    return err;
}

int worker_start(struct worker *w)
{
    char name[16];
    snprintf(name, sizeof name, "worker-%hhu", (unsigned char)w->index);
    return hy_thread_start(name, run_worker, w, &w->thread);
}

/* After its thread has ended, and the writer too. */
void worker_close(struct worker *w)
{
    if (w->loop) { /* what the writer or the press sent last, and connections that were cut */
        for (int i = 0; i < 3; i++) {
            int err = hy_loop_turn(w->loop, 0);
            (void)err;
        }
    }
    hy_list_for_each_safe (it, &w->lanes)
        lane_free(hy_container_of(it, struct lane, link));
    for (struct hy_list *it; w->spare.next && (it = hy_list_pop(&w->spare));)
        free(hy_container_of(it, struct delivery, link));
    if (w->mailbox) {
        hy_mailbox_detach(w->mailbox);
        hy_mailbox_free(w->mailbox);
    }
    if (w->loop)
        hy_loop_free(w->loop);
    if (w->tls_cache)
        hy_tls_cache_free(w->tls_cache);
    tls_tallies_free(w->tallies);
    hy_deliver_policy_unref(w->policy);
    free(w->table);
    free(w->dealing);
    site_memory_free(&w->memory);
    hy_ring_free(atomic_load(&w->notes_ring));
    *w = (struct worker){0};
}
