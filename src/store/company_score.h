/* The points of companies, for who writes those of leads. */
#pragma once
#include "company_priv.h"
#include "score_priv.h"

/* The record of a lead is about to be replaced by `is`: its company's sums follow. */
HY_MUST_USE int hy_company_scored(struct hy_txn *t, hy_lead_no lead, const struct score_record *is);
/* The lead's points go with it. */
HY_MUST_USE int hy_company_score_follow(struct hy_txn *t, hy_lead_no lead, hy_company_no from,
                                        hy_company_no to);
/* What the sums of a company must be, from the records of its members: one after another, 1 us
 * each. */
HY_MUST_USE int hy_company_sums_count(struct hy_txn *t, hy_company_no no, struct score_record *ret);

/* score_record.c: the sums of a company; without any, none. */
HY_MUST_USE int hy_company_sums_get(struct hy_txn *t, hy_company_no no, struct score_record *ret);
HY_MUST_USE int hy_company_sums_put(struct hy_txn *t, hy_company_no no,
                                    const struct score_record *r);
