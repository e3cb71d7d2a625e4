/* Bytes of a body in any charset made into UTF-8. */
#pragma once
#include "hayauma/base/buf.h"

/* Appends; `charset` may be empty, unknown or wrong: then the bytes decide (ISO-2022-JP by its
 * escapes, UTF-8, else Latin-1). Control characters but line ends and tabs become spaces. */
void bounce_put_text(struct hy_buf *out, struct hy_str raw, struct hy_str charset);
/* The text on one line: white space and control characters become single spaces, none at the ends;
 * what is not UTF-8 becomes U+FFFD. Writes at most `cap` bytes, whole characters; returns how many.
 */
size_t bounce_copy_line(struct hy_str raw, char *out, size_t cap);
