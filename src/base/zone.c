/* Time zones, on GLib's GTimeZone (see decision 0115). */
#include "hayauma/base/zone.h"

#include <glib.h>
#include <stdio.h>

/* GTimeZone is immutable and counted, so it can be ours by another name. */
static GTimeZone *of(const struct hy_zone *z)
{
    return (GTimeZone *)(uintptr_t)z;
}

/* Letters, digits, "_+-" in parts divided by "/": nothing that could leave the folder, and none of
 * the other forms that GLib would read ("+09:00", "JST-9"). */
static bool is_name(struct hy_str name)
{
    if (name.n == 0 || name.n > HY_ZONE_NAME_MAX)
        return false;
    char before = '/';
    for (size_t i = 0; i < name.n; i++) {
        char c = (char)name.p[i];
        bool is_letter = g_ascii_isalpha(c);
        bool is_other = g_ascii_isdigit(c) || c == '_' || c == '+' || c == '-' || c == '/';
        if ((!is_letter && !is_other) || (before == '/' && !is_letter))
            return false;
        before = c;
    }
    return before != '/';
}

int hy_zone_find(struct hy_str name, struct hy_zone **ret_zone)
{
    char text[HY_ZONE_NAME_MAX + 1];
    if (!is_name(name))
        return HY_EINVAL;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    GTimeZone *zone = g_time_zone_new_identifier(text);
    if (!zone)
        return HY_ENOTFOUND;
    *ret_zone = (struct hy_zone *)zone;
    return HY_OK;
}

struct hy_zone *hy_zone_local(void)
{
    return (struct hy_zone *)g_time_zone_new_local();
}

void hy_zone_free(struct hy_zone *z)
{
    if (z)
        g_time_zone_unref(of(z));
}

const char *hy_zone_name(const struct hy_zone *z)
{
    return g_time_zone_get_identifier(of(z));
}

int32_t hy_zone_offset_s(const struct hy_zone *z, hy_wall_ms t)
{
    gint64 s = t / 1000 - (t % 1000 < 0);
    gint at = g_time_zone_find_interval(of(z), G_TIME_TYPE_UNIVERSAL, s);
    return g_time_zone_get_offset(of(z), at);
}

hy_wall_ms hy_zone_utc(const struct hy_zone *z, hy_wall_ms local)
{
    hy_wall_ms a = local - hy_zone_offset_s(z, local) * 1000LL;
    hy_wall_ms b = local - hy_zone_offset_s(z, a) * 1000LL;
    return b + hy_zone_offset_s(z, b) * 1000LL == local || b > a ? b : a;
}

/* One or two digits off the front. */
static bool take_short(struct hy_str *s, unsigned *ret)
{
    size_t n = 0;
    for (*ret = 0; n < 2 && n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        *ret = *ret * 10 + (unsigned)(s->p[n] - '0');
    *s = hy_str_slice(*s, n, s->n);
    return n > 0;
}

static bool take_char(struct hy_str *s, char c)
{
    bool is = s->n && s->p[0] == c;
    *s = hy_str_slice(*s, is, s->n);
    return is;
}

/* "2026-11-22", "2026/11/2" or "20261122" off the front, as it has to be before a time. */
static bool take_day(struct hy_str *s, char out[16])
{
    unsigned m = 0, d = 0;
    uint64_t year;
    if (s->n < 8 || hy_str_to_u64(hy_str_slice(*s, 0, 4), 9999, &year))
        return false;
    *s = hy_str_slice(*s, 4, s->n);
    char sep = s->p[0] == '-' || s->p[0] == '/' || s->p[0] == '.' ? s->p[0] : 0;
    if (sep && (!take_char(s, sep) || !take_short(s, &m) || !take_char(s, sep)))
        return false;
    if (!sep && !take_short(s, &m))
        return false;
    if (!take_short(s, &d))
        return false;
    snprintf(out, 16, "%04u-%02u-%02u", (unsigned)year, m, d);
    return true;
}

/* "9:00", "09:00:00.5" off the front; nothing is midnight. */
static bool take_clock(struct hy_str *s, char out[32])
{
    unsigned h = 0, m = 0, sec = 0;
    size_t fraction = 0;
    (void)(take_char(s, 'T') || take_char(s, 't'));
    *s = hy_str_trim(*s);
    if (s->n && (!take_short(s, &h) || !take_char(s, ':') || !take_short(s, &m)))
        return false;
    if (take_char(s, ':') && !take_short(s, &sec))
        return false;
    if (s->n && s->p[0] == '.')
        for (fraction = 1; fraction < s->n && s->p[fraction] >= '0' && s->p[fraction] <= '9';)
            fraction++;
    snprintf(out, 32, "T%02u:%02u:%02u%.*s", h, m, sec, fraction > 10 ? 10 : (int)fraction,
             s->n ? s->p : "");
    *s = hy_str_slice(*s, fraction, s->n);
    return true;
}

int hy_zone_read_time(const struct hy_zone *z, struct hy_str text, hy_wall_ms *ret)
{
    char day[16], clock[32], whole[64];
    hy_wall_ms at;
    struct hy_str rest = hy_str_trim(text);
    if (!take_day(&rest, day) || !take_clock(&rest, clock))
        return HY_EPARSE;
    rest = hy_str_trim(rest);
    if (rest.n > 6)
        return HY_EPARSE;
    bool has_zone = rest.n > 0;
    int n = snprintf(whole, sizeof whole, "%s%s%.*s", day, clock, has_zone ? (int)rest.n : 1,
                     has_zone ? rest.p : "Z");
    int err = hy_wall_parse(hy_str_make(whole, (size_t)n), &at);
    if (err == HY_OK)
        *ret = has_zone ? at : hy_zone_utc(z, at);
    return err;
}
