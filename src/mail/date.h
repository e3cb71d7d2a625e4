/* Dates of header fields. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"

/* "Sun, 22 Nov 2026 11:27:00 +0900" (RFC 5322 3.3), for years from 1970 on. */
void hy_date_put(struct hy_buf *out, hy_wall_ms now, int utc_offset_min);
