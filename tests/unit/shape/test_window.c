#include <criterion/criterion.h>
#include <string.h>

#include "hayauma/shape/window.h"

#define SEC HY_US_PER_SEC

static const struct hy_outcome good = {
    .kind = HY_OUTCOME_DELIVERED, .phase = HY_PHASE_DOT, .code = 250};
static const struct hy_outcome fast = {.kind = HY_OUTCOME_DEFERRED,
                                       .phase = HY_PHASE_MAIL,
                                       .code = 451,
                                       .enhanced = {4, 7, 1},
                                       .from_server = true,
                                       .text = HY_STR("4.7.1 too fast, slow down")};
static const struct hy_outcome many = {.kind = HY_OUTCOME_DEFERRED,
                                       .phase = HY_PHASE_BANNER,
                                       .code = 421,
                                       .enhanced = {4, 7, 0},
                                       .from_server = true,
                                       .text = HY_STR("4.7.0 too many connections")};
static const struct hy_outcome full = {.kind = HY_OUTCOME_DEFERRED,
                                       .phase = HY_PHASE_RCPT,
                                       .code = 452,
                                       .enhanced = {4, 2, 2},
                                       .from_server = true,
                                       .text = HY_STR("4.2.2 mailbox full")};
static const struct hy_outcome gone = {
    .kind = HY_OUTCOME_DEFERRED, .phase = HY_PHASE_CONNECT, .text = HY_STR("connection refused")};

struct rig {
    struct hy_shape_limits l;
    struct hy_window w;
    hy_us now;
};

static void rig_init(struct rig *r, uint32_t ceiling, bool adaptive)
{
    *r = (struct rig){.now = 1000 * SEC};
    hy_shape_limits_init(&r->l);
    r->l.connections = ceiling;
    r->l.adaptive.enabled = adaptive;
    hy_window_init(&r->w, &r->l, r->now);
}

static struct hy_window_view view(struct rig *r)
{
    struct hy_window_view v;
    hy_window_look(&r->w, r->now, &v);
    return v;
}

/* One message goes and is answered after `took`; false when the window holds it back. */
static bool message(struct rig *r, const struct hy_outcome *o, uint32_t open, hy_us took)
{
    if (hy_window_may_send(&r->w, r->now))
        return false;
    hy_window_sent(&r->w, r->now);
    hy_us submitted = r->now;
    r->now += took;
    struct hy_window_event ev = {
        .outcome = o, .submitted = submitted, .attempts = 1, .open = open, .in_flight = open};
    hy_window_outcome(&r->w, &ev, r->now);
    return true;
}

Test(window, probes_an_unreachable_site_with_one_connection_after_a_growing_pause)
{
    struct rig r;
    rig_init(&r, 20, false);
    for (uint32_t open = 0; open < 20; open++)
        cr_assert_eq(hy_window_may_connect(&r.w, open, r.now), 0);
    cr_assert_eq(hy_window_may_connect(&r.w, 20, r.now), HY_US_NEVER);
    hy_window_unreachable(&r.w, &gone, r.now);
    cr_assert_eq(hy_window_may_connect(&r.w, 0, r.now), r.now + 15 * SEC);
    cr_assert_eq(hy_window_shut_until(&r.w, r.now), r.now + 15 * SEC);
    r.now += 15 * SEC;
    cr_assert_eq(hy_window_may_connect(&r.w, 0, r.now), 0);
    cr_assert_eq(hy_window_may_connect(&r.w, 1, r.now), HY_US_NEVER);
    hy_window_unreachable(&r.w, &gone, r.now);
    cr_assert_eq(hy_window_may_connect(&r.w, 0, r.now), r.now + 30 * SEC);
    for (int i = 0; i < 20; i++)
        hy_window_unreachable(&r.w, &gone, r.now);
    cr_assert_eq(hy_window_may_connect(&r.w, 0, r.now), r.now + 600 * SEC);
    r.now += 600 * SEC;
    cr_assert_eq(hy_window_may_connect(&r.w, 0, r.now), 0);
    hy_window_connected(&r.w, 1, r.now);
    cr_assert_eq(hy_window_may_connect(&r.w, 5, r.now), 0);
}

