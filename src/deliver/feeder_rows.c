/* Feeds, and fresh rows into them, domain by domain. */
#include "feeder.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/spool.h"
#include "tls_desk.h"

/* ---- feeds ---- */

/* As much memory as there are rows: most domains have a few. False without memory: nothing is
 * changed. */
static bool feed_fill(struct feed *feed, const struct hy_queue_row *rows, size_t n)
{
    if (n > feed->cap) {
        struct feed_row *grown = realloc(feed->rows, n * sizeof *grown);
        if (!grown)
            return false;
        feed->rows = grown;
        feed->cap = (uint32_t)n;
    }
    feed->next = 0;
    feed->n = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        feed->rows[i] = (struct feed_row){.block = rows[i].ref.block,
                                          .slot = rows[i].ref.slot,
                                          .attempts = rows[i].ref.attempts,
                                          .lead = rows[i].ref.lead};
    return true;
}

static void count_feeds(struct feeder *f, struct camp *c, const struct feed *feed, int by)
{
    if (c)
        c->n_feeds += (uint32_t)by;
    f->n_feeds += (uint32_t)by;
    if (feed->kind == FEED_DUE)
        f->n_due += (uint32_t)by;
    atomic_store_explicit(&f->d->counters.domains_open, f->n_feeds, memory_order_relaxed);
}

struct feed *feed_new(struct feeder *f, struct camp *c, const struct feed_place *begin,
                      const struct hy_queue_row *rows, size_t n)
{
    struct hy_str name;
    if (hy_domain_name(&f->txn, begin->domain, &name) != HY_OK || name.n > HY_DOMAIN_MAX)
        return NULL;
    struct feed *feed = calloc(1, sizeof *feed + name.n + 1);
    if (!feed || !feed_fill(feed, rows, n)) {
        free(feed);
        return NULL;
    }
    feed->msg.kind = MSG_FEED;
    hy_list_init(&feed->link);
    feed->run = run_ref(c->run);
    feed->kind = begin->due_s ? FEED_DUE : FEED_FRESH;
    feed->is_exhausted = feed->kind == FEED_DUE;
    feed->begin = *begin;
    feed->due_s = n ? rows[0].due_s : 0;
    feed->domain = begin->domain;
    memcpy(feed->domain_name, name.p, name.n);
    count_feeds(f, c, feed, 1);
    return feed;
}

void feed_close(struct feeder *f, struct feed *feed)
{
    room_leave(f, feed);
    count_feeds(f, camp_find(f, feed->run->campaign), feed, -1);
    hy_mx_unref(feed->mx);
    tls_site_unref(feed->tls);
    run_unref(feed->run);
    if (feed->w.parts != &feed->w.one)
        free(feed->w.parts);
    free(feed->rows);
    free(feed);
}

/* To the worker. A mailbox that refuses is closed: we are ending. */
static void feed_post(struct feeder *f, struct feed *feed)
{
    feed->msg.kind = MSG_FEED;
    if (hy_mailbox_post_answer(f->d->workers[feed->worker].mailbox, &feed->msg) != HY_OK)
        feed_close(f, feed);
}

struct lookup {
    struct feeder *f;
    struct feed *feed;
    bool is_first; /* of a feed that no worker knows yet */
    struct hy_mx *mx;
};

/* Kept aside until the next step. */
static void wait_a_step(struct feeder *f, struct feed *feed)
{
    hy_list_push(&f->waiting, &feed->link);
    if (!hy_timer_armed(&f->step_timer))
        hy_loop_arm_in(f->loop, &f->step_timer, STEP_US);
}

