/* What the parts of the audit share. */
#pragma once
#include "block.h"
#include "hayauma/store/attempt.h"
#include "hayauma/store/audit.h"

struct audit {
    struct hy_txn t;
    const struct hy_audit_sink *sink;
    struct hy_audit_report report;
    hy_id attempt_floor;
};

/* Counts a problem and tells it, up to the maximum. */
void hy_audit_problem(struct audit *a, const char *fmt, ...) HY_PRINTF(2, 3);

/* All of these: 0 when they came to the end, else what kept them from it. */
HY_MUST_USE int hy_audit_queue(struct audit *a);
HY_MUST_USE int hy_audit_spools(struct audit *a);
HY_MUST_USE int hy_audit_due(struct audit *a);
HY_MUST_USE int hy_audit_attempts(struct audit *a);
HY_MUST_USE int hy_audit_lists(struct audit *a);
HY_MUST_USE int hy_audit_leads(struct audit *a);
HY_MUST_USE int hy_audit_activities(struct audit *a);
HY_MUST_USE int hy_audit_tallies(struct audit *a);
HY_MUST_USE int hy_audit_suppressions(struct audit *a);
HY_MUST_USE int hy_audit_templates(struct audit *a);
HY_MUST_USE int hy_audit_companies(struct audit *a);
HY_MUST_USE int hy_audit_commerce(struct audit *a);
HY_MUST_USE int hy_audit_consents(struct audit *a);
HY_MUST_USE int hy_audit_handoffs(struct audit *a);