Test(window, doubles_up_to_the_ceiling_and_only_when_more_is_asked_for)
{
    struct rig r;
    rig_init(&r, 20, true);
    cr_assert_eq(view(&r).connections, 5);
    cr_assert_str_eq(view(&r).state, "starting");
    static const uint32_t want[] = {10, 20, 20};
    for (size_t i = 0; i < 3; i++) {
        r.now += 2 * SEC;
        cr_assert_eq(view(&r).connections, i ? want[i - 1] : 5, "nobody asked");
        (void)hy_window_may_connect(&r.w, view(&r).connections, r.now);
        cr_assert_eq(view(&r).connections, want[i]);
    }
    cr_assert_eq(hy_window_may_connect(&r.w, 20, r.now + 60 * SEC), HY_US_NEVER);
}

Test(window, a_refused_connection_teaches_the_level_and_it_is_tried_again_ever_more_seldom)
{
    struct rig r;
    rig_init(&r, 50, true);
    r.now += SEC;
    cr_assert_eq(hy_window_may_connect(&r.w, 5, r.now), 0);
    hy_window_refused(&r.w, 7, &many, r.now);
    cr_assert_eq(view(&r).connections, 7);
    cr_assert_eq(view(&r).bad_connections, 8);
    cr_assert(strstr(view(&r).why, "too many connections"), "%s", view(&r).why);
    static const int64_t holds_s[] = {60, 120, 240, 300, 300};
    for (size_t i = 0; i < 5; i++) {
        hy_us at = hy_window_may_connect(&r.w, 7, r.now);
        cr_assert_eq(at - r.now, holds_s[i] * SEC, "%zu: %ld s", i, (at - r.now) / SEC);
        r.now = at;
        cr_assert_eq(hy_window_may_connect(&r.w, 7, r.now), 0, "one more is tried");
        hy_window_refused(&r.w, 7, &many, r.now);
    }
}

Test(window, refusals_that_come_together_are_one_and_those_that_came_up_count)
{
    struct rig r;
    rig_init(&r, 50, true);
    hy_window_refused(&r.w, 3, &many, r.now);
    hy_window_refused(&r.w, 3, &many, r.now + 1000);
    hy_window_connected(&r.w, 4, r.now + 2000);
    hy_window_connected(&r.w, 5, r.now + 3000);
    hy_window_refused(&r.w, 5, &many, r.now + 4000);
    cr_assert_eq(view(&r).connections, 5);
    cr_assert_eq(view(&r).bad_connections, 6);
    cr_assert_eq(hy_window_may_connect(&r.w, 5, r.now + 4000) - r.now, 60 * SEC);
}

Test(window, with_fixed_limits_a_refusal_only_holds_for_a_moment)
{
    struct rig r;
    rig_init(&r, 20, false);
    hy_window_refused(&r.w, 7, &many, r.now);
    cr_assert_eq(view(&r).connections, 20);
    cr_assert_eq(hy_window_may_connect(&r.w, 7, r.now), r.now + 15 * SEC);
    cr_assert_eq(hy_window_may_connect(&r.w, 7, r.now + 15 * SEC), 0);
}

Test(window, three_refusals_in_a_row_pause_the_mail_and_one_probe_ends_it)
{
    struct rig r;
    rig_init(&r, 20, true);
    for (int i = 0; i < 100; i++)
        cr_assert(message(&r, &good, 5, 10000));
    int refused = 0;
    while (!hy_window_shut_until(&r.w, r.now) && refused < 10) {
        hy_us at = hy_window_may_send(&r.w, r.now);
        r.now = at ? at : r.now;
        refused += message(&r, &fast, 5, 10000);
    }
    cr_assert_eq(refused, 3);
    cr_assert_str_eq(view(&r).state, "paused");
    hy_us until = hy_window_may_send(&r.w, r.now);
    cr_assert_eq(until, r.now + SEC);
    r.now = until;
    cr_assert_eq(hy_window_may_send(&r.w, r.now), 0);
    hy_window_sent(&r.w, r.now);
    cr_assert_eq(hy_window_may_send(&r.w, r.now), HY_US_NEVER, "one probe at a time");
    struct hy_window_event ev = {.outcome = &fast, .submitted = r.now, .attempts = 1, .open = 1};
    hy_window_outcome(&r.w, &ev, r.now);
    cr_assert_eq(hy_window_may_send(&r.w, r.now), r.now + 3 * SEC / 2, "the pause grows");
    r.now += 3 * SEC / 2;
    cr_assert(message(&r, &good, 1, 10000));
    cr_assert_str_neq(view(&r).state, "paused");
    cr_assert_gt(view(&r).rate, 0.0);
}

