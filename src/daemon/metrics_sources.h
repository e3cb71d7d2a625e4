/* The part of /metrics about sources. */
#pragma once
#include "expo.h"

struct hy_deliver;

/* Of the policy in force; nothing when there is no memory. */
void metrics_put_sources(struct expo *e, struct hy_deliver *d);