/* Its way and what it demands of TLS are known: both or neither count. */
static void on_tls(void *ctx, int err, struct tls_site *tls)
{
    struct lookup *l = ctx;
    struct feeder *f = l->f;
    struct feed *feed = l->feed;
    struct hy_mx *mx = l->mx;
    bool is_first = l->is_first;
    free(l);
    if (err != HY_OK) {
        hy_mx_unref(mx);
        if (!is_first) /* the old answer must do */
            feed_post(f, feed);
        else if (err == HY_ECANCELED) /* the resolver is being freed */
            feed_close(f, feed);
        else
            wait_a_step(f, feed);
        return;
    }
    hy_mx_unref(feed->mx);
    tls_site_unref(feed->tls);
    feed->mx = mx;
    feed->tls = tls;
    if (is_first) {
        if (atomic_load(&feed->run->stopped) || !room_enter(f, feed)) {
            feed_close(f, feed);
            feeder_wake(f);
            return;
        }
        feed->worker = (uint32_t)(feed->mx->site.hash % f->d->n_workers);
    }
    feed_post(f, feed);
}

static void on_mx(void *ctx, struct hy_mx *mx)
{
    struct lookup *l = ctx;
    struct feeder *f = l->f;
    l->mx = mx;
    if (!mx)
        on_tls(l, HY_ECANCELED, NULL);
    else if (mx->status != HY_MX_OK || l->feed->run->is_tls_optional)
        on_tls(l, HY_OK, NULL);
    else
        tls_desk_ask(f->desk, mx, feeder_limits(f, mx, NULL), on_tls, l);
}

static bool is_known(const struct feed *feed, hy_us now)
{
    return feed->mx && feed->mx->expires > now && (!feed->tls || feed->tls->expires > now);
}

/* Resolves where it must, then posts. */
void feed_send(struct feeder *f, struct feed *feed)
{
    bool is_first = feed->mx == NULL;
    if (is_known(feed, hy_loop_now(f->loop))) {
        feed_post(f, feed);
        return;
    }
    struct lookup *l = malloc(sizeof *l);
    if (l) {
        *l = (struct lookup){f, feed, is_first, NULL};
        atomic_fetch_add_explicit(&f->d->counters.lookups, 1, memory_order_relaxed);
        if (hy_resolver_mx(f->resolver, hy_str_of(feed->domain_name), on_mx, l) == HY_OK)
            return;
        free(l);
    }
    if (!is_first) { /* the old answer must do */
        feed_post(f, feed);
        return;
    }
    wait_a_step(f, feed); /* too many questions wait already */
}

/* ---- fresh rows ---- */

/* Reads up to `max` rows that are not in hand into f->scratch. *ret_end: nothing behind them;
 * *ret_more: more will be made. */
static size_t read_fresh(struct feeder *f, struct camp *c, hy_domain_no domain,
                         struct hy_queue_pos *pos, size_t max, bool *ret_end, bool *ret_more)
{
    size_t kept = 0;
    *ret_end = *ret_more = false;
    while (kept == 0) {
        size_t n = 0;
        int err = hy_queue_read_fresh(&f->txn, c->id, domain, pos, f->scratch, max, &n);
        if (err == HY_EMORE)
            *ret_more = true;
        else if (err != HY_OK) {
            *ret_end = true;
            if (err != HY_ENOTFOUND)
                hy_log(HY_LOG_ERROR, "feeder", "queue of domain %u: %s", domain, hy_err_text(err));
        }
        for (size_t i = 0; i < n; i++) {
            if (!camp_has(c, &f->scratch[i]))
                f->scratch[kept++] = f->scratch[i];
        }
        if (err != HY_OK)
            break;
    }
    return kept;
}

static uint32_t rows_ahead(const struct feeder *f)
{
    uint32_t n = f->d->settings.rows_ahead;
    return n < 1 ? 1 : n > SCRATCH_ROWS ? SCRATCH_ROWS : n;
}

bool rows_are_urgent(const struct camp *c)
{
    return c && c->run && c->run->plan.brakes.priority == HY_PRIORITY_TRANSACTIONAL;
}

