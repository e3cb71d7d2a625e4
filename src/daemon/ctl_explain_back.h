/* What explain tells besides attempts. */
#pragma once
#include "ctl_common.h"
#include "daemon.h"
#include "hayauma/store/activity.h"

/* [{"at","kind","hard","reason","text","source","address","campaign","details"}], the oldest first:
 * the last 200; of the tenants of `scope` only, and of `address` only when it is not empty. */
json_t *ctl_noted_json(struct hy_txn *t, const struct hy_activity_who *who,
                       const struct tenant_scope *scope, struct hy_str address);
