/* The reason that codes alone tell. */
#pragma once
#include "hayauma/bounce/reason.h"
#include "hayauma/model/outcome.h"

/* By the enhanced status (RFC 3463, RFC 7372, RFC 7505 and the rest of IANA's list), else by the
 * reply code. */
enum hy_bounce_reason bounce_reason_of_status(uint16_t code, struct hy_enhanced status);
