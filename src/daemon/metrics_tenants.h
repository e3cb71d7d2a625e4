/* The part of /metrics about tenants. */
#pragma once
#include "expo.h"

struct hy_daemon;

/* Of the first metrics.tenants of the configuration; nothing when it names none. */
void metrics_put_tenants(struct expo *e, struct hy_daemon *d);
