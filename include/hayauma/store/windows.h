/* What windows of lanes learned, over restarts: one value for each worker, whose bytes the store
 * does not look into. */
#pragma once
#include "hayauma/store/env.h"

enum { HY_WINDOWS_MAX = 1 << 20 }; /* bytes of a value */

HY_MUST_USE int hy_windows_put(struct hy_txn *t, uint32_t worker, struct hy_str bytes);
/* A view. HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_windows_get(struct hy_txn *t, uint32_t worker, struct hy_str *ret);
