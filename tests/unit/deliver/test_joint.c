#include <criterion/criterion.h>
#include <stdio.h>

#include "lane.h"

enum { LANES = 3 };

/* Lanes of one worker, to one site from one source, of which the last is under another rule. */
struct bed {
    struct hy_deliver *d;
    struct worker *w;
    struct lane *table[16];
    struct hy_mx mx;
    struct source source;
    struct hy_shape_rule rules[2];
    struct lane lanes[LANES];
    struct session sessions[8];
};

static void init_lane(struct bed *b, int i)
{
    struct lane *l = &b->lanes[i];
    l->worker = b->w;
    l->hash = 7;
    l->source = &b->source;
    l->mx = &b->mx;
    l->rule = &b->rules[i == 2];
    hy_shape_limits_init(&l->limits);
    l->limits.connections = 2;
    hy_list_init(&l->turn);
    hy_list_init(&l->shares);
    hy_list_init(&l->sessions);
    hy_list_init(&l->granted);
    hy_defer_init(&l->pump, lane_pump, l);
    cr_assert(joint_join(l));
    hy_window_init(&l->joint->window, &l->limits, 0);
    l->chain = b->table[7];
    b->table[7] = l;
}

static struct bed *bed_open(void)
{
    struct bed *b = calloc(1, sizeof *b);
    b->d = calloc(1, sizeof *b->d);
    b->w = &b->d->workers[0];
    b->w->table = b->table;
    b->w->table_size = 16;
    b->mx.site.key = HY_STR("mx.one.test");
    b->mx.site.hash = 1;
    snprintf(b->source.name, sizeof b->source.name, "default");
    cr_assert_eq(hy_loop_create(&b->w->loop), HY_OK);
    for (int i = 0; i < LANES; i++)
        init_lane(b, i);
    return b;
}

static void bed_close(struct bed *b)
{
    for (int i = 0; i < LANES; i++) {
        hy_loop_undefer(&b->lanes[i].pump);
        joint_leave(&b->lanes[i]);
    }
    site_memory_free(&b->w->memory);
    hy_loop_free(b->w->loop);
    free(b->d);
    free(b);
}

Test(joint, one_window_for_lanes_of_one_rule_and_their_connections_are_a_sum)
{
    struct bed *b = bed_open();
    cr_assert_eq(b->lanes[0].joint, b->lanes[1].joint);
    cr_assert_neq(b->lanes[0].joint, b->lanes[2].joint, "another rule, another window");
    b->lanes[0].n_sessions = 2;
    b->lanes[0].n_up = b->lanes[0].n_on_wire = 1;
    b->lanes[1].n_sessions = b->lanes[1].n_leaving = b->lanes[1].n_up = 1;
    b->lanes[2].n_sessions = 9;
    struct lane_sum sum = joint_sum(&b->lanes[1]);
    cr_expect_eq(sum.sessions, 3u);
    cr_expect_eq(sum.up, 2u);
    cr_expect_eq(sum.leaving, 1u);
    cr_expect_eq(sum.on_wire, 1u);
    cr_expect_eq(sum.most, 2u);
    cr_expect_eq(joint_sum(&b->lanes[2]).sessions, 9u);
    bed_close(b);
}

Test(joint, who_has_no_connection_stands_in_turn_and_who_has_most_gives_one)
{
    struct bed *b = bed_open();
    struct lane *rich = &b->lanes[0], *poor = &b->lanes[1];
    rich->n_sessions = rich->n_up = 2; /* all that are allowed */
    cr_expect_not(joint_must_give(rich), "nobody waits");
    cr_assert(joint_must_wait(poor));
    cr_assert(joint_must_wait(poor), "it keeps its place");
    cr_expect_eq(poor->joint->n_in_turn, 1u);
    cr_assert(joint_must_give(rich));
    rich->n_leaving = 1;
    cr_expect_not(joint_must_give(rich), "one is on its way");
    rich->n_sessions = rich->n_up = 1;
    rich->n_leaving = 0;
    cr_assert(joint_must_wait(rich), "the place is not its own to take");
    cr_assert_not(joint_must_wait(poor));
    joint_leave_turn(poor);
    poor->n_sessions = 1;
    cr_expect_not(joint_must_give(rich));
    cr_expect_not(joint_must_wait(rich), "the window says that there are enough");
    bed_close(b);
}

Test(joint, rules_of_a_reload_part_lanes_and_each_knows_what_was_learned)
{
    struct bed *b = bed_open();
    struct lane_joint *old = b->lanes[0].joint;
    old->window.conns.window = 2;
    b->lanes[1].rule = &b->rules[1];
    cr_assert(joint_part(&b->lanes[0]));
    cr_expect_not(joint_part(&b->lanes[1]));
    cr_assert_neq(b->lanes[0].joint, b->lanes[1].joint);
    cr_expect_eq(b->lanes[0].joint->window.conns.window, 2u);
    cr_expect_eq(b->lanes[0].joint->n_lanes, 1u);
    cr_expect_eq(b->lanes[1].joint->n_lanes, 1u);
    bed_close(b);
}

Test(joint, a_fault_of_its_own_tls_shuts_one_lane_alone)
{
    struct bed *b = bed_open();
    struct tls_site demands = {.print = 5};
    struct hy_outcome tls = {.kind = HY_OUTCOME_DEFERRED, .phase = HY_PHASE_TLS},
                      gone = {.kind = HY_OUTCOME_DEFERRED, .phase = HY_PHASE_CONNECT};
    struct lane *l = &b->lanes[0];
    l->tls = &demands;
    cr_expect(joint_is_own_fault(l, &tls));
    cr_expect_not(joint_is_own_fault(l, &gone));
    cr_expect_not(joint_is_own_fault(&b->lanes[1], &tls), "what the rule demands is the site's");
    b->lanes[1].n_sessions = 1;
    cr_expect(joint_is_own_fault(l, &gone), "the other can reach it");
    lane_shut_alone(l, 0);
    cr_expect_eq(lane_shut_until(l, 1), 15 * HY_US_PER_SEC);
    cr_expect_eq(lane_shut_until(&b->lanes[1], 1), 0);
    for (int i = 0; i < 40; i++)
        lane_shut_alone(l, 0);
    cr_expect_eq(lane_shut_until(l, 1), 600 * HY_US_PER_SEC);
    bed_close(b);
}
