#include <criterion/criterion.h>

#include "case.h"
#include "hayauma/store/timeline.h"

static struct hy_queue_row rows[20];
static hy_id campaign;

static void setup(void)
{
    const struct people p = {.n_domains = 1, .per_domain = 20};
    cr_assert_eq(case_open_queued(p, &campaign, rows, 20), 20);
}

TestSuite(timeline, .init = setup, .fini = case_close);

static void deliver(int i)
{
    struct hy_settle s = settle_of(&rows[i].ref, HY_RCPT_DELIVERED, 0);
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
}

static void note(enum hy_activity_kind kind)
{
    struct hy_activity a = {.kind = kind, .lead = 1};
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_activity_put(&t, &a), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static void accept_message(void)
{
    struct hy_spool_rcpt to = {.address = HY_STR("bob@example.org")};
    struct hy_spool_job j;
    hy_spool_job_init(&j);
    j.message = (struct hy_spool_message){.sender = HY_STR("a@example.net"),
                                          .from_domain = HY_STR("example.net"),
                                          .content = HY_STR("Subject: x\r\n\r\nHello\r\n"),
                                          .header_bytes = 14,
                                          .rcpts = &to,
                                          .n_rcpts = 1};
    cr_assert_eq(run_request(env, &j.req), 0);
}

/* What there is behind `after`, one letter each; *last gets the last id. */
static const char *read_from(hy_id after, hy_id *last, uint64_t *damaged)
{
    static char text[64];
    struct hy_timeline l;
    struct hy_moment m = {0};
    struct hy_txn t;
    size_t n = 0;
    hy_id before = after;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_timeline_open(&t, after, &l), 0);
    while (hy_timeline_next(&l, &m) == 0 && n < sizeof text - 1) {
        cr_assert_gt(m.id, before, "ids ascend");
        before = m.id;
        text[n++] = "MAae"[m.kind];
    }
    text[n] = '\0';
    if (last)
        *last = before;
    if (damaged)
        *damaged = l.damaged;
    hy_timeline_close(&l);
    hy_txn_end(&t);
    return text;
}

Test(timeline, the_logs_are_one_in_the_order_of_what_happened)
{
    hy_id at = 0, newest = 0;
    struct hy_txn t;
    note(HY_ACTIVITY_OPEN);
    deliver(0);
    deliver(1);
    accept_message();
    note(HY_ACTIVITY_CLICK);
    deliver(2);
    cr_assert_str_eq(read_from(0, &at, NULL), "aAAMaA");
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_timeline_newest(&t, &newest), 0);
    hy_txn_end(&t);
    cr_assert_eq(newest, at);
    cr_assert_str_eq(read_from(at, NULL, NULL), "");
    accept_message();
    deliver(3);
    cr_assert_str_eq(read_from(at, &at, NULL), "MA", "reading on finds what came later");
    cr_assert_str_eq(read_from(at, NULL, NULL), "");
    cr_assert_str_eq(read_from(UINT64_MAX, NULL, NULL), "");
}

Test(timeline, what_cannot_be_read_is_passed_over)
{
    uint8_t key[8];
    struct hy_txn t;
    hy_id first = 0;
    uint64_t damaged = 0;
    deliver(0);
    (void)read_from(0, &first, NULL);
    deliver(1);
    note(HY_ACTIVITY_OPEN);
    hy_put_be64(key, first);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    hy_put(&t, HY_TABLE_ATTEMPTS, hy_str_make(key, 8), HY_STR("\1"), HY_PUT_SET);
    hy_put_be64(key, first + 1);
    hy_put(&t, HY_TABLE_ACTIVITIES, hy_str_make(key, 8), HY_STR("\11"), HY_PUT_SET);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_str_eq(read_from(0, NULL, &damaged), "Aa");
    cr_assert_eq(damaged, 2);
}

Test(timeline, the_newest_are_found_from_behind_and_counted)
{
    hy_id ids[8] = {0}, after = 1;
    uint64_t n = 0;
    struct hy_txn t;
    for (int i = 0; i < 4; i++) {
        note(HY_ACTIVITY_OPEN);
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_timeline_newest(&t, &ids[2 * i]), 0);
        hy_txn_end(&t);
        deliver(i);
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_timeline_newest(&t, &ids[2 * i + 1]), 0);
        hy_txn_end(&t);
    }
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (unsigned i = 1; i <= 7; i++) {
        cr_assert_eq(hy_timeline_back(&t, i, &after), 0);
        cr_assert_eq(after, ids[7 - i], "%u", i);
        cr_assert_eq(hy_timeline_count(&t, after, 100, &n), 0);
        cr_assert_eq(n, i);
    }
    cr_assert_eq(hy_timeline_back(&t, 8, &after), 0);
    cr_assert_eq(after, 0);
    cr_assert_eq(hy_timeline_count(&t, 0, 3, &n), 0);
    cr_assert_eq(n, 3, "no more than asked for");
    cr_assert_eq(hy_timeline_back(&t, 0, &after), HY_EINVAL);
    cr_assert_eq(hy_timeline_back(&t, HY_TIMELINE_BACK_MAX + 1, &after), HY_EINVAL);
    hy_txn_end(&t);
}

Test(timeline, an_empty_store_has_none)
{
    hy_id newest = 1;
    struct hy_txn t;
    cr_assert_str_eq(read_from(0, NULL, NULL), "");
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_timeline_newest(&t, &newest), 0);
    hy_txn_end(&t);
    cr_assert_eq(newest, 0);
}
