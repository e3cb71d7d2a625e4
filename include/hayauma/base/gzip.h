/* Packing bytes as gzip (RFC 1952), for reports that must be. */
#pragma once
#include "hayauma/base/buf.h"

/* Appends `in` packed, without name and time, so that the same bytes give the same. HY_ENOMEM,
 * HY_ELIMIT: then `out` is as long as before. Any thread. */
HY_MUST_USE int hy_gzip(struct hy_str in, struct hy_buf *out);
