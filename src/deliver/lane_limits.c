/* What a lane may do besides what its window says: the limits of its provider, which it shares with
 * lanes of other sites, sources and workers, and limits of a day. */
#include "lane.h"

enum { TURN_S = 5 /* how long a connection is kept while lanes of the provider wait for one */ };

static const struct hy_provider_limits *provider(const struct lane *l)
{
    return &l->limits.provider;
}

/* The counter of its day; NULL: its rule limits none, or there is no memory for one. */
static struct daily *day_of(const struct lane *l)
{
    char key[HY_DAILY_KEY_MAX + 1];
    if (!l->limits.messages_per_day)
        return NULL;
    snprintf(key, sizeof key, "lane/%.63s/%.63s/%016llx", l->rule ? l->rule->name : "default",
             l->source->name, (unsigned long long)l->mx->site.hash);
    return daily_get(&l->worker->d->dailies, key);
}

void lane_limits_apply(struct lane *l)
{
    struct daily *old = l->day;
    seat_move(&l->seat, pool_of(l->worker->policy, l->rule));
    l->day = day_of(l);
    l->day_until = 0;
    daily_unref(old);
}

void lane_limits_drop(struct lane *l)
{
    seat_move(&l->seat, NULL);
    daily_unref(l->day);
    l->day = NULL;
}

/* A time of the wall clock on the loop's. */
static hy_us loop_time(hy_wall_ms at, hy_wall_ms wall, hy_us now)
{
    return now + (at > wall ? at - wall : 0) * HY_US_PER_MS;
}

/* A counter that could not be made is tried again; until then nothing goes. */
static bool has_day(struct lane *l)
{
    if (l->limits.messages_per_day && !l->day)
        lane_limits_apply(l);
    return !l->limits.messages_per_day || l->day;
}

/* 0 and counts one, in the lane's day and the provider's; otherwise when there is room. */
static hy_us take_day(struct lane *l, hy_us now)
{
    uint32_t of_lane = l->limits.messages_per_day, of_all = provider(l)->messages_per_day;
    if (!of_lane && !of_all)
        return 0;
    if (!has_day(l))
        return now + HY_US_PER_SEC;
    hy_wall_ms wall = hy_clock_wall_ms();
    hy_wall_ms at = of_lane ? daily_take(l->day, of_lane, wall) : 0;
    struct daily *all = of_all && l->seat.pool ? pool_day(l->seat.pool) : NULL;
    if (!at && all) {
        at = daily_take(all, of_all, wall);
        if (at && of_lane)
            daily_give_back(l->day);
    }
    return at ? loop_time(at, wall, now) : 0;
}

hy_us lane_day_full(struct lane *l, hy_us now)
{
    uint32_t of_lane = l->limits.messages_per_day, of_all = provider(l)->messages_per_day;
    l->day_until = 0;
    if (!of_lane && !of_all)
        return 0;
    if (!has_day(l))
        return now + HY_US_PER_SEC;
    hy_wall_ms wall = hy_clock_wall_ms(), at = 0;
    if (of_lane)
        at = daily_ask(l->day, of_lane, wall);
    struct daily *all = of_all && l->seat.pool ? pool_day(l->seat.pool) : NULL;
    hy_wall_ms other = all ? daily_ask(all, of_all, wall) : 0;
    if (other > at)
        at = other;
    l->day_until = at ? loop_time(at, wall, now) : 0;
    return l->day_until;
}

hy_us lane_take_message(struct lane *l, hy_us now)
{
    struct pool *s = l->seat.pool;
    hy_us at = s ? pool_take_message(s, provider(l), now) : 0;
    if (at)
        return at;
    at = take_day(l, now);
    if (at && s)
        pool_put_back_message(s, provider(l));
    if (at)
        l->day_until = at;
    return at;
}

void lane_put_back_message(struct lane *l)
{
    if (l->seat.pool)
        pool_put_back_message(l->seat.pool, provider(l));
    if (l->seat.pool && provider(l)->messages_per_day && pool_day(l->seat.pool))
        daily_give_back(pool_day(l->seat.pool));
    if (l->day)
        daily_give_back(l->day);
}

hy_us lane_take_connection(struct lane *l, hy_us now)
{
    struct pool *s = l->seat.pool;
    if (!s)
        return 0;
    hy_us at = pool_take_connect(s, provider(l), now);
    if (at)
        return at;
    if (seat_take(&l->seat))
        return 0;
    pool_put_back_connect(s, provider(l));
    return HY_US_NEVER; /* MSG_SEATS wakes it */
}

void lane_put_back_connection(struct lane *l)
{
    struct pool *s = l->seat.pool;
    if (!s)
        return;
    pool_put_back_connect(s, provider(l));
    pool_give_back(s, l->worker->d);
}

void lane_make_room(struct lane *l, hy_us now)
{
    struct pool *s = l->seat.pool;
    if (!s)
        return;
    if (!l->seat.is_asking) /* what it was granted it did not use */
        seat_leave(&l->seat);
    l->seat.is_asking = false;
    uint32_t surplus = pool_surplus(s), close = surplus + pool_waiting(s);
    bool is_done = l->n_ready == 0 && l->n_pressing == 0 && !share_any(l);
    hy_list_for_each_safe (it, &l->sessions) {
        struct session *one = hy_container_of(it, struct session, link);
        if (close == 0)
            return;
        bool is_idle = is_done && one->n_deliveries == 0;
        bool is_old = now - one->opened > TURN_S * HY_US_PER_SEC;
        if (!one->is_up || one->is_closing || !(surplus || is_idle || is_old))
            continue;
        session_quit(one);
        surplus -= surplus > 0;
        close--;
    }
}
