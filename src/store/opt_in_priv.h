/* Requests to join lists at rest, for the audit. */
#pragma once
#include "hayauma/store/opt_in.h"

enum { OPT_IN_PAIR_KEY = 9, OPT_IN_EXPIRY_KEY = 13 };

/* Also one that is over: its id is 0. */
HY_MUST_USE int hy_opt_in_read(struct hy_str key, struct hy_str value, struct hy_opt_in *ret);
/* Of the entry by which it is forgotten. */
struct hy_str hy_opt_in_expiry_key(const struct hy_opt_in *o, uint8_t room[OPT_IN_EXPIRY_KEY]);
