/* The audit of the suppression list: each record can be read and stands under the hash of its
 * address, the counts are right, and the index of expiries has each end once. */
#include <inttypes.h>

#include "audit_priv.h"
#include "env_priv.h"

struct checking {
    struct audit *a;
    struct hy_suppress_counts counted;
    uint64_t expiring;
};

static void check_entry(struct checking *n, struct hy_str key, struct hy_str value)
{
    struct hy_txn *t = &n->a->t;
    struct hy_suppress_entry e;
    struct hy_suppress_id id;
    struct hy_str end;
    uint8_t room[SUPPRESS_EXPIRY_KEY_BYTES];
    if (suppress_entry_read(key, value, &e) != 0) {
        hy_audit_problem(n->a, "the suppression list has an entry that cannot be read");
        return;
    }
    n->a->report.suppressions++;
    n->counted.by_reason[e.key.reason]++;
    n->counted.domains += e.is_domain;
    n->expiring += e.expires != 0;
    if (!e.is_hashed &&
        (hy_suppress_id_of(t->env, e.what, &id) != 0 || !hy_suppress_id_eq(id, e.key.id)))
        hy_audit_problem(n->a, "the suppression of %.*s stands in a place where nobody looks",
                         HY_STR_ARG(e.what));
    if (e.expires && hy_get(t, HY_TABLE_SUPPRESS_EXPIRY,
                            suppress_expiry_key(room, e.expires, &e.key), &end) != 0)
        hy_audit_problem(n->a, "a suppression (%.*s) ends, and the index of ends does not have it",
                         HY_STR_ARG(e.what));
}

static void check_record(struct checking *n, struct hy_str key, struct hy_str value)
{
    struct hy_suppress_act act;
    struct hy_suppress_soft soft;
    struct hy_suppress_counts counts;
    int err = key.n < SUPPRESS_PREFIX_BYTES ? HY_ECORRUPT : 0;
    switch (err ? 0 : key.p[SUPPRESS_ID_BYTES]) {
    case SUPPRESS_ENTRY:
        check_entry(n, key, value);
        return;
    case SUPPRESS_ACT:
        err = suppress_act_read(key, value, &act);
        break;
    case SUPPRESS_SOFTS:
        err = key.n == SUPPRESS_SOFT_KEY_BYTES ? suppress_soft_read(value, &soft) : HY_ECORRUPT;
        break;
    case SUPPRESS_COUNTS:
        err = suppress_counts_read(value, &counts);
        break;
    default:
        err = HY_ECORRUPT;
    }
    if (err)
        hy_audit_problem(n->a, "the suppression list has a record that cannot be read");
}

static void check_counts(struct checking *n)
{
    struct hy_suppress_counts stored;
    uint64_t ends = 0;
    if (hy_suppress_counts(&n->a->t, &stored) != 0)
        return; /* told already */
    for (unsigned i = 1; i < HY_SUPPRESS_REASONS; i++)
        if (stored.by_reason[i] != n->counted.by_reason[i])
            hy_audit_problem(n->a,
                             "the suppression list counts %" PRIu64 " entries for %s, there are "
                             "%" PRIu64,
                             stored.by_reason[i],
                             hy_suppress_reason_name((enum hy_suppress_reason)i),
                             n->counted.by_reason[i]);
    if (stored.domains != n->counted.domains)
        hy_audit_problem(n->a,
                         "the suppression list counts %" PRIu64 " domains, there are %" PRIu64,
                         stored.domains, n->counted.domains);
    if (hy_table_count(&n->a->t, HY_TABLE_SUPPRESS_EXPIRY, &ends) == 0 && ends != n->expiring)
        hy_audit_problem(n->a,
                         "the index of ends of suppressions has %" PRIu64 " entries, %" PRIu64
                         " suppressions end",
                         ends, n->expiring);
}

int hy_audit_suppressions(struct audit *a)
{
    struct checking n = {.a = a};
    struct hy_cursor c;
    int err = hy_cursor_open(&a->t, HY_TABLE_SUPPRESSIONS, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c))
        check_record(&n, c.key, c.value);
    hy_cursor_close(&c);
    if (err != HY_ENOTFOUND)
        return err;
    check_counts(&n);
    return 0;
}
