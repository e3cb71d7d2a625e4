/* Writing JSON by hand, where a line must be made without building objects first. */
#pragma once
#include "hayauma/base/buf.h"

/* A JSON string with its quotes. Control characters, quotes and backslashes are escaped; each byte
 * that is not UTF-8 becomes U+FFFD: what comes out is one line for every reader, whatever went in.
 */
void hy_json_put_str(struct hy_buf *out, struct hy_str s);
