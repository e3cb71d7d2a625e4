/* The clocks of the machine. */
#include "hayauma/base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

hy_us hy_clock_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

hy_wall_ms hy_clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t hy_clock_cpu_us(void)
{
    return read_us(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t hy_clock_thread_cpu_us(void)
{
    return read_us(CLOCK_THREAD_CPUTIME_ID);
}

const char *hy_wall_format_at(hy_wall_ms t, int32_t offset_s, char out[32])
{
    hy_wall_ms local = t + offset_s * 1000LL;
    time_t s = (time_t)(local / 1000 - (local % 1000 < 0));
    unsigned min = (unsigned)(offset_s < 0 ? -offset_s : offset_s) / 60;
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 32 - n, "%c%02u:%02u", offset_s < 0 ? '-' : '+', min / 60 % 100, min % 60);
    return out;
}

const char *hy_wall_format(hy_wall_ms t, char out[32])
{
    time_t s = (time_t)(t / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 32 - n, ".%03uZ", (unsigned)(t % 1000 + 1000) % 1000);
    return out;
}