bool rows_may_open(const struct feeder *f, enum feed_kind kind, const struct camp *c)
{
    uint32_t most = f->d->settings.open_domains;
    uint32_t due = f->n_due - f->n_held_due;
    uint32_t fresh = f->n_feeds - f->n_due - (f->n_held - f->n_held_due);
    if (f->n_held > most) /* these count */
        fresh += f->n_held - most;
    if (rows_are_urgent(c))
        return fresh + due < most + URGENT_DOMAINS;
    bool others_wait = kind == FEED_DUE ? f->fresh_waits : f->due_waits;
    return fresh + due < most && (!others_wait || (kind == FEED_DUE ? due : fresh) < most / 2);
}

/* Fresh rows of a domain from `pos` on; as rows_open_place. */
static bool open_fresh(struct feeder *f, struct camp *c, hy_domain_no domain,
                       struct hy_queue_pos pos, struct feed **ret_feed)
{
    bool end, more;
    size_t n = read_fresh(f, c, domain, &pos, rows_ahead(f), &end, &more);
    *ret_feed = NULL;
    if (n == 0 && end)
        return true;
    struct feed_place begin = {.domain = domain, .block = pos.block, .last = pos.slot};
    if (n) {
        begin.block = f->scratch[0].ref.block;
        begin.last = f->scratch[0].ref.slot;
    }
    struct feed *feed = feed_new(f, c, &begin, f->scratch, n);
    if (!feed)
        return false;
    feed->pos = pos;
    feed->is_exhausted = end;
    feed->behind = end ? 0 : hy_queue_rows_left(&f->txn, c->id, domain, pos);
    *ret_feed = feed;
    return true;
}

bool rows_open_place(struct feeder *f, struct camp *c, const struct feed_place *place,
                     struct feed **ret_feed)
{
    if (!rows_may_open(f, place->due_s ? FEED_DUE : FEED_FRESH, c))
        return false;
    if (place->due_s)
        return due_open_place(f, c, place, ret_feed);
    if (hy_id_is_spool(c->id))
        return spool_open_place(f, c, place, ret_feed);
    struct hy_queue_pos pos = {place->block, (uint16_t)place->last};
    return open_fresh(f, c, place->domain, pos, ret_feed);
}

/* Opens the next domain of a campaign; false when there is none (now). */
static bool open_domain(struct feeder *f, struct camp *c)
{
    hy_domain_no domain;
    struct hy_queue_pos pos;
    uint32_t fresh;
    int err = hy_queue_next_domain(&f->txn, c->id, c->domain, &domain, &pos, &fresh);
    if (err == HY_EMORE) {
        c->is_waiting = true;
        return false;
    }
    if (err != HY_OK) {
        c->is_walked = true;
        return false;
    }
    struct feed *feed;
    if (!open_fresh(f, c, domain, pos, &feed)) {
        c->is_waiting = true;
        return false;
    }
    c->domain = domain;
    if (feed && feed->n == 0)
        wait_a_step(f, feed);
    else if (feed)
        feed_send(f, feed);
    return true;
}

static bool may_walk(const struct camp *c)
{
    return c->run && !c->is_walked && !c->is_waiting;
}

/* The next look begins with this one. */
static void turn_to(struct feeder *f, const struct camp *c)
{
    while (f->camps.next != &c->link)
        hy_list_push(&f->camps, hy_list_pop(&f->camps));
}

/* Up to a batch of domains, campaigns in turn. Returns whether there may be more. */
static bool walk(struct feeder *f)
{
    struct camp *stopped = NULL; /* the first that found no place */
    bool progress = true;
    uint32_t opened = 0;
    while (progress) {
        progress = false;
        hy_list_for_each_safe (it, &f->camps) {
            struct camp *c = hy_container_of(it, struct camp, link);
            if (!may_walk(c))
                continue;
            if (opened >= OPEN_BATCH) {
                turn_to(f, stopped ? stopped : c);
                return true;
            }
            if (!rows_may_open(f, FEED_FRESH, c)) {
                stopped = stopped ? stopped : c;
                continue;
            }
            progress |= open_domain(f, c);
            opened++;
        }
    }
    if (stopped)
        turn_to(f, stopped);
    return stopped != NULL;
}

