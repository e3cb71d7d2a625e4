#include <criterion/criterion.h>
#include <errno.h>
#include <time.h>

#include "react_priv.h"
#include "reacting.h"

TestSuite(react, .init = reacting_open, .fini = reacting_close);

#define AGENT                                                                                      \
    HY_STR("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "     \
           "Chrome/126.0.0.0 Safari/537.36")

static struct hy_activity hit(enum hy_activity_kind kind, hy_lead_no lead, uint32_t link)
{
    return (struct hy_activity){.kind = kind,
                                .lead = lead,
                                .link = link,
                                .campaign = 77,
                                .domain = 1,
                                .ip = {[10] = 0xff, 0xff, 192, 0, 2, (uint8_t)lead},
                                .agent = AGENT};
}

static struct hy_react_view view(void)
{
    struct hy_react_view v;
    hy_react_look(react, &v);
    return v;
}

Test(react, each_activity_takes_effect_once)
{
    hy_id last = noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 1, .link = 1000});
    reacting_start(0);
    for (uint32_t i = 1; i <= 100; i++)
        last = noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 1, .link = i});
    reacted(last);
    cr_assert_eq(sum_of(1), 5050, "what was there before the reader first ran is history");
    cr_assert_eq(view().applied, 100);
    cr_assert_eq(view().delay.count, 100);
}

Test(react, goes_on_where_it_stopped)
{
    hy_id last = 0;
    reacting_start(0);
    for (uint32_t round = 1; round <= 4; round++) {
        for (uint32_t i = 1; i <= 25; i++)
            last = noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 1});
        if (round % 2)
            reacted(last);
        reacting_stop();
        last = noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 2});
        reacting_start(0);
    }
    reacted(last);
    cr_assert_eq(sum_of(1), 100);
    cr_assert_eq(sum_of(2), 4);
}

Test(react, an_open_or_click_is_judged_at_once_and_counts_behind_its_hold)
{
    reacting_start(3600000);
    hy_id open = noted(hit(HY_ACTIVITY_OPEN, 1, 0));
    hy_id click = noted(hit(HY_ACTIVITY_CLICK, 1, 1));
    reacted(click);
    cr_assert_eq(activity_now(open).flags, HY_ACTIVITY_HUMAN);
    cr_assert_eq(activity_now(click).flags, HY_ACTIVITY_HUMAN);
    cr_assert_eq(sum_of(1), 0);
    reacting_stop();
    reacting_start(0);
    reacted_held(click);
    cr_assert_eq(sum_of(1), 2);
    cr_assert_eq(activity_now(click).flags, HY_ACTIVITY_HUMAN | HY_ACTIVITY_COUNTED);
    cr_assert_eq(view().counted, 2);
}

Test(react, a_machines_haste_takes_back_what_had_counted)
{
    hy_id ids[3];
    reacting_start(0);
    for (uint32_t i = 0; i < 3; i++) {
        struct hy_activity a = hit(HY_ACTIVITY_CLICK, 1, i + 1);
        a.at = 1796000000000 + i * 600;
        ids[i] = noted(a);
        reacted_held(ids[i]);
        cr_assert_eq(sum_of(1), i == 0 ? 1 : i == 1 ? 3 : 0);
    }
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(activity_now(ids[i]).flags, HY_ACTIVITY_MACHINE, "click %d", i);
        cr_assert_eq(activity_now(ids[i]).reason, HY_VERDICT_BURST);
    }
    cr_assert_eq(view().withdrawn, 2);
    cr_assert_eq(view().revised, 2);
}

/* Activities of the lead that tell of a verdict on `of`. */
static unsigned told_of(hy_lead_no lead, hy_id of)
{
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    struct hy_activity a = {0};
    char text[HY_ID_TEXT_MAX];
    struct hy_txn t;
    unsigned n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (hy_activity_prev_of(&t, &who, a.id, &a) == 0)
        n += a.kind == HY_ACTIVITY_VERDICT && hy_str_eq(a.text, hy_str_of(hy_id_format(of, text)));
    hy_txn_end(&t);
    return n;
}

