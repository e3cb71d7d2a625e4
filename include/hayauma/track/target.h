/* Where a click goes: a link's URL with what is added to it. Pure. */
#pragma once
#include "hayauma/base/buf.h"

/* Query parameters that a click takes along, by which the statistics of web sites know whence it
 * comes. Empty: not added. */
struct hy_utm {
    struct hy_str source, medium, campaign, content;
};

/* Appends `url` as it may stand in a Location field: what no URL may hold is percent-encoded. */
void hy_target_put(struct hy_buf *out, struct hy_str url);
/* What stands before the '#' of a URL, and from it on. */
void hy_target_split(struct hy_str url, struct hy_str *ret_before, struct hy_str *ret_fragment);
/* Appends "?name=value" or "&name=value" to the URL in `out` from `start` on, which has no
 * fragment; nothing when the URL has a parameter of that name, or the value is empty. */
void hy_target_add(struct hy_buf *out, size_t start, struct hy_str name, struct hy_str value);
/* The four of a campaign. */
void hy_target_add_utm(struct hy_buf *out, size_t start, const struct hy_utm *utm);
/* Whether the host of an http(s) URL is one of `sites`: "www.example.jp", or "*.example.jp" for any
 * below it. */
bool hy_target_is_site(struct hy_str url, const struct hy_str *sites, size_t n);
