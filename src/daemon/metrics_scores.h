/* The part of /metrics about scores and who is handed over. */
#pragma once
#include "expo.h"

struct hy_daemon;
/* The server's thread. */
void metrics_put_scores(struct expo *e, struct hy_daemon *d);
