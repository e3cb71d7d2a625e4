/* From the outcome of an attempt to what happens to the row next. */
#pragma once
#include "hayauma/base/rand.h"
#include "hayauma/model/outcome.h"
#include "hayauma/model/recipient.h"
#include "hayauma/shape/limits.h"

/* The wait before the next attempt after `attempts` (1..) that failed: first_us doubled each time
 * up to longest_us, then jittered. Pure. */
hy_us hy_retry_wait(const struct hy_retry_plan *plan, uint32_t attempts, struct hy_rng *rng);

/* The time that `attempts` failures (0..65535) take by the plan: the sum of the waits behind them,
 * without jitter. Pure. */
hy_us hy_retry_spent(const struct hy_retry_plan *plan, uint32_t attempts);

/* Since when its retry.expire counts: since `queued`, or, when it waited for other reasons than its
 * failures (a pause, a closed window), since a later time that those failures would have begun at.
 * Pure. */
hy_wall_ms hy_retry_since(const struct hy_retry_plan *plan, hy_wall_ms queued, uint32_t attempts,
                          hy_wall_ms now);

struct hy_verdict {
    enum hy_rcpt_state state; /* a final state, or HY_RCPT_DEFERRED */
    hy_wall_ms due;           /* when DEFERRED: the next attempt */
};

/* `attempts` counts this one; `queued` is when the row was made. A deferral whose next attempt
 * would fall behind queued + expire becomes HY_RCPT_EXPIRED. An outcome of kind RETURNED is the
 * caller's to handle and must not come here. Greylisting (4.7.1 or 4xx at RCPT or DATA on the first
 * attempt whose text speaks of greylisting) is tried again after a minute or what the text names,
 * whichever is longer, up to 10 minutes. Pure. */
struct hy_verdict hy_verdict_of(const struct hy_outcome *o, const struct hy_retry_plan *plan,
                                uint32_t attempts, hy_wall_ms queued, hy_wall_ms now,
                                struct hy_rng *rng);
