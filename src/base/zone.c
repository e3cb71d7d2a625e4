/* Time zones, on GLib's GTimeZone (see decision 0115). */
#include "hayauma/base/zone.h"

#include <glib.h>

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
