/* Delivery hours. */
#include "hayauma/shape/hours.h"

#define MIN_MS ((hy_wall_ms)60 * 1000)
#define DAY_MS ((hy_wall_ms)HY_DAY_MIN * MIN_MS)
/* No clock is set back by more at once. */
#define SET_BACK_MS ((hy_wall_ms)3 * 3600 * 1000)

struct span {
    hy_wall_ms from, to;
};

/* A moment, and what the clock there shows then. */
struct moment {
    hy_wall_ms t, local;
};

static hy_wall_ms floor_day(hy_wall_ms local)
{
    hy_wall_ms day = local / DAY_MS;
    return local % DAY_MS < 0 ? day - 1 : day;
}

/* 1970-01-01 was a Thursday. */
static unsigned weekday(hy_wall_ms day)
{
    return (unsigned)(((day + 3) % 7 + 7) % 7);
}

static hy_wall_ms to_local(const struct hy_zone *z, hy_wall_ms t)
{
    return t + hy_zone_offset_s(z, t) * 1000LL;
}

static bool is_closed(const struct hy_closed_days *c, hy_wall_ms day, hy_wall_ms *ret_last)
{
    for (uint16_t i = 0; i < c->n && c->ranges[i].from <= day; i++) {
        if (day <= c->ranges[i].to) {
            *ret_last = c->ranges[i].to;
            return true;
        }
    }
    return false;
}

/* When the first closed day behind a day begins. */
static hy_wall_ms next_closed(const struct hy_closed_days *c, const struct hy_zone *z,
                              hy_wall_ms day)
{
    for (uint16_t i = 0; i < c->n; i++)
        if (c->ranges[i].from > day)
            return hy_zone_utc(z, c->ranges[i].from * DAY_MS);
    return INT64_MAX;
}

static bool is_whole_week(const struct hy_hours *h)
{
    const struct hy_hours_span *s = h->spans;
    return h->n == 0 ||
           (h->n == 1 && s->days == HY_HOURS_EVERY_DAY && s->to_min % HY_DAY_MIN == s->from_min);
}

/* The first of the spans that begin on a day and end behind a moment; false: there is none. What is
 * long over by the clock there costs no look into the zone. */
static bool of_day(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms day,
                   struct moment now, struct span *ret)
{
    bool is_any = false;
    for (uint16_t i = 0; i < h->n; i++) {
        const struct hy_hours_span *p = &h->spans[i];
        hy_wall_ms from = day * DAY_MS + p->from_min * MIN_MS, to = day * DAY_MS;
        to += (p->to_min + (p->to_min <= p->from_min ? HY_DAY_MIN : 0)) * MIN_MS;
        if (!((p->days >> weekday(day)) & 1) || to + SET_BACK_MS <= now.local)
            continue;
        struct span s = {hy_zone_utc(z, from), hy_zone_utc(z, to)};
        if (s.to <= now.t || s.to <= s.from || (is_any && ret->from <= s.from))
            continue;
        *ret = s;
        is_any = true;
    }
    return is_any;
}

/* The first hours of the week that end behind `t`, whatever is closed. */
static struct span find(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms t)
{
    struct moment now = {t, to_local(z, t)};
    hy_wall_ms day = floor_day(now.local) - 1;
    struct span s = {t, t};
    for (int i = 0; i < 10 && !of_day(h, z, day, now, &s); i++)
        day++;
    return s;
}

hy_wall_ms hy_hours_next(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms t)
{
    /* Each turn but the last passes one range of closed days. */
    for (int i = 0; i <= HY_CLOSED_RANGES_MAX; i++) {
        hy_wall_ms last;
        if (!is_whole_week(h)) {
            struct span s = find(h, z, t);
            t = s.from > t ? s.from : t;
        }
        if (h->closed.n == 0 || !is_closed(&h->closed, floor_day(to_local(z, t)), &last))
            break;
        t = hy_zone_utc(z, (last + 1) * DAY_MS);
    }
    return t;
}

/* Hours may run on into the next ones: the end of the last of them. */
static hy_wall_ms end_of_week(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms t)
{
    if (is_whole_week(h))
        return INT64_MAX;
    hy_wall_ms end = find(h, z, t).to;
    while (end - t <= 8 * DAY_MS) {
        struct span next = find(h, z, end);
        if (next.from > end || next.to <= end)
            return end;
        end = next.to;
    }
    return INT64_MAX; /* they fill the week */
}

hy_wall_ms hy_hours_end(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms t)
{
    hy_wall_ms end = end_of_week(h, z, t);
    hy_wall_ms closed =
        h->closed.n ? next_closed(&h->closed, z, floor_day(to_local(z, t))) : INT64_MAX;
    return closed < end ? closed : end;
}
