/* The text of HTML, for people who read plain text. */
#pragma once
#include "hayauma/base/buf.h"

/* Appends a readable plain-text form in LF lines: paragraphs, headings, lists, tables, images by
 * their alternative text, links as "text <url>"; no scripts, styles or hidden blocks. Template tags
 * {{...}} pass as they stand, so the text of a template is a template again. Any bytes are fine.
 * HY_ELIMIT, HY_ENOMEM. Any thread. */
HY_MUST_USE int hy_html_text(struct hy_str html, struct hy_buf *out);
