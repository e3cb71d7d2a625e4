/* The young entries of the index of activities by lead. */
#include <criterion/criterion.h>

#include "activity.h"
#include "case.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/retention.h"

TestSuite(activity_young, .init = case_open, .fini = case_close);

/* Entries of leads that begin with `among`. */
static size_t entries_among(char among)
{
    struct hy_cursor c;
    struct hy_txn t;
    size_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_ACTIVITY_INDEX, &c), 0);
    int err = hy_cursor_prefix_first(&c, hy_str_make(&among, 1));
    for (; !err; err = hy_cursor_prefix_next(&c, hy_str_make(&among, 1)))
        n++;
    hy_cursor_close(&c);
    hy_txn_end(&t);
    return n;
}

enum { YOUNG_LEADS = 50, YOUNG_MADE = 3 * ACTIVITY_YOUNG_MAX };

/* Each lead in its turn opens, and every third time clicks. */
static void put_many(hy_id first[YOUNG_LEADS])
{
    struct hy_txn t;
    for (uint32_t made = 0; made < YOUNG_MADE;) {
        cr_assert_eq(hy_txn_write(env, &t), 0);
        for (uint32_t i = 0; i < 4096 && made < YOUNG_MADE; i++, made++) {
            struct hy_activity a = {.kind = made % 3 ? HY_ACTIVITY_OPEN : HY_ACTIVITY_CLICK,
                                    .lead = made % YOUNG_LEADS + 1,
                                    .domain = 1};
            cr_assert_eq(hy_activity_put(&t, &a), 0);
            if (made < YOUNG_LEADS)
                first[made] = a.id;
        }
        cr_assert_eq(hy_txn_commit(&t), 0);
    }
}

/* How many of a lead come one behind the other, from its first. */
static uint32_t walked(struct hy_txn *t, hy_lead_no lead, uint8_t kind, hy_id first)
{
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead, .kind = kind};
    struct hy_activity a = {0};
    hy_id last = 0;
    uint32_t n = 0;
    while (hy_activity_next_of(t, &who, last, &a) == 0) {
        cr_assert_gt(a.id, last);
        cr_assert_eq(a.lead, lead);
        cr_assert(n > 0 || kind || a.id == first);
        last = a.id;
        n++;
    }
    if (n) {
        cr_assert_eq(hy_activity_prev_of(t, &who, 0, &a), 0);
        cr_assert_eq(a.id, last);
    }
    return n;
}

/* In one transaction: the shortest slices, as of run_request, would be a commit for each. */
static void trim_all(void)
{
    struct hy_trim_job job;
    struct hy_txn t;
    hy_trim_job_init(&job, hy_clock_wall_ms() + 1000);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(job.req.apply(&job.req, &t), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(entries_among(ACTIVITY_YOUNG) + entries_among(ACTIVITY_SETTLED), 0u);
}

Test(activity_young, the_young_are_bounded_and_all_are_found_where_they_are)
{
    hy_id first[YOUNG_LEADS];
    struct hy_txn t;
    put_many(first);
    size_t young = entries_among(ACTIVITY_YOUNG), settled = entries_among(ACTIVITY_SETTLED);
    cr_expect_eq(young + settled, (size_t)YOUNG_MADE, "%zu, %zu", young, settled);
    cr_expect(young > ACTIVITY_YOUNG_MAX / 2 && young < ACTIVITY_YOUNG_MAX * 3 / 2, "%zu", young);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (hy_lead_no lead = 1; lead <= YOUNG_LEADS; lead += 7) {
        uint32_t clicks = walked(&t, lead, HY_ACTIVITY_CLICK, 0),
                 all = walked(&t, lead, 0, first[lead - 1]);
        cr_expect_eq(all, YOUNG_MADE / YOUNG_LEADS + (lead <= YOUNG_MADE % YOUNG_LEADS), "%u", all);
        cr_expect_leq(clicks * 3, all + 2);
        cr_expect_geq(clicks * 3 + 2, all);
    }
    hy_txn_end(&t);
    cr_expect_eq(case_problems(), 0u);
    trim_all();
}

/* Those that are dropped while they are young are not counted among them any more: others are not
 * moved too early. */
Test(activity_young, young_entries_that_are_dropped_leave_room)
{
    hy_id first[YOUNG_LEADS];
    put_many(first);
    trim_all();
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (uint32_t i = 0; i < ACTIVITY_YOUNG_MAX / 4; i++) {
        struct hy_activity a = {.kind = HY_ACTIVITY_OPEN, .lead = i % 9 + 1, .domain = 1};
        cr_assert_eq(hy_activity_put(&t, &a), 0);
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(entries_among(ACTIVITY_YOUNG), (size_t)ACTIVITY_YOUNG_MAX / 4);
    cr_expect_eq(entries_among(ACTIVITY_SETTLED), 0);
}
