/* Time. Engines never call this: they take `now`. Monotonic microseconds inside, wall
 * milliseconds (Unix epoch) at headers and storage. */
#pragma once
#include <stdint.h>

#include "hayauma/base/str.h"

typedef int64_t hy_us;      /* monotonic microseconds */
typedef int64_t hy_wall_ms; /* milliseconds since 1970-01-01 00:00 UTC */

#define HY_US_PER_MS  ((hy_us)1000)
#define HY_US_PER_SEC ((hy_us)1000000)
#define HY_US_NEVER   INT64_MAX

hy_us hy_clock_us(void);
hy_wall_ms hy_clock_wall_ms(void);
/* CPU time of the whole process and of the calling thread, in microseconds. */
int64_t hy_clock_cpu_us(void);
int64_t hy_clock_thread_cpu_us(void);
/* "2026-11-22T02:27:00.123Z" (RFC 3339); out holds at least 32 bytes. Any thread. */
const char *hy_wall_format(hy_wall_ms t, char out[32]);
/* The same moment as a clock `offset_s` east of UTC shows it, to the second:
 * "2026-11-23T08:00:00+01:00". */
const char *hy_wall_format_at(hy_wall_ms t, int32_t offset_s, char out[32]);
/* The same read, with any zone; seconds and fractions may be left out: "2026-12-01T09:00+09:00".
 * HY_EPARSE, HY_EINVAL (there is no such day). Any thread. */
HY_MUST_USE int hy_wall_parse(struct hy_str text, hy_wall_ms *ret);
