/* What the files about leads share. */
#pragma once
#include "hayauma/store/opt_in.h"
#include "hayauma/web/leads.h"

/* hy_lead_json of one that was read. lead_json.c */
HY_MUST_USE int lead_view_json(struct hy_txn *t, const struct hy_lead_view *lead, hy_id created,
                               json_t **ret);
