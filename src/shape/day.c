/* Limits for a day by 25 counters of an hour. Any 24 hours lie within the present hour and the 24
 * before it: as long as those together hold no more than the limit, no such span ever does. */
#include "hayauma/shape/day.h"

enum { HOUR_MS = 3600 * 1000, BACK_MAX_H = 48 };

static uint64_t total(const struct hy_day_count *d)
{
    uint64_t all = 0;
    for (int i = 0; i < HY_DAY_HOURS; i++)
        all += d->sent[i];
    return all;
}

/* So far ahead was no clock that a day could be waited for: all that it counted went out just now.
 */
static void come_back(struct hy_day_count *d, uint32_t hour)
{
    uint64_t all = total(d);
    *d = (struct hy_day_count){.hour = hour};
    d->sent[hour % HY_DAY_HOURS] = all > UINT32_MAX ? UINT32_MAX : (uint32_t)all;
}

static void move_on(struct hy_day_count *d, hy_wall_ms now)
{
    uint32_t hour = now > 0 ? (uint32_t)(now / HOUR_MS) : 0;
    if (d->hour > hour + BACK_MAX_H)
        come_back(d, hour);
    if (hour <= d->hour)
        return; /* the same, or a clock that went back */
    uint32_t steps = hour - d->hour < HY_DAY_HOURS ? hour - d->hour : HY_DAY_HOURS;
    for (uint32_t i = 0; i < steps; i++)
        d->sent[(hour - i) % HY_DAY_HOURS] = 0;
    d->hour = hour;
}

uint64_t hy_day_total(struct hy_day_count *d, hy_wall_ms now)
{
    move_on(d, now);
    return total(d);
}

hy_wall_ms hy_day_ask_many(struct hy_day_count *d, uint32_t n, uint32_t limit, hy_wall_ms now)
{
    move_on(d, now);
    uint64_t all = total(d) + n;
    if (limit == 0 || all <= limit)
        return 0;
    uint32_t ahead = 1; /* in so many hours the oldest counters are dropped */
    for (; ahead < HY_DAY_HOURS; ahead++) {
        all -= d->sent[(d->hour + ahead) % HY_DAY_HOURS];
        if (all <= limit)
            break;
    }
    return ((hy_wall_ms)d->hour + ahead) * HOUR_MS;
}

hy_wall_ms hy_hour_ask_many(struct hy_day_count *d, uint32_t n, uint32_t limit, hy_wall_ms now)
{
    uint64_t all = (uint64_t)hy_hour_total(d, now) + n;
    return limit == 0 || all <= limit ? 0 : ((hy_wall_ms)d->hour + 1) * HOUR_MS;
}

void hy_day_add(struct hy_day_count *d, uint32_t n, hy_wall_ms now)
{
    move_on(d, now);
    uint32_t *sent = &d->sent[d->hour % HY_DAY_HOURS];
    *sent = n > UINT32_MAX - *sent ? UINT32_MAX : *sent + n;
}

uint32_t hy_hour_total(struct hy_day_count *d, hy_wall_ms now)
{
    move_on(d, now);
    return d->sent[d->hour % HY_DAY_HOURS];
}

hy_wall_ms hy_day_ask(struct hy_day_count *d, uint32_t limit, hy_wall_ms now)
{
    return hy_day_ask_many(d, 1, limit, now);
}

hy_wall_ms hy_day_take(struct hy_day_count *d, uint32_t limit, hy_wall_ms now)
{
    hy_wall_ms at = hy_day_ask(d, limit, now);
    if (at == 0)
        d->sent[d->hour % HY_DAY_HOURS]++;
    return at;
}

void hy_day_give_back(struct hy_day_count *d)
{
    uint32_t *n = &d->sent[d->hour % HY_DAY_HOURS];
    *n -= *n > 0;
}