Test(window, a_full_mailbox_or_a_vague_refusal_of_new_recipients_slows_nobody_down)
{
    static const struct hy_outcome vague = {.kind = HY_OUTCOME_DEFERRED,
                                            .phase = HY_PHASE_RCPT,
                                            .code = 450,
                                            .enhanced = {4, 7, 1},
                                            .from_server = true,
                                            .text = HY_STR("4.7.1 try again later")};
    struct rig r;
    rig_init(&r, 20, true);
    for (int i = 0; i < 1000; i++) {
        cr_assert(message(&r, &full, 5, 1000));
        cr_assert(message(&r, &vague, 5, 1000));
    }
    cr_assert_eq(view(&r).rate, 0.0);
    cr_assert_eq(view(&r).changed_at, 0);
}

Test(window, learns_how_many_messages_a_connection_may_carry_when_told_twice)
{
    struct rig r;
    rig_init(&r, 20, true);
    struct hy_outcome o = many;
    o.phase = HY_PHASE_MAIL;
    o.kind = HY_OUTCOME_RETURNED;
    struct hy_window_event ev = {.outcome = &o, .attempts = 1, .done = 20, .open = 3};
    hy_window_outcome(&r.w, &ev, r.now);
    cr_assert_eq(hy_window_messages_per_connection(&r.w, 0), 0);
    hy_window_outcome(&r.w, &ev, r.now);
    cr_assert_eq(hy_window_messages_per_connection(&r.w, 0), 20);
    cr_assert_eq(hy_window_messages_per_connection(&r.w, 100), 20);
    cr_assert_eq(hy_window_messages_per_connection(&r.w, 10), 10);
}

Test(window, learns_how_many_recipients_a_message_may_have_and_doubts_it_later)
{
    const hy_us minute = 60 * HY_US_PER_SEC;
    const struct hy_outcome too_many = {.kind = HY_OUTCOME_RETURNED,
                                        .phase = HY_PHASE_RCPT,
                                        .code = 452,
                                        .enhanced = {4, 5, 3},
                                        .from_server = true,
                                        .text = HY_STR("4.5.3 too many recipients")};
    struct rig r;
    rig_init(&r, 20, true);
    cr_assert_eq(hy_window_recipients(&r.w, 50, r.now), 50);
    hy_window_too_many(&r.w, 0, &too_many, r.now);
    cr_assert_eq(hy_window_recipients(&r.w, 50, r.now), 50,
                 "it took none: that is about the mailbox");
    hy_window_too_many(&r.w, 10, &too_many, r.now);
    cr_assert_eq(hy_window_recipients(&r.w, 50, r.now), 10);
    cr_assert_eq(hy_window_recipients(&r.w, 5, r.now), 5, "the rule has less");
    hy_window_too_many(&r.w, 30, &too_many, r.now); /* was on the wire before */
    cr_assert_eq(hy_window_recipients(&r.w, 50, r.now), 10);
    hy_window_too_many(&r.w, 7, &too_many, r.now);
    cr_assert_eq(view(&r).recipients_per_message, 7);
    cr_assert_str_eq(view(&r).why, "7 recipients a message: 452 4.5.3 too many recipients");
    cr_assert_eq(view(&r).connections, 5, "no sign against our pace");
    for (hy_us held = 5 * minute; held < 12 * 60 * minute; held *= 2) {
        hy_us most = held < 360 * minute ? held : 360 * minute;
        cr_assert_eq(hy_window_recipients(&r.w, 50, r.now + most - 1), 7);
        r.now += most;
        cr_assert_eq(hy_window_recipients(&r.w, 50, r.now), 50);
        cr_assert_eq(view(&r).recipients_per_message, 0);
        hy_window_too_many(&r.w, 7, &too_many, r.now); /* still */
        hy_window_too_many(&r.w, 7, &too_many, r.now); /* was on the wire, too */
    }
    r.now += 360 * minute;
    hy_window_too_many(&r.w, 20, &too_many, r.now);
    cr_assert_eq(hy_window_recipients(&r.w, 50, r.now + 5 * minute), 50, "another number is new");
}

