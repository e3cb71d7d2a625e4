/* An entry of the suppression list as JSON: one shape for the API and the control socket. */
#pragma once
#include <jansson.h>

#include "hayauma/store/suppress_text.h"

/* {"address" (null: only its hash is kept), "hash" (null unless), "domain" (it stands for a whole
 * one), "scope", "tenant" (null: all), "stream", "list", "reason", "created", "expires", "source",
 * "by"}; what does not apply is null. NULL without memory. */
json_t *hy_suppress_entry_json(struct hy_suppress_names *n, struct hy_txn *t,
                               const struct hy_suppress_entry *e);
