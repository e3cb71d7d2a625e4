/* The release of what waited for its hours. */
#include "hayauma/shape/release.h"

hy_wall_ms hy_release_room(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms opens,
                           hy_wall_ms most_ms)
{
    hy_wall_ms quarter = (hy_hours_end(h, z, opens) - opens) / 4;
    return quarter < most_ms ? quarter : most_ms;
}

hy_wall_ms hy_release_until(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms since,
                            hy_wall_ms now, hy_wall_ms most_ms)
{
    hy_wall_ms opened = hy_hours_next(h, z, now - most_ms), end;
    while (opened <= now && (end = hy_hours_end(h, z, opened)) <= now)
        opened = hy_hours_next(h, z, end); /* there was a pause since */
    if (opened <= now - most_ms || opened > now || since >= opened)
        return 0;
    hy_wall_ms until = opened + hy_release_room(h, z, opened, most_ms);
    return until > now ? until : 0;
}

static double per_second(struct hy_rate r)
{
    return (double)r.count * (double)HY_US_PER_SEC / (double)r.period_us;
}

struct hy_rate hy_release_rate(uint64_t pending, hy_us left_us, struct hy_rate speed)
{
    struct hy_rate r = {pending < UINT32_MAX ? (uint32_t)pending : UINT32_MAX, left_us};
    if (per_second(r) < HY_RELEASE_LEAST)
        r = (struct hy_rate){HY_RELEASE_LEAST, HY_US_PER_SEC};
    return speed.count && per_second(speed) < per_second(r) ? speed : r;
}
