/* What the files about leads share. */
#pragma once
#include "hayauma/store/opt_in.h"
#include "hayauma/web/leads.h"

/* hy_lead_json without its segments: for pages of leads. lead_json.c */
HY_MUST_USE int lead_json_short(struct hy_txn *t, hy_lead_no no, json_t **ret);

/* lead_edit_read.c, for edits of other things: a text without NULs; an object of names and values
 * of attributes, at most `max`, into the arena, with its mistake in `field` (64 bytes) and `diag`.
 */
bool lead_text_read(const json_t *x, struct hy_str *ret);
HY_MUST_USE int lead_attributes_read(const json_t *o, struct hy_arena *arena, size_t max,
                                     const struct hy_lead_edit_attr **ret, size_t *ret_n,
                                     char *field, struct hy_diag *diag);
