/* What lanes of a provider share.
 *
 * Connections are seats: who finds none queues up, and a seat that becomes free goes to the lane
 * that waits longest, whose worker is told by a message; so no lane of one worker can keep those of
 * another away. Opening a connection costs a thousand times what this lock does. Messages are many,
 * so their rate is one timestamp that workers move without a lock; lanes that find none wait in
 * lines (pace.h). */
#include "pool.h"

#include <stdlib.h>

#include "lane.h"

struct pool {
    struct hy_list link; /* pools.all */
    struct pools *set;
    unsigned refs; /* under the set's lock: policies that have it */
    char name[64];

    pthread_mutex_t lock;
    struct hy_provider_limits limits; /* of the newest policy */
    uint32_t used;                    /* seats: open connections, and grants on their way */
    struct hy_list queue;             /* of seats that wait, the longest first */
    _Atomic uint32_t n_waiting, n_surplus;

    struct hy_rate_shared connects, messages;
    struct pace_line *lines; /* of lanes that wait for a message of the rate, one for each worker */
    struct daily *_Atomic day; /* NULL: there never was a limit */
};

/* ---- making, adopting ---- */

void pools_init(struct pools *s)
{
    hy_list_init(&s->all);
    pthread_mutex_init(&s->lock, NULL);
}

void pools_close(struct pools *s)
{
    pthread_mutex_destroy(&s->lock);
}

static bool has_limits(const struct hy_provider_limits *l)
{
    return l->connections || l->connection_rate.count || l->message_rate.count ||
           l->messages_per_day;
}

/* The set's lock is held. */
static struct pool *find_or_make(struct hy_deliver *d, const char *name)
{
    struct pools *set = &d->pools;
    hy_list_for_each (it, &set->all) {
        struct pool *s = hy_container_of(it, struct pool, link);
        if (strcmp(s->name, name) == 0)
            return s;
    }
    struct pool *s = calloc(1, sizeof *s);
    if (s)
        s->lines = pace_lines_new(d->workers, d->n_workers);
    if (!s || !s->lines) {
        free(s);
        return NULL;
    }
    s->set = set;
    snprintf(s->name, sizeof s->name, "%s", name);
    pthread_mutex_init(&s->lock, NULL);
    hy_list_init(&s->queue);
    hy_list_init(&s->link);
    hy_list_push(&set->all, &s->link);
    return s;
}

/* Its lock is held. */
static bool is_full(const struct pool *s)
{
    return s->limits.connections && s->used >= s->limits.connections;
}

/* Seats that are free go to who waits. Returns the workers to tell, one bit each; its lock is held.
 */
static uint64_t pass_on(struct pool *s)
{
    uint64_t tell = 0;
    while (!hy_list_empty(&s->queue) && !is_full(s)) {
        struct seat *first = hy_container_of(hy_list_pop(&s->queue), struct seat, link);
        first->state = SEAT_GRANTED;
        s->used++;
        atomic_fetch_sub_explicit(&s->n_waiting, 1, memory_order_relaxed);
        tell |= (uint64_t)1 << first->worker->index;
    }
    bool is_over = s->limits.connections && s->used > s->limits.connections;
    atomic_store_explicit(&s->n_surplus, is_over ? s->used - s->limits.connections : 0,
                          memory_order_relaxed);
    return tell;
}

static void tell_workers(struct hy_deliver *d, uint64_t tell)
{
    for (unsigned i = 0; tell; i++, tell >>= 1)
        if (tell & 1)
            worker_tell_seats(&d->workers[i]);
}

int pools_adopt(struct hy_deliver *d, struct hy_deliver_policy *p)
{
    struct pools *set = &d->pools;
    const struct hy_shape_rules *rules = p->rules;
    p->pools = calloc(rules->n_rules + 1, sizeof(struct pool *));
    p->n_pools = p->pools ? rules->n_rules : 0;
    if (!p->pools)
        return HY_ENOMEM;
    int err = HY_OK;
    pthread_mutex_lock(&set->lock);
    for (size_t i = 0; i < rules->n_rules; i++) {
        const struct hy_shape_rule *r = &rules->rules[i];
        if (!has_limits(&r->limits.provider))
            continue;
        struct pool *s = find_or_make(d, r->name);
        if (!s) {
            err = HY_ENOMEM;
            break;
        }
        s->refs++;
        p->pools[i] = s;
    }
    pthread_mutex_unlock(&set->lock);
    for (size_t i = 0; i < rules->n_rules && err == HY_OK; i++) {
        struct pool *s = p->pools[i];
        if (!s)
            continue;
        char key[HY_DAILY_KEY_MAX + 1];
        snprintf(key, sizeof key, "provider/%s", s->name);
        pthread_mutex_lock(&s->lock);
        s->limits = rules->rules[i].limits.provider;
        orders_slow_provider(p, s->name, &s->limits);
        if (s->limits.messages_per_day && !s->day)
            s->day = daily_get(&d->dailies, key);
        if (s->limits.messages_per_day && !s->day)
            err = HY_ENOMEM;
        uint64_t tell = pass_on(s);
        pthread_mutex_unlock(&s->lock);
        tell_workers(d, tell);
    }
    return err;
}

