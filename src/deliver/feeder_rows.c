/* Rows into feeds: fresh ones domain by domain, deferred ones by their due time. */
#include "feeder.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/store/lead.h"

/* ---- feeds ---- */

static struct feed *feed_new(struct feeder *f, struct camp *c, hy_domain_no domain, uint32_t cap)
{
    struct hy_str name;
    if (hy_domain_name(&f->txn, domain, &name) != HY_OK || name.n > HY_DOMAIN_MAX)
        return NULL;
    struct feed *feed = calloc(1, sizeof *feed + cap * sizeof feed->rows[0]);
    if (!feed)
        return NULL;
    feed->msg.kind = MSG_FEED;
    hy_list_init(&feed->link);
    feed->run = run_ref(c->run);
    feed->domain = domain;
    memcpy(feed->domain_name, name.p, name.n);
    feed->cap = cap;
    feed->source = f->next_source++;
    c->n_feeds++;
    f->n_feeds++;
    atomic_store_explicit(&f->d->counters.domains_open, f->n_feeds, memory_order_relaxed);
    return feed;
}

void feed_close(struct feeder *f, struct feed *feed)
{
    struct camp *c = camp_find(f, feed->run->campaign);
    if (c)
        c->n_feeds--;
    f->n_feeds--;
    atomic_store_explicit(&f->d->counters.domains_open, f->n_feeds, memory_order_relaxed);
    hy_mx_unref(feed->mx);
    run_unref(feed->run);
    free(feed);
}

static void feed_add(struct feed *feed, const struct hy_queue_row *row)
{
    feed->rows[feed->n++] = (struct feed_row){.block = row->ref.block,
                                              .slot = row->ref.slot,
                                              .attempts = row->ref.attempts,
                                              .lead = row->ref.lead};
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
};

static void on_mx(void *ctx, struct hy_mx *mx)
{
    struct lookup *l = ctx;
    struct feeder *f = l->f;
    struct feed *feed = l->feed;
    bool is_first = l->is_first;
    free(l);
    if (!mx && is_first) { /* the resolver is being freed */
        feed_close(f, feed);
        return;
    }
    if (mx) {
        hy_mx_unref(feed->mx);
        feed->mx = mx;
    }
    if (is_first) {
        if (atomic_load(&feed->run->stopped)) {
            feed_close(f, feed);
            return;
        }
        feed->worker = (uint32_t)(feed->mx->site.hash % f->d->n_workers);
    }
    feed_post(f, feed);
}

/* Kept aside until the next step. */
static void wait_a_step(struct feeder *f, struct feed *feed)
{
    hy_list_push(&f->waiting, &feed->link);
    if (!hy_timer_armed(&f->step_timer))
        hy_loop_arm_in(f->loop, &f->step_timer, STEP_US);
}

