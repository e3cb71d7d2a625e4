/* Deferred rows into feeds, by their due time.
 *
 * The index is read forward once, for all campaigns. A campaign that begins has it read from the
 * start; the others pass over what they have had, by their own positions. Reading stops, and goes
 * on later at the same place, when a turn of the loop has had enough or when there is no place for
 * another feed: a million rows that are due at one second take as many feeds as there are places.
 *
 * Where bulk stops, transactional mail that was due later must not: it is read first, from a place
 * of its own, stepping over all that another campaign has due in a second at once.
 */
#include "feeder.h"

#include "hayauma/base/log.h"

enum {
    FEED_ROWS = 128, /* a feed takes no further block once it has so many */
};

/* Rows of one domain that are due at one second, on their way into a feed; they lie in f->scratch.
 */
struct gather {
    struct camp *c;
    struct feed_place place;
    size_t n;
};

/* The rows of an entry that are in nobody's hand, behind those that are there. */
static void add_rows(struct feeder *f, struct gather *g, const struct hy_due *due)
{
    struct hy_queue_row *rows = f->scratch + g->n;
    size_t n = 0;
    int err = hy_queue_read_due(&f->txn, due, rows, &n);
    if (err != HY_OK) {
        hy_log(HY_LOG_ERROR, "feeder", "due rows of domain %u: %s", due->domain, hy_err_text(err));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!camp_has(g->c, &rows[i]))
            f->scratch[g->n++] = rows[i];
    }
    g->place.last = due->block;
}

static void flush(struct feeder *f, struct gather *g)
{
    if (g->n) {
        struct feed *feed = feed_new(f, g->c, &g->place, f->scratch, g->n);
        if (feed)
            feed_send(f, feed);
        else
            hy_log(HY_LOG_ERROR, "feeder",
                   "out of memory: due rows of domain %u wait for the next resume or restart",
                   g->place.domain);
    }
    *g = (struct gather){0};
}

static bool goes_on(const struct gather *g, const struct camp *c, const struct hy_due *due)
{
    return g->c == c && g->place.domain == due->domain && g->place.due_s == due->due_s &&
           g->n < FEED_ROWS;
}

static bool is_behind(const struct hy_due *a, const struct hy_due *b)
{
    if (a->due_s != b->due_s)
        return a->due_s < b->due_s;
    if (a->campaign != b->campaign)
        return a->campaign < b->campaign;
    return a->domain != b->domain ? a->domain < b->domain : a->block < b->block;
}

/* Takes the entry behind *pos; false when there is none, or no place for it. */
static bool take_entry(struct feeder *f, struct gather *g, struct hy_due *pos, uint32_t upto,
                       uint32_t *opened)
{
    struct hy_due next = *pos;
    if (hy_due_next(&f->txn, &next, upto) != HY_OK)
        return false;
    struct camp *c = camp_find(f, next.campaign);
    if (pos == &f->due_urgent && !rows_are_urgent(c)) {
        next.domain = next.block = UINT32_MAX;
    } else if (c && c->run && is_behind(&c->due_pos, &next)) {
        if (!goes_on(g, c, &next)) {
            flush(f, g);
            if (!rows_may_open(f, FEED_DUE, c)) {
                f->due_waits = true;
                return false;
            }
            *g = (struct gather){c, {next.domain, next.block, next.block, next.due_s}, 0};
            ++*opened;
        }
        c->due_pos = next;
        add_rows(f, g, &next);
    }
    *pos = next;
    return true;
}

/* Whether there is more to read at once. */
static bool read_on(struct feeder *f, struct hy_due *pos, uint32_t upto)
{
    struct gather g = {0};
    uint32_t opened = 0, n = 0;
    while (n < DUE_BATCH && opened < OPEN_BATCH && take_entry(f, &g, pos, upto, &opened))
        n++;
    flush(f, &g);
    return n == DUE_BATCH || opened == OPEN_BATCH;
}

void due_read_again(struct feeder *f, struct camp *c)
{
    c->due_pos = f->due_pos = f->due_urgent = (struct hy_due){0};
}

void due_read(struct feeder *f)
{
    uint32_t now_s = (uint32_t)(hy_clock_wall_ms() / 1000);
    uint32_t upto = hy_due_horizon(f->d->env, now_s); /* before the snapshot */
    if (!feeder_txn(f))
        return;
    f->due_waits = false;
    bool has_more = read_on(f, &f->due_urgent, upto);
    has_more |= read_on(f, &f->due_pos, upto);
    hy_txn_park(&f->txn);
    if (has_more) {
        f->due_waits = true;
        feeder_wake(f);
    }
}

bool due_open_place(struct feeder *f, struct camp *c, const struct feed_place *place,
                    struct feed **ret_feed)
{
    struct gather g = {.c = c, .place = *place};
    struct hy_due at = {place->due_s, c->id, place->domain, place->block};
    do
        add_rows(f, &g, &at);
    while (at.block < place->last && g.n + HY_QUEUE_BLOCK_ROWS <= SCRATCH_ROWS &&
           hy_due_next(&f->txn, &at, place->due_s) == HY_OK && at.campaign == c->id &&
           at.domain == place->domain && at.block <= place->last);
    *ret_feed = g.n ? feed_new(f, c, place, f->scratch, g.n) : NULL;
    return g.n == 0 || *ret_feed;
}
