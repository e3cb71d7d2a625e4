/* The audit: one snapshot, its parts one after another; and the smaller parts: due index, attempt
 * log, lists. */
#include "hayauma/store/audit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "attempt.h"
#include "audit_priv.h"
#include "due.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/list.h"

void hy_audit_problem(struct audit *a, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    a->report.problems++;
    if (!a->sink->problem || a->report.problems > HY_AUDIT_PROBLEMS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    a->sink->problem(a->sink->ctx, text);
}

static void check_due(struct audit *a, struct hy_str key)
{
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    struct hy_due due;
    size_t n = 0;
    if (hy_due_decode(key, &due) != 0)
        hy_audit_problem(a, "the due index has an entry that cannot be read");
    else if (hy_queue_read_due(&a->t, &due, rows, &n) != 0 || n == 0)
        hy_audit_problem(a,
                         "the due index names domain %" PRIu32 ", block %" PRIu32 " at %" PRIu32
                         ", where no row is due",
                         due.domain, due.block, due.due_s);
}

int hy_audit_due(struct audit *a)
{
    struct hy_cursor c;
    int err = hy_cursor_open(&a->t, HY_TABLE_DUE, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c)) {
        a->report.due_entries++;
        check_due(a, c.key);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_audit_attempts(struct audit *a)
{
    struct hy_cursor c;
    int err = hy_cursor_open(&a->t, HY_TABLE_ATTEMPTS, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c)) {
        struct hy_attempt at;
        a->report.attempts++;
        if (hy_attempt_decode(c.key, c.value, &at) != 0)
            hy_audit_problem(a, "the attempt log has a record that cannot be read");
        else if (at.previous >= at.id)
            hy_audit_problem(a, "attempt %" PRIx64 " names a later one as the one before", at.id);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* ---- lists: every member is a lead, and of the domain it is filed under ---- */

static void check_member(struct audit *a, const struct hy_list_view *list, hy_domain_no domain,
                         hy_lead_no lead)
{
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    struct hy_lead_view view;
    int err = hy_lead_read(&a->t, lead, attrs, HY_ATTR_MAX, &view);
    if (err || view.domain_no != domain)
        hy_audit_problem(a, "list %.*s: lead %" PRIu32 " %s", HY_STR_ARG(list->name), lead,
                         err ? "cannot be read" : "is of another domain");
}

/* Those of one domain; of domain 0 are the leads without an address. */
static int audit_members(struct audit *a, const struct hy_list_view *list, hy_domain_no domain,
                         uint64_t *members)
{
    struct hy_list_set set = {.lists = {list->no}, .n = 1};
    hy_lead_no leads[512], after = 0;
    size_t n = sizeof leads / sizeof *leads;
    while (n == sizeof leads / sizeof *leads) {
        int err =
            hy_list_set_leads(&a->t, &set, domain, after, leads, sizeof leads / sizeof *leads, &n);
        if (err)
            return err;
        for (size_t i = 0; i < n; i++)
            check_member(a, list, domain, leads[i]);
        *members += n;
        after = n ? leads[n - 1] : after;
    }
    return 0;
}

static int audit_list(struct audit *a, const struct hy_list_view *list)
{
    struct hy_list_set set = {.lists = {list->no}, .n = 1};
    hy_domain_no domain = 0;
    uint64_t members = 0;
    int err = audit_members(a, list, 0, &members);
    while (!err && (err = hy_list_set_next_domain(&a->t, &set, domain, &domain)) == 0)
        err = audit_members(a, list, domain, &members);
    a->report.members += members;
    if (members != list->members)
        hy_audit_problem(a, "list %.*s counts %" PRIu64 " members, there are %" PRIu64,
                         HY_STR_ARG(list->name), list->members, members);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_audit_lists(struct audit *a)
{
    struct hy_list_view list = {0};
    int err;
    while ((err = hy_list_next(&a->t, list.no, &list)) == 0) {
        a->report.lists++;
        err = audit_list(a, &list);
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_audit(struct hy_env *env, const struct hy_audit_sink *sink, struct hy_audit_report *ret)
{
    struct audit a = {.sink = sink};
    int err = hy_txn_read(env, &a.t);
    if (err)
        return err;
    err = hy_attempt_floor(&a.t, &a.attempt_floor);
    if (!err)
        err = hy_audit_queue(&a);
    if (!err)
        err = hy_audit_spools(&a);
    if (!err)
        err = hy_audit_due(&a);
    if (!err)
        err = hy_audit_attempts(&a);
    if (!err)
        err = hy_audit_lists(&a);
    if (!err)
        err = hy_audit_leads(&a);
    if (!err)
        err = hy_audit_activities(&a);
    if (!err)
        err = hy_audit_tallies(&a);
    if (!err)
        err = hy_audit_suppressions(&a);
    if (!err)
        err = hy_audit_templates(&a);
    if (!err)
        err = hy_audit_companies(&a);
    if (err == 0)
        err = hy_audit_commerce(&a);
    if (!err)
        err = hy_audit_consents(&a);
    if (!err)
        err = hy_audit_handoffs(&a);
    hy_txn_end(&a.t);
    if (!err)
        *ret = a.report;
    return err;
}