Test(react, a_verdict_that_changes_is_told_and_one_that_is_in_time_is_not)
{
    hy_id ids[3];
    reacting_start(0);
    for (uint32_t i = 0; i < 3; i++) {
        struct hy_activity a = hit(HY_ACTIVITY_CLICK, 1, i + 1);
        a.at = 1796000000000 + i * 600;
        ids[i] = noted(a);
    }
    reacted(ids[2]);
    reacted(noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 2}));
    cr_assert_eq(told_of(1, ids[0]), 1);
    cr_assert_eq(told_of(1, ids[1]), 1);
    cr_assert_eq(view().applied, 4, "what we tell is passed over");
    cr_assert_leq(told_of(1, ids[2]), 1, "a slow machine may have taken longer than in time is");
}

Test(react, a_burst_is_seen_over_a_restart)
{
    hy_id id = 0;
    for (uint32_t i = 0; i < 3; i++) {
        struct hy_activity a = hit(HY_ACTIVITY_CLICK, 1, i + 1);
        a.at = 1796000000000 + i * 600;
        reacting_start(0);
        id = noted(a);
        reacted_held(id);
        reacting_stop();
    }
    cr_assert_eq(sum_of(1), 0);
    cr_assert_eq(activity_now(id).reason, HY_VERDICT_BURST);
}

Test(react, a_visit_of_the_site_proves_the_click_at_once)
{
    reacting_start(3600000);
    hy_id click = noted(hit(HY_ACTIVITY_CLICK, 1, 5));
    hy_id visit = noted(hit(HY_ACTIVITY_PAGE_VIEW, 1, 0));
    reacted(visit);
    cr_assert_eq(activity_now(click).reason, HY_VERDICT_PROOF);
    cr_assert_eq(sum_of(1), 6, "the click, and the visit");
    reacting_stop();
    reacting_start(0);
    reacted_held(visit);
    cr_assert_eq(sum_of(1), 6, "not once more behind the hold");
}

/* Its scroll, of so much. */
static hy_id scrolled(hy_lead_no lead, uint32_t percent)
{
    return visited((struct hy_activity){
        .kind = HY_ACTIVITY_SCROLL, .visitor = 9, .lead = lead, .link = percent});
}

Test(react, what_a_visitor_did_before_it_was_known_counts_once_whenever_it_was_read)
{
    hy_lead_no taro = case_lead("taro@example.jp");
    reacting_start(0);
    reacted(scrolled(0, 1000));
    reacting_stop();
    scrolled(0, 200);                /* is read when it is the lead's already */
    hy_id last = scrolled(taro, 30); /* IDENTIFY comes before it: 2 of them */
    cr_assert_eq(sum_of(taro), 0);
    reacting_start(0);
    reacted(last);
    cr_assert_eq(sum_of(taro), 1000 + 200 + 2 + 30);
    reacting_stop();
    reacting_start(0);
    reacted(scrolled(0, 4));
    cr_assert_eq(sum_of(taro), 1236, "the next ones count as they come");
}

Test(react, a_claim_brings_nobody_anything)
{
    hy_lead_no taro = case_lead("taro@example.jp");
    reacting_start(0);
    scrolled(0, 1000);
    reacted(visited((struct hy_activity){
        .kind = HY_ACTIVITY_IDENTIFY, .visitor = 9, .address = HY_STR("taro@example.jp")}));
    cr_assert_eq(sum_of(taro), 0);
}

