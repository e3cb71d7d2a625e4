/* All points given anew by the rules as they are. */
#pragma once
#include "daemon.h"

/* Begins, or goes on where it was with the same rules. Silently: leads that enter or leave a
 * threshold do so without an activity and are not handed over. `call` (NULL: nobody waits) is
 * finished at the end. HY_EBUSY: it is under way; HY_ENOMEM, HY_ECLOSED: `call` is the caller's. */
HY_MUST_USE int score_apply_start(struct hy_daemon *d, struct hy_scoring *scoring, bool is_silent,
                                  struct hy_control_call *call);
/* At the start and after a reload: goes on with what a stop interrupted, or says that the rules are
 * others than those that gave the points. NULL is fine. Main thread. */
void score_apply_look(struct hy_daemon *d, struct hy_scoring *scoring);