void pools_release(struct hy_deliver_policy *p)
{
    for (size_t i = 0; i < p->n_pools; i++) {
        struct pool *s = p->pools[i];
        if (!s)
            continue;
        struct pools *set = s->set;
        pthread_mutex_lock(&set->lock);
        bool is_last = --s->refs == 0;
        if (is_last)
            hy_list_remove(&s->link);
        pthread_mutex_unlock(&set->lock);
        if (!is_last)
            continue;
        daily_unref(s->day);
        pthread_mutex_destroy(&s->lock);
        free(s->lines);
        free(s);
    }
    free(p->pools);
    p->pools = NULL;
    p->n_pools = 0;
}

struct pool *pool_of(const struct hy_deliver_policy *p, const struct hy_shape_rule *rule)
{
    size_t i = rule ? (size_t)(rule - p->rules->rules) : p->n_pools;
    return i < p->n_pools ? p->pools[i] : NULL;
}

/* ---- seats ---- */

void seat_init(struct seat *s, struct worker *w)
{
    *s = (struct seat){.worker = w};
    hy_list_init(&s->link);
    hy_list_init(&s->mine);
}

bool seat_take(struct seat *seat)
{
    struct pool *s = seat->pool;
    pthread_mutex_lock(&s->lock);
    bool is_mine = seat->state == SEAT_GRANTED;
    if (is_mine) {
        seat->state = SEAT_NONE;
    } else if (seat->state == SEAT_NONE && hy_list_empty(&s->queue) && !is_full(s)) {
        is_mine = true;
        s->used++;
    } else if (seat->state == SEAT_NONE) {
        seat->state = SEAT_WAITS;
        hy_list_push(&s->queue, &seat->link);
        atomic_fetch_add_explicit(&s->n_waiting, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&s->lock);
    hy_list_remove(&seat->mine);
    if (!is_mine)
        hy_list_push(&seat->worker->seats, &seat->mine);
    seat->is_asking |= !is_mine;
    return is_mine;
}

static void free_one(struct pool *s, struct hy_deliver *d)
{
    pthread_mutex_lock(&s->lock);
    s->used--;
    uint64_t tell = pass_on(s);
    pthread_mutex_unlock(&s->lock);
    tell_workers(d, tell);
}

void seat_leave(struct seat *seat)
{
    struct pool *s = seat->pool;
    if (!s || hy_list_empty(&seat->mine))
        return;
    pthread_mutex_lock(&s->lock);
    enum seat_state was = seat->state;
    seat->state = SEAT_NONE;
    if (was == SEAT_WAITS) {
        hy_list_remove(&seat->link);
        atomic_fetch_sub_explicit(&s->n_waiting, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&s->lock);
    hy_list_remove(&seat->mine);
    if (was == SEAT_GRANTED)
        free_one(s, seat->worker->d);
}

void seat_move(struct seat *seat, struct pool *pool)
{
    if (seat->pool == pool)
        return;
    seat_leave(seat);
    seat->pool = pool;
}

void pool_give_back(struct pool *s, struct hy_deliver *d)
{
    free_one(s, d);
}

uint32_t pool_waiting(const struct pool *s)
{
    return atomic_load_explicit(&s->n_waiting, memory_order_relaxed);
}

uint32_t pool_surplus(const struct pool *s)
{
    return atomic_load_explicit(&s->n_surplus, memory_order_relaxed);
}

/* ---- rates and the day ---- */

hy_us pool_take_connect(struct pool *s, const struct hy_provider_limits *l, hy_us now)
{
    return hy_rate_shared_take(&s->connects, l->connection_rate, now);
}

void pool_put_back_connect(struct pool *s, const struct hy_provider_limits *l)
{
    hy_rate_shared_put_back(&s->connects, l->connection_rate);
}

bool pool_take_message(struct pool *s, struct pace_place *p, const struct hy_provider_limits *l,
                       hy_us now)
{
    return pace_take(&s->lines[p->lane->worker->index], p, &s->messages, l->message_rate, now);
}

void pool_put_back_message(struct pool *s, unsigned worker, const struct hy_provider_limits *l)
{
    if (l->message_rate.count)
        pace_put_back(&s->lines[worker], &s->messages, l->message_rate);
}

struct daily *pool_day(const struct pool *s)
{
    return s->day;
}

struct pool_view pool_look(struct pool *s, hy_wall_ms now)
{
    pthread_mutex_lock(&s->lock);
    struct pool_view v = {.connections = s->used,
                          .waiting = pool_waiting(s),
                          .sent_today = s->day ? daily_total(s->day, now) : 0};
    pthread_mutex_unlock(&s->lock);
    return v;
}
