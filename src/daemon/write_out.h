/* A buffer on its way to a client's descriptor. */
#pragma once
#include "hayauma/base/buf.h"

/* Writes all of it and empties it; waits for a slow reader, but not for one that has gone:
 * HY_ECANCELED. HY_ECLOSED (a pipe that nobody reads), HY_EFULL, HY_EIO, or the buffer's own
 * error. `is_cancelled` may be NULL; it is asked five times a second. */
HY_MUST_USE int write_out(int fd, struct hy_buf *out, bool (*is_cancelled)(void *ctx), void *ctx);
