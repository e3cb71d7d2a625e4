/* Reading what people name on the command line. */
#pragma once
#include "hayauma/base/buf.h"

/* A whole file, or standard input for "-", of at most `max` bytes, into `out`, which is made here
 * and freed by the caller in any case. HY_EIO (errno tells), HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int cli_read_all(const char *path, size_t max, struct hy_buf *out);
