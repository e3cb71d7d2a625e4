/* Rows of runs that have stopped: those on the wire, which linger, and those that came back and
 * were given to the run of now. See feeder_campaign.c. */
#include "feeder.h"

#include <stdlib.h>

void reopened_forget(struct camp *c)
{
    free(c->reopened);
    c->reopened = NULL;
    c->n_reopened = 0;
}

void lingering_forget(struct camp *c)
{
    free(c->lingering);
    c->lingering = NULL;
    c->n_lingering = 0;
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* The order of the queue. */
static int compare_rows(const struct hy_rcpt_ref *a, const struct hy_rcpt_ref *b)
{
    if (a->domain != b->domain)
        return compare(a->domain, b->domain);
    return a->block != b->block ? compare(a->block, b->block) : compare(a->slot, b->slot);
}

static int compare_lingering(const void *a, const void *b)
{
    return compare_rows(&((const struct lingering *)a)->ref, &((const struct lingering *)b)->ref);
}

static struct lingering *find_lingering(const struct camp *c, const struct hy_rcpt_ref *ref)
{
    struct lingering key = {.ref = *ref};
    struct lingering *l =
        c->n_lingering ? bsearch(&key, c->lingering, c->n_lingering, sizeof key, compare_lingering)
                       : NULL;
    return l && l->ref.attempts == ref->attempts ? l : NULL;
}

/* A row whose end does not count as an attempt has another due time when it is over. */
static bool is_lingering(const struct camp *c, const struct hy_queue_row *row)
{
    const struct lingering *l = find_lingering(c, &row->ref);
    return l && (l->is_sent || l->due_s == row->due_s);
}

bool camp_has(const struct camp *c, const struct hy_queue_row *row)
{
    if (is_lingering(c, row))
        return true;
    for (size_t i = 0; i < c->n_reopened; i++) { /* deferred by us since, it is due like others */
        const struct hy_queue_row *r = &c->reopened[i];
        if (compare_rows(&r->ref, &row->ref) == 0 && r->ref.attempts == row->ref.attempts &&
            r->state == row->state && r->due_s == row->due_s)
            return true;
    }
    return false;
}

bool lingering_keep(struct camp *c, const struct stop_order *o)
{
    size_t n = c->n_lingering + o->n_lingering;
    if (o->is_lost || o->n_lingering == 0)
        return !o->is_lost;
    struct lingering *all = realloc(c->lingering, n * sizeof *all);
    if (!all)
        return false;
    memcpy(all + c->n_lingering, o->lingering, o->n_lingering * sizeof *all);
    qsort(all, n, sizeof *all, compare_lingering);
    c->lingering = all;
    c->n_lingering = n;
    return true;
}

/* Gives a row that came back to the run of now. Without memory to remember it, it waits for the
 * next run: better late than twice. */
static void reopen(struct feeder *f, struct camp *c, const struct hy_rcpt_ref *ref)
{
    struct hy_queue_row *all = realloc(c->reopened, (c->n_reopened + 1) * sizeof *all);
    if (!all)
        return;
    c->reopened = all;
    struct hy_queue_row row;
    int err = rows_open_one(f, c, ref, &row);
    if (err == HY_OK)
        all[c->n_reopened++] = row;
}

void camp_handed_back(struct feeder *f, struct hand_back *h)
{
    struct camp *c = camp_find(f, h->ref.campaign);
    struct lingering *l = c ? find_lingering(c, &h->ref) : NULL;
    if (l) {
        size_t at = (size_t)(l - c->lingering);
        if (c->run && !f->is_draining)
            reopen(f, c, &h->ref);
        c->n_lingering--;
        memmove(c->lingering + at, c->lingering + at + 1,
                (c->n_lingering - at) * sizeof *c->lingering);
    }
    atomic_fetch_sub(&h->run->in_hand, 1);
    run_unref(h->run);
    free(h);
}
