/* The part of /metrics that asks the workers: figures of lanes. */
#pragma once
#include "expo.h"

struct hy_deliver;

/* Waits a second at most; without an answer by then these metrics are missing this time. `most`:
 * lanes with series of their own. */
void metrics_put_lanes(struct expo *e, struct hy_deliver *d, size_t most);