Test(react, machines_and_privacy_proxies_do_not_count)
{
    struct hy_activity a = hit(HY_ACTIVITY_OPEN, 1, 0), b = hit(HY_ACTIVITY_CLICK, 2, 1),
                       c = hit(HY_ACTIVITY_OPEN, 3, 0), d = hit(HY_ACTIVITY_OPEN, 4, 0);
    a.agent = HY_STR("Mozilla/5.0");
    b.agent = HY_STR("curl/8.5.0");
    c.reason = HY_VERDICT_PREFETCH;
    d.agent = HY_STR("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 "
                     "(via ggpht.com GoogleImageProxy)");
    memcpy(d.ip + 12, (uint8_t[4]){66, 249, 84, 3}, 4);
    reacting_start(0);
    hy_id ids[4] = {noted(a), noted(b), noted(c), noted(d)};
    reacted_held(ids[3]);
    static const struct {
        uint8_t flags, reason;
        int64_t sum;
    } want[4] = {
        {0, HY_VERDICT_PRIVACY, 0},
        {HY_ACTIVITY_MACHINE, HY_VERDICT_AGENT, 0},
        {HY_ACTIVITY_MACHINE, HY_VERDICT_PREFETCH, 0},
        {HY_ACTIVITY_HUMAN | HY_ACTIVITY_COUNTED, HY_VERDICT_PROXY, 1},
    };
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(activity_now(ids[i]).flags, want[i].flags, "case %u", i);
        cr_assert_eq(activity_now(ids[i]).reason, want[i].reason, "case %u", i);
        cr_assert_eq(sum_of(i + 1), want[i].sum, "case %u", i);
    }
}

Test(react, who_asks_before_the_server_took_the_mail_is_none)
{
    struct people p = {.n_domains = 1, .per_domain = 3};
    struct hy_queue_row rows[3];
    reacting_stop();
    hy_writer_stop(writer);
    hy_id campaign = campaign_queue(env, "early", &p);
    cr_assert_eq(read_all_fresh(env, campaign, rows, 3), 3);
    struct hy_settle taken = settle_of(&rows[1].ref, HY_RCPT_DELIVERED, 0);
    struct hy_settle refused = settle_of(&rows[2].ref, HY_RCPT_DEFERRED, 0);
    hy_wall_ms end = taken.attempt.started + taken.attempt.duration_ms;
    refused.attempt.due_s = (uint32_t)(end / 1000) + 3600;
    cr_assert_eq(settle_now(env, &taken), HY_SETTLE_APPLIED);
    cr_assert_eq(settle_now(env, &refused), HY_SETTLE_APPLIED);
    reacting_writer();
    const struct {
        hy_lead_no lead;
        hy_wall_ms at;
        uint8_t reason;
    } cases[] = {
        {rows[0].ref.lead, end, HY_VERDICT_EARLY},
        {rows[1].ref.lead, end - 1, HY_VERDICT_EARLY},
        {rows[1].ref.lead, end + 60000, HY_VERDICT_NOTHING},
        {rows[2].ref.lead, end + 60000, HY_VERDICT_EARLY},
        {999, end, HY_VERDICT_NOTHING},
    };
    reacting_start(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_activity a = hit(HY_ACTIVITY_CLICK, cases[i].lead, 1);
        a.campaign = campaign;
        a.domain = rows[0].ref.domain;
        a.at = cases[i].at;
        hy_id id = noted(a);
        reacted(id);
        cr_expect_eq(activity_now(id).reason, cases[i].reason, "case %zu", i);
    }
}

Test(react, what_keeps_failing_is_passed_over_alone)
{
    reacting_start(0);
    for (uint32_t i = 1; i <= 10; i++)
        noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 1});
    noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = POISON_LEAD});
    hy_id last = 0;
    for (uint32_t i = 1; i <= 10; i++)
        last = noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 1});
    reacted(last);
    cr_assert_eq(sum_of(1), 20);
    cr_assert_eq(sum_of(POISON_LEAD), 0);
    cr_assert_eq(view().skipped, 1);
    cr_assert_gt(view().failures, 0);
}

enum { CHANGED = 1000000 };

