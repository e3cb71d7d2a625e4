/* Times as people and programs write them (RFC 3339). */
#include <time.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/str.h"

/* Exactly `n` digits off the front. */
static bool take_digits(struct hy_str *s, size_t n, int *ret)
{
    uint64_t v;
    if (s->n < n || hy_str_to_u64(hy_str_slice(*s, 0, n), 9999, &v))
        return false;
    *s = hy_str_slice(*s, n, s->n);
    *ret = (int)v;
    return true;
}

static bool take_one_of(struct hy_str *s, const char *chars, char *ret)
{
    if (s->n == 0 || !s->p[0] || !strchr(chars, s->p[0]))
        return false;
    *ret = s->p[0];
    *s = hy_str_slice(*s, 1, s->n);
    return true;
}

/* Seconds east of UTC: "Z", "+09:00", "-0330". */
static bool take_zone(struct hy_str *s, int64_t *ret)
{
    char sign, colon;
    int h, m;
    if (!take_one_of(s, "Zz+-", &sign))
        return false;
    *ret = 0;
    if (sign == 'Z' || sign == 'z')
        return true;
    if (!take_digits(s, 2, &h))
        return false;
    (void)take_one_of(s, ":", &colon);
    if (!take_digits(s, 2, &m) || h > 14 || m > 59)
        return false;
    *ret = (int64_t)(h * 60 + m) * (sign == '-' ? -60 : 60);
    return true;
}

static bool take_date_time(struct hy_str *s, struct tm *ret)
{
    char c;
    if (!take_digits(s, 4, &ret->tm_year) || !take_one_of(s, "-", &c) ||
        !take_digits(s, 2, &ret->tm_mon) || !take_one_of(s, "-", &c) ||
        !take_digits(s, 2, &ret->tm_mday) || !take_one_of(s, "Tt ", &c) ||
        !take_digits(s, 2, &ret->tm_hour) || !take_one_of(s, ":", &c) ||
        !take_digits(s, 2, &ret->tm_min))
        return false;
    if (take_one_of(s, ":", &c) && !take_digits(s, 2, &ret->tm_sec))
        return false;
    return ret->tm_year >= 1970 && ret->tm_mon >= 1 && ret->tm_mon <= 12 && ret->tm_mday >= 1 &&
           ret->tm_mday <= 31 && ret->tm_hour <= 23 && ret->tm_min <= 59 && ret->tm_sec <= 59;
}

/* ".123": milliseconds; further digits are cut off. */
static bool take_fraction(struct hy_str *s, int *ret_ms)
{
    char c;
    int digit, unit = 100;
    *ret_ms = 0;
    if (!take_one_of(s, ".", &c))
        return true;
    if (!take_digits(s, 1, &digit))
        return false;
    do {
        *ret_ms += digit * unit;
        unit /= 10;
    } while (take_digits(s, 1, &digit));
    return true;
}

int hy_wall_parse(struct hy_str text, hy_wall_ms *ret)
{
    struct tm tm = {0};
    int64_t zone = 0;
    int ms = 0;
    if (!take_date_time(&text, &tm) || !take_fraction(&text, &ms) || !take_zone(&text, &zone) ||
        text.n)
        return HY_EPARSE;
    int day = tm.tm_mday;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t t = timegm(&tm);
    if (tm.tm_mday != day)
        return HY_EINVAL;
    *ret = ((hy_wall_ms)t - zone) * 1000 + ms;
    return HY_OK;
}
