/* Where a click goes. */
#include "hayauma/track/target.h"

#include <stdio.h>

static void put_encoded(struct hy_buf *out, char c)
{
    hy_buf_printf(out, "%%%02X", (unsigned char)c);
}

void hy_target_put(struct hy_buf *out, struct hy_str url)
{
    for (size_t i = 0; i < url.n; i++) {
        char c = url.p[i];
        if (c <= ' ' || c == 0x7f || strchr("\"<>\\^`{|}", c)) /* c < 0: UTF-8 */
            put_encoded(out, c);
        else
            hy_buf_add_c(out, c);
    }
}

void hy_target_split(struct hy_str url, struct hy_str *ret_before, struct hy_str *ret_fragment)
{
    size_t at = hy_str_find(url, '#', 0);
    *ret_before = hy_str_slice(url, 0, at);
    *ret_fragment = at == SIZE_MAX ? HY_STR("") : hy_str_slice(url, at, url.n);
}

static bool has_parameter(struct hy_str query, struct hy_str name)
{
    struct hy_str pair;
    while (query.n && hy_str_split(&query, '&', &pair))
        if (hy_str_eq(hy_str_slice(pair, 0, hy_str_find(pair, '=', 0)), name))
            return true;
    return false;
}

static bool is_plain(char c)
{
    char l = hy_ascii_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

void hy_target_add(struct hy_buf *out, size_t start, struct hy_str name, struct hy_str value)
{
    struct hy_str url = hy_str_slice(hy_buf_str(out), start, out->len);
    size_t at = hy_str_find(url, '?', 0);
    struct hy_str query = at == SIZE_MAX ? HY_STR("") : hy_str_slice(url, at + 1, url.n);
    if (out->err || value.n == 0 || has_parameter(query, name))
        return;
    if (at == SIZE_MAX)
        hy_buf_add_c(out, '?');
    else if (query.n && !hy_str_ends(query, HY_STR("&")))
        hy_buf_add_c(out, '&');
    hy_buf_add_str(out, name);
    hy_buf_add_c(out, '=');
    for (size_t i = 0; i < value.n; i++) {
        if (is_plain(value.p[i]))
            hy_buf_add_c(out, value.p[i]);
        else
            put_encoded(out, value.p[i]);
    }
}

void hy_target_add_utm(struct hy_buf *out, size_t start, const struct hy_utm *utm)
{
    hy_target_add(out, start, HY_STR("utm_source"), utm->source);
    hy_target_add(out, start, HY_STR("utm_medium"), utm->medium);
    hy_target_add(out, start, HY_STR("utm_campaign"), utm->campaign);
    hy_target_add(out, start, HY_STR("utm_content"), utm->content);
}

/* "https://user@HOST:port/path"; empty: what is no such URL. "https:evil.test/://HOST" is none: a
 * browser goes to evil.test. */
static struct hy_str host_of(struct hy_str url)
{
    size_t from = hy_str_find_str(url, HY_STR("://"), 0);
    struct hy_str scheme = hy_str_slice(url, 0, from);
    if (from == SIZE_MAX ||
        (!hy_str_ieq(scheme, HY_STR("http")) && !hy_str_ieq(scheme, HY_STR("https"))))
        return (struct hy_str){0};
    struct hy_str rest = hy_str_slice(url, from + 3, url.n);
    size_t end = 0;
    while (end < rest.n && !strchr("/?#\\", rest.p[end]))
        end++;
    rest = hy_str_slice(rest, 0, end);
    for (size_t at; (at = hy_str_find(rest, '@', 0)) != SIZE_MAX;)
        rest = hy_str_slice(rest, at + 1, rest.n);
    return hy_str_slice(rest, 0, hy_str_find(rest, ':', 0));
}

bool hy_target_is_site(struct hy_str url, const struct hy_str *sites, size_t n)
{
    struct hy_str host = host_of(url);
    for (size_t i = 0; i < n; i++) {
        struct hy_str site = sites[i];
        if (hy_str_ieq(host, site))
            return true;
        if (!hy_str_starts(site, HY_STR("*.")) || host.n < site.n)
            continue;
        struct hy_str below = hy_str_slice(site, 1, site.n);
        if (hy_str_ieq(hy_str_slice(host, host.n - below.n, host.n), below))
            return true;
    }
    return false;
}
