/* The audit of the logs beside the attempts: every record can be read, and the activity log and its
 * index agree. */
#include <inttypes.h>

#include "activity.h"
#include "audit_priv.h"
#include "ending.h"

static bool is_there(struct audit *a, const struct hy_key *key)
{
    struct hy_str value;
    return hy_get(&a->t, HY_TABLE_ACTIVITY_INDEX, hy_key_str(key), &value) == 0;
}

/* Of a lead that is no longer young. */
static bool is_settled(struct audit *a, const struct hy_activity *activity)
{
    struct hy_key key;
    for (unsigned no = 0; no < ACTIVITY_SETTLED_KEYS; no++)
        if (hy_activity_settled_key(activity, no, &key) && is_there(a, &key))
            return true;
    return false;
}

static void check_entries(struct audit *a, const struct hy_activity *activity)
{
    struct hy_key keys[ACTIVITY_INDEX_MAX];
    unsigned n = hy_activity_keys(a->t.env, activity, keys);
    for (unsigned i = 0; i < n; i++)
        if (!is_there(a, &keys[i]) && !(i == 0 && is_settled(a, activity)))
            hy_audit_problem(a, "activity %" PRIx64 " is missing in the index", activity->id);
}

/* *ret_first: the oldest that there is. */
static int check_log(struct audit *a, hy_id *ret_first)
{
    struct hy_activity activity;
    struct hy_cursor c;
    int err = hy_cursor_open(&a->t, HY_TABLE_ACTIVITIES, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c)) {
        a->report.activities++;
        if (*ret_first == 0 && c.key.n == 8)
            *ret_first = hy_get_be64(c.key.p);
        if (hy_activity_decode(c.key, c.value, &activity) != 0)
            hy_audit_problem(a, "the activity log has a record that cannot be read");
        else
            check_entries(a, &activity);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Entries of records that were trimmed while they could not be read lie before the log's first. */
static int check_index(struct audit *a, hy_id first)
{
    struct hy_cursor c;
    struct hy_str value;
    int err = hy_cursor_open(&a->t, HY_TABLE_ACTIVITY_INDEX, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c)) {
        struct hy_str id = c.key.n > 8 ? hy_str_slice(c.key, c.key.n - 8, c.key.n) : c.key;
        if (id.n != 8)
            hy_audit_problem(a, "the index of activities has an entry that cannot be read");
        else if (first && hy_get_be64(id.p) >= first &&
                 hy_get(&a->t, HY_TABLE_ACTIVITIES, id, &value) != 0)
            hy_audit_problem(a, "the index names activity %" PRIx64 ", which is not there",
                             hy_get_be64(id.p));
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* False: it cannot be read. */
static bool count_rows(const struct hy_cursor *c, uint64_t *n)
{
    struct hy_ending_reader r;
    struct hy_ending e;
    int err = hy_ending_open(c->key, c->value, &r);
    while (!err) {
        err = hy_ending_next(&r, &e);
        *n += err == 0;
    }
    return err == HY_ENOTFOUND;
}

static int check_endings(struct audit *a)
{
    struct hy_cursor c;
    int err = hy_cursor_open(&a->t, HY_TABLE_ENDINGS, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c))
        if (!count_rows(&c, &a->report.endings))
            hy_audit_problem(a, "the log of endings has a record that cannot be read");
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_audit_activities(struct audit *a)
{
    hy_id first = 0;
    int err = check_log(a, &first);
    if (!err)
        err = check_index(a, first);
    return err ? err : check_endings(a);
}
