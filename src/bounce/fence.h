/* The fence around the MIME parser: what it is given is bounded in every way that costs it time. */
#pragma once
#include "hayauma/base/buf.h"

/* Appends the mail with LF line ends (CRLF and lone CR count as one) and without NUL, cut where it
 * grows too long or its structure too rich. HY_ENOMEM. */
HY_MUST_USE int bounce_fence(struct hy_str mail, struct hy_buf *out);
