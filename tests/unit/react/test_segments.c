#include "hayauma/react/segments.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "crowd.h"
#include "hayauma/store/company_watch.h"
#include "hayauma/store/lead_edit.h"

static struct crowd c;

static void open_crowd(void)
{
    dir = store_dir_make();
    memset(&c, 0, sizeof c);
    crowd_open(&c, dir.path, 1);
}

static void close_crowd(void)
{
    crowd_close(&c);
    store_dir_remove(&dir);
}

TestSuite(segments, .init = open_crowd, .fini = close_crowd);

/* HY_SEGMENT_ACTIVITIES=1000000 for the long one. */
static uint64_t wanted(void)
{
    const char *n = getenv("HY_SEGMENT_ACTIVITIES");
    return n ? strtoull(n, NULL, 10) : 40000;
}

Test(segments, what_is_kept_up_to_date_is_what_is_found_from_scratch, .timeout = 3000)
{
    crowd_make(&c, 1500, 40);
    crowd_compare(&c);
    c.fault = 0.05;
    for (uint64_t left = wanted(); left; left = left > 10000 ? left - 10000 : 0) {
        crowd_live(&c, left < 10000 ? left : 10000);
        crowd_settle(&c);
        crowd_compare(&c);
    }
    cr_expect_gt(atomic_load(&c.meter.entered), 1000u);
    cr_expect_gt(atomic_load(&c.meter.left), 1000u);
}

Test(segments, words_may_change_while_leads_go_on)
{
    struct hy_diag diag = {0};
    char text[4096];
    crowd_make(&c, 300, 10);
    for (unsigned i = 0; i < 30; i++) {
        char name[16];
        unsigned k = hy_rng_below(&c.rng, 10) & 0xff;
        snprintf(name, sizeof name, "s%u", k);
        crowd_words(&c.rng, k, text, sizeof text); /* names those before it only */
        cr_assert_eq(crowd_edit(&c, name, text, &diag), 0, "%s", diag.text);
        crowd_live(&c, 100);
        if (i % 3 == 2) {
            crowd_settle(&c);
            crowd_compare(&c);
        }
    }
}

Test(segments, a_stop_of_many_days_is_made_up_for_in_slices)
{
    bool more = true;
    unsigned slices = 0;
    crowd_make(&c, 500, 30);
    crowd_live(&c, 3000);
    c.now += (hy_wall_ms)5 * 86400000;
    while (more) {
        struct hy_txn t;
        cr_assert_eq(hy_txn_write(c.env, &t), 0);
        t.now = c.now;
        cr_assert_eq(hy_segments_due(&t, c.segments, c.now, 100, NULL, &more), 0);
        cr_assert_eq(hy_txn_commit(&t), 0);
        slices++;
    }
    cr_expect_gt(slices, 3u);
    crowd_settle(&c);
    crowd_compare(&c);
}

/* ---- one lead that does very much ---- */

enum { VISITS = 6000, VISITS_AT_ONCE = 500 };

