/* What the files about leads share. */
#pragma once
#include "hayauma/store/opt_in.h"
#include "hayauma/web/leads.h"

/* hy_lead_json without its segments: for pages of leads. lead_json.c */
HY_MUST_USE int lead_json_short(struct hy_txn *t, hy_lead_no no, json_t **ret);
