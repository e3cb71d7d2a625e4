/* Rooms: how many feeds a lane may have, and the domains that wait until it has room.
 *
 * Without them every domain of a site that is slow, throttled or suspended would hold one of
 * `open_domains` places, and some large provider would keep all others from being opened. A lane
 * takes a share of the places; what goes beyond is parked: the place where its rows begin, 48 bytes
 * a domain. Each feed that a lane is done with lets its oldest parked one in. Lanes that have
 * parked domains share half of the places, so that the other half is for those that have none.
 *
 * A site that a person holds keeps one feed, which shows that it waits, and parks the rest until it
 * is released. What it has then, it keeps; but feeds of held sites take no place from others, as
 * many of them as there are places.
 *
 * Rows that are parked are in nobody's hand: they are read again when their turn comes. */
#include "feeder.h"

#include <stdlib.h>

#include "hayauma/store/spool.h"
#include "lane.h"

enum {
    ROOM_MAX = 256,        /* feeds of a lane, at most */
    PARKED_MAX = 1 << 20,  /* domains; above it no lane is full */
    ROOM_BUCKETS = 1 << 14 /* a power of two */
};

/* Of a lane that has feeds open or parked. */
struct room {
    struct room *chain;
    struct hy_list link;  /* feeder->full, while something is parked */
    struct hy_list ready; /* feeder->ready, while one of those parked may come in */
    struct hy_list parked[HY_PRIORITIES];
    uint64_t lane;
    uint32_t n_feeds;
    uint32_t n_urgent; /* of them, those of transactional mail, */
    uint32_t n_due;    /* and those of deferred rows */
    struct hy_mx *mx;  /* of one of its domains */
    bool is_held;      /* by an order: nothing is sent there from any source */
};

struct rooms {
    struct hy_list full, ready;
    uint32_t n_full, n_parked;
    struct room *buckets[ROOM_BUCKETS];
};

struct parked {
    struct hy_list link;
    struct camp *c;
    struct feed_place place;
};

int rooms_create(struct rooms **ret)
{
    struct rooms *r = calloc(1, sizeof *r);
    if (!r)
        return HY_ENOMEM;
    hy_list_init(&r->full);
    hy_list_init(&r->ready);
    *ret = r;
    return HY_OK;
}

uint32_t rooms_parked(const struct feeder *f)
{
    return f->rooms->n_parked;
}

static struct room **bucket(struct rooms *r, uint64_t lane)
{
    return &r->buckets[(lane ^ lane >> 32) & (ROOM_BUCKETS - 1)];
}

static struct room *room_get(struct rooms *r, uint64_t lane)
{
    struct room **head = bucket(r, lane);
    for (struct room *m = *head; m; m = m->chain)
        if (m->lane == lane)
            return m;
    struct room *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->lane = lane;
    hy_list_init(&m->link);
    hy_list_init(&m->ready);
    for (int i = 0; i < HY_PRIORITIES; i++)
        hy_list_init(&m->parked[i]);
    m->chain = *head;
    *head = m;
    return m;
}

static bool has_parked(const struct room *m)
{
    return !hy_list_empty(&m->parked[HY_PRIORITY_BULK]) ||
           !hy_list_empty(&m->parked[HY_PRIORITY_TRANSACTIONAL]);
}

static void room_free_unused(struct rooms *r, struct room *m)
{
    if (m->n_feeds || has_parked(m))
        return;
    for (struct room **at = bucket(r, m->lane); *at; at = &(*at)->chain) {
        if (*at == m) {
            *at = m->chain;
            break;
        }
    }
    hy_mx_unref(m->mx);
    free(m);
}

/* Feeds that a lane may have now. */
static uint32_t share(const struct feeder *f)
{
    uint32_t n = f->d->settings.open_domains / 2 / (f->rooms->n_full ? f->rooms->n_full : 1);
    return n < 1 ? 1 : n > ROOM_MAX ? ROOM_MAX : n;
}

static enum hy_priority priority_of(const struct feed *feed)
{
    return feed->run->plan.brakes.priority;
}

static void count_held(struct feeder *f, const struct room *m, int by)
{
    if (!m->is_held)
        return;
    f->n_held += (uint32_t)by * m->n_feeds;
    f->n_held_due += (uint32_t)by * m->n_due;
}

static void count_feed(struct feeder *f, struct room *m, const struct feed *feed, int by)
{
    count_held(f, m, -1);
    m->n_feeds += (uint32_t)by;
    if (feed->kind == FEED_DUE)
        m->n_due += (uint32_t)by;
    count_held(f, m, 1);
    if (priority_of(feed) == HY_PRIORITY_TRANSACTIONAL)
        m->n_urgent += (uint32_t)by;
}

/* Transactional mail has places of its own in each lane: it never waits behind bulk. */
static bool has_place(const struct feeder *f, const struct room *m, enum hy_priority p)
{
    if (m->is_held)
        return m->n_feeds == 0 && f->n_held < f->d->settings.open_domains;
    return p == HY_PRIORITY_TRANSACTIONAL ? m->n_urgent < ROOM_MAX : m->n_feeds < share(f);
}

/* The first that is parked and has a place now; NULL. */
static struct hy_list *next_parked(const struct feeder *f, struct room *m)
{
    for (int i = HY_PRIORITIES - 1; i >= 0; i--)
        if (!hy_list_empty(&m->parked[i]) && has_place(f, m, (enum hy_priority)i))
            return m->parked[i].next;
    return NULL;
}

static void look_ready(struct feeder *f, struct room *m)
{
    if (next_parked(f, m) && hy_list_empty(&m->ready)) {
        hy_list_push(&f->rooms->ready, &m->ready);
        feeder_wake(f);
    }
}