Test(window, connections_beyond_a_window_that_shrank_are_surplus)
{
    struct rig r;
    rig_init(&r, 20, true);
    hy_window_refused(&r.w, 3, &many, r.now);
    cr_assert_eq(hy_window_surplus(&r.w, 5), 2);
    cr_assert_eq(hy_window_surplus(&r.w, 3), 0);
}

Test(window, is_slowed_and_suspended_and_released_by_rules_and_people)
{
    struct rig r;
    rig_init(&r, 20, true);
    for (int i = 0; i < 300; i++)
        cr_assert(message(&r, &good, 5, 10000));
    double before = view(&r).measured;
    cr_assert(before > 80 && before < 120, "%f", before);
    hy_window_slow(&r.w, 50, HY_STR("a rule"), r.now);
    cr_assert_float_eq(view(&r).rate, before / 2, before / 20);
    hy_window_slow(&r.w, 50, HY_STR("a rule"), r.now);
    cr_assert_float_eq(view(&r).rate, before / 2, before / 20, "once in a second");
    hy_window_suspend(&r.w, r.now + 3600 * SEC, HY_STR("a rule"), r.now);
    hy_window_suspend(&r.w, r.now + 60 * SEC, HY_STR("a shorter one"), r.now);
    cr_assert_eq(hy_window_may_connect(&r.w, 0, r.now), r.now + 3600 * SEC);
    cr_assert_eq(view(&r).suspended_until, r.now + 3600 * SEC);
    cr_assert_str_eq(view(&r).why, "suspended: a rule");
    hy_window_release(&r.w, HY_STR("by hand"), r.now);
    cr_assert_eq(hy_window_may_connect(&r.w, 0, r.now), 0);
    hy_window_connected(&r.w, 1, r.now);
    cr_assert_eq(view(&r).suspended_until, 0);
}

Test(window, what_was_learned_outlives_the_lane_and_is_doubted_when_old)
{
    struct rig r;
    rig_init(&r, 20, true);
    struct hy_window_learned learned;
    cr_assert(!hy_window_save(&r.w, &learned, r.now), "nothing was learned");
    hy_window_refused(&r.w, 7, &many, r.now);
    cr_assert(hy_window_save(&r.w, &learned, r.now));
    struct rig next;
    rig_init(&next, 20, true);
    hy_window_restore(&next.w, &learned, r.now + 30 * SEC);
    cr_assert_eq(view(&next).connections, 7);
    cr_assert_gt(hy_window_may_connect(&next.w, 7, r.now + 30 * SEC), r.now + 30 * SEC);
    rig_init(&next, 20, true);
    hy_window_restore(&next.w, &learned, r.now + 3600 * SEC);
    cr_assert_eq(view(&next).connections, 7);
    cr_assert_eq(hy_window_may_connect(&next.w, 7, r.now + 3600 * SEC), 0, "tried again at once");
}

