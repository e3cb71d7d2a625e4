/* Time zones by their IANA names, as the system's zoneinfo knows them. */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/base/err.h"
#include "hayauma/base/str.h"

enum { HY_ZONE_NAME_MAX = 64 }; /* bytes of a name */

/* Immutable: any number of threads may share one. */
struct hy_zone;

/* "Asia/Tokyo", "UTC", "Etc/GMT+9". The caller frees it. HY_EINVAL: no name of a zone can look like
 * this (it is never opened as a path then); HY_ENOTFOUND: the system knows no such zone. Reads
 * files; any thread. */
HY_MUST_USE int hy_zone_find(struct hy_str name, struct hy_zone **ret_zone);
/* The system's own (TZ, /etc/localtime); UTC when that says nothing. NULL: out of memory. Any
 * thread. */
struct hy_zone *hy_zone_local(void);
void hy_zone_free(struct hy_zone *z);
/* "Europe/Paris"; of the system's own what it calls itself. Lives as long as the zone. */
const char *hy_zone_name(const struct hy_zone *z);
/* Seconds east of UTC at that moment, daylight saving included. Any thread. */
int32_t hy_zone_offset_s(const struct hy_zone *z, hy_wall_ms t);
/* When the clock there shows `local` (as if it were UTC); where a change of the clock shows it
 * twice, one of the two; where it leaves it out, as long behind the change as `local` lies behind
 * the gap's beginning. Any thread. */
hy_wall_ms hy_zone_utc(const struct hy_zone *z, hy_wall_ms local);
/* A time as shops and spreadsheets write it: "2026-11-22T09:00:00+09:00", "2026-11-22 09:00:00
 * +0900", and without a zone, then of `z`: "2026/11/22 9:00", "2026-11-22", "20261122". HY_EPARSE;
 * HY_EINVAL: there is no such day. */
HY_MUST_USE int hy_zone_read_time(const struct hy_zone *z, struct hy_str text, hy_wall_ms *ret);
