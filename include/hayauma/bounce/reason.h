/* Why mail was refused or came back: one word for it, and what it means for the address. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "hayauma/base/str.h"

/* docs/guides/bounces.md explains each. Stored in events: never renumber. */
enum hy_bounce_reason {
    HY_BOUNCE_UNDEFINED = 0,
    HY_BOUNCE_USER_UNKNOWN = 1,
    HY_BOUNCE_DOMAIN_ERROR = 2,
    HY_BOUNCE_SUSPENDED = 3,
    HY_BOUNCE_MAILBOX_FULL = 4,
    HY_BOUNCE_TOO_BIG = 5,
    HY_BOUNCE_REJECTED_CONTENT = 6,
    HY_BOUNCE_REJECTED_POLICY = 7,
    HY_BOUNCE_REJECTED_AUTH = 8,
    HY_BOUNCE_BLOCKED = 9,
    HY_BOUNCE_RATE_LIMITED = 10,
    HY_BOUNCE_NETWORK = 11,
    HY_BOUNCE_EXPIRED = 12,
    HY_BOUNCE_SYSTEM = 13,
    HY_BOUNCE_FEEDBACK = 14,
    HY_BOUNCE_VACATION = 15,
    HY_BOUNCE_DELIVERED = 16,
    HY_BOUNCE_REASONS,
};

/* "user-unknown" */
const char *hy_bounce_reason_name(enum hy_bounce_reason r);
/* The reason of that name; HY_ENOTFOUND leaves *ret untouched. */
HY_MUST_USE int hy_bounce_reason_find(struct hy_str name, enum hy_bounce_reason *ret);
/* Whether a refusal for good with this reason says that the address itself is dead. */
bool hy_bounce_reason_is_of_address(enum hy_bounce_reason r);
/* Whether a message that was lost to it tells against the address, though not for good: those are
 * counted. What was refused for its content or its sender does not. */
bool hy_bounce_reason_is_soft(enum hy_bounce_reason r);
/* Whether it passes by itself, so that trying later makes sense even after a code that says never.
 */
bool hy_bounce_reason_is_passing(enum hy_bounce_reason r);