static void count_parked(struct feeder *f, int by)
{
    f->rooms->n_parked += (uint32_t)by;
    atomic_store_explicit(&f->d->counters.domains_parked, f->rooms->n_parked, memory_order_relaxed);
}

/* Takes one that is parked out; the caller looks whether the room is still of use. */
static void unpark(struct feeder *f, struct room *m, struct parked *p)
{
    hy_list_remove(&p->link);
    free(p);
    count_parked(f, -1);
    if (!has_parked(m)) {
        hy_list_remove(&m->link);
        hy_list_remove(&m->ready);
        f->rooms->n_full--;
    }
}

static bool park(struct feeder *f, struct room *m, struct feed *feed)
{
    struct rooms *r = f->rooms;
    struct camp *c = camp_find(f, feed->run->campaign);
    struct parked *p = c && r->n_parked < PARKED_MAX ? malloc(sizeof *p) : NULL;
    if (!p)
        return false;
    *p = (struct parked){.c = c, .place = feed->begin};
    if (!has_parked(m)) {
        hy_list_push(&r->full, &m->link);
        r->n_full++;
    }
    hy_list_push(&m->parked[priority_of(feed)], &p->link);
    count_parked(f, 1);
    return true;
}

/* A transactional campaign is not parked behind a provider's other domains. */
static bool may_wait(const struct feed *feed)
{
    return !feed->is_alone &&
           (priority_of(feed) == HY_PRIORITY_BULK || hy_id_is_spool(feed->run->campaign));
}

bool room_enter(struct feeder *f, struct feed *feed)
{
    if (feed->mx->status != HY_MX_OK) { /* no lane: its worker settles its rows */
        room_leave(f, feed);
        return true;
    }
    uint64_t lane = feed->mx->site.hash; /* its sources share the room */
    if (feed->room && feed->room->lane == lane)
        return true;
    room_leave(f, feed);
    struct room *m = room_get(f->rooms, lane);
    if (!m)
        return true; /* out of memory: uncounted */
    if (!m->mx) {
        m->mx = hy_mx_ref(feed->mx);
        m->is_held = orders_hold_site(f->policy, m->mx);
    }
    enum hy_priority p = priority_of(feed);
    bool is_full = !has_place(f, m, p) || !hy_list_empty(&m->parked[p]);
    if (is_full && may_wait(feed) && park(f, m, feed)) {
        look_ready(f, m);
        return false;
    }
    count_feed(f, m, feed, 1);
    feed->room = m;
    return true;
}

void room_leave(struct feeder *f, struct feed *feed)
{
    struct room *m = feed->room;
    if (!m)
        return;
    feed->room = NULL;
    count_feed(f, m, feed, -1);
    look_ready(f, m);
    room_free_unused(f->rooms, m);
}

uint32_t rooms_let_in(struct feeder *f, uint32_t most)
{
    struct rooms *r = f->rooms;
    struct hy_list later; /* those whose kind of rows finds no place now */
    uint32_t n = 0;
    hy_list_init(&later);
    while (n < most && !hy_list_empty(&r->ready) &&
           (rows_may_open(f, FEED_FRESH, NULL) || rows_may_open(f, FEED_DUE, NULL))) {
        struct room *m = hy_container_of(r->ready.next, struct room, ready);
        struct hy_list *first = next_parked(f, m);
        if (!first) {
            hy_list_remove(&m->ready);
            continue;
        }
        struct parked *p = hy_container_of(first, struct parked, link);
        struct feed *feed = NULL;
        if (!rows_open_place(f, p->c, &p->place, &feed)) {
            hy_list_remove(&m->ready);
            hy_list_push(&later, &m->ready);
            continue;
        }
        if (feed) {
            feed->room = m;
            count_feed(f, m, feed, 1);
        }
        unpark(f, m, p);
        hy_list_remove(&m->ready); /* to the end of the round */
        look_ready(f, m);
        if (feed)
            feed_send(f, feed);
        else
            room_free_unused(r, m);
        n++;
    }
    for (struct hy_list *it; (it = hy_list_pop(&later));)
        hy_list_push(&r->ready, it);
    return n;
}

void rooms_policy(struct feeder *f)
{
    for (size_t i = 0; i < ROOM_BUCKETS; i++) {
        for (struct room *m = f->rooms->buckets[i]; m; m = m->chain) {
            count_held(f, m, -1);
            m->is_held = m->mx && orders_hold_site(f->policy, m->mx);
            count_held(f, m, 1);
            look_ready(f, m);
        }
    }
    feeder_wake(f); /* places may be free */
}

void rooms_drop(struct feeder *f, const struct camp *c)
{
    struct rooms *r = f->rooms;
    if (!r)
        return;
    hy_list_for_each_safe (it, &r->full) {
        struct room *m = hy_container_of(it, struct room, link);
        for (int i = 0; i < HY_PRIORITIES; i++) {
            hy_list_for_each_safe (at, &m->parked[i]) {
                struct parked *p = hy_container_of(at, struct parked, link);
                if (!c || p->c == c)
                    unpark(f, m, p);
            }
        }
        room_free_unused(r, m);
    }
}

void rooms_free(struct feeder *f)
{
    rooms_drop(f, NULL);
    for (size_t i = 0; f->rooms && i < ROOM_BUCKETS; i++) {
        for (struct room *m = f->rooms->buckets[i], *next; m; m = next) {
            next = m->chain;
            hy_mx_unref(m->mx);
            free(m);
        }
    }
    free(f->rooms);
    f->rooms = NULL;
}
