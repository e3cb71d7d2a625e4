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

static const struct hy_warmup_plan *plan_of(const struct lane *l)
{
    return l->from ? l->from->warmup : NULL;
}

/* NULL: its source is not warmed up, or there can be no more of them. */
static struct warmth *warmth_of(const struct lane *l)
{
    const char *provider = l->rule ? l->rule->name : "default";
    return plan_of(l) ? warmth_get(&l->worker->d->warmths, l->from, provider, hy_clock_wall_ms())
                      : NULL;
}

void lane_limits_apply(struct lane *l)
{
    struct daily *old = l->day;
    struct warmth *old_warm = l->warm;
    struct pool *pool = pool_of(l->worker->policy, l->rule);
    if (pool != l->seat.pool)
        pace_leave(&l->token);
    seat_move(&l->seat, pool);
    l->day = day_of(l);
    l->warm = warmth_of(l);
    (void)lane_day_full(l, hy_loop_now(l->worker->loop));
    daily_unref(old);
    warmth_unref(old_warm);
}

void lane_limits_drop(struct lane *l)
{
    pace_leave(&l->token);
    seat_move(&l->seat, NULL);
    daily_unref(l->day);
    warmth_unref(l->warm);
    l->day = NULL;
    l->warm = NULL;
}

/* A time of the wall clock on the loop's. */
static hy_us loop_time(hy_wall_ms at, hy_wall_ms wall, hy_us now)
{
    return now + (at > wall ? at - wall : 0) * HY_US_PER_MS;
}

/* What could not be made is tried again; until then nothing goes. */
static bool has_day(const struct lane *l)
{
    return (!l->limits.messages_per_day || l->day) && (!plan_of(l) || l->warm);
}

/* Nothing may go for a moment: it is out, and what waits may go by another source. */
static hy_us out_for_now(struct lane *l, hy_us now)
{
    bool was_full = l->day_until > now;
    l->day_until = now + HY_US_PER_SEC;
    l->is_day_warmup = false;
    if (!was_full)
        lane_wake(l);
    return l->day_until;
}

static hy_us make_day(struct lane *l, hy_us now)
{
    if (l->limits.messages_per_day && !l->day)
        l->day = day_of(l);
    if (plan_of(l) && !l->warm)
        l->warm = warmth_of(l);
    return has_day(l) ? 0 : out_for_now(l, now);
}

/* The day of the rule, of the warm-up, and of the provider over all sources. */
static bool has_days(const struct lane *l)
{
    return l->limits.messages_per_day || provider(l)->messages_per_day || plan_of(l);
}

static struct daily *day_of_all(const struct lane *l)
{
    return provider(l)->messages_per_day && l->seat.pool ? pool_day(l->seat.pool) : NULL;
}

static void set_full(struct lane *l, hy_wall_ms at, bool is_warmup, hy_wall_ms wall, hy_us now)
{
    bool was_full = l->day_until > now;
    l->day_until = at ? loop_time(at, wall, now) : 0;
    l->is_day_warmup = at && is_warmup && plan_of(l)->waits;
    if (at && !was_full) /* what waits may go by another source */
        lane_wake(l);
}

/* 0 and counts one, in each of its days; otherwise when there is room. */
static hy_us take_day(struct lane *l, hy_us now)
{
    uint32_t of_lane = l->limits.messages_per_day;
    if (!has_days(l))
        return 0;
    hy_us later = has_day(l) ? 0 : make_day(l, now);
    if (later)
        return later;
    hy_wall_ms wall = hy_clock_wall_ms();
    hy_wall_ms at = of_lane ? daily_take(l->day, of_lane, wall) : 0;
    bool is_warmup = false;
    if (!at && l->warm) {
        at = warmth_take(l->warm, plan_of(l), wall);
        is_warmup = at != 0;
        if (at && of_lane)
            daily_give_back(l->day);
    }
    struct daily *all = day_of_all(l);
    if (!at && all) {
        at = daily_take(all, provider(l)->messages_per_day, wall);
        if (at && of_lane)
            daily_give_back(l->day);
        if (at && l->warm)
            warmth_give_back(l->warm);
    }
    if (!at)
        return 0;
    set_full(l, at, is_warmup, wall, now);
    return l->day_until;
}

hy_us lane_day_full(struct lane *l, hy_us now)
{
    uint32_t of_lane = l->limits.messages_per_day;
    if (!has_days(l)) {
        l->day_until = 0;
        return 0;
    }
    hy_us later = has_day(l) ? 0 : make_day(l, now);
    if (later)
        return later;
    hy_wall_ms wall = hy_clock_wall_ms();
    struct daily *all = day_of_all(l);
    hy_wall_ms at = of_lane ? daily_ask(l->day, of_lane, wall) : 0;
    hy_wall_ms other = all ? daily_ask(all, provider(l)->messages_per_day, wall) : 0;
    if (other > at)
        at = other;
    hy_wall_ms warm = l->warm ? warmth_ask(l->warm, plan_of(l), wall) : 0;
    set_full(l, warm > at ? warm : at, warm > at, wall, now);
    return l->day_until;
}

hy_us lane_take_message(struct lane *l, hy_us now)
{
    struct pool *s = l->seat.pool;
    if (s && !pool_take_message(s, &l->token, provider(l), now))
        return HY_US_NEVER; /* its line wakes it */
    hy_us at = take_day(l, now);
    if (at && s)
        pool_put_back_message(s, l->worker->index, provider(l));
    return at;
}

bool lane_take_recipient(struct lane *l, hy_us now)
{
    return take_day(l, now) == 0;
}

void lane_put_back_recipient(struct lane *l)
{
    if (l->seat.pool && provider(l)->messages_per_day && pool_day(l->seat.pool))
        daily_give_back(pool_day(l->seat.pool));
    if (l->day)
        daily_give_back(l->day);
    if (l->warm)
        warmth_give_back(l->warm);
}

void lane_put_back_message(struct lane *l)
{
    if (l->seat.pool)
        pool_put_back_message(l->seat.pool, l->worker->index, provider(l));
    lane_put_back_recipient(l);
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
