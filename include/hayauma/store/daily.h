/* Counters of daily limits, kept over restarts: the table "daily". */
#pragma once
#include "hayauma/shape/day.h"
#include "hayauma/store/env.h"

enum { HY_DAILY_KEY_MAX = 200 }; /* bytes of a key: text that whoever counts makes up */

/* HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_daily_get(struct hy_txn *t, struct hy_str key, struct hy_day_count *ret);
/* A count of nothing is taken out. Write transactions. */
int hy_daily_put(struct hy_txn *t, struct hy_str key, const struct hy_day_count *c);
/* Takes out up to `most` counters whose 25 hours are over, and those that cannot be read. Write
 * transactions. */
int hy_daily_trim(struct hy_txn *t, hy_wall_ms now, unsigned most, unsigned *ret_n);