/* In batches, so that answers of the resolver and dry feeds get their turns between. When lanes
 * have left many domains waiting, the walk goes on in search of other lanes, but slowly: each of
 * those domains is resolved twice. */
void rows_open_domains(struct feeder *f)
{
    hy_us now = hy_loop_now(f->loop);
    hy_list_for_each (it, &f->camps)
        hy_container_of(it, struct camp, link)->is_waiting = false;
    f->fresh_waits = false;
    bool is_paced = rooms_parked(f) >= f->d->settings.open_domains;
    if (is_paced && now < f->walk_at) {
        hy_list_for_each (it, &f->camps)
            f->fresh_waits |= may_walk(hy_container_of(it, struct camp, link));
    } else {
        f->walk_at = now + STEP_US;
        f->fresh_waits = walk(f);
        if (f->fresh_waits && !is_paced && rows_may_open(f, FEED_FRESH, NULL))
            feeder_wake(f);
    }
    bool looks_again = is_paced && f->fresh_waits && rows_may_open(f, FEED_FRESH, NULL);
    hy_list_for_each (it, &f->camps)
        looks_again |= hy_container_of(it, struct camp, link)->is_waiting;
    if (looks_again && !hy_timer_armed(&f->step_timer))
        hy_loop_arm_in(f->loop, &f->step_timer, STEP_US);
}

/* A feed came back dry: more rows, the end, or wait for rows that are still being made. */
void rows_refill(struct feeder *f, struct feed *feed)
{
    struct camp *c = camp_find(f, feed->run->campaign);
    bool is_stopped = f->is_draining || !c || c->run != feed->run;
    if (!is_stopped && feed->next < feed->n) { /* it waited to be resolved */
        feed_send(f, feed);
        return;
    }
    if (is_stopped || feed->kind != FEED_FRESH) {
        feed->is_exhausted = true;
        if (feed->mx)
            feed_post(f, feed);
        else
            feed_close(f, feed);
        return;
    }
    if (!feeder_txn(f)) {
        wait_a_step(f, feed);
        return;
    }
    bool end, more;
    struct hy_queue_pos pos = feed->pos;
    size_t n = read_fresh(f, c, feed->domain, &pos, rows_ahead(f), &end, &more);
    uint64_t behind = end ? 0 : hy_queue_rows_left(&f->txn, c->id, feed->domain, pos);
    hy_txn_park(&f->txn);
    bool is_filled = feed_fill(feed, f->scratch, n);
    if (is_filled) {
        feed->pos = pos;
        feed->behind = behind;
        feed->is_exhausted = end;
    }
    if (!is_filled || (n == 0 && !end)) { /* out of memory, or rows are still being made */
        wait_a_step(f, feed);
        return;
    }
    feed_send(f, feed);
}

int rows_open_one(struct feeder *f, struct camp *c, const struct hy_rcpt_ref *ref,
                  struct hy_queue_row *ret)
{
    if (!feeder_txn(f))
        return HY_EIO;
    struct feed *feed = NULL;
    int err = hy_queue_get(&f->txn, ref, ret);
    if (err == HY_OK && hy_rcpt_is_final(ret->state))
        err = HY_ENOTFOUND;
    if (err == HY_OK) {
        struct feed_place begin = {ref->domain, ref->block, ref->block, UINT32_MAX};
        feed = feed_new(f, c, &begin, ret, 1);
        err = feed ? HY_OK : HY_ENOMEM;
    }
    hy_txn_park(&f->txn);
    if (err != HY_OK)
        return err;
    feed->is_alone = true;
    feed_send(f, feed);
    return HY_OK;
}
