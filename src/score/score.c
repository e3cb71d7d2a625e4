/* Points granted, what they are worth later, and thresholds. */
#include "hayauma/score/score.h"

#include <math.h>

int32_t hy_score_grant(const struct hy_score_rule *r, const struct hy_score_entry *earlier,
                       size_t n, hy_wall_ms at)
{
    int64_t given = 0;
    hy_wall_ms per = (hy_wall_ms)r->most_per_s * 1000;
    if (r->is_first_only && n > 0)
        return 0;
    if (r->most == 0)
        return r->points;
    for (size_t i = 0; i < n; i++)
        if (earlier[i].at > at - per && earlier[i].at < at + per)
            given += earlier[i].points;
    int64_t left = (int64_t)r->most - given;
    if (r->points > 0)
        return left <= 0 ? 0 : left < r->points ? (int32_t)left : r->points;
    return left >= 0 ? 0 : left > r->points ? (int32_t)left : r->points;
}

double hy_score_worth(double points, uint32_t half_life_s, hy_wall_ms at, hy_wall_ms now)
{
    if (half_life_s == 0 || now <= at)
        return points;
    return points * exp2(-(double)(now - at) / 1000 / half_life_s);
}

void hy_score_sum_add(struct hy_score_sum *s, int32_t points, hy_wall_ms at)
{
    if (at > s->at) {
        s->value = hy_score_sum_at(s, at) + points;
        s->at = at;
    } else {
        s->value += hy_score_worth(points, s->half_life_s, at, s->at);
    }
}

double hy_score_sum_at(const struct hy_score_sum *s, hy_wall_ms now)
{
    return hy_score_worth(s->value, s->half_life_s, s->at, now);
}

int64_t hy_score_total_milli(const struct hy_score_sum *sums, size_t n, hy_wall_ms now)
{
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += hy_score_sum_at(&sums[i], now);
    return llround(total * 1000);
}

bool hy_score_is_over(const struct hy_score_threshold *t, bool was, int64_t total_milli)
{
    return total_milli >= (int64_t)(was ? t->until : t->from) * 1000;
}

/* As little (of a lead that is over) or as much as the total may be at `t`, if nothing happens:
 * what works against the question is left as it is now, so the answer is never too late. */
static double bound_at(bool is_over, const struct hy_score_sum *sums, size_t n, hy_wall_ms now,
                       hy_wall_ms t)
{
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += hy_score_sum_at(&sums[i], (sums[i].value < 0) == is_over ? now : t);
    return total;
}

/* Up to when sums that are at a level, or above, surely are; or surely are not. */
static hy_wall_ms stays_at(double level, bool is_over, const struct hy_score_sum *sums, size_t n,
                           hy_wall_ms now)
{
    static const hy_wall_ms horizon = (hy_wall_ms)100 * 366 * 86400 * 1000;
    hy_wall_ms low = now, high = now + horizon;
    level -= 0.0005; /* what rounds to the level is on it */
    if ((bound_at(is_over, sums, n, now, high) >= level) == is_over)
        return INT64_MAX;
    while (high - low > 1) {
        hy_wall_ms middle = low + (high - low) / 2;
        if ((bound_at(is_over, sums, n, now, middle) >= level) == is_over)
            low = middle;
        else
            high = middle;
    }
    return high;
}

hy_wall_ms hy_score_stays_until(const struct hy_score_threshold *t, bool is_over,
                                const struct hy_score_sum *sums, size_t n, hy_wall_ms now)
{
    return stays_at(is_over ? t->until : t->from, is_over, sums, n, now);
}

hy_wall_ms hy_score_crosses(double level, const struct hy_score_sum *sums, size_t n, hy_wall_ms now)
{
    return stays_at(level, bound_at(true, sums, n, now, now) >= level - 0.0005, sums, n, now);
}

size_t hy_score_level(const int32_t *levels, size_t n, int64_t total_milli)
{
    size_t i = 0;
    while (i < n && total_milli < (int64_t)levels[i] * 1000)
        i++;
    return i;
}