/* So many page views of lead 1, each noted, in one transaction. */
static void visit(unsigned n)
{
    struct hy_txn t;
    bool more;
    cr_assert_eq(hy_txn_write(c.env, &t), 0);
    t.now = c.now;
    for (unsigned i = 0; i < n; i++) {
        struct hy_activity a = {
            .kind = HY_ACTIVITY_PAGE_VIEW, .lead = 1, .url = HY_STR("https://a.test/")};
        cr_assert_eq(hy_activity_put(&t, &a), 0);
        cr_assert_eq(hy_segments_note(&t, c.segments, &a, false), 0);
    }
    cr_assert_eq(hy_segments_look(&t, c.segments, NULL), 0);
    cr_assert_eq(hy_segments_due(&t, c.segments, c.now, 1000, NULL, &more), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

Test(segments, a_lead_is_looked_at_once_for_all_that_it_did_at_once)
{
    struct hy_diag diag = {0};
    crowd_make(&c, 2, 0);
    cr_assert_eq(crowd_edit(&c, "idle", "visited(within 30d) and not ordered(within 90d)", &diag),
                 0, "%s", diag.text);
    crowd_settle(&c);
    uint64_t looks = atomic_load(&c.meter.looks), steps = atomic_load(&c.meter.steps);
    for (unsigned done = 0; done < VISITS; done += VISITS_AT_ONCE) {
        c.now += 50;
        visit(VISITS_AT_ONCE);
    }
    looks = atomic_load(&c.meter.looks) - looks;
    steps = atomic_load(&c.meter.steps) - steps;
    cr_expect_eq(looks, VISITS / VISITS_AT_ONCE);
    cr_expect_leq(steps, 4 * VISITS / VISITS_AT_ONCE, "got %lu steps", steps);
    crowd_compare(&c);
}

Test(segments, a_lead_that_is_dear_to_look_at_waits_and_is_right_behind_it)
{
    struct hy_diag diag = {0};
    crowd_make(&c, 2, 0);
    cr_assert_eq(
        crowd_edit(&c, "far", "visited(url: \"*/far\", within 30d) or visited() >= 5900", &diag), 0,
        "%s", diag.text);
    crowd_settle(&c);
    uint64_t steps = atomic_load(&c.meter.steps);
    for (unsigned done = 0; done < VISITS; done += VISITS_AT_ONCE) {
        visit(VISITS_AT_ONCE);
        c.now += 50; /* twenty transactions a second */
    }
    steps = atomic_load(&c.meter.steps) - steps;
    cr_expect_gt(atomic_load(&c.meter.put_off), 0u);
    cr_expect_leq(steps, 3 * VISITS, "got %lu steps", steps);
    c.now += 2000;
    crowd_settle(&c);
    crowd_compare(&c);
}

/* ---- a company with many leads ---- */

enum { MEMBERS = 3000 };

static void join(struct hy_txn *t, unsigned i)
{
    char address[32];
    const struct hy_lead_edit_attr attr = {HY_STR("company"), HY_STR("Big")};
    struct hy_lead_edit e = {
        .address = hy_str_of(address), .attrs = &attr, .n_attrs = 1, .by = HY_STR("test")};
    struct hy_lead_edit_result r;
    struct hy_diag diag = {0};
    snprintf(address, sizeof address, "m%u@big.test", i);
    e.address = hy_str_of(address);
    cr_assert_eq(hy_lead_edit(t, &e, &r, &diag), 0, "%s", diag.text);
}

/* Lead 1 clicks: five points. */
static void click(void)
{
    struct hy_activity a = {
        .kind = HY_ACTIVITY_CLICK, .lead = 1, .flags = HY_ACTIVITY_COUNTED, .link = 1};
    struct hy_txn t;
    bool is_changed;
    cr_assert_eq(hy_txn_write(c.env, &t), 0);
    t.now = c.now;
    cr_assert_eq(hy_activity_put(&t, &a), 0);
    cr_assert_eq(hy_scorer_note(c.scorer, &t, &a, 1, &is_changed), 0);
    cr_assert(is_changed);
    cr_assert_eq(hy_segments_note(&t, c.segments, &a, is_changed), 0);
    cr_assert_eq(hy_segments_look(&t, c.segments, NULL), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static uint64_t members_of(const char *segment)
{
    struct hy_txn t;
    hy_segment_no no;
    uint64_t n;
    cr_assert_eq(hy_txn_read(c.env, &t), 0);
    cr_assert_eq(hy_segment_find(&t, hy_str_of(segment), &no), 0);
    cr_assert_eq(hy_lead_set_count(&t, hy_segment_set_of(no), &n), 0);
    hy_txn_end(&t);
    return n;
}

static uint64_t looks_since(uint64_t before)
{
    return atomic_load(&c.meter.looks) - before;
}

Test(segments, members_of_a_company_are_looked_at_when_what_is_true_of_it_changes_alone)
{
    struct hy_diag diag = {0};
    struct hy_txn t;
    crowd_make(&c, 0, 0);
    cr_assert_eq(hy_txn_write(c.env, &t), 0);
    t.now = c.now;
    for (unsigned i = 1; i <= MEMBERS; i++)
        join(&t, i);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(crowd_edit(&c, "warm", "company.score >= 23", &diag), 0, "%s", diag.text);
    c.leads = 0; /* nobody but lead 1 does anything */
    crowd_settle(&c);
    c.leads = MEMBERS;
    click(); /* the company is looked at for the first time: so are its leads */
    crowd_settle(&c);
    uint64_t before = atomic_load(&c.meter.looks);
    for (int i = 0; i < 3; i++)
        click(); /* 20 points */
    crowd_settle(&c);
    cr_expect_eq(looks_since(before), 0u, "got %lu looks", looks_since(before));
    click();
    cr_expect_gt(members_of("warm"), 0u, "some of them at once");
    cr_expect_lt(members_of("warm"), MEMBERS, "and the others in slices");
    crowd_settle(&c);
    cr_expect_eq(members_of("warm"), MEMBERS);
    crowd_compare(&c);
    c.now += 3600 * 1000; /* the points fade */
    crowd_settle(&c);
    cr_expect_eq(members_of("warm"), 0u);
    crowd_compare(&c);
    uint64_t entries;
    cr_assert_eq(hy_txn_write(c.env, &t), 0);
    hy_segment_no no;
    cr_assert_eq(hy_segment_find(&t, HY_STR("warm"), &no), 0);
    cr_assert_eq(hy_segment_delete(&t, no, &diag), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    crowd_settle(&c);
    cr_assert_eq(hy_txn_read(c.env, &t), 0);
    bool is_watched = true;
    cr_assert_eq(hy_company_is_watched(&t, &is_watched), 0);
    cr_expect(!is_watched, "nobody asks any more");
    cr_assert_eq(hy_table_count(&t, HY_TABLE_COMPANIES, &entries), 0);
    cr_expect_eq(entries, MEMBERS + 4u, "number, record, name, points and its leads: got %lu",
                 entries);
    hy_txn_end(&t);
}

/* ---- kills ---- */

static void live_until_killed(uint64_t seed)
{
    struct crowd child = {.leads = 400};
    crowd_open(&child, dir.path, seed);
    child.now = hy_clock_wall_ms() + (hy_wall_ms)seed * 3600000;
    for (;;)
        crowd_live(&child, 1000);
}

Test(segments, nothing_is_lost_or_done_twice_when_the_program_is_killed)
{
    crowd_make(&c, 400, 15);
    for (uint64_t round = 1; round <= 12; round++) {
        crowd_close(&c);
        pid_t pid = fork();
        if (pid == 0)
            live_until_killed(round);
        cr_assert_gt(pid, 0);
        usleep((useconds_t)(20000 + 15000 * round));
        cr_assert_eq(kill(pid, SIGKILL), 0);
        int status;
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_assert(WIFSIGNALED(status), "it ended by itself");
        crowd_open(&c, dir.path, round);
        /* behind all that the child lived through */
        c.now = hy_clock_wall_ms() + (hy_wall_ms)(round + 400) * 3600000;
        crowd_settle(&c);
        crowd_compare(&c);
    }
}

/* ---- naming each other ---- */

Test(segments, none_may_contain_itself_or_name_what_is_not_there)
{
    static const struct {
        const char *name, *text, *why;
        int err;
    } cases[] = {
        {"a", "age > 1", NULL, 0},
        {"b", "segment(\"a\")", NULL, 0},
        {"c", "segment(\"b\") or tag(\"x\")", NULL, 0},
        {"a", "age > 2 and not segment(\"c\")",
         "the segment would contain itself: \"a\" > \"c\" > \"b\" > \"a\"", HY_EINVAL},
        {"a", "segment(\"a\")", "the segment would contain itself: \"a\" > \"a\"", HY_EINVAL},
        {"d", "segment(\"nothing\")", "there is no segment \"nothing\"", HY_EINVAL},
        {"d", "list(\"nothing\")", "there is no list \"nothing\"", HY_EINVAL},
        {"d", "age >", "1:6: ", HY_EPARSE},
        {"", "age > 1", "a segment's name", HY_EINVAL},
        {"d\n", "age > 1", "a segment's name", HY_EINVAL},
        {"d", "", "a new segment needs an expression", HY_EINVAL},
        {"d", "{\"tag\": \"vip\"}", NULL, 0},
    };
    c.now = hy_clock_wall_ms();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_diag diag = {0};
        cr_expect_eq(crowd_edit(&c, cases[i].name, cases[i].text, &diag), cases[i].err, "%s: %s",
                     cases[i].text, diag.text);
        if (cases[i].why)
            cr_expect_eq(strncmp(diag.text, cases[i].why, strlen(cases[i].why)), 0, "%s",
                         diag.text);
    }
    struct hy_diag diag = {0};
    struct hy_segment s;
    struct hy_txn t;
    hy_segment_no no;
    cr_assert_eq(hy_txn_write(c.env, &t), 0);
    cr_assert_eq(hy_segment_find(&t, HY_STR("a"), &no), 0);
    cr_expect_eq(hy_segment_delete(&t, no, &diag), HY_EBUSY);
    cr_expect_str_eq(diag.text, "the segment \"b\" names it: change or delete that first");
    cr_assert_eq(hy_segment_find(&t, HY_STR("c"), &no), 0);
    cr_expect_eq(hy_segment_delete(&t, no, &diag), 0);
    cr_expect_eq(hy_segment_find(&t, HY_STR("c"), &no), HY_ENOTFOUND);
    cr_assert_eq(hy_segment_find(&t, HY_STR("d"), &no), 0);
    cr_assert_eq(hy_segment_read(&t, no, &s), 0);
    cr_expect(hy_str_eq(s.text, HY_STR("tag(\"vip\")")), "JSON is kept in words");
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static unsigned told(hy_lead_no lead, enum hy_activity_kind kind, const char *name)
{
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    struct hy_activity a = {0};
    struct hy_txn t;
    unsigned n = 0;
    cr_assert_eq(hy_txn_read(c.env, &t), 0);
    while (hy_activity_prev_of(&t, &who, a.id, &a) == 0)
        n += a.kind == kind && hy_str_eq(a.text, hy_str_of(name));
    hy_txn_end(&t);
    return n;
}

Test(segments, who_enters_or_leaves_is_told_where_that_is_wished)
{
    const struct hy_segment_edit loud = {
        .name = HY_STR("loud"), .text = HY_STR("tag(\"vip\")"), .is_new = true, .announces = 1};
    struct hy_lead_edit_label label = {.kind = HY_LABEL_TAG, .name = HY_STR("vip")};
    struct hy_lead_edit e = {.address = HY_STR("calm@cats.test"), /* whom the others leave alone */
                             .labels = &label,
                             .n_labels = 1,
                             .by = HY_STR("test")};
    struct hy_lead_edit_result r = {0};
    struct hy_diag diag = {0};
    struct hy_txn t;
    hy_segment_no no;
    crowd_make(&c, 10, 0);
    label.is_removed = true;
    for (int step = 0; step < 4; step++) { /* nobody is told of those who were in it at first */
        cr_assert_eq(hy_txn_write(c.env, &t), 0);
        t.now = c.now;
        if (step == 1)
            cr_assert_eq(hy_segment_edit(&t, &loud, &no, &diag), 0, "%s", diag.text);
        label.is_removed = step % 2 == 0;
        cr_assert_eq(hy_lead_edit(&t, &e, &r, &diag), 0, "%s", diag.text);
        if (r.what)
            cr_assert_eq(hy_segments_lead(&t, c.segments, r.lead, r.what, false), 0);
        cr_assert_eq(hy_segments_look(&t, c.segments, NULL), 0);
        cr_assert_eq(hy_txn_commit(&t), 0);
        if (step == 1) {
            crowd_settle(&c);
            cr_expect_eq(told(r.lead, HY_ACTIVITY_SEGMENT_ENTERED, "loud"), 0u);
        }
    }
    cr_expect_eq(told(r.lead, HY_ACTIVITY_SEGMENT_LEFT, "loud"), 1u);
    cr_expect_eq(told(r.lead, HY_ACTIVITY_SEGMENT_ENTERED, "loud"), 1u);
}
