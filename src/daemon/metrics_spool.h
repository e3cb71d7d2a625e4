/* The part of /metrics about ready messages. */
#pragma once
#include "expo.h"
#include "hayauma/store/env.h"

/* Recipients of all spools by priority and state, and how long the oldest waits. */
void metrics_put_spools(struct expo *e, struct hy_env *env);
