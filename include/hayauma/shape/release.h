/* How the mail that waited for its hours is let go when they begin: over their first minutes, not
 * in their first second, for the sake of whoever is behind the links of all those mails. Pure; any
 * thread. */
#pragma once
#include "hayauma/shape/hours.h"
#include "hayauma/shape/limits.h"

enum { HY_RELEASE_LEAST = 10 /* mails a second: a few hundred need no quarter of an hour */ };

/* How long the release takes of hours that begin at `opens`: `most_ms`, or a quarter of the hours.
 */
hy_wall_ms hy_release_room(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms opens,
                           hy_wall_ms most_ms);
/* When the release that is under way at `now` is over; 0: there is none, since the hours began long
 * ago, or what is to be sent has not waited for them but came `since` then. Precondition: mail may
 * go at `now`. */
hy_wall_ms hy_release_until(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms since,
                            hy_wall_ms now, hy_wall_ms most_ms);
/* The rate for `pending` mails over the `left_us` > 0 of a release, with a campaign's own speed
 * (count 0: none), which it never exceeds. */
struct hy_rate hy_release_rate(uint64_t pending, hy_us left_us, struct hy_rate speed);
