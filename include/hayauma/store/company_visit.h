/* Visits from the networks of companies by people who are not known: the newest of each network's
 * name and of its domain, as the activities were noted. A company's are those under any of its
 * names and domains, also when it became a record later. */
#pragma once
#include "hayauma/store/activity.h"
#include "hayauma/store/company.h"

enum { HY_COMPANY_VISITS_MAX = 50 }; /* that are kept of each, and told of a company */

/* A visitor did something (it was put): when nobody knows whose it is, and its metadata names the
 * company of its network ("company", "company_domain"), it is kept. The writer's transaction. */
HY_MUST_USE int hy_company_visit_note(struct hy_txn *t, const struct hy_activity *a);
/* The ids of the newest, the newest first. Those that were trimmed since, or are known to be a
 * lead's, are left to whoever reads them. Any thread with a transaction. */
HY_MUST_USE int hy_company_visits(struct hy_txn *t, const struct hy_company_record *c,
                                  hy_id ret[HY_COMPANY_VISITS_MAX], size_t *ret_n);
