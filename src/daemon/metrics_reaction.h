/* The part of /metrics about what follows from activities. */
#pragma once
#include "expo.h"

struct hy_daemon;
/* The server's thread. */
void metrics_put_reaction(struct expo *e, struct hy_daemon *d);
