/* The words for reasons. */
#include "hayauma/bounce/reason.h"

static const struct {
    const char *name;
    bool is_of_address, is_passing, is_soft;
} reasons[HY_BOUNCE_REASONS] = {
    [HY_BOUNCE_UNDEFINED] = {"undefined", false, false, false},
    [HY_BOUNCE_USER_UNKNOWN] = {"user-unknown", true, false, true},
    [HY_BOUNCE_DOMAIN_ERROR] = {"domain-error", true, false, true},
    [HY_BOUNCE_SUSPENDED] = {"suspended", false, false, true},
    [HY_BOUNCE_MAILBOX_FULL] = {"mailbox-full", false, false, true},
    [HY_BOUNCE_TOO_BIG] = {"too-big", false, false, false},
    [HY_BOUNCE_REJECTED_CONTENT] = {"rejected-content", false, false, false},
    [HY_BOUNCE_REJECTED_POLICY] = {"rejected-policy", false, false, false},
    [HY_BOUNCE_REJECTED_AUTH] = {"rejected-auth", false, false, false},
    [HY_BOUNCE_BLOCKED] = {"blocked", false, false, false},
    [HY_BOUNCE_RATE_LIMITED] = {"rate-limited", false, true, false},
    [HY_BOUNCE_NETWORK] = {"network", false, true, true},
    [HY_BOUNCE_EXPIRED] = {"expired", false, false, true},
    [HY_BOUNCE_SYSTEM] = {"system", false, false, false},
    [HY_BOUNCE_FEEDBACK] = {"feedback", false, false, false},
    [HY_BOUNCE_VACATION] = {"vacation", false, false, false},
    [HY_BOUNCE_DELIVERED] = {"delivered", false, false, false},
};

const char *hy_bounce_reason_name(enum hy_bounce_reason r)
{
    return (size_t)r < HY_BOUNCE_REASONS ? reasons[r].name : "?";
}

int hy_bounce_reason_find(struct hy_str name, enum hy_bounce_reason *ret)
{
    for (size_t i = 0; i < HY_BOUNCE_REASONS; i++)
        if (hy_str_eq(name, hy_str_of(reasons[i].name))) {
            *ret = (enum hy_bounce_reason)i;
            return HY_OK;
        }
    return HY_ENOTFOUND;
}

bool hy_bounce_reason_is_of_address(enum hy_bounce_reason r)
{
    return (size_t)r < HY_BOUNCE_REASONS && reasons[r].is_of_address;
}

bool hy_bounce_reason_is_passing(enum hy_bounce_reason r)
{
    return (size_t)r < HY_BOUNCE_REASONS && reasons[r].is_passing;
}

bool hy_bounce_reason_is_soft(enum hy_bounce_reason r)
{
    return (size_t)r < HY_BOUNCE_REASONS && reasons[r].is_soft;
}
