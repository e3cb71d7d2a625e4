/* Ready messages into feeds.
 *
 * A spool's rows lie in the order of their arrival, over all domains, and each message's come
 * behind those before: reading goes forward only. Whoever handed a message in says so after the
 * commit (hy_deliver_spooled); what the spool has then, a batch at a time, is sorted by domain and
 * becomes one feed a domain. When there is no place for feeds, reading goes on when one is free:
 * what was not read waits in the store. */
#include "feeder.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/store/spool.h"

enum { BLOCKS_A_BATCH = 256, FOUND_MAX = 256 };

static int by_domain(const void *x, const void *y)
{
    const struct hy_rcpt_ref *a = &((const struct hy_queue_row *)x)->ref;
    const struct hy_rcpt_ref *b = &((const struct hy_queue_row *)y)->ref;
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    if (a->block != b->block)
        return a->block < b->block ? -1 : 1;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

/* Without those that an older run still has. */
static size_t drop_known(const struct camp *c, struct hy_queue_row *rows, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!camp_has(c, &rows[i]))
            rows[kept++] = rows[i];
    return kept;
}

static struct feed *spool_feed(struct feeder *f, struct camp *c, const struct hy_queue_row *rows,
                               size_t n)
{
    struct feed_place place = {
        .domain = rows[0].ref.domain, .block = rows[0].ref.block, .last = rows[n - 1].ref.block};
    struct feed *feed = feed_new(f, c, &place, rows, n);
    if (feed) {
        feed->kind = FEED_SPOOL;
        feed->is_exhausted = true;
    }
    return feed;
}

static void send_rows(struct feeder *f, struct camp *c, size_t n)
{
    struct hy_queue_row *rows = f->scratch;
    n = drop_known(c, rows, n);
    qsort(rows, n, sizeof *rows, by_domain);
    for (size_t i = 0, end; i < n; i = end) {
        end = i + 1;
        while (end < n && rows[end].ref.domain == rows[i].ref.domain)
            end++;
        struct feed *feed = spool_feed(f, c, rows + i, end - i);
        if (feed)
            feed_send(f, feed);
        else
            hy_log(HY_LOG_ERROR, "feeder",
                   "out of memory: messages to domain %u wait for the next restart",
                   rows[i].ref.domain);
    }
}

/* A batch of one spool; false: there is nothing behind it, or no place. */
static bool read_batch(struct feeder *f, struct camp *c)
{
    if (!rows_may_open(f, FEED_SPOOL, c)) {
        f->spool_waits = true;
        return false;
    }
    size_t n = 0;
    int err = hy_spool_read_fresh(&f->txn, c->id, &c->spool_block, BLOCKS_A_BATCH, f->scratch,
                                  SCRATCH_ROWS, &n);
    if (err != HY_OK) {
        if (err != HY_ENOTFOUND)
            hy_log(HY_LOG_ERROR, "feeder", "a spool cannot be read: %s", hy_err_text(err));
        return false;
    }
    send_rows(f, c, n);
    return true;
}

/* Takes up spools that came into being since the last look. Their number only grows. */
static void find_spools(struct feeder *f)
{
    hy_id found[FOUND_MAX], id = 0;
    size_t n = 0;
    uint64_t count = 0;
    if (!feeder_txn(f))
        return;
    int err = hy_table_count(&f->txn, HY_TABLE_SPOOLS, &count);
    while (err == HY_OK && count != f->n_spools && n < FOUND_MAX) {
        err = hy_spool_next(&f->txn, id, &id);
        if (err == HY_OK && !camp_find(f, id))
            found[n++] = id;
    }
    if (n < FOUND_MAX) /* else there may be more, which the next look finds */
        f->n_spools = count;
    hy_txn_park(&f->txn);
    for (size_t i = 0; i < n; i++) /* takes a snapshot of its own */
        camp_changed(f, found[i]);
}

void spool_read(struct feeder *f)
{
    find_spools(f);
    f->spool_waits = false;
    if (!feeder_txn(f)) {
        f->spool_waits = true; /* the due timer comes by */
        return;
    }
    bool more = false;
    hy_list_for_each_safe (it, &f->camps) {
        struct camp *c = hy_container_of(it, struct camp, link);
        if (c->run && hy_id_is_spool(c->id))
            more |= read_batch(f, c);
    }
    hy_txn_park(&f->txn);
    if (more) {
        f->spool_waits = true;
        feeder_wake(f);
    }
}

bool spool_open_place(struct feeder *f, struct camp *c, const struct feed_place *place,
                      struct feed **ret_feed)
{
    size_t n = 0;
    int err = hy_spool_read_domain(&f->txn, c->id, place->domain, place->block, place->last,
                                   f->scratch, SCRATCH_ROWS, &n);
    if (err != HY_OK)
        return false;
    n = drop_known(c, f->scratch, n);
    *ret_feed = n ? spool_feed(f, c, f->scratch, n) : NULL;
    return n == 0 || *ret_feed;
}
