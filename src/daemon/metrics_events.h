/* The part of /metrics about destinations of events. */
#pragma once
#include "expo.h"

struct hy_daemon;
/* The server's thread. */
void metrics_put_events(struct expo *e, struct hy_daemon *d);
