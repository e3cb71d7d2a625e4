/* The audit as JSON: what the daemon answers and what the command prints by itself when no daemon
 * runs. */
#pragma once
#include <jansson.h>

#include "hayauma/store/env.h"

/* {"ok", "campaigns": [{"id", "name", "state", "queued", ..., "pending", "ok"}], "problems":
 * ["..."], "rows", "blocks", "attempts", "due_entries", "lists", "members"}: reads the whole store.
 * A store that does not add up is an answer ("ok": false), not an error. HY_ENOMEM, HY_EIO,
 * HY_ECORRUPT. Any thread; the caller owns *ret. */
HY_MUST_USE int hy_audit_json(struct hy_env *env, json_t **ret);
