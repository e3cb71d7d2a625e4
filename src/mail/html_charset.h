/* The charset that a page says of itself. */
#pragma once
#include "hayauma/base/buf.h"

/* Appends `html` with the charset of its meta tags, in both their forms, replaced by `charset`.
 * HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_html_set_charset(struct hy_str html, struct hy_str charset, struct hy_buf *out);
