/* Reading for a destination. */
#include <criterion/criterion.h>

#include "case.h"
#include "events.h"

TestSuite(dest, .init = case_open, .fini = case_close);

static void note(enum hy_activity_kind kind)
{
    struct hy_activity a = {.kind = kind, .lead = 1};
    struct hy_txn t = case_write();
    cr_assert_eq(hy_activity_put(&t, &a), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

Test(dest, a_click_that_is_not_judged_yet_holds_up_nothing_where_it_is_not_wanted)
{
    struct hy_events all = {.env = env};
    struct side side = {.all = &all};
    struct hy_event_filter filter = {{0}};
    struct dest d = {.side = &side, .filter = &filter};
    struct batch b = {.bytes = HY_BUF_INIT(1 << 20)};
    hy_event_filter_add(&filter, HY_ACTIVITY_UNSUBSCRIBE);
    hy_event_writer_init(&side.writer, NULL);
    note(HY_ACTIVITY_CLICK);
    note(HY_ACTIVITY_UNSUBSCRIBE);
    cr_assert_eq(dest_read(&d, '\n', true, 100, 1 << 20, &b), 0);
    cr_expect_eq(b.n, 1u);
    cr_expect(b.is_all && b.last == b.first);
    hy_event_writer_free(&side.writer);
    hy_buf_free(&b.bytes);
    hy_txn_end(&side.txn);
}
