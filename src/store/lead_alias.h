/* Which lead became part of which. */
#pragma once
#include "hayauma/store/lead_alias.h"

/* `note` is what merging wants to remember of it. HY_EEXIST: it is a part already; HY_ELIMIT: the
 * person has too many parts. */
int hy_lead_alias_put(struct hy_txn *t, hy_lead_no part, hy_lead_no kept, struct hy_str note);
/* What the lead was merged into, and the note: a view. HY_ENOTFOUND. */
HY_MUST_USE int hy_lead_alias_get(struct hy_txn *t, hy_lead_no part, hy_lead_no *ret_kept,
                                  struct hy_str *ret_note);
/* HY_ENOTFOUND. */
int hy_lead_alias_del(struct hy_txn *t, hy_lead_no part);