/* Resolves where it must, then posts. */
void feed_send(struct feeder *f, struct feed *feed)
{
    bool is_first = feed->mx == NULL;
    if (!is_first && feed->mx->expires > hy_loop_now(f->loop)) {
        feed_post(f, feed);
        return;
    }
    struct lookup *l = malloc(sizeof *l);
    if (l) {
        *l = (struct lookup){f, feed, is_first};
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
    bool end, more;
    size_t max = rows_ahead(f), n = read_fresh(f, c, domain, &pos, max, &end, &more);
    if (n == 0 && end) {
        c->domain = domain;
        return true;
    }
    uint32_t cap = (uint32_t)(end ? n : max);
    struct feed *feed = feed_new(f, c, domain, cap);
    if (!feed) {
        c->is_waiting = true;
        return false;
    }
    c->domain = domain;
    feed->kind = FEED_FRESH;
    feed->pos = pos;
    feed->is_exhausted = end;
    for (size_t i = 0; i < n; i++)
        feed_add(feed, &f->scratch[i]);
    if (n == 0)
        wait_a_step(f, feed);
    else
        feed_send(f, feed);
    return true;
}

/* In batches, so that answers of the resolver and dry feeds get their turns between. */
void rows_open_domains(struct feeder *f)
{
    bool progress = true;
    uint32_t opened = 0;
    hy_list_for_each (it, &f->camps)
        hy_container_of(it, struct camp, link)->is_waiting = false;
    while (progress && f->n_feeds < f->d->settings.open_domains) {
        if (opened >= OPEN_BATCH) {
            feeder_wake(f);
            break;
        }
        progress = false;
        hy_list_for_each_safe (it, &f->camps) {
            struct camp *c = hy_container_of(it, struct camp, link);
            if (!c->run || c->is_walked || c->is_waiting)
                continue;
            progress |= open_domain(f, c);
            opened++;
            if (f->n_feeds >= f->d->settings.open_domains) {
                /* the next look begins with the campaign behind this one */
                hy_list_remove(&c->link);
                hy_list_push(&f->camps, &c->link);
                break;
            }
        }
    }
    hy_list_for_each (it, &f->camps) {
        if (hy_container_of(it, struct camp, link)->is_waiting && !hy_timer_armed(&f->step_timer))
            hy_loop_arm_in(f->loop, &f->step_timer, STEP_US);
    }
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
    if (is_stopped || feed->kind == FEED_DUE) {
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
    feed->next = feed->n = 0;
    size_t n = read_fresh(f, c, feed->domain, &feed->pos, feed->cap, &end, &more);
    hy_txn_park(&f->txn);
    for (size_t i = 0; i < n; i++)
        feed_add(feed, &f->scratch[i]);
    feed->is_exhausted = end;
    if (n == 0 && !end) {
        wait_a_step(f, feed);
        return;
    }
    feed_send(f, feed);
}

/* ---- due rows ---- */

static void due_flush(struct feeder *f)
{
    struct feed *feed = f->due_feed;
    f->due_feed = NULL;
    if (feed)
        feed_send(f, feed);
}

static void due_add(struct feeder *f, struct camp *c, const struct hy_due *due)
{
    size_t n = 0;
    int err = hy_queue_read_due(&f->txn, due, f->scratch, &n);
    if (err != HY_OK) {
        hy_log(HY_LOG_ERROR, "feeder", "due rows of domain %u: %s", due->domain, hy_err_text(err));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (camp_has(c, &f->scratch[i]))
            continue;
        struct feed *feed = f->due_feed;
        if (feed && (feed->n == feed->cap || feed->domain != due->domain || feed->run != c->run)) {
            due_flush(f);
            feed = NULL;
        }
        if (!feed) {
            feed = feed_new(f, c, due->domain, HY_QUEUE_BLOCK_ROWS);
            if (!feed) {
                hy_log(HY_LOG_ERROR, "feeder",
                       "out of memory: due rows of domain %u wait for the next resume or restart",
                       due->domain);
                return;
            }
            feed->kind = FEED_DUE;
            feed->is_exhausted = true;
            f->due_feed = feed;
        }
        feed_add(feed, &f->scratch[i]);
    }
}

static bool due_is_behind(const struct hy_due *a, const struct hy_due *b)
{
    if (a->due_s != b->due_s)
        return a->due_s < b->due_s;
    if (a->campaign != b->campaign)
        return a->campaign < b->campaign;
    return a->domain != b->domain ? a->domain < b->domain : a->block < b->block;
}

/* The index is read forward once, for all campaigns. A campaign that begins has it read from the
 * start; the others pass over what they have had, by their own positions. */
void rows_read_due(struct feeder *f)
{
    uint32_t now_s = (uint32_t)(hy_clock_wall_ms() / 1000);
    uint32_t upto = hy_due_horizon(f->d->env, now_s);
    if (!feeder_txn(f))
        return;
    while (f->n_feeds < f->d->settings.open_domains) {
        struct hy_due next = f->due_pos;
        if (hy_due_next(&f->txn, &next, upto) != HY_OK)
            break;
        f->due_pos = next;
        struct camp *c = camp_find(f, next.campaign);
        if (c && c->run && due_is_behind(&c->due_pos, &next)) {
            c->due_pos = next;
            due_add(f, c, &next);
        }
    }
    due_flush(f);
    hy_txn_park(&f->txn);
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
        feed = feed_new(f, c, ref->domain, 1);
        err = feed ? HY_OK : HY_ENOMEM;
    }
    hy_txn_park(&f->txn);
    if (err != HY_OK)
        return err;
    feed->kind = FEED_DUE;
    feed->is_exhausted = true;
    feed_add(feed, ret);
    feed_send(f, feed);
    return HY_OK;
}