Test(react, changes_of_leads_are_followed_lead_by_lead)
{
    reacting_start(0);
    noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 10});
    changed(1, 1000);
    hy_id last = noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 10});
    reacted(last);
    reacted_leads(last);
    cr_assert_eq(sum_of(1), CHANGED);
    cr_assert_eq(sum_of(10), CHANGED + 2);
    cr_assert_eq(sum_of(1000), CHANGED);
    cr_assert_eq(sum_of(1001), 0);
    cr_assert_eq(view().skipped, 1, "one of them fails");
    cr_assert_eq(sum_of(POISON_LEAD), 0);
    cr_assert_eq(sum_of(POISON_LEAD + 1), CHANGED);
    cr_assert_eq(sum_of(SLOW_LEAD), CHANGED * SLOW_SLICES, "slice after slice");
    cr_assert_eq(sum_of(SLOW_LEAD - 1), CHANGED);
    cr_assert_eq(sum_of(SLOW_LEAD + 1), CHANGED);
}

/* A batch of its own, without a thread. */
Test(react, a_slice_may_end_anywhere_and_the_next_goes_on_there)
{
    static struct batch b;
    static struct hy_react_policy policy;
    static struct hy_react r;
    struct hy_txn t;
    bool more;
    unsigned slices = 0;
    policy.effects = summing;
    policy.hold_ms = 0;
    reacting_start(0);
    reacting_stop();
    noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 5});
    changed(1, 20);
    noted(hit(HY_ACTIVITY_CLICK, 5, 3));
    hy_verdict_settings_init(&policy.verdicts);
    cr_assert_eq(hy_agents_new(&r.agents), 0);
    cr_assert_eq(hy_verdicts_new(&policy.verdicts, &r.key, &r.verdicts), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    b.policy = &policy;
    b.now = hy_clock_wall_ms();
    cr_assert_eq(place_get(&t, &r.at), 0);
    cr_assert_eq(read_on(&r, &t, &b, STEPS_MAX, &more), 0);
    hy_txn_end(&t);
    cr_assert_not(more);
    hy_writer_stop(writer);
    for (int err = HY_EMORE; err == HY_EMORE || b.reached.leads < b.to.leads; slices++) {
        cr_assert_eq(hy_txn_write(env, &t), 0);
        t.yield_at = t.yield_by = 1;
        err = batch_apply(&b.req, &t);
        cr_assert_eq(hy_txn_commit(&t), 0);
        b.from = b.reached;
        cr_assert_eq(err, 0, "what is left waits for another batch");
    }
    cr_assert_eq(slices, 20, "as small as they can be");
    for (hy_lead_no lead = 1; lead <= 20; lead++)
        cr_assert_eq(sum_of(lead), lead == 5 ? CHANGED + 4 : CHANGED, "lead %u", lead);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(batch_apply(&b.req, &t), 0, "nothing is left of it");
    b.from.now--;
    cr_assert_eq(batch_apply(&b.req, &t), HY_EINVAL, "a batch for another place");
    hy_txn_end(&t);
    hy_verdicts_free(r.verdicts);
    hy_agents_free(r.agents);
    reacting_writer();
}

Test(react, what_falls_due_is_asked_for_by_time)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    reacting_start(0);
    while (atomic_load(&due_calls) < 2)
        nanosleep(&pause, NULL);
}

static atomic_bool is_full;
static int before_commit(void *ctx)
{
    (void)ctx;
    return atomic_load(&is_full) ? ENOSPC : 0;
}

Test(reacting, waits_while_the_disk_is_full_and_loses_nothing)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    dir = store_dir_make();
    env = store_open_fault(&dir, (struct hy_env_fault){.before_commit = before_commit});
    reacting_writer();
    reacting_start(0);
    reacting_stop();
    hy_id last = 0;
    for (int i = 0; i < 10; i++)
        last = noted((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 1});
    atomic_store(&is_full, true);
    reacting_start(0);
    while (hy_env_state(env) != HY_ENV_FULL)
        nanosleep(&pause, NULL);
    cr_assert_eq(sum_of(1), 0);
    cr_assert_lt(hy_react_position(react).now, last);
    atomic_store(&is_full, false);
    reacted(last);
    cr_assert_eq(sum_of(1), 10);
    cr_assert_eq(view().failures, 0, "it waited with the writer");
    reacting_close();
}
