/* HTML by itself, without templates: its links rewritten, or its text for people who read plain
 * text. */
#pragma once
#include "hayauma/base/buf.h"

/* Appends the URL that replaces `url` (references decoded), or nothing to leave the link alone.
 * What it appends is escaped for the attribute. */
typedef void hy_html_rewrite_fn(void *ctx, struct hy_str url, struct hy_buf *out);

/* Appends `html` with the http(s) links of its a and area tags rewritten, but for those with the
 * attribute data-hy-notrack and those in comments, and with `beacon` before the last </body>, or at
 * the end without one; an empty beacon is not there. Every other byte is as it was, whatever the
 * bytes are. HY_ELIMIT, HY_ENOMEM. Any thread. */
HY_MUST_USE int hy_html_rewrite(struct hy_str html, hy_html_rewrite_fn *rewrite, void *ctx,
                                struct hy_str beacon, struct hy_buf *out);

/* Appends a readable plain-text form in LF lines: paragraphs, headings, lists, tables, images by
 * their alternative text, links as "text <url>"; no scripts, styles or hidden blocks. Template tags
 * {{...}} pass as they stand, so the text of a template is a template again. HY_ELIMIT,
 * HY_ENOMEM. Any thread. */
HY_MUST_USE int hy_html_text(struct hy_str html, struct hy_buf *out);
