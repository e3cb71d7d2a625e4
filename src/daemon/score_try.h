/* What other rules would make of the history. */
#pragma once
#include <jansson.h>

#include "daemon.h"
#include "hayauma/config/scoring.h"

struct score_try_watch {
    bool (*is_over)(void *ctx); /* asked every few hundred leads: it ends with HY_ECANCELED */
    void (*progress)(void *ctx, hy_lead_no done, hy_lead_no of); /* five times a second; NULL */
    void *ctx;
};
/* As `score.try` of docs/internals/control.md answers. It goes through all leads and what they did:
 * for a thread that may take long. HY_ECANCELED, HY_ENOMEM, HY_ECORRUPT. */
HY_MUST_USE int score_try(struct hy_daemon *d, struct hy_txn *t, struct hy_scoring *rules,
                          const struct score_try_watch *watch, json_t **ret);
