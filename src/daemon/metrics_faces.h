/* The part of /metrics about the HTTP API, browsers and mail that comes back. */
#pragma once
#include "expo.h"
#include "observer.h"

/* They take what `f` has; a face that is not there has no samples. */
void metrics_put_api(struct expo *e, const struct observer_faces *f);
void metrics_put_tracking(struct expo *e, const struct observer_faces *f);
void metrics_put_intake(struct expo *e, const struct observer_faces *f);
