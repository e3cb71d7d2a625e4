/* Values made harmless for the kind of place they go to. What comes out is always UTF-8 without
 * control characters but tab and LF, and cannot end the place it stands in. */
#pragma once
#include "hayauma/base/buf.h"

enum hy_escape {
    HY_ESCAPE_PLAIN,      /* plain text, and {{{raw}}} HTML: line ends become LF */
    HY_ESCAPE_LINE,       /* a header: line ends and tabs become spaces */
    HY_ESCAPE_HTML,       /* HTML text and quoted attributes: & < > " ' become references */
    HY_ESCAPE_UNQUOTED,   /* attributes without quotes: all but letters and digits */
    HY_ESCAPE_CSS,        /* a value in a style attribute: letters, digits, # % . , - _ and space */
    HY_ESCAPE_URL_PART,   /* a piece of a URL: all but unreserved characters percent-encoded */
    HY_ESCAPE_URL_MAILTO, /* the same, but @ stays */
    HY_ESCAPE_URL,        /* a whole URL: http, https, mailto, tel or cid, otherwise "#" */
    HY_ESCAPE_URL_HTML,   /* the same, then as in an attribute */
    HY_ESCAPE_KINDS,
};
/* Or-ed to a kind inside a comment: no two hyphens, none at the ends, so "-->" cannot arise. */
enum { HY_ESCAPE_IN_COMMENT = 0x40, HY_ESCAPE_MASK = 0x3f };

/* Appends `value` for a place of kind `escape`. Any thread. */
void hy_escape(struct hy_buf *out, struct hy_str value, unsigned escape);
/* Whether hy_escape would append `value` unchanged; may say no where it would. */
bool hy_escape_is_same(struct hy_str value, unsigned escape);
/* Whether it begins with http:// or https://, in any case. */
bool hy_url_is_http(struct hy_str url);