Test(window, what_is_old_is_trusted_by_half_and_what_is_stale_not_at_all)
{
    static const struct {
        hy_us age;
        uint32_t want;
    } cases[] = {{60 * SEC, 12}, {5 * 3600 * SEC, 12}, {7 * 3600 * SEC, 6}, {8 * 86400 * SEC, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_init(&r, 20, true);
        uint32_t start = view(&r).connections;
        struct hy_window_learned learned = {.at = r.now, .connections = 12, .bad_connections = 13};
        hy_window_restore(&r.w, &learned, r.now + cases[i].age);
        uint32_t want = cases[i].want > start ? cases[i].want : start;
        cr_expect_eq(view(&r).connections, want, "case %zu: got %u, want %u", i,
                     view(&r).connections, want);
    }
}

Test(window, what_was_shut_stays_so_for_its_time_and_is_probed_then)
{
    struct rig r, next;
    struct hy_window_learned learned;
    rig_init(&r, 20, true);
    hy_window_suspend(&r.w, r.now + 100 * SEC, HY_STR("by a rule"), r.now);
    cr_assert(hy_window_save(&r.w, &learned, r.now + 10 * SEC));
    cr_assert_eq(learned.shut_us, 90 * SEC);
    rig_init(&next, 20, false); /* also where nothing is adapted */
    hy_window_restore(&next.w, &learned, r.now + 40 * SEC);
    cr_assert_eq(hy_window_may_connect(&next.w, 0, r.now + 40 * SEC), r.now + 100 * SEC);
    cr_assert_eq(hy_window_may_connect(&next.w, 0, r.now + 101 * SEC), 0, "one probe");
    cr_assert_eq(hy_window_may_connect(&next.w, 1, r.now + 101 * SEC), HY_US_NEVER);
    rig_init(&next, 20, true);
    hy_window_restore(&next.w, &learned, r.now + 200 * SEC);
    cr_assert_str_eq(view(&next).state, "probing", "its time was over before");
    rig_init(&next, 20, true);
    hy_window_restore(&next.w, &learned, r.now + 3600 * SEC);
    cr_assert_str_neq(view(&next).state, "probing", "an hour later it is forgotten");
}

Test(window, the_words_of_a_server_are_kept_short_and_printable)
{
    struct rig r;
    rig_init(&r, 20, true);
    char text[400];
    memset(text, '\033', sizeof text);
    struct hy_outcome o = many;
    o.text = hy_str_make(text, sizeof text);
    hy_window_refused(&r.w, 3, &o, r.now);
    const char *why = view(&r).why;
    cr_assert_lt(strlen(why), HY_WINDOW_WHY_MAX);
    for (size_t i = 0; why[i]; i++)
        cr_assert(why[i] >= ' ' && why[i] < 127);
}

Test(window, new_limits_keep_what_was_learned)
{
    struct rig r;
    rig_init(&r, 20, true);
    hy_window_refused(&r.w, 7, &many, r.now);
    r.l.connections = 4;
    hy_window_change(&r.w, &r.l);
    cr_assert_eq(view(&r).connections, 4);
    r.l.connections = 40;
    hy_window_change(&r.w, &r.l);
    cr_assert_eq(view(&r).bad_connections, 8);
    r.l.adaptive.enabled = false;
    hy_window_change(&r.w, &r.l);
    cr_assert_eq(view(&r).connections, 40, "fixed limits are followed as they stand");
}

/* Sends for `span` with `open` connections that take `took` for each message; messages/s. */
static double paced(struct rig *r, uint32_t open, hy_us took, hy_us span)
{
    hy_us sent[64] = {0}, from = r->now, next; /* sent: 0 = idle */
    uint32_t n = 0;
    for (; r->now - from < span; r->now = next) {
        next = HY_US_NEVER;
        for (uint32_t i = 0; i < open; i++) {
            struct hy_window_event ev = {
                .outcome = &good, .submitted = sent[i], .open = open, .in_flight = open};
            if (sent[i] && sent[i] + took <= r->now) {
                hy_window_outcome(&r->w, &ev, r->now);
                sent[i] = 0;
                n++;
            }
            hy_us at = sent[i] ? sent[i] + took : hy_window_may_send(&r->w, r->now);
            if (at == 0) {
                hy_window_sent(&r->w, r->now);
                sent[i] = r->now;
                at = r->now + took;
            }
            next = at < next ? at : next;
        }
    }
    return n * 1e6 / (double)(r->now - from);
}

/* One of so many of what it did, whatever it is that kept it from more. */
Test(window, an_order_leaves_a_share_of_what_the_lane_did_and_what_was_learned_comes_back)
{
    static const struct {
        const char *name;
        uint32_t connections, factor, left;
        hy_us took;
        double rule;
    } cases[] = {{"many connections", 8, 4, 2, SEC / 4, 0},
                 {"it does not divide", 5, 4, 2, SEC / 4, 0},
                 {"one connection", 1, 3, 1, SEC / 5, 0},
                 {"more than there are", 4, 100, 1, SEC / 50, 0},
                 {"a rate of its rule", 8, 5, 2, 20000, 50}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_init(&r, cases[i].connections, false);
        r.l.message_rate = (struct hy_rate){(uint32_t)cases[i].rule, SEC};
        hy_window_change(&r.w, &r.l);
        double before = paced(&r, cases[i].connections, cases[i].took, 60 * SEC);
        hy_window_order(&r.w, cases[i].factor, true, r.now);
        uint32_t left = view(&r).connections;
        cr_assert_eq(left, cases[i].left, "%s: %u connections", cases[i].name, left);
        cr_assert_eq(hy_window_may_connect(&r.w, left, r.now), HY_US_NEVER);
        cr_assert_eq(hy_window_surplus(&r.w, cases[i].connections), cases[i].connections - left);
        double share = paced(&r, left, cases[i].took, 600 * SEC) * cases[i].factor / before;
        cr_assert(share > 0.93 && share < 1.07, "%s: %.3f", cases[i].name, share);
        double did = view(&r).order_rate * cases[i].factor;
        cr_assert_float_eq(did, before, before * 0.1, "%s: %.2f of %.2f/s", cases[i].name, did,
                           before);
        hy_window_order(&r.w, cases[i].factor, true, r.now);
        cr_assert_eq(view(&r).factor, cases[i].factor, "%s: the same order again", cases[i].name);
        hy_window_order(&r.w, 1, true, r.now);
        share = paced(&r, cases[i].connections, cases[i].took, 60 * SEC) / before;
        cr_assert(share > 0.97 && share < 1.03, "%s: %.3f when it is over", cases[i].name, share);
        cr_assert_eq(view(&r).factor, 1);
    }
}

Test(window, an_order_to_a_lane_with_little_to_do_is_no_share_of_that)
{
    struct rig r;
    rig_init(&r, 4, false);
    for (int i = 0; i < 30; i++) { /* one in two seconds, where four take forty */
        cr_assert(message(&r, &good, 1, SEC / 10));
        r.now += 2 * SEC;
    }
    hy_window_order(&r.w, 4, false, r.now);
    double pace = paced(&r, 1, SEC / 10, 60 * SEC);
    cr_assert(pace > 9 && pace < 10.5, "%.2f/s", pace);
}

Test(window, signals_count_while_an_order_slows_it_and_are_not_divided_again)
{
    struct rig r;
    rig_init(&r, 10, true);
    (void)paced(&r, 5, SEC / 20, 30 * SEC); /* 100/s */
    hy_window_order(&r.w, 10, true, r.now);
    double slow = paced(&r, 1, SEC / 20, 30 * SEC);
    cr_assert(slow > 9 && slow < 11, "%.2f/s", slow);
    for (int i = 0; i < 2; i++) {
        r.now += SEC;
        cr_assert(message(&r, &fast, 1, SEC / 20));
    }
    r.now += SEC;
    cr_assert(view(&r).rate > slow / 3 && view(&r).rate < slow, "%.2f/s", view(&r).rate);
    double after = paced(&r, 1, SEC / 20, 5 * SEC);
    cr_assert(after > slow / 3 && after < slow, "%.2f/s", after);
}

/* A lane that goes and comes again, or starts anew, under the same order. */
Test(window, an_order_outlives_its_lane)
{
    struct rig r;
    struct hy_window_learned learned;
    rig_init(&r, 8, true);
    double before = paced(&r, 5, SEC / 20, 30 * SEC);
    hy_window_order(&r.w, 4, true, r.now);
    cr_assert(hy_window_save(&r.w, &learned, r.now));
    for (int restart = 0; restart < 2; restart++) {
        if (restart)
            learned.did = 0; /* then it is reckoned from what its connections can carry */
        hy_window_init(&r.w, &r.l, r.now);
        hy_window_restore(&r.w, &learned, r.now);
        hy_window_order(&r.w, 4, false, r.now);
        (void)paced(&r, 2, SEC / 20, 2 * SEC);
        double share = paced(&r, 2, SEC / 20, 60 * SEC) * 4 / before;
        cr_assert(share > 0.9 && share < 1.1, "%d: %.3f", restart, share);
    }
    hy_window_order(&r.w, 1, false, r.now);
    cr_assert_float_eq(view(&r).order_rate, 0, 1e-9);
}
