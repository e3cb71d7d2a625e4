/* Delivery hours. */
#include "hayauma/shape/hours.h"

#define MIN_MS ((hy_wall_ms)60 * 1000)
#define DAY_MS ((hy_wall_ms)HY_DAY_MIN * MIN_MS)

struct span {
    hy_wall_ms from, to;
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

/* When the clock there shows `local`; where a change of the clock shows it twice, one of the two;
 * where it leaves it out, as long behind the change as `local` lies behind the gap's beginning. */
static hy_wall_ms from_local(const struct hy_zone *z, hy_wall_ms local)
{
    hy_wall_ms a = local - hy_zone_offset_s(z, local) * 1000LL;
    hy_wall_ms b = local - hy_zone_offset_s(z, a) * 1000LL;
    return to_local(z, b) == local || b > a ? b : a;
}

/* The hours that begin on a day. */
static struct span of_day(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms day)
{
    hy_wall_ms from = day * DAY_MS + h->from_min * MIN_MS, to = day * DAY_MS + h->to_min * MIN_MS;
    if (h->to_min <= h->from_min)
        to += DAY_MS;
    return (struct span){from_local(z, from), from_local(z, to)};
}

static bool is_always(const struct hy_hours *h)
{
    return h->days == 0 || (h->days == HY_HOURS_EVERY_DAY && h->to_min % HY_DAY_MIN == h->from_min);
}

/* The first hours that end behind `t`. */
static struct span find(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms t)
{
    hy_wall_ms day = floor_day(to_local(z, t)) - 1;
    struct span s = {t, t};
    for (int i = 0; i < 10; i++, day++) {
        if (!((h->days >> weekday(day)) & 1))
            continue;
        s = of_day(h, z, day);
        if (s.to > t && s.to > s.from)
            break;
    }
    return s;
}

hy_wall_ms hy_hours_next(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms t)
{
    if (is_always(h))
        return t;
    struct span s = find(h, z, t);
    return s.from > t ? s.from : t;
}

hy_wall_ms hy_hours_end(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms t)
{
    if (is_always(h))
        return INT64_MAX;
    hy_wall_ms end = find(h, z, t).to;
    for (int i = 0; i < 7; i++) { /* one day's hours may run on into the next day's */
        struct span next = find(h, z, end);
        if (next.from > end || next.to <= end)
            break;
        end = next.to;
    }
    return end;
}
